use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::peers;
use crate::project::{Project, become_program, succeed};
use crate::steps::{Outcome, Steps};

/// `cargo xtask bench`: brings the peers, builds, and becomes the bench.
pub(crate) fn bench(project: &Project, options: &[String]) -> Result<()> {
    let mut steps = Steps::new(peers::STEPS + 1);
    let peers = peers::ensure_all(&mut steps)?;
    steps.step("the server and the bench", || build(project, &["teahouse-server", "teahouse-bench"]))?;
    eprintln!("everything is there after {}; measuring …", steps.total_time());
    let mut command = Command::new(project.release("teahouse-bench"));
    command
        .args(options)
        .arg("--server")
        .arg(project.release("teahouse-server"))
        .envs(peers)
        // What the report says of how it was made.
        .env("TEAHOUSE_BENCH_COMMAND", said(options))
        .current_dir(&project.root);
    if !options.iter().any(|option| option == "--out" || option.starts_with("--out=")) {
        command.arg("--out").arg(folder(project, options));
    }
    become_program(&mut command)
}

/// Programs as they are measured.
pub(crate) fn build(project: &Project, packages: &[&str]) -> Result<Outcome> {
    let mut cargo = project.cargo(&["build", "--release", "--bins"]);
    for package in packages {
        cargo.args(["--package", package]);
    }
    succeed(&mut cargo)?;
    Ok(Outcome::Done)
}

/// Where the results go: those of a short run never over the recorded ones.
fn folder(project: &Project, options: &[String]) -> PathBuf {
    let partial = |option: &String| {
        ["--quick", "--only", "--peers"].iter().any(|name| option.split('=').next() == Some(name))
    };
    if options.iter().any(partial) { project.target.join("bench-quick") } else { project.root.join("bench") }
}

fn said(options: &[String]) -> String {
    ["cargo xtask bench"].into_iter().chain(options.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_run_writes_over_the_recorded_results() {
        let project = Project { root: "/project".into(), target: "/target".into() };
        let folder = |options: &[&str]| {
            let options: Vec<String> = options.iter().map(ToString::to_string).collect();
            folder(&project, &options)
        };
        assert_eq!(folder(&[]), PathBuf::from("/project/bench"));
        assert_eq!(folder(&["--rounds", "5"]), PathBuf::from("/project/bench"));
        assert_eq!(folder(&["--quick"]), PathBuf::from("/target/bench-quick"));
        assert_eq!(folder(&["--only=room"]), PathBuf::from("/target/bench-quick"));
    }
}
