use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A hash over the names and contents of files and over words that matter as much, such as versions. It tells one state of
/// a folder from the next, and no more: another release of Rust may make another one.
/// A path that is a folder stands for every file in it; one that does not exist counts as missing.
pub(crate) fn fingerprint(root: &Path, paths: &[&str], words: &[&str]) -> Result<String> {
    let mut files = Vec::new();
    for path in paths {
        collect(root, Path::new(path), &mut files)?;
    }
    files.sort();
    let mut hash = DefaultHasher::new();
    // Slices are hashed with their lengths, so that no two lists of parts make the same stream.
    words.hash(&mut hash);
    for file in files {
        file.to_string_lossy().hash(&mut hash);
        fs::read(root.join(&file))
            .with_context(|| format!("cannot read {}", file.display()))?
            .hash(&mut hash);
    }
    Ok(format!("{:016x}", hash.finish()))
}

fn collect(root: &Path, path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let full = root.join(path);
    if full.is_dir() {
        for entry in fs::read_dir(&full).with_context(|| format!("cannot read {}", full.display()))? {
            let name = entry?.file_name();
            if name != "target" && name != "dist" {
                collect(root, &path.join(name), files)?;
            }
        }
    } else if full.is_file() {
        files.push(path.to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_contents_and_words_count() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("src/view")).unwrap();
        fs::write(root.join("src/view/a.rs"), "a").unwrap();
        fs::write(root.join("other"), "o").unwrap();
        let print = || fingerprint(root, &["src", "index.html"], &["trunk 1"]).unwrap();
        let first = print();
        assert_eq!(print(), first);

        fs::write(root.join("other"), "another").unwrap();
        assert_eq!(print(), first, "a file that is not listed");
        assert_ne!(fingerprint(root, &["src", "index.html"], &["trunk 2"]).unwrap(), first);

        fs::write(root.join("src/view/a.rs"), "b").unwrap();
        let changed = print();
        assert_ne!(changed, first);
        fs::rename(root.join("src/view/a.rs"), root.join("src/view/b.rs")).unwrap();
        assert_ne!(print(), changed);
        let renamed = print();
        fs::write(root.join("index.html"), "").unwrap();
        assert_ne!(print(), renamed, "a file that was missing");
    }
}
