use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::project::{find_program, succeed};
use crate::steps::Outcome;

/// A program of the system that the stories use.
struct Program {
    /// For people.
    name: &'static str,
    /// The environment variable that says where it is.
    variable: Option<&'static str>,
    /// What it is called, the first choice first.
    commands: &'static [&'static str],
    /// Where macOS has it.
    application: Option<&'static str>,
    debian: &'static [&'static str],
    fedora: &'static str,
    macos: &'static str,
}

const PROGRAMS: &[Program] = &[
    Program {
        name: "Chromium",
        variable: Some("CHROME"),
        commands: &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
        application: Some("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
        // The fonts are for the screenshots.
        debian: &["chromium", "fonts-noto-cjk", "fonts-noto-color-emoji"],
        fedora: "chromium",
        macos: "google-chrome",
    },
    Program {
        name: "chromedriver",
        variable: Some("CHROMEDRIVER"),
        commands: &["chromedriver"],
        application: None,
        debian: &["chromium-driver"],
        fedora: "chromedriver",
        macos: "chromedriver",
    },
    Program {
        name: "Python 3",
        variable: None,
        commands: &["python3"],
        application: None,
        debian: &["python3"],
        fedora: "python3",
        macos: "python",
    },
    Program {
        name: "nc",
        variable: None,
        commands: &["nc"],
        application: None,
        debian: &["netcat-openbsd"],
        fedora: "netcat",
        macos: "netcat",
    },
    #[cfg(target_os = "linux")]
    Program {
        name: "fusermount3",
        variable: None,
        commands: &["fusermount3"],
        application: None,
        debian: &["fuse3"],
        fedora: "fuse3",
        macos: "",
    },
    #[cfg(target_os = "linux")]
    Program {
        name: "faketime",
        variable: None,
        commands: &["faketime"],
        application: None,
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
            .or_else(|| self.application.map(PathBuf::from))
            .filter(|path| path.is_file() && self.runs(path))
    }

    /// A command that is only a wrapper around a program that is missing is as good as none.
    fn runs(&self, path: &Path) -> bool {
        // nc has no option that ends at once and means the same everywhere.
        self.commands == ["nc"]
            || Command::new(path)
                .arg("--version")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
    }
}

/// Where chromedriver lies, for tests that start it themselves.
pub(crate) fn chromedriver() -> Option<PathBuf> {
    PROGRAMS.iter().find(|program| program.commands == ["chromedriver"]).and_then(Program::find)
}

/// Finds the programs, installs them where root and apt-get make that possible, and otherwise says what to install.
pub(crate) fn ensure() -> Result<Outcome> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(Outcome::Ready);
    }
    let packages: Vec<&str> = missing.iter().flat_map(|program| program.debian).copied().collect();
    if find_program("apt-get").is_none() || !is_root() {
        bail!("{}", what_to_install(&missing));
    }
    eprintln!("      installing {} with apt-get …", packages.join(" "));
    if install(&packages).is_err() {
        // The list of packages may be missing or old, as it is in a fresh container.
        succeed(Command::new("apt-get").arg("update"))?;
        install(&packages)?;
    }
    let missing = self::missing();
    if !missing.is_empty() {
        bail!("{}", what_to_install(&missing));
    }
    Ok(Outcome::Done)
}

fn missing() -> Vec<&'static Program> {
    PROGRAMS.iter().filter(|program| program.find().is_none()).collect()
}

fn install(packages: &[&str]) -> Result<()> {
    succeed(
        Command::new("apt-get")
            .args(["install", "--yes", "--no-install-recommends"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
}

fn is_root() -> bool {
    Command::new("id")
        .arg("-u")
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// The commands that bring the missing programs.
fn what_to_install(missing: &[&Program]) -> String {
    let join = |words: Vec<&str>| words.join(" ");
    let names = missing.iter().map(|program| program.name).collect::<Vec<_>>().join(", ");
    let debian = join(missing.iter().flat_map(|program| program.debian).copied().collect());
    let fedora = join(missing.iter().map(|program| program.fedora).collect());
    let macos = join(missing.iter().map(|program| program.macos).collect());
    format!(
        "the tests need {names}, and nothing is skipped. Install with\n  \
         Debian, Ubuntu:  sudo apt-get install --no-install-recommends {debian}\n  \
         Fedora:          sudo dnf install {fedora}\n  \
         macOS:           brew install {macos}\n\
         Programs in unusual places are found through the variables CHROME and CHROMEDRIVER."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_for_each_system() {
        let missing: Vec<&Program> = PROGRAMS.iter().take(2).collect();
        let text = what_to_install(&missing);
        assert!(text.starts_with("the tests need Chromium, chromedriver, and nothing is skipped."), "{text}");
        assert!(text.contains(
            "apt-get install --no-install-recommends chromium fonts-noto-cjk fonts-noto-color-emoji \
             chromium-driver\n"
        ));
        assert!(text.contains("dnf install chromium chromedriver\n"));
        assert!(text.contains("brew install google-chrome chromedriver\n"));
    }
}
