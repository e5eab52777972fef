//! Puts the built browser client (the repository's `dist`) into the program, if it has been built.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let dist = manifest.join("../dist");
    // Cargo takes a path that is not there for one that has changed, and would build the server anew each time.
    fs::create_dir_all(&dist)?;
    println!("cargo::rerun-if-changed={}", dist.display());
    println!("cargo::rerun-if-changed=build.rs");

    let mut files = Vec::new();
    walk(&dist, "", &mut files)?;
    files.sort();
    let mut table = String::from("static EMBEDDED: &[Embedded] = &[\n");
    for (url, file) in &files {
        let variant = |extension: &str| {
            let path = PathBuf::from(format!("{}.{extension}", file.display()));
            if path.exists() { format!("Some(include_bytes!({path:?}))") } else { "None".into() }
        };
        writeln!(
            table,
            "    Embedded {{ path: {url:?}, plain: include_bytes!({file:?}), brotli: {}, gzip: {} }},",
            variant("br"),
            variant("gz")
        )
        .expect("memory takes any text");
    }
    table.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("embedded.rs"), table)
}

/// Collects the files below a folder with their paths in URLs. Hidden files and compressed variants are no files of
/// their own.
fn walk(folder: &Path, url: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path().canonicalize()?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let url = format!("{url}/{name}");
        if name.starts_with('.') || name.ends_with(".br") || name.ends_with(".gz") {
            continue;
        } else if path.is_dir() {
            walk(&path, &url, files)?;
        } else {
            files.push((url, path));
        }
    }
    Ok(())
}
