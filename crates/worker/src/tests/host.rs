//! The surroundings of an event loop under test: files in memory, a clock that moves at every look, a script of commands.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::Path;
use std::rc::Rc;

use futures::channel::mpsc::{UnboundedSender, unbounded};
use protocol::{Command, DeviceKind, Event, LoadRequest};
use transformer::{DeviceError, device};

use crate::event_loop;
use crate::host::{Body, BrokenOff, Device, Host, NoAnswer, Response, Resume};
use crate::inbox::Inbox;

/// Where the model's folder is, as the page names it.
pub const FOLDER: &str = "models/tiny/";

/// When the next commands are sent.
pub enum When {
    /// With an event.
    Event(fn(&Event) -> bool),
    /// After so many yields since the commands before.
    Yields(usize),
}

/// Something that happens to the worker.
pub enum Act {
    /// The page sends a command.
    Send(Command),
    /// The device's driver logs an error.
    LogError,
}

/// How a connection to a file behaves.
#[derive(Clone, Default)]
pub struct Line {
    /// Breaks off after so many bytes, request after request; whole after the last of them.
    pub breaks: VecDeque<usize>,
    /// Whether the server takes byte ranges.
    pub no_ranges: bool,
    /// Whether the server names the file's version.
    pub no_version: bool,
    /// Whether it is compressed on the way.
    pub compressed: bool,
}

/// What the page sees of the worker, and what the worker sees of the world.
#[derive(Default)]
pub struct World {
    pub files: RefCell<BTreeMap<String, Vec<u8>>>,
    pub lines: RefCell<BTreeMap<String, Line>>,
    /// Requests, with the first byte that was asked for.
    pub requests: RefCell<Vec<(String, u64)>>,
    pub slept_ms: RefCell<Vec<u32>>,
    pub events: RefCell<Vec<Event>>,
    now_ms: Cell<f64>,
    yields: Cell<usize>,
    device_error: RefCell<Option<String>>,
    script: RefCell<VecDeque<(When, Vec<Act>)>>,
    sender: RefCell<Option<UnboundedSender<Command>>>,
}

impl World {
    /// A world with the fixture model and its adapter `fitting`.
    pub fn new() -> Rc<Self> {
        let world = Self::default();
        world.put_folder("", "grouped_tied_f16");
        world.put_folder("adapters/fitting/", "grouped_tied_f16_adapter");
        Rc::new(world)
    }

    /// Puts a folder of `transformer`'s fixtures into the model's folder.
    pub fn put_folder(&self, at: &str, fixture: &str) {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../transformer/tests/fixtures");
        for entry in fs::read_dir(fixtures.join(fixture)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            self.put(&format!("{at}{name}"), fs::read(&path).unwrap());
        }
    }

    /// Puts a file into the model's folder.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let address = format!("{FOLDER}{name}");
        self.files.borrow_mut().insert(address, bytes);
    }

    /// A file of the model's folder.
    pub fn file(&self, name: &str) -> Vec<u8> {
        self.files.borrow()[&format!("{FOLDER}{name}")].clone()
    }

    /// Removes a file from the model's folder.
    pub fn remove(&self, name: &str) {
        self.files.borrow_mut().remove(&format!("{FOLDER}{name}"));
    }

    /// Sets how the connection to a file behaves.
    pub fn set_line(&self, name: &str, line: Line) {
        let address = format!("{FOLDER}{name}");
        self.lines.borrow_mut().insert(address, line);
    }

    /// Has a worker of this kind load the model and act on a script until the page ends behind its last step. Gives all events.
    pub fn serve(
        self: &Rc<Self>,
        kind: DeviceKind,
        script: impl IntoIterator<Item = (When, Vec<Act>)>,
    ) -> Vec<Event> {
        let (sender, receiver) = unbounded();
        let folder = FOLDER.to_owned();
        sender
            .unbounded_send(Command::Load(LoadRequest { folder }))
            .unwrap();
        *self.sender.borrow_mut() = Some(sender);
        *self.script.borrow_mut() = script.into_iter().collect();
        self.end_with_the_script();
        let inbox = Inbox::new(receiver);
        pollster::block_on(event_loop::serve(Here(Rc::clone(self)), kind, inbox));
        self.events.take()
    }

    fn advance(&self, due: impl Fn(&When) -> bool) {
        if !self
            .script
            .borrow()
            .front()
            .is_some_and(|(when, _)| due(when))
        {
            return;
        }
        let acts = self.script.borrow_mut().pop_front();
        self.yields.set(0);
        for act in acts.into_iter().flat_map(|(_, acts)| acts) {
            match act {
                Act::Send(command) => {
                    let sender = self.sender.borrow();
                    let sender = sender.as_ref().expect("the script is not over");
                    sender.unbounded_send(command).unwrap();
                }
                Act::LogError => {
                    *self.device_error.borrow_mut() = Some("shader 7 is invalid".to_owned());
                }
            }
        }
        self.end_with_the_script();
    }

    fn end_with_the_script(&self) {
        if self.script.borrow().is_empty() {
            *self.sender.borrow_mut() = None;
        }
    }
}

/// The worker's end.
pub struct Here(pub Rc<World>);

impl Host for Here {
    type Body = Bytes;

    fn send(&self, event: Event) {
        self.0.events.borrow_mut().push(event.clone());
        self.0
            .advance(|when| matches!(when, When::Event(is) if is(&event)));
    }

    fn now_ms(&self) -> f64 {
        // Longer than the worker waits between two events of a kind.
        const STEP_MS: f64 = 300.0;
        self.0.now_ms.set(self.0.now_ms.get() + STEP_MS);
        self.0.now_ms.get()
    }

    async fn yield_now(&self) {
        let yields = self.0.yields.get() + 1;
        self.0.yields.set(yields);
        self.0
            .advance(|when| matches!(when, When::Yields(after) if yields >= *after));
    }

    async fn sleep(&self, ms: u32) {
        self.0.slept_ms.borrow_mut().push(ms);
    }

    async fn get(
        &self,
        address: &str,
        resume: Option<Resume<'_>>,
    ) -> Result<Response<Bytes>, NoAnswer> {
        let from = resume.map_or(0, |resume| resume.from);
        self.0
            .requests
            .borrow_mut()
            .push((address.to_owned(), from));
        let files = self.0.files.borrow();
        let Some(file) = files.get(address) else {
            return Ok(Response {
                status: 404,
                total: None,
                compressed: false,
                version: None,
                body: Bytes::default(),
            });
        };
        let mut lines = self.0.lines.borrow_mut();
        let line = lines.entry(address.to_owned()).or_default();
        let version = format!("\"{}\"", file.len());
        let resumes = !line.no_ranges && resume.is_some_and(|resume| resume.version == version);
        let rest = if resumes {
            &file[from as usize..]
        } else {
            &file[..]
        };
        let breaks_after = line.breaks.pop_front();
        Ok(Response {
            status: if resumes { 206 } else { 200 },
            total: Some(file.len() as u64),
            compressed: line.compressed,
            version: (!line.no_version).then_some(version),
            body: Bytes {
                rest: rest[..breaks_after.unwrap_or(rest.len())].to_vec(),
                breaks: breaks_after.is_some(),
            },
        })
    }

    async fn start_device(&self, _kind: DeviceKind) -> Result<Device, DeviceError> {
        // The maths of a GPU is the CPU's here; what differs is what the worker makes of its failures.
        Ok(device::cpu())
    }

    fn device_error(&self) -> Option<String> {
        self.0.device_error.borrow().clone()
    }
}

/// A body of some bytes.
#[derive(Default)]
pub struct Bytes {
    rest: Vec<u8>,
    breaks: bool,
}

impl Body for Bytes {
    async fn read(&mut self, bytes: &mut Vec<u8>) -> Result<bool, BrokenOff> {
        const CHUNK: usize = 1000;
        let chunk: Vec<u8> = self.rest.drain(..self.rest.len().min(CHUNK)).collect();
        if chunk.is_empty() && self.breaks {
            return Err(BrokenOff);
        }
        bytes.extend(&chunk);
        Ok(!chunk.is_empty())
    }
}
