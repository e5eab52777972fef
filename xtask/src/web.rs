use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::cache::lock;
use crate::child::{output, watch};
use crate::fingerprint::fingerprint;
use crate::precompress::{Compressed, precompress};
use crate::project::Project;
use crate::screen::{answer, say};
use crate::steps::{Outcome, Progress, Steps};
use crate::tools::{self, Tools, with_path};
use crate::wasm_target::WASM_TARGET;

/// The profile of the root manifest that the browser client is built with.
const CARGO_PROFILE: &str = "wasm-release";

/// What the browser client is made of.
const SOURCES: &[&str] = &[
    ".cargo",
    "Cargo.lock",
    "Cargo.toml",
    "Trunk.toml",
    "client-core",
    "index.html",
    "protocol",
    "rust-toolchain.toml",
    "web-client",
];

/// `cargo xtask web`
pub(crate) fn command(project: &Project) -> Result<()> {
    let steps = Steps::new(tools::STEPS + 1);
    let tools = Tools::pinned(project)?;
    tools.ensure(&steps)?;
    steps.long_step("the browser client", |progress| build(project, &tools, progress))?;
    answer!("the browser client is in {}", project.dist().display());
    Ok(())
}

/// Builds the browser client into `dist` unless it is there already.
pub(crate) fn build(project: &Project, tools: &Tools, progress: &Progress<'_>) -> Result<Outcome> {
    fs::create_dir_all(&project.target)
        .with_context(|| format!("cannot make the folder {}", project.target.display()))?;
    let _lock = lock(&project.target.join("xtask-web.lock"))?;
    let wanted = wanted(project, tools)?;
    // Inside dist, so that whatever else rewrites dist takes the mark away with it.
    let mark = project.dist().join(".fingerprint");
    if fs::read_to_string(&mark).is_ok_and(|found| found == wanted) {
        return Ok(Outcome::Ready);
    }
    say!("      compiling to WebAssembly, a minute or two the first time …");
    // Offline, trunk keeps cargo from downloading as well; on a fresh machine nothing is there yet.
    watch(&mut project.cargo(&["fetch", "--target", WASM_TARGET]), progress)?;
    let mut trunk = Command::new(tools.program("trunk")?);
    trunk
        .current_dir(&project.root)
        .args(["build", "--release", "--cargo-profile", CARGO_PROFILE, "--dist"])
        .arg(project.dist())
        .env("PATH", with_path(&tools.folders().collect::<Vec<_>>())?)
        .env("TRUNK_OFFLINE", "true")
        .env("TRUNK_SKIP_VERSION_CHECK", "true")
        // Trunk reads NO_COLOR as a flag and refuses the `1` that everybody sets it to.
        .env_remove("NO_COLOR")
        // What it is at is shown already.
        .args(["--log", "warn"]);
    watch(&mut trunk, progress)?;
    ensure!(project.dist().join("index.html").is_file(), "trunk left no index.html in dist");
    let files = precompress(&project.dist())?;
    say!("      {}", sizes(&files));
    fs::write(&mark, wanted).with_context(|| format!("cannot write {}", mark.display()))?;
    Ok(Outcome::Done)
}

fn wanted(project: &Project, tools: &Tools) -> Result<String> {
    let compiler = output(Command::new("rustc").arg("--version").current_dir(&project.root))?;
    let flags = std::env::var("RUSTFLAGS").unwrap_or_default();
    let flags = flags + &of_the_profile(std::env::vars_os());
    fingerprint(&project.root, SOURCES, &[&compiler, &flags, &tools.versions(), CARGO_PROFILE])
}

/// What the environment changes about the profile, so that a client that was built in haste is not taken for the real one.
fn of_the_profile(environment: impl Iterator<Item = (OsString, OsString)>) -> String {
    let changed = environment.filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        let of_this = name.starts_with("CARGO_PROFILE_WASM_RELEASE_");
        of_this.then(|| format!("{name}={}\n", value.to_string_lossy()))
    });
    let mut changed: Vec<String> = changed.collect();
    changed.sort();
    changed.concat()
}

/// What a first visit downloads.
fn sizes(files: &[Compressed]) -> String {
    let counts = |path: &Path| {
        path.extension().is_some_and(|ending| ["wasm", "js", "css"].iter().any(|counted| ending == *counted))
    };
    let counted: Vec<&Compressed> = files.iter().filter(|file| counts(&file.path)).collect();
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let total: usize = counted.iter().map(|file| file.brotli_bytes).sum();
    let parts: Vec<String> = counted
        .iter()
        .map(|file| format!("{} {} of {}", name(&file.path), kib(file.brotli_bytes), kib(file.plain_bytes)))
        .collect();
    format!("wasm + js + css after brotli: {} ({})", kib(total), parts.join(", "))
}

fn kib(bytes: usize) -> String {
    format!("{:.1} KiB", bytes as f64 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_profile_makes_another_client() {
        let of = |variables: &[(&str, &str)]| {
            of_the_profile(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())))
        };
        assert_eq!(of(&[("CARGO_PROFILE_RELEASE_LTO", "off"), ("PATH", "x")]), "");
        let [lto, level] =
            [("CARGO_PROFILE_WASM_RELEASE_LTO", "off"), ("CARGO_PROFILE_WASM_RELEASE_OPT_LEVEL", "1")];
        assert_eq!(of(&[lto, level]), of(&[level, lto]));
        assert_ne!(of(&[lto]), of(&[("CARGO_PROFILE_WASM_RELEASE_LTO", "fat")]));
    }

    #[test]
    fn the_first_visit_is_wasm_js_and_css() {
        let file = |name: &str, plain_bytes, brotli_bytes| Compressed {
            path: PathBuf::from("dist").join(name),
            plain_bytes,
            brotli_bytes,
        };
        assert_eq!(
            sizes(&[file("a.wasm", 2048, 1024), file("a.js", 1024, 512), file("icon.png", 9999, 9999)]),
            "wasm + js + css after brotli: 1.5 KiB (a.wasm 1.0 KiB of 2.0 KiB, a.js 0.5 KiB of 1.0 KiB)"
        );
    }
}
