//! Downloads of model files: progress, resuming after a break, and what came instead of the file.

use protocol::FailureCause;
use thiserror::Error;

use crate::host::{Body as _, BrokenOff, Host, Resume};

/// Pauses before the further attempts of a download, milliseconds.
const PAUSES_MS: [u32; 3] = [500, 2_000, 5_000];

/// How a Git LFS pointer begins.
const LFS_POINTER: &[u8] = b"version https://git-lfs.";

/// A file that could not be downloaded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DownloadError {
    /// The server does not answer.
    #[error("{address} cannot be fetched; is the server running, and the network up?")]
    NoAnswer {
        /// Of the file.
        address: String,
    },
    /// The server does not have the file.
    #[error(
        "{address} is not there (the server says {status}); is the name right, and the folder complete on its server?"
    )]
    Missing {
        /// Of the file.
        address: String,
        /// Status code.
        status: u16,
    },
    /// The connection broke, and broke again.
    #[error("{address} broke off after {}; reload the page", of(*.done, *.total))]
    BrokenOff {
        /// Of the file.
        address: String,
        /// Bytes that came.
        done: u64,
        /// Bytes in all, where known.
        total: Option<u64>,
    },
    /// The server answers unknown addresses with a web page.
    #[error("{address} is a web page, not the file; is the file on its server?")]
    WebPage {
        /// Of the file.
        address: String,
    },
    /// The file was uploaded without its contents.
    #[error(
        "{address} is a Git LFS pointer, not the file that it stands for{}; run `git lfs pull` and upload the file itself",
        size(*.bytes)
    )]
    LfsPointer {
        /// Of the file.
        address: String,
        /// Bytes of the file that the pointer stands for.
        bytes: Option<u64>,
    },
}

impl DownloadError {
    /// What is to blame.
    pub fn cause(&self) -> FailureCause {
        match self {
            Self::NoAnswer { .. } | Self::BrokenOff { .. } => FailureCause::Network,
            Self::Missing { .. } | Self::WebPage { .. } | Self::LfsPointer { .. } => {
                FailureCause::File
            }
        }
    }
}

/// Fetches a file and calls `progress(done, total)`, in bytes, after every chunk.
///
/// A download that breaks goes on from its last byte, where the server names the file's version and so can say that it is still
/// the same file; else it starts over.
///
/// # Errors
/// When the server does not answer or does not have the file, when the connection breaks again and again, or when something else
/// than the file comes.
pub async fn download(
    host: &impl Host,
    address: &str,
    mut progress: impl FnMut(u64, Option<u64>),
) -> Result<Vec<u8>, DownloadError> {
    let mut file = Partial::default();
    let mut pauses = PAUSES_MS.into_iter();
    while let Some(broken) = file.attempt(host, address, &mut progress).await? {
        let Some(ms) = pauses.next() else {
            return Err(broken);
        };
        host.sleep(ms).await;
    }
    checked(address, file.bytes)
}

/// The part of a file that has come.
#[derive(Default)]
struct Partial {
    bytes: Vec<u8>,
    /// The server's name for the version of the file that they came from.
    version: Option<String>,
}

impl Partial {
    /// Sends one request and appends what comes. Gives none at the file's end, and the error where it breaks off, which may pass.
    async fn attempt(
        &mut self,
        host: &impl Host,
        address: &str,
        progress: &mut impl FnMut(u64, Option<u64>),
    ) -> Result<Option<DownloadError>, DownloadError> {
        const PARTIAL_CONTENT: u16 = 206;
        const RANGE_NOT_SATISFIABLE: u16 = 416;
        const SERVER_ERROR: u16 = 500;
        let address = || address.to_owned();
        let from = self.bytes.len() as u64;
        let again = from > 0;
        let broken = |done, total| DownloadError::BrokenOff {
            address: address(),
            done,
            total,
        };
        let version = self.version.as_deref().filter(|_| again);
        let resume = version.map(|version| Resume { from, version });
        let resumed = resume.is_some();
        let Ok(response) = host.get(&address(), resume).await else {
            // A first request that nobody answers is not repeated: the reader may be offline, and learns it at once.
            return if again {
                Ok(Some(broken(from, None)))
            } else {
                Err(DownloadError::NoAnswer { address: address() })
            };
        };
        let status = response.status;
        if resumed && status == RANGE_NOT_SATISFIABLE {
            *self = Self::default();
            return Ok(Some(broken(from, None)));
        }
        if again && status >= SERVER_ERROR {
            return Ok(Some(broken(from, None)));
        }
        if !(200..300).contains(&status) {
            return Err(DownloadError::Missing {
                address: address(),
                status,
            });
        }
        if !(resumed && status == PARTIAL_CONTENT) {
            self.bytes.clear();
        }
        self.version = response.version.filter(|_| !response.compressed);
        let (total, mut body) = (response.total, response.body);
        loop {
            let chunk = body.read(&mut self.bytes).await;
            let done = self.bytes.len() as u64;
            match chunk {
                Ok(true) => progress(done, total),
                Ok(false) => {
                    let cut = !response.compressed && total.is_some_and(|total| done < total);
                    return Ok(cut.then(|| broken(done, total)));
                }
                Err(BrokenOff) => return Ok(Some(broken(done, total))),
            }
        }
    }
}

/// The bytes, unless they are something else than a model's file.
fn checked(address: &str, bytes: Vec<u8>) -> Result<Vec<u8>, DownloadError> {
    let address = || address.to_owned();
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    let text = text.trim_ascii_start();
    let begins = |tag: &[u8]| {
        let head = text.get(..tag.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(tag))
    };
    if begins(b"<!doctype html") || begins(b"<html") {
        return Err(DownloadError::WebPage { address: address() });
    }
    if bytes.starts_with(LFS_POINTER) {
        let pointer = String::from_utf8_lossy(&bytes);
        let size = pointer.lines().find_map(|line| line.strip_prefix("size "));
        return Err(DownloadError::LfsPointer {
            address: address(),
            bytes: size.and_then(|size| size.trim().parse().ok()),
        });
    }
    Ok(bytes)
}

fn of(done: u64, total: Option<u64>) -> String {
    total.map_or(format!("{done} bytes"), |total| {
        format!("{done} of {total} bytes")
    })
}

fn size(bytes: Option<u64>) -> String {
    bytes.map_or(String::new(), |bytes| format!(" ({bytes} bytes)"))
}
