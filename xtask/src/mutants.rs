use std::fs;
use std::process::{Command, ExitStatus};

use anyhow::{Context, Result, bail};

use crate::child::output;
use crate::project::Project;
use crate::screen::answer;
use crate::steps::{Outcome, Steps};
use crate::tools;

/// So many mutants are made when no number is named.
const SAMPLE: usize = 100;

/// Whose code is changed. Their tests, which need no browser and no program, are to notice, and the simulation.
const PACKAGES: [&str; 3] = ["teahouse-protocol", "teahouse-client-core", "teahouse-server"];
const SIMULATION: &str = "teahouse-simulation";

/// What the tests may take for one mutant, in seconds.
const TEST_SECONDS_MAX: u32 = 180;

/// Which mutants are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    /// How many, about.
    mutants: usize,
    /// Which one of all samples of this size.
    part: usize,
}

impl Sample {
    /// Reads `[MUTANTS [PART]]`.
    pub(crate) fn read(words: &[String]) -> Result<Self, &'static str> {
        const PROBLEM: &str = "takes how many mutants to make, and which sample of that size (0, 1, …)";
        let number = |word: &String| word.parse::<usize>().map_err(|_| PROBLEM);
        let (mutants, part) = match words {
            [] => (SAMPLE, 0),
            [mutants] => (number(mutants)?, 0),
            [mutants, part] => (number(mutants)?, number(part)?),
            _ => return Err(PROBLEM),
        };
        if mutants == 0 { Err(PROBLEM) } else { Ok(Self { mutants, part }) }
    }

    /// As cargo-mutants takes it, where there are so many mutants in all: every n-th one.
    fn shard(self, all: usize) -> String {
        let parts = (all / self.mutants).max(1);
        format!("{}/{parts}", self.part % parts)
    }
}

/// `cargo xtask mutants`: breaks the code in one place at a time, and says which breaks no test notices.
pub(crate) fn mutants(project: &Project, sample: Sample) -> Result<()> {
    let steps = Steps::new(3);
    let program = tools::ensure_cargo_mutants(&steps)?;
    let mutants = || {
        let mut command = Command::new(&program);
        command
            .arg("mutants")
            .current_dir(&project.root)
            .args(PACKAGES.map(|name| format!("--package={name}")));
        command
    };
    let mut all = 0;
    steps.step("all mutants", || {
        all = output(mutants().arg("--list"))?.lines().count();
        Ok(Outcome::Done)
    })?;
    let shard = sample.shard(all);
    steps.step(&format!("the tests of every mutant of part {shard}"), || {
        let mut command = mutants();
        command
            .args(["--sharding=round-robin", "--no-shuffle", "--shard", &shard])
            .args(PACKAGES.into_iter().chain([SIMULATION]).map(|name| format!("--test-package={name}")))
            .arg(format!("--timeout={TEST_SECONDS_MAX}"))
            .arg("--output")
            .arg(&project.target);
        let status = command.status().context("cannot run cargo-mutants")?;
        if is_answer(status) { Ok(Outcome::Done) } else { bail!("cargo-mutants ended with {status}") }
    })?;
    let folder = project.target.join("mutants.out");
    let list = |name: &str| -> Result<Vec<String>> {
        let file = folder.join(name);
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        Ok(text.lines().map(str::to_owned).collect())
    };
    let (noticed, endless, unviable) = (list("caught.txt")?, list("timeout.txt")?, list("unviable.txt")?);
    let survivors = list("missed.txt")?;
    let caught = noticed.len() + endless.len();
    survivors.iter().for_each(|mutant| answer!("survived: {mutant}"));
    answer!(
        "{caught} of {} mutants caught ({} of them ran for too long), {} more did not build, of {all} in all; \
         what each did: {}",
        caught + survivors.len(),
        endless.len(),
        unviable.len(),
        folder.display()
    );
    Ok(())
}

/// Whether it ended with a result, be it that mutants survived (2) or ran for too long (3).
fn is_answer(status: ExitStatus) -> bool {
    matches!(status.code(), Some(0 | 2 | 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_every_so_many_th_mutant() {
        let read = |words: &[&str]| Sample::read(&words.iter().map(ToString::to_string).collect::<Vec<_>>());
        let shard = |words: &[&str], all| read(words).map(|sample| sample.shard(all));
        assert_eq!(shard(&[], 2_579), Ok("0/25".into()));
        assert_eq!(shard(&["10", "3"], 100), Ok("3/10".into()));
        assert_eq!(shard(&["10", "13"], 100), Ok("3/10".into()));
        assert_eq!(shard(&["1000"], 100), Ok("0/1".into()));
        for wrong in [&["0"][..], &["x"], &["1", "2", "3"], &["-1"]] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
