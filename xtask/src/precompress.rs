use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A file of the browser client and what it costs to send.
#[derive(Debug)]
pub(crate) struct Compressed {
    /// The file itself.
    pub(crate) path: PathBuf,
    /// Its size as it lies on disk.
    pub(crate) plain_bytes: usize,
    /// Its size after brotli, or as it is where that is smaller.
    pub(crate) brotli_bytes: usize,
}

/// Writes `FILE.br` and `FILE.gz` next to each file of the folder, where they are smaller than the file.
pub(crate) fn precompress(folder: &Path) -> Result<Vec<Compressed>> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    std::thread::scope(|scope| {
        let threads: Vec<_> = files.into_iter().map(|path| scope.spawn(move || compress(path))).collect();
        threads.into_iter().map(|thread| thread.join().expect("compressing does not panic")).collect()
    })
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() {
            collect(&path, files)?;
        } else if !hidden && !matches!(ending, Some("br" | "gz")) {
            files.push(path);
        }
    }
    Ok(())
}

fn compress(path: PathBuf) -> Result<Compressed> {
    let plain = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let brotli = brotli(&plain)?;
    let gzip = gzip(&plain)?;
    for (ending, bytes) in [("br", &brotli), ("gz", &gzip)] {
        let mut name = path.clone().into_os_string();
        name.push(".");
        name.push(ending);
        if bytes.len() < plain.len() {
            fs::write(&name, bytes).with_context(|| format!("cannot write {}", name.display()))?;
        }
    }
    Ok(Compressed { path, plain_bytes: plain.len(), brotli_bytes: brotli.len().min(plain.len()) })
}

fn brotli(plain: &[u8]) -> Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    let mut compressed = Vec::new();
    brotli::BrotliCompress(&mut &plain[..], &mut compressed, &parameters)?;
    Ok(compressed)
}

fn gzip(plain: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(plain)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn both_forms_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let text = "茶馆 ".repeat(500);
        fs::create_dir(folder.path().join("snippets")).unwrap();
        let file = folder.path().join("snippets/a.js");
        fs::write(&file, &text).unwrap();
        fs::write(folder.path().join(".fingerprint"), "x".repeat(500)).unwrap();
        fs::write(folder.path().join("tiny.txt"), "x").unwrap();

        let first = precompress(folder.path()).unwrap();
        assert_eq!(first.len(), 2, "hidden files are ours: {first:?}");
        assert!(first[0].brotli_bytes < first[0].plain_bytes);
        assert_eq!(first[1].brotli_bytes, 1);
        assert!(!folder.path().join("tiny.txt.br").exists(), "compressing made it larger");
        assert_eq!(precompress(folder.path()).unwrap().len(), 2, "compressed files are not compressed again");

        let mut back = String::new();
        let compressed = fs::read(file.with_extension("js.gz")).unwrap();
        flate2::read::GzDecoder::new(&compressed[..]).read_to_string(&mut back).unwrap();
        assert_eq!(back, text);
        let mut back = Vec::new();
        let compressed = fs::read(file.with_extension("js.br")).unwrap();
        brotli::BrotliDecompress(&mut &compressed[..], &mut back).unwrap();
        assert_eq!(back, text.as_bytes());
    }
}
