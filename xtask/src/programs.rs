use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::apt::Apt;
use crate::child::find_program;
use crate::screen::say;
use crate::steps::Outcome;

/// A program of the system.
struct Program {
    /// For people.
    name: &'static str,
    /// The environment variable that says where it is.
    variable: Option<&'static str>,
    /// What it is called, the first choice first.
    commands: &'static [&'static str],
    /// Where it lies when it is not in PATH.
    elsewhere: Option<&'static str>,
    /// The option that makes it end at once and well; `None` where there is none that means the same everywhere.
    asked: Option<&'static str>,
    debian: &'static [&'static str],
    fedora: &'static str,
    macos: &'static str,
}

/// Programs that something needs.
pub(crate) struct Needs {
    /// `the tests need …`
    who: &'static str,
    programs: &'static [Program],
}

/// What the tests need.
pub(crate) const TESTS: Needs = Needs { who: "the tests need", programs: PROGRAMS };

/// What brings axe-core.
pub(crate) const NPM: Needs = Needs {
    who: "looking for barriers in the browser client needs",
    programs: &[Program {
        name: "npm",
        variable: None,
        commands: &["npm"],
        elsewhere: None,
        asked: Some("--version"),
        debian: &["npm"],
        fedora: "nodejs-npm",
        macos: "node",
    }],
};

/// What measuring the browser client needs.
pub(crate) const BROWSER: Needs =
    Needs { who: "measuring the browser client needs", programs: &[CHROMIUM, CHROMEDRIVER] };

/// What the bench loads besides what [`crate::peers`] installs.
pub(crate) const MOSQUITTO: Needs = Needs {
    who: "this part of the bench needs",
    programs: &[Program {
        name: "mosquitto",
        variable: Some("TEAHOUSE_BENCH_MOSQUITTO"),
        commands: &["mosquitto"],
        // Debian keeps it out of the PATH of everybody but root.
        elsewhere: Some("/usr/sbin/mosquitto"),
        asked: None,
        debian: &["mosquitto"],
        fedora: "mosquitto",
        macos: "mosquitto",
    }],
};

/// What a profile needs.
pub(crate) const PERF: Needs = Needs {
    who: "a profile needs",
    programs: &[Program {
        name: "perf",
        variable: None,
        commands: &["perf"],
        elsewhere: None,
        asked: Some("--version"),
        debian: &["linux-perf"],
        fedora: "perf",
        macos: "",
    }],
};

const CHROMIUM: Program = Program {
    name: "Chromium",
    variable: Some("CHROME"),
    commands: &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
    elsewhere: Some("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    asked: Some("--version"),
    // The fonts are for the screenshots.
    debian: &["chromium", "fonts-noto-cjk", "fonts-noto-color-emoji"],
    fedora: "chromium",
    macos: "google-chrome",
};

const CHROMEDRIVER: Program = Program {
    name: "chromedriver",
    variable: Some("CHROMEDRIVER"),
    commands: &["chromedriver"],
    elsewhere: None,
    asked: Some("--version"),
    debian: &["chromium-driver"],
    fedora: "chromedriver",
    macos: "chromedriver",
};

const PROGRAMS: &[Program] = &[
    CHROMIUM,
    CHROMEDRIVER,
    Program {
        name: "Python 3",
        variable: None,
        commands: &["python3"],
        elsewhere: None,
        asked: Some("--version"),
        debian: &["python3"],
        fedora: "python3",
        macos: "python",
    },
    Program {
        name: "nc",
        variable: None,
        commands: &["nc"],
        elsewhere: None,
        asked: None,
        debian: &["netcat-openbsd"],
        fedora: "netcat",
        macos: "netcat",
    },
    Program {
        name: "telnet",
        variable: None,
        commands: &["telnet"],
        elsewhere: None,
        asked: None,
        debian: &["telnet"],
        fedora: "telnet",
        macos: "telnet",
    },
    #[cfg(target_os = "linux")]
    Program {
        name: "fusermount3",
        variable: None,
        commands: &["fusermount3"],
        elsewhere: None,
        asked: Some("--version"),
        debian: &["fuse3"],
        fedora: "fuse3",
        macos: "",
    },
    #[cfg(target_os = "linux")]
    Program {
        name: "faketime",
        variable: None,
        commands: &["faketime"],
        elsewhere: None,
        asked: Some("--version"),
        debian: &["faketime", "libfaketime"],
        fedora: "libfaketime",
        macos: "",
    },
];

impl Program {
    fn find(&self) -> Option<PathBuf> {
        self.variable
            .and_then(std::env::var_os)
            .map(PathBuf::from)
            .or_else(|| self.commands.iter().find_map(|command| find_program(command)))
            .or_else(|| self.elsewhere.map(PathBuf::from))
            .filter(|path| path.is_file() && self.runs(path))
    }

    /// A command that is only a wrapper around a program that is missing is as good as none.
    fn runs(&self, path: &Path) -> bool {
        self.asked.is_none_or(|option| {
            Command::new(path)
                .arg(option)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        })
    }
}

/// Where chromedriver lies, for tests that start it themselves.
pub(crate) fn chromedriver() -> Option<PathBuf> {
    PROGRAMS.iter().find(|program| program.commands == ["chromedriver"]).and_then(Program::find)
}

/// Finds the programs, installs them where root and apt-get make that possible, and otherwise says what to install.
pub(crate) fn ensure(needs: &Needs) -> Result<Outcome> {
    let missing = needs.missing();
    if missing.is_empty() {
        return Ok(Outcome::Ready);
    }
    let packages: Vec<&str> = missing.iter().flat_map(|program| program.debian).copied().collect();
    if find_program("apt-get").is_none() || !is_root() {
        bail!("{}", needs.told(&missing));
    }
    say!("      installing {} with apt-get …", packages.join(" "));
    Apt::new().install(&packages).with_context(|| needs.told(&missing))?;
    let missing = needs.missing();
    if !missing.is_empty() {
        bail!("{}", needs.told(&missing));
    }
    Ok(Outcome::Done)
}

impl Needs {
    fn missing(&self) -> Vec<&'static Program> {
        self.programs.iter().filter(|program| program.find().is_none()).collect()
    }

    fn told(&self, missing: &[&Program]) -> String {
        what_to_install(self.who, missing, find_program("sudo").is_some())
    }
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// The commands that bring the missing programs.
fn what_to_install(who: &str, missing: &[&Program], sudo: bool) -> String {
    let names = missing.iter().map(|program| program.name).collect::<Vec<_>>().join(", ");
    let debian: Vec<&str> = missing.iter().flat_map(|program| program.debian).copied().collect();
    let fedora: Vec<&str> = missing.iter().map(|program| program.fedora).collect();
    let macos: Vec<&str> = missing.iter().map(|program| program.macos).collect();
    let root = if sudo { "sudo " } else { "" };
    let mut text = format!("{who} {names}, and nothing is skipped. Install");
    text += if sudo { " with\n" } else { ", as root on Linux, with\n" };
    for (system, command, packages) in [
        ("Debian, Ubuntu:", format!("{root}apt-get install --no-install-recommends"), debian),
        ("Fedora:", format!("{root}dnf install"), fedora),
        ("macOS:", "brew install".to_owned(), macos),
    ] {
        // What a system does not have, or has from the start, is not installed there.
        let packages: Vec<&str> = packages.into_iter().filter(|package| !package.is_empty()).collect();
        if !packages.is_empty() {
            text += &format!("  {system:16} {command} {}\n", packages.join(" "));
        }
    }
    text + "  Windows:         in WSL, as on Ubuntu\n\
            A program in an unusual place is found through a variable: CHROME, CHROMEDRIVER, TEAHOUSE_BENCH_MOSQUITTO."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_for_each_system() {
        let missing: Vec<&Program> = PROGRAMS.iter().take(2).collect();
        let text = what_to_install(TESTS.who, &missing, true);
        assert!(text.starts_with("the tests need Chromium, chromedriver, and nothing is skipped."), "{text}");
        assert!(text.contains(
            "sudo apt-get install --no-install-recommends chromium fonts-noto-cjk fonts-noto-color-emoji \
             chromium-driver\n"
        ));
        assert!(text.contains("  Fedora:          sudo dnf install chromium chromedriver\n"), "{text}");
        assert!(text.contains("  macOS:           brew install google-chrome chromedriver\n"), "{text}");
    }

    #[test]
    fn no_command_installs_nothing_and_none_wants_what_is_not_there() {
        let text = what_to_install(PERF.who, &PERF.programs.iter().collect::<Vec<_>>(), false);
        assert!(text.contains("as root") && !text.contains("sudo"), "{text}");
        assert!(text.contains(" apt-get install") && !text.contains("macOS"), "{text}");
    }
}
