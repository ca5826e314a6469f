//! The part of the Chrome DevTools Protocol that the tests need: calls, events, and sessions for a page and its workers.
//!
//! Written out over a web socket because the known clients generate the whole protocol (4 CPU-minutes to compile here)
//! and do not follow a page's workers, whose consoles these tests must read.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

/// Timeout of one read of the socket.
const READ: Duration = Duration::from_millis(50);
/// Timeout of a call: software WebGPU blocks a page's main thread on a busy machine.
const ANSWER: Duration = Duration::from_mins(2);

/// An event that the browser sends.
#[derive(Clone, Debug)]
pub struct Event {
    /// The method, such as `Runtime.consoleAPICalled`.
    pub method: String,
    /// The parameters, as the protocol documents them for the method.
    pub params: Value,
}

/// A connection to a browser.
pub struct DevTools {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    last_call: u64,
    /// Events received and not yet taken.
    events: Vec<Event>,
}

impl DevTools {
    /// Connects to the address that a browser prints when it starts.
    pub fn connect(address: &str) -> Result<Self> {
        let (socket, _) = tungstenite::connect(address)
            .with_context(|| format!("connecting to the browser at {address}"))?;
        if let MaybeTlsStream::Plain(stream) = socket.get_ref() {
            stream
                .set_read_timeout(Some(READ))
                .context("setting a read timeout")?;
        }
        Ok(Self {
            socket,
            last_call: 0,
            events: Vec::new(),
        })
    }

    /// Calls a method of the browser or of a session, and returns the result.
    pub fn call(&mut self, session: Option<&str>, method: &str, params: &Value) -> Result<Value> {
        let call = self.send(session, method, params)?;
        let start = Instant::now();
        while start.elapsed() < ANSWER {
            let Some(mut message) = self.receive()? else {
                continue;
            };
            if message["id"].as_u64() != Some(call) {
                continue;
            }
            if let Some(error) = message.get("error") {
                bail!("the browser refused {method}: {error}");
            }
            return Ok(message["result"].take());
        }
        bail!("no answer to {method} within {} s", ANSWER.as_secs())
    }

    /// Calls a method without waiting for its result.
    pub fn send(&mut self, session: Option<&str>, method: &str, params: &Value) -> Result<u64> {
        self.last_call += 1;
        let mut call = json!({ "id": self.last_call, "method": method, "params": params });
        if let Some(session) = session {
            call["sessionId"] = session.into();
        }
        self.socket
            .send(Message::text(call.to_string()))
            .with_context(|| format!("sending {method}"))?;
        Ok(self.last_call)
    }

    /// The events since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// One message that is not an event, if one arrives before the timeout.
    fn receive(&mut self) -> Result<Option<Value>> {
        let text = match self.socket.read() {
            Ok(Message::Text(text)) => text,
            Ok(_) => return Ok(None),
            Err(tungstenite::Error::Io(error))
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error).context("the browser has gone"),
        };
        let mut message: Value =
            serde_json::from_str(&text).context("reading what the browser says")?;
        let Some(method) = message["method"].as_str().map(str::to_owned) else {
            return Ok(Some(message));
        };
        let params = message["params"].take();
        if method == "Target.attachedToTarget" {
            self.follow(&params)?;
        }
        self.events.push(Event { method, params });
        Ok(None)
    }

    /// Subscribes to a worker that a page has started, and to the workers that it may start.
    fn follow(&mut self, params: &Value) -> Result<()> {
        let session = params["sessionId"]
            .as_str()
            .context("a new worker has a session")?
            .to_owned();
        for (method, params) in listening() {
            self.send(Some(&session), method, &params)?;
        }
        Ok(())
    }
}

/// The calls that make a page or worker report its console, exceptions and workers.
pub fn listening() -> [(&'static str, Value); 3] {
    [
        ("Runtime.enable", json!({})),
        ("Log.enable", json!({})),
        (
            "Target.setAutoAttach",
            json!({ "autoAttach": true, "waitForDebuggerOnStart": false, "flatten": true }),
        ),
    ]
}
