//! Yields to the browser, so that it delivers messages: otherwise no command would arrive before the end of a run.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use futures::channel::oneshot;
use wasm_bindgen::prelude::*;
use web_sys::{MessageChannel, MessageEvent, MessagePort};

/// Resumes after the browser's pending tasks, by a message to itself: timers would wait four milliseconds each.
pub struct Yielder {
    port: MessagePort,
    waiting: Rc<RefCell<VecDeque<oneshot::Sender<()>>>>,
    _wake: Closure<dyn FnMut(MessageEvent)>,
}

impl Yielder {
    /// Opens the channel.
    pub fn new() -> Self {
        let channel =
            MessageChannel::new().expect("every browser with workers has message channels");
        let waiting = Rc::new(RefCell::new(VecDeque::<oneshot::Sender<()>>::new()));
        let queue = Rc::clone(&waiting);
        let wake = Closure::<dyn FnMut(MessageEvent)>::new(move |_| {
            if let Some(sleeper) = queue.borrow_mut().pop_front() {
                // A receiver that was dropped needs no waking.
                let _ = sleeper.send(());
            }
        });
        channel
            .port1()
            .set_onmessage(Some(wake.as_ref().unchecked_ref()));
        Self {
            port: channel.port2(),
            waiting,
            _wake: wake,
        }
    }

    /// Lets the browser run its pending tasks.
    pub async fn yield_now(&self) {
        let (sender, receiver) = oneshot::channel();
        self.waiting.borrow_mut().push_back(sender);
        if self.port.post_message(&JsValue::NULL).is_ok() {
            // The sender is kept until it is used.
            let _ = receiver.await;
        }
    }
}
