use anyhow::Result;

use crate::child::succeed;
use crate::project::Project;
use crate::screen::answer;
use crate::steps::{Outcome, Steps};
use crate::wasm_target::{self, WASM_TARGET};

/// `cargo xtask check`: formatting and lints.
pub(crate) fn check(project: &Project) -> Result<()> {
    let steps = Steps::new(5);
    let run = |arguments: &[&str]| {
        succeed(&mut project.cargo(arguments))?;
        Ok(Outcome::Done)
    };
    steps.step("formatting", || run(&["fmt", "--all", "--check"]))?;
    steps.step("lints", || run(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    steps.step("lints of what the conformance suite alone takes", || {
        let packages =
            ["clippy", "--package", "teahouse-server", "--package", "teahouse-tests", "--all-targets"];
        let features =
            ["--features", "teahouse-server/echo,teahouse-tests/autobahn", "--", "--deny", "warnings"];
        run(&[&packages[..], &features].concat())
    })?;
    steps.step("the wasm target of Rust", wasm_target::ensure)?;
    steps.step("lints of what runs in browsers", || {
        run(&[
            "clippy",
            "--target",
            WASM_TARGET,
            "--package",
            "teahouse-protocol",
            "--package",
            "teahouse-client-core",
            "--package",
            "teahouse-web",
            "--",
            "--deny",
            "warnings",
        ])
    })?;
    answer!("no complaints, after {}", steps.total_time());
    Ok(())
}
