use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::cache;
use crate::child::succeed;
use crate::project::Project;
use crate::screen::{answer, say};
use crate::steps::{Outcome, Steps};
use crate::tools;
use crate::wasm_target::{self, WASM_TARGET};

/// `cargo xtask check`: formatting, lints, and what dependencies may be.
pub(crate) fn check(project: &Project) -> Result<()> {
    let steps = Steps::new(8);
    let run = |arguments: &[&str]| {
        succeed(&mut project.cargo(arguments))?;
        Ok(Outcome::Done)
    };
    steps.step("formatting", || run(&["fmt", "--all", "--check"]))?;
    steps.step("lints", || run(&["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]))?;
    steps.step("lints of what the conformance suite alone takes", || {
        // The whole workspace again: with some of its packages alone, dependencies would be built with other features.
        let workspace = ["clippy", "--workspace", "--all-targets"];
        let features =
            ["--features", "teahouse-server/echo,teahouse-tests/autobahn", "--", "--deny", "warnings"];
        run(&[&workspace[..], &features].concat())
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
    let cargo_deny = tools::ensure_cargo_deny(&steps)?;
    steps.step("licences and sources of dependencies", || {
        // It looks at the packages of every system.
        succeed(&mut project.cargo(&["fetch", "--locked"]))?;
        deny(project, &cargo_deny, &["licenses", "bans", "sources"])
    })?;
    steps.step("advisories about dependencies", || {
        if cache::cargo_home().is_some_and(|home| has_advisories(&home)) {
            return deny(project, &cargo_deny, &["advisories"]);
        }
        say!(
            "      left out: their database is not on this machine; with the internet it is fetched by\n        {} fetch db",
            cargo_deny.display()
        );
        Ok(Outcome::Ready)
    })?;
    answer!("no complaints, after {}", steps.total_time());
    Ok(())
}

fn deny(project: &Project, cargo_deny: &Path, checks: &[&str]) -> Result<Outcome> {
    succeed(Command::new(cargo_deny).current_dir(&project.root).args(["--offline", "check"]).args(checks))?;
    Ok(Outcome::Done)
}

/// Whether the database of advisories was fetched once, to where cargo-deny looks for it. It leaves a lock there anyway.
fn has_advisories(cargo_home: &Path) -> bool {
    let databases = fs::read_dir(cargo_home.join("advisory-dbs"));
    databases.into_iter().flatten().flatten().any(|database| database.path().is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_no_database() {
        let home = tempfile::tempdir().unwrap();
        assert!(!has_advisories(home.path()));
        let databases = home.path().join("advisory-dbs");
        fs::create_dir(&databases).unwrap();
        fs::write(databases.join("db.lock"), "").unwrap();
        assert!(!has_advisories(home.path()));
        fs::create_dir(databases.join("advisory-db-3157b0e258782691")).unwrap();
        assert!(has_advisories(home.path()));
    }
}
