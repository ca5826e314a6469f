//! Connections that break, servers that answer with something else, and what is said of them.

use protocol::FailureCause;

use super::host::{FOLDER, Here, Line, World};
use crate::download::{DownloadError, download};

const FILE: &str = "model.safetensors";

fn fetched(world: &std::rc::Rc<World>) -> Result<Vec<u8>, DownloadError> {
    let here = Here(std::rc::Rc::clone(world));
    pollster::block_on(download(&here, &format!("{FOLDER}{FILE}"), |_, _| ()))
}

fn breaking(breaks: &[usize], line: &Line) -> std::rc::Rc<World> {
    let world = World::new();
    let breaks = breaks.iter().copied().collect();
    world.set_line(
        FILE,
        Line {
            breaks,
            ..line.clone()
        },
    );
    world
}

/// The first byte of every request.
fn starts(world: &World) -> Vec<u64> {
    world
        .requests
        .borrow()
        .iter()
        .map(|(_, from)| *from)
        .collect()
}

#[test]
fn a_download_that_breaks_goes_on_where_it_was() {
    let world = breaking(&[2000, 1500], &Line::default());
    assert_eq!(fetched(&world).unwrap(), world.file(FILE));
    assert_eq!(starts(&world), [0, 2000, 3500]);
    assert_eq!(*world.slept_ms.borrow(), [500, 2000]);
}

#[test]
fn progress_counts_what_came_before_the_break() {
    let world = breaking(&[2000], &Line::default());
    let here = Here(std::rc::Rc::clone(&world));
    let seen = std::cell::RefCell::new(Vec::new());
    let address = format!("{FOLDER}{FILE}");
    let progress = |done, total| seen.borrow_mut().push((done, total));
    let bytes = pollster::block_on(download(&here, &address, progress)).unwrap();
    let total = bytes.len() as u64;
    let seen = seen.take();
    assert!(seen.is_sorted());
    assert_eq!(seen.last(), Some(&(total, Some(total))));
}

#[test]
fn without_ranges_a_version_or_uncompressed_bytes_it_starts_over() {
    let line = Line::default;
    for (line, second) in [
        (
            Line {
                no_ranges: true,
                ..line()
            },
            2000,
        ),
        (
            Line {
                no_version: true,
                ..line()
            },
            0,
        ),
        (
            Line {
                compressed: true,
                ..line()
            },
            0,
        ),
    ] {
        let world = breaking(&[2000], &line);
        assert_eq!(fetched(&world).unwrap(), world.file(FILE));
        assert_eq!(starts(&world), [0, second]);
    }
}

#[test]
fn a_connection_that_breaks_again_and_again_says_how_far_it_came() {
    let world = breaking(&[2000, 10, 10, 10], &Line::default());
    let error = fetched(&world).unwrap_err();
    assert_eq!(error.cause(), FailureCause::Network);
    let said = format!("broke off after 2030 of {} bytes", world.file(FILE).len());
    assert!(error.to_string().contains(&said), "{error}");
    assert_eq!(starts(&world).len(), 4);
}

#[test]
fn what_came_instead_of_the_file_is_named() {
    for (contents, said) in [
        (
            "<!doctype html><title>404</title>",
            "is a web page, not the file",
        ),
        ("\u{feff}\n <HTML>", "is a web page, not the file"),
        (
            "version https://git-lfs.example/spec/v1\noid sha256:0\nsize 5637136\n",
            "is a Git LFS pointer, not the file that it stands for (5637136 bytes)",
        ),
    ] {
        let world = World::new();
        world.put(FILE, contents.as_bytes().to_vec());
        let error = fetched(&world).unwrap_err();
        assert_eq!(error.cause(), FailureCause::File);
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn a_missing_file_is_asked_for_once() {
    let world = World::new();
    world.remove(FILE);
    let error = fetched(&world).unwrap_err();
    assert!(matches!(error, DownloadError::Missing { status: 404, .. }));
    assert_eq!(starts(&world).len(), 1);
    assert!(world.slept_ms.borrow().is_empty());
}
