use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use crate::bench;
use crate::child::{output, succeed};
use crate::programs;
use crate::project::Project;
use crate::screen::answer;
use crate::steps::{Outcome, Steps};

/// What is looked at when nothing is named.
const CASE: &str = "room/1000/128/tcp/flood";

/// The core that the bench gives to the server.
const SERVER_CORE: &str = "0";

/// `cargo xtask profile`: a case of the bench while perf watches the server's core.
pub(crate) fn profile(project: &Project, case: Option<&str>) -> Result<()> {
    let case = case.unwrap_or(CASE);
    let steps = Steps::new(5);
    steps.step("perf", || programs::ensure(&programs::PERF))?;
    steps.step("the bench", || bench::build(project, &["teahouse-bench"]))?;
    // Apart, since with other flags everything would be built anew each time.
    let target = project.target.join("profile");
    steps.step("the server, with frame pointers", || {
        let mut build = project.cargo(&["build", "--release", "--package", "teahouse-server", "--bins"]);
        build.arg("--target-dir").arg(&target).env("RUSTFLAGS", "-C force-frame-pointers=yes");
        succeed(&mut build)?;
        Ok(Outcome::Done)
    })?;
    let data = target.join("perf.data");
    steps.step(&format!("{case} under perf"), || {
        fs::create_dir_all(&target)?;
        let mut perf = Command::new("perf");
        perf.args(["record", "--call-graph", "fp", "--freq", "999", "--cpu", SERVER_CORE, "--output"])
            .arg(&data)
            .arg("--")
            .arg(project.release("teahouse-bench"))
            // One pass, but long enough for a few thousand samples.
            .args(["--quick", "--seconds", "8", "--only", case, "--peers", "teahouse", "--server"])
            .arg(target.join("release").join("teahouse-server"))
            .arg("--out")
            .arg(&target)
            .current_dir(&project.root);
        succeed(&mut perf).context(
            "perf may look at a whole core only as root, or where /proc/sys/kernel/perf_event_paranoid is 0 or less",
        )?;
        Ok(Outcome::Done)
    })?;
    steps.step("the report", || {
        for (title, options) in [
            ("by thread (swapper: the core was idle)", &["--no-children", "--sort", "comm"][..]),
            ("by function, without what it calls", &["--no-children", "--sort", "comm,symbol"]),
            ("by function, with what it calls", &["--children", "--sort", "symbol"]),
        ] {
            let mut report = Command::new("perf");
            report.args(["report", "--stdio", "--call-graph", "none", "--percent-limit", "0.7", "--input"]);
            let text = output(report.arg(&data).args(options))?;
            answer!("\n{title}");
            text.lines()
                .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
                .take(40)
                .for_each(|line| answer!("{}", line.trim_end_matches([' ', '-'])));
        }
        answer!("\nmore of it: perf report --input {}", data.display());
        Ok(Outcome::Done)
    })
}
