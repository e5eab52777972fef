use std::process::Command;

use anyhow::Result;

use crate::project::{Project, become_program, succeed};
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
    become_program(Command::new(project.release("teahouse-server")).args(options))
}
