//! A static web server for one folder, as plain as the plainest host: it sends files with their MIME types, knows no
//! fallbacks, and puts everything below a path of its own, so that absolute addresses in the site are found out.
//!
//! Every connection has a thread of its own and ends with its one answer: browsers open connections on which they never ask,
//! and no other may wait for those. (In tiny_http 0.12 one can: of two connections that come at once, its pool may wake a
//! thread for the first only, and the page then never loads.)

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use flate2::{Compression, write::GzEncoder};

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
    /// It compresses wasm and weights on the way, and rests so.
    Compresses {
        /// For so long before every piece.
        rest: Duration,
    },
    /// A file was not put there.
    Lacks(&'static str),
    /// A script of it has another one put before it.
    Begins {
        /// Which script.
        file: &'static str,
        /// With what.
        with: &'static str,
    },
    /// A file whose name has a hash in it is not as it should be.
    Spoils {
        /// How its name starts.
        starts: &'static str,
        /// How it ends.
        ends: &'static str,
        /// What is wrong with it.
        how: Spoilt,
    },
}

/// What is wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spoilt {
    /// It is not there.
    Missing,
    /// Its second half is not there.
    Cut,
    /// It is sent as plain text.
    AsText,
}

impl Trouble {
    /// What this host does to a file.
    fn spoils(self, file: &Path) -> Option<Spoilt> {
        let name = file.file_name()?.to_str()?;
        match self {
            Self::Spoils { starts, ends, how }
                if name.starts_with(starts) && name.ends_with(ends) =>
            {
                Some(how)
            }
            Self::Lacks(lacked) if file == Path::new(lacked) => Some(Spoilt::Missing),
            _ => None,
        }
    }
}

/// A folder being served on this machine until it is dropped.
pub struct Site {
    host: Arc<Host>,
    port: u16,
}

struct Host {
    folder: PathBuf,
    trouble: Trouble,
    served: Mutex<Vec<String>>,
    over: AtomicBool,
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
        let host = Arc::new(Host {
            folder: folder.to_path_buf(),
            trouble,
            served: Mutex::default(),
            over: AtomicBool::new(false),
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("finding a port")?;
        let port = listener.local_addr()?.port();
        let site = Self {
            host: Arc::clone(&host),
            port,
        };
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                if host.over.load(Ordering::Relaxed) {
                    return;
                }
                let host = Arc::clone(&host);
                // A browser that went away while we answered is no failure of the site.
                thread::spawn(move || _ = answer(&connection, &host));
            }
        });
        Ok(site)
    }

    /// The address of the page with a link's hash, such as `t=0.5&device=cpu`.
    pub fn address(&self, hash: &str) -> String {
        format!("http://127.0.0.1:{}{BELOW}#{hash}", self.port)
    }

    /// The files sent so far, in order, each as often as it was sent.
    pub fn served(&self) -> Vec<String> {
        self.host
            .served
            .lock()
            .expect("no thread panics while it holds the list")
            .clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.host.over.store(true, Ordering::Relaxed);
        // The listener looks up at the next connection.
        _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
    }
}

/// The root of the clone.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests lie below the root")
        .to_path_buf()
}

/// So much comes between two rests, in bytes.
const PIECE: usize = 1 << 16;

/// Answers the one request of a connection.
fn answer(mut connection: &TcpStream, host: &Host) -> io::Result<()> {
    let mut lines = BufReader::new(connection).lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    while lines
        .next()
        .transpose()?
        .is_some_and(|line| !line.is_empty())
    {}
    let target = request.split(' ').nth(1).unwrap_or_default();
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let file = path
        .strip_prefix(BELOW)
        .map(|path| if path.is_empty() { "index.html" } else { path });
    let before = match host.trouble {
        Trouble::Begins {
            file: altered,
            with,
        } if file == Some(altered) => with,
        _ => "",
    };
    let found = file
        .map(Path::new)
        .filter(|file| {
            file.components()
                .all(|part| matches!(part, Component::Normal(_)))
                && host.trouble.spoils(file) != Some(Spoilt::Missing)
        })
        .and_then(|file| Some((file, fs::read(host.folder.join(file)).ok()?)));
    let (status, kind, bytes) = match found {
        Some((file, mut bytes)) => {
            let spoilt = host.trouble.spoils(file);
            if spoilt == Some(Spoilt::Cut) {
                bytes.truncate(bytes.len() / 2);
            }
            let mut served = host
                .served
                .lock()
                .expect("no thread panics while it holds the list");
            served.push(file.display().to_string());
            (
                "200 OK",
                if spoilt == Some(Spoilt::AsText) {
                    "text/plain"
                } else {
                    mime_type(file)
                },
                [before.as_bytes(), &bytes].concat(),
            )
        }
        None => (
            "404 Not Found",
            "text/plain",
            format!("no file at {path}").into_bytes(),
        ),
    };
    let large = matches!(kind, "application/wasm" | "application/octet-stream");
    let (bytes, encoding) = match host.trouble {
        Trouble::Compresses { .. } if large => (gzipped(&bytes)?, "Content-Encoding: gzip\r\n"),
        _ => (bytes, ""),
    };
    // In one go, with its length in front, as static hosts send files.
    let length = bytes.len();
    write!(
        connection,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{encoding}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    for piece in bytes.chunks(PIECE) {
        if let Trouble::Slow { rest } | Trouble::Compresses { rest } = host.trouble {
            thread::sleep(rest);
        }
        connection.write_all(piece)?;
    }
    Ok(())
}

fn gzipped(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn mime_type(file: &Path) -> &'static str {
    match file
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
    }
}
