//! The package manager of Debian and Ubuntu.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

use crate::screen::say;
use crate::steps::in_words;

/// So long another program may be at work on packages. Ubuntu's updater takes minutes after a boot.
const PATIENCE: Duration = Duration::from_mins(15);

/// So often it is tried again.
const PAUSE: Duration = Duration::from_secs(2);

/// So many of its complaints are told.
const COMPLAINTS_MAX: usize = 4;

/// apt-get, and how long to wait for others who use it.
pub(crate) struct Apt {
    options: Vec<OsString>,
    patience: Duration,
    pause: Duration,
}

/// Why apt-get did not do what it was told.
#[derive(Debug, PartialEq, Eq)]
enum Trouble {
    /// Another program holds a lock: who, and which.
    Locked(String),
    /// An earlier run was interrupted and left packages half installed.
    HalfInstalled(&'static str),
    /// What it said.
    Other(String),
}

impl Apt {
    /// The system's own.
    pub(crate) fn new() -> Self {
        Self { options: Vec::new(), patience: PATIENCE, pause: PAUSE }
    }

    /// Installs packages. The list of packages is brought up to date where that is needed, as in a fresh container.
    pub(crate) fn install(&self, packages: &[&str]) -> Result<()> {
        let mut wait = |words: &str| say!("      {words}");
        let install: Vec<&str> = ["install", "--yes", "--no-install-recommends"]
            .into_iter()
            .chain(packages.iter().copied())
            .collect();
        let Err(first) = self.run(&install, &mut wait)? else { return Ok(()) };
        if let Trouble::Other(_) = first {
            // What cannot be reached is told by the installation, which names the packages too.
            let _ = self.run(&["update"], &mut wait)?;
            return self.run(&install, &mut wait)?.map_err(|trouble| trouble.told());
        }
        Err(first.told())
    }

    /// Runs it, and again while another program holds one of its locks. `waiting` is told what for.
    fn run(&self, words: &[&str], waiting: &mut impl FnMut(&str)) -> Result<Result<(), Trouble>> {
        let started = Instant::now();
        let mut said = String::new();
        loop {
            let holder = match self.once(words)? {
                Err(Trouble::Locked(holder)) => holder,
                done => return Ok(done),
            };
            if started.elapsed() >= self.patience {
                bail!("waited {} for {holder}; try again when it is done", in_words(self.patience));
            }
            if said != holder {
                waiting(&format!("waiting for {holder} …"));
                said = holder;
            }
            std::thread::sleep(self.pause);
        }
    }

    fn once(&self, words: &[&str]) -> Result<Result<(), Trouble>> {
        let mut child = Command::new("apt-get")
            .args(&self.options)
            .args(words)
            // What it says is read here.
            .env("LC_ALL", "C")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start apt-get")?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let complaints = std::thread::scope(|scope| {
            if let Some(out) = out {
                scope.spawn(|| {
                    BufReader::new(out).lines().map_while(Result::ok).for_each(|line| say!("{line}"))
                });
            }
            let lines = err.into_iter().flat_map(|err| BufReader::new(err).lines().map_while(Result::ok));
            lines.collect::<Vec<String>>()
        });
        let status = child.wait()?;
        Ok(if status.success() { Ok(()) } else { Err(Trouble::read(&complaints)) })
    }
}

impl Trouble {
    /// What the complaints of apt-get and dpkg come down to.
    fn read(complaints: &[String]) -> Self {
        let holder = complaints.iter().find_map(|line| holder(line));
        let says = |words: &str| complaints.iter().any(|line| line.contains(words));
        if let Some(holder) = holder {
            Self::Locked(holder)
        } else if says("dpkg --configure -a") {
            Self::HalfInstalled("dpkg --configure -a")
        } else if says("--fix-broken install") {
            Self::HalfInstalled("apt-get --fix-broken install")
        } else {
            let errors =
                complaints.iter().filter(|line| line.starts_with("E: ") || line.starts_with("Error: "));
            let told: Vec<&str> = errors.take(COMPLAINTS_MAX).map(|line| line.as_str()).collect();
            Self::Other(told.join("\n"))
        }
    }

    fn told(self) -> anyhow::Error {
        match self {
            Self::Locked(holder) => anyhow!("the packages are in use by {holder}"),
            Self::HalfInstalled(mend) => anyhow!(
                "the package manager was interrupted once and left packages half installed. As root, run\n  \
                 {mend}\nand then this again"
            ),
            Self::Other(told) if told.is_empty() => anyhow!("apt-get failed and did not say why"),
            Self::Other(told) => {
                anyhow!("apt-get failed. Is this machine online, and are its package sources right?\n{told}")
            }
        }
    }
}

/// Who holds which lock, if that is what the line complains of.
fn holder(line: &str) -> Option<String> {
    let other = "another program, which";
    if let Some((_, rest)) = line.split_once("Could not get lock ") {
        // `PATH. It is held by process 12 (apt-get)`, or `PATH - open (11: …)`.
        let path = rest
            .split_once(". It is held")
            .or_else(|| rest.split_once(" - open"))
            .map_or(rest, |(path, _)| path);
        let who =
            rest.split_once("held by ").map_or(other.into(), |(_, who)| format!("{}, which", who.trim_end()));
        return Some(format!("{who} holds {path}"));
    }
    if line.contains("locked by another process") {
        let who = line
            .split_once("with pid ")
            .map_or(other.into(), |(_, id)| format!("process {}, which", id.trim_end()));
        return Some(format!("{who} holds dpkg's lock"));
    }
    let unnamed =
        ["Unable to lock directory ", "Unable to lock the ", "Unable to acquire the dpkg frontend lock "];
    unnamed
        .iter()
        .any(|words| line.contains(words) && !line.contains("are you root"))
        .then(|| format!("{other} holds a lock of apt's"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::path::Path;

    use super::*;
    use crate::child::find_program;

    #[test]
    fn what_went_wrong_is_told_apart() {
        let locked = |who: &str| Trouble::Locked(who.into());
        for (complaints, expected) in [
            (
                &["E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (unattended-upgr)",
                  "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?"][..],
                locked("process 812 (unattended-upgr), which holds /var/lib/dpkg/lock-frontend"),
            ),
            (
                &["E: Could not get lock /var/lib/apt/lists/lock - open (11: Resource temporarily unavailable)",
                  "E: Unable to lock directory /var/lib/apt/lists/"],
                locked("another program, which holds /var/lib/apt/lists/lock"),
            ),
            (
                &["Error: Could not get lock /var/cache/apt/archives/lock. It is held by process 9 (apt)"],
                locked("process 9 (apt), which holds /var/cache/apt/archives/lock"),
            ),
            (
                &["dpkg: error: dpkg frontend lock was locked by another process with pid 77",
                  "Note: removing the lock file is always wrong", "E: Sub-process /usr/bin/dpkg returned an error code (2)"],
                locked("process 77, which holds dpkg's lock"),
            ),
            (
                &["dpkg: error: dpkg status database is locked by another process"],
                locked("another program, which holds dpkg's lock"),
            ),
            (&["E: Unable to lock the download directory"], locked("another program, which holds a lock of apt's")),
            (
                &["E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem. "],
                Trouble::HalfInstalled("dpkg --configure -a"),
            ),
            (
                &["E: Unmet dependencies. Try 'apt --fix-broken install' with no packages (or specify a solution)."],
                Trouble::HalfInstalled("apt-get --fix-broken install"),
            ),
            (
                &["W: Failed to fetch http://x", "E: Unable to locate package nonsense"],
                Trouble::Other("E: Unable to locate package nonsense".into()),
            ),
            // Waiting would not help.
            (
                &["E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)",
                  "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?"],
                Trouble::Other(
                    "E: Could not open lock file /var/lib/dpkg/lock-frontend - open (13: Permission denied)\n\
                     E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), are you root?".into(),
                ),
            ),
        ] {
            let complaints: Vec<String> = complaints.iter().map(ToString::to_string).collect();
            assert_eq!(Trouble::read(&complaints), expected);
        }
    }

    /// apt-get with everything below a folder, and no sources.
    fn below(folder: &Path, patience: Duration) -> Apt {
        for inside in ["lists/partial", "archives/partial", "dpkg"] {
            fs::create_dir_all(folder.join(inside)).unwrap();
        }
        fs::write(folder.join("dpkg/status"), "").unwrap();
        let place = |name: &str, inside: &str| format!("{name}={}", folder.join(inside).display());
        let settings = [
            place("Dir::State::lists", "lists"),
            place("Dir::State::status", "dpkg/status"),
            place("Dir::Cache", ""),
            place("Dir::Cache::archives", "archives"),
            "Dir::Etc::sourcelist=/dev/null".into(),
            "Dir::Etc::sourceparts=/dev/null".into(),
        ];
        let options = settings.into_iter().flat_map(|setting| ["-o".into(), setting.into()]).collect();
        Apt { options, patience, pause: Duration::from_millis(20) }
    }

    /// Another program that holds a lock until its input ends.
    fn holder_of(lock: &Path) -> std::process::Child {
        let script = "import fcntl, sys\nlock = open(sys.argv[1], 'w')\nfcntl.lockf(lock, fcntl.LOCK_EX)\n\
                      print('held', flush=True)\nsys.stdin.read()";
        let mut python = Command::new("python3");
        python.args(["-c", script]).arg(lock).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = python.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        holder
    }

    /// Runs apt-get while another program holds a lock, which ends when we are told of it.
    fn waits_for(lock: &str, words: &[&str]) -> Result<(), Trouble> {
        let folder = tempfile::tempdir().unwrap();
        let apt = below(folder.path(), PATIENCE);
        let mut holder = holder_of(&folder.path().join(lock));
        let mut heard = Vec::new();
        let done = apt.run(words, &mut |words| {
            heard.push(words.to_owned());
            holder.stdin.take().unwrap().flush().unwrap();
        });
        let id = holder.id();
        let place = folder.path().join(lock);
        assert_eq!(heard, [format!("waiting for process {id} (python3), which holds {} …", place.display())]);
        holder.wait().unwrap();
        done.unwrap()
    }

    // Systems without apt-get have none of these locks.

    #[test]
    fn another_update_is_waited_for() {
        if find_program("apt-get").is_some() {
            assert_eq!(waits_for("lists/lock", &["update"]), Ok(()));
        }
    }

    #[test]
    fn another_installation_is_waited_for() {
        if find_program("apt-get").is_some() {
            let done = waits_for("dpkg/lock-frontend", &["install", "--yes", "no-such-package"]);
            let told = done.unwrap_err().told().to_string();
            assert!(told.contains("Is this machine online") && told.contains("no-such-package"), "{told}");
        }
    }

    #[test]
    fn waiting_has_an_end() {
        if find_program("apt-get").is_some() {
            let folder = tempfile::tempdir().unwrap();
            let mut holder = holder_of(&folder.path().join("lock"));
            fs::create_dir_all(folder.path().join("lists")).unwrap();
            fs::hard_link(folder.path().join("lock"), folder.path().join("lists/lock")).unwrap();
            let apt = below(folder.path(), Duration::ZERO);
            let error = apt.run(&["update"], &mut |_| {}).unwrap_err().to_string();
            assert!(error.contains("waited 0.0 s for process") && error.contains("python3"), "{error}");
            drop(holder.stdin.take());
            holder.wait().unwrap();
        }
    }
}
