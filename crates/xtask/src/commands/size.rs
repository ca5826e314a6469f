//! `cargo xtask size`: how many bytes each file of `dist/` is, raw and as a web server sends it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::project::{Project, files_below};

/// One file of the site.
pub struct FileSize {
    /// Path below `dist/`.
    pub path: PathBuf,
    /// Bytes on disk.
    pub raw: usize,
    /// Bytes after brotli at its best level (11).
    pub brotli: usize,
}

/// Prints a table of the site's files, largest first.
pub fn size(project: &Project) -> Result<()> {
    let sizes = measure(&project.dist())?;
    println!("{:>12} {:>12}  file", "bytes", "brotli");
    for file in &sizes {
        println!(
            "{:>12} {:>12}  {}",
            file.raw,
            file.brotli,
            file.path.display()
        );
    }
    let (raw, brotli) = sizes.iter().fold((0, 0), |(raw, brotli), file| {
        (raw + file.raw, brotli + file.brotli)
    });
    println!("{raw:>12} {brotli:>12}  total");
    Ok(())
}

/// Measures every file of the site, largest first.
pub fn measure(dist: &Path) -> Result<Vec<FileSize>> {
    if !dist.join("index.html").is_file() {
        bail!(
            "no site in {}: run `cargo xtask build` first",
            dist.display()
        );
    }
    let mut sizes = Vec::new();
    for path in files_below(dist)? {
        let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
        sizes.push(FileSize {
            path: path
                .strip_prefix(dist)
                .expect("listed below dist")
                .to_path_buf(),
            raw: bytes.len(),
            brotli: compressed(&bytes)?,
        });
    }
    sizes.sort_by(|a, b| b.raw.cmp(&a.raw).then_with(|| a.path.cmp(&b.path)));
    Ok(sizes)
}

fn compressed(bytes: &[u8]) -> Result<usize> {
    let mut out = Vec::new();
    let params = brotli::enc::BrotliEncoderParams {
        quality: 11,
        size_hint: bytes.len(),
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &bytes[..], &mut out, &params)
        .context("compressing with brotli")?;
    Ok(out.len())
}
