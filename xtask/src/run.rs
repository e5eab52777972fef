use std::process::Command;

use anyhow::{Context, Result};

use crate::project::{Project, succeed};
use crate::steps::{Outcome, Steps};
use crate::tools::{self, Tools};
use crate::web;

/// `cargo xtask run`: builds everything and becomes the server.
pub(crate) fn run(project: &Project, options: &[String]) -> Result<()> {
    let mut steps = Steps::new(tools::STEPS + 2);
    let tools = Tools::pinned(project)?;
    tools.ensure(&mut steps)?;
    steps.step("the browser client", || web::build(project, &tools))?;
    steps.step("the server, with the browser client inside", || {
        succeed(&mut project.cargo(&["build", "--release", "--package", "teahouse-server"]))?;
        Ok(Outcome::Done)
    })?;
    eprintln!("everything is built after {}; starting the server …", steps.total_time());
    let program =
        project.target.join("release").join(format!("teahouse-server{}", std::env::consts::EXE_SUFFIX));
    become_program(Command::new(&program).args(options))
        .with_context(|| format!("cannot start {}", program.display()))
}

/// The program takes the place of this one, and with it the terminal, the signals and the exit code.
#[cfg(unix)]
fn become_program(command: &mut Command) -> Result<()> {
    use std::os::unix::process::CommandExt as _;

    Err(command.exec().into())
}

/// Without exec the terminal still sends its Ctrl+C to both.
#[cfg(not(unix))]
fn become_program(command: &mut Command) -> Result<()> {
    let status = command.status()?;
    std::process::exit(status.code().unwrap_or(1));
}
