use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cache;
use crate::child::{find_program, output, succeed};
use crate::steps::Outcome;

/// What browsers run.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Adds the standard library for browsers where it is missing.
pub(crate) fn ensure() -> Result<Outcome> {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))?;
    let library = Path::new(sysroot.trim()).join("lib/rustlib").join(WASM_TARGET).join("lib");
    if library.is_dir() {
        return Ok(Outcome::Ready);
    }
    if find_program("rustup").is_none() {
        bail!(
            "this Rust has no standard library for {WASM_TARGET}, and without rustup it cannot be added from here. \
             Install Rust through rustup (https://rustup.rs), or your system's package of Rust for WebAssembly, \
             and try again"
        );
    }
    // Two rustups at once would be in each other's way.
    let _lock = cache::lock_for("wasm-target")?;
    if library.is_dir() {
        return Ok(Outcome::Ready);
    }
    succeed(Command::new("rustup").args(["target", "add", WASM_TARGET])).with_context(|| {
        format!("is this machine online? Otherwise run `rustup target add {WASM_TARGET}` when it is")
    })?;
    Ok(Outcome::Done)
}
