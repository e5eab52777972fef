//! Both programs, with the browser client inside the server.

use std::sync::mpsc;

use anyhow::Result;

use crate::child::watch;
use crate::lanes::{Lane, side_by_side};
use crate::project::{Profile, Project};
use crate::steps::{Outcome, Progress, Steps};
use crate::tools::{self, Tools};
use crate::wasm_target::{self, WASM_TARGET};
use crate::web;

/// The steps that [`assemble`] takes.
pub(crate) const STEPS: usize = tools::STEPS + 4;

/// The server's program.
pub(crate) const SERVER: &str = "teahouse-server";

/// The terminal client's program.
pub(crate) const TERMINAL: &str = "teahouse";

/// Brings the tools and builds both programs.
///
/// ```text
/// trunk ───────────────────────┬─▶ the browser client ─┬─▶ the server
/// downloads ─▶ wasm-bindgen ───┴─▶ the terminal client ┘
/// ```
pub(crate) fn assemble(project: &Project, steps: &Steps, profile: Profile) -> Result<()> {
    let tools = Tools::pinned(project)?;
    steps.step("the wasm target of Rust", wasm_target::ensure)?;
    let (bindgen_there, bindgen_awaited) = mpsc::channel();
    side_by_side(
        || {
            tools.ensure_one(&tools.trunk, steps, Lane::Long)?;
            // Where it is not to be had the other lane says so.
            if bindgen_awaited.recv().is_err() {
                return Ok(());
            }
            steps.long_step("the browser client", |progress| web::build(project, &tools, progress))
        },
        || {
            steps.long_step("the sources of what it is built from", |progress| fetch(project, progress))?;
            tools.ensure_one(&tools.wasm_bindgen, steps, Lane::Short)?;
            // The other lane may have failed.
            let _ = bindgen_there.send(());
            drop(bindgen_there);
            steps.long_step("the terminal client", |progress| {
                programs(project, profile, Lane::Short, Some(TERMINAL), progress)
            })
        },
    )?;
    steps.long_step("the server, with the browser client inside", |progress| {
        programs(project, profile, Lane::Long, None, progress)
    })
}

/// Everything at once, before two cargos want the same.
fn fetch(project: &Project, progress: &Progress<'_>) -> Result<Outcome> {
    watch(&mut project.cargo(&["fetch", "--target", WASM_TARGET]), progress)?;
    Ok(Outcome::Done)
}

/// Builds both programs, or one of them.
fn programs(
    project: &Project,
    profile: Profile,
    lane: Lane,
    only: Option<&str>,
    progress: &Progress<'_>,
) -> Result<Outcome> {
    // Always both packages: features of what they share depend on it, and all would be built again with others.
    let mut build = project.cargo(&["build", "--package", SERVER, "--package", TERMINAL]);
    build.args(["--profile", profile.name()]).args(lane.jobs());
    match only {
        Some(program) => build.args(["--bin", program]),
        None => build.arg("--bins"),
    };
    watch(&mut build, progress)?;
    Ok(Outcome::Done)
}
