//! A static web server for one folder, as plain as the plainest host: it sends files with their MIME types, knows no
//! fallbacks, and puts everything below a path of its own, so that absolute addresses in the site are found out.

use std::fs;
use std::io::{self, Cursor, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tiny_http::{Header, Request, Response, Server};

/// The path that the site is served below.
const BELOW: &str = "/some/path/";

/// What is wrong with a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// It rests before every piece of 64 KiB.
    Slow {
        /// For so long.
        rest: Duration,
    },
    /// A file was not put there.
    Lacks(&'static str),
}

/// A folder being served on this machine until it is dropped.
pub struct Site {
    server: Arc<Server>,
    port: u16,
    served: Arc<Mutex<Vec<String>>>,
}

impl Site {
    /// Serves the built site, `dist/` in the root of the clone.
    pub fn built() -> Result<Self> {
        Self::troubled(Trouble::None)
    }

    /// Serves the built site from a host that is not as it should be.
    pub fn troubled(trouble: Trouble) -> Result<Self> {
        let dist = root().join("dist");
        if !dist.join("index.html").is_file() {
            bail!(
                "no site in {}: run `cargo xtask build` first",
                dist.display()
            );
        }
        Self::start(&dist, trouble)
    }

    /// Serves a folder on a free port.
    pub fn serve(folder: &Path) -> Result<Self> {
        Self::start(folder, Trouble::None)
    }

    fn start(folder: &Path, trouble: Trouble) -> Result<Self> {
        let server = Server::http("127.0.0.1:0")
            .map_err(|error| anyhow!("starting a web server: {error}"))?;
        let port = server
            .server_addr()
            .to_ip()
            .context("the server has an IP address")?
            .port();
        let server = Arc::new(server);
        let served = Arc::default();
        // A browser keeps several connections open and asks on all of them.
        for _ in 0..4 {
            let (server, served, folder) = (
                Arc::clone(&server),
                Arc::clone(&served),
                folder.to_path_buf(),
            );
            thread::spawn(move || {
                for request in server.incoming_requests() {
                    answer(request, &folder, &served, trouble);
                }
            });
        }
        Ok(Self {
            server,
            port,
            served,
        })
    }

    /// The address of the page with a link's hash, such as `t=0.5&device=cpu`.
    pub fn address(&self, hash: &str) -> String {
        format!("http://127.0.0.1:{}{BELOW}#{hash}", self.port)
    }

    /// The files sent so far, in order, each as often as it was sent.
    pub fn served(&self) -> Vec<String> {
        self.served
            .lock()
            .expect("no thread panics while it holds the list")
            .clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for _ in 0..4 {
            self.server.unblock();
        }
    }
}

/// The root of the clone.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests lie below the root")
        .to_path_buf()
}

fn answer(request: Request, folder: &Path, served: &Mutex<Vec<String>>, trouble: Trouble) {
    let path = request
        .url()
        .split(['?', '#'])
        .next()
        .unwrap_or_default()
        .to_owned();
    let file = path
        .strip_prefix(BELOW)
        .map(|path| if path.is_empty() { "index.html" } else { path });
    let found = file
        .map(Path::new)
        .filter(|file| {
            file.components()
                .all(|part| matches!(part, Component::Normal(_)))
                && !matches!(trouble, Trouble::Lacks(name) if *file == Path::new(name))
        })
        .and_then(|file| Some((file, fs::read(folder.join(file)).ok()?)));
    // A browser that went away while we answered is no failure of the site.
    _ = match found {
        Some((file, bytes)) => {
            let name = file.display().to_string();
            served
                .lock()
                .expect("no thread panics while it holds the list")
                .push(name);
            let rest = match trouble {
                Trouble::Slow { rest } => rest,
                Trouble::None | Trouble::Lacks(_) => Duration::ZERO,
            };
            let length = bytes.len();
            let body = Pieces {
                bytes: Cursor::new(bytes),
                rest,
            };
            let headers = vec![mime_type(file)];
            // In one go, with its length in front, as static hosts send files.
            let whole = Response::new(200.into(), headers, body, Some(length), None)
                .with_chunked_threshold(usize::MAX);
            request.respond(whole)
        }
        None => request
            .respond(Response::from_string(format!("no file at {path}")).with_status_code(404)),
    };
}

/// Bytes that come a piece at a time.
struct Pieces {
    bytes: Cursor<Vec<u8>>,
    rest: Duration,
}

/// So much comes between two rests, in bytes.
const PIECE: usize = 1 << 16;

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let into_piece = self.bytes.position() as usize % PIECE;
        if into_piece == 0 {
            thread::sleep(self.rest);
        }
        let most = buffer.len().min(PIECE - into_piece);
        self.bytes.read(&mut buffer[..most])
    }
}

fn mime_type(file: &Path) -> Header {
    let name = match file
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default()
    {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript",
        "css" => "text/css",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        _ => "application/octet-stream",
    };
    Header::from_bytes("Content-Type", name).expect("the names above are ASCII")
}
