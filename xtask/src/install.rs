use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::assemble::{self, SERVER, TERMINAL, assemble};
use crate::cache;
use crate::project::{Profile, Project};
use crate::screen::{answer, say};
use crate::steps::{Outcome, Steps};

/// What `cargo xtask install` was told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// The programs go to its `bin`; without it to where `cargo install` puts them.
    root: Option<PathBuf>,
    /// The profile of the tests.
    debug: bool,
    /// What the last build left is taken.
    no_build: bool,
}

impl Options {
    /// Reads what follows the command.
    pub(crate) fn read(words: &[String]) -> Result<Self, String> {
        let mut options = Self { root: None, debug: false, no_build: false };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.split_once('=').unwrap_or((word, "")) {
                ("--debug", "") => options.debug = true,
                ("--no-build", "") => options.no_build = true,
                ("--root", value) if word.contains('=') => options.root = Some(value.into()),
                ("--root", _) => options.root = words.next().map(PathBuf::from),
                _ => {
                    return Err(format!(
                        "does not know `{word}`; it knows --root DIR, --debug and --no-build"
                    ));
                }
            }
            if word.starts_with("--root")
                && options.root.as_ref().is_none_or(|root| root.as_os_str().is_empty())
            {
                return Err("wants a folder after --root".into());
            }
        }
        Ok(options)
    }

    fn profile(&self) -> Profile {
        if self.debug { Profile::Dev } else { Profile::Release }
    }
}

/// `cargo xtask install`: puts both programs where a shell finds them.
pub(crate) fn install(project: &Project, options: &Options) -> Result<()> {
    let root = match &options.root {
        Some(root) => std::path::absolute(root)?,
        None => cargo_root()?,
    };
    let bin = root.join("bin");
    let steps = Steps::new(1 + if options.no_build { 0 } else { assemble::STEPS });
    if !options.no_build {
        assemble(project, &steps, options.profile())?;
    }
    steps.step(&format!("{SERVER} and {TERMINAL} into {}", bin.display()), || {
        fs::create_dir_all(&bin)
            .with_context(|| format!("cannot make the folder {}; {ELSEWHERE}", bin.display()))?;
        for name in [SERVER, TERMINAL] {
            let built = project.built(options.profile(), name);
            if options.no_build && !built.is_file() {
                bail!("{} is not built; without --no-build it is built first", built.display());
            }
            put(&built, &bin)?;
        }
        Ok(Outcome::Done)
    })?;
    let program = |name: &str| bin.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    answer!("installed {}\ninstalled {}", program(SERVER).display(), program(TERMINAL).display());
    if let Some(words) = not_found(&bin, &std::env::var_os("PATH").unwrap_or_default()) {
        say!("{words}");
    }
    Ok(())
}

/// What is said where the programs cannot be put.
const ELSEWHERE: &str = "--root DIR names another place";

/// Copies a program in one step, so that nobody ever starts half of it. One that runs goes on running the old one.
fn put(program: &Path, bin: &Path) -> Result<()> {
    let name = program.file_name().context("a program has a name")?;
    let to = bin.join(name);
    if to.is_dir() {
        bail!("{} is a folder", to.display());
    }
    let prefix = format!("{}.partial-", name.to_string_lossy());
    for left in fs::read_dir(bin).into_iter().flatten().flatten() {
        if left.file_name().to_string_lossy().starts_with(&prefix) {
            // Of a run that was ended in the middle. What cannot go is in nobody's way.
            let _ = fs::remove_file(left.path());
        }
    }
    let partial = bin.join(format!("{prefix}{}", std::process::id()));
    let copied = fs::copy(program, &partial)
        .with_context(|| format!("cannot copy {} to {}; {ELSEWHERE}", program.display(), bin.display()))
        .and_then(|_| {
            fs::rename(&partial, &to).with_context(|| {
                format!("cannot replace {}; if it runs, stop it and try again", to.display())
            })
        });
    if copied.is_err() {
        // Its error is the one to tell.
        let _ = fs::remove_file(&partial);
    }
    copied
}

/// The folder that `cargo install` uses.
fn cargo_root() -> Result<PathBuf> {
    std::env::var_os("CARGO_INSTALL_ROOT")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
        .or_else(cache::cargo_home)
        .map(|root| std::path::absolute(&root).unwrap_or(root))
        .with_context(|| {
            format!("cannot find cargo's own folder: neither CARGO_HOME nor HOME is set; {ELSEWHERE}")
        })
}

/// What to do where a shell does not find what lies in the folder, or finds something else first.
fn not_found(bin: &Path, path: &OsStr) -> Option<String> {
    let same =
        |folder: &PathBuf| folder == bin || fs::canonicalize(folder).ok() == fs::canonicalize(bin).ok();
    let folders: Vec<PathBuf> =
        std::env::split_paths(path).filter(|folder| !folder.as_os_str().is_empty()).collect();
    let Some(place) = folders.iter().position(same) else {
        let line = if cfg!(windows) {
            format!("set PATH={};%PATH%", bin.display())
        } else {
            format!("export PATH=\"{}:$PATH\"", bin.display())
        };
        return Some(format!(
            "{} is not in PATH; until it is, shells do not find them. For this one:\n  {line}",
            bin.display()
        ));
    };
    let hides = |folder: &PathBuf| {
        [SERVER, TERMINAL]
            .map(|name| folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
            .into_iter()
            .find(|other| other.is_file())
    };
    let other = folders[..place].iter().find_map(hides)?;
    Some(format!("{} comes first in PATH: shells find that one", other.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, String> {
        let words: Vec<String> = line.split_whitespace().map(Into::into).collect();
        Options::read(&words)
    }

    #[test]
    fn options_are_read_and_nonsense_is_named() {
        assert_eq!(read(""), Ok(Options { root: None, debug: false, no_build: false }));
        let all = Options { root: Some("/x".into()), debug: true, no_build: true };
        assert_eq!(read("--debug --root /x --no-build"), Ok(all));
        assert_eq!(read("--root=/a=b").unwrap().root, Some("/a=b".into()));
        for (line, words) in [
            ("--root", "folder after --root"),
            ("--root=", "folder after --root"),
            ("--rooot x", "--rooot"),
            ("/usr/local", "/usr/local"),
            ("--debug=yes", "--debug=yes"),
        ] {
            let error = read(line).unwrap_err();
            assert!(error.contains(words), "{line}: {error}");
        }
    }

    #[test]
    fn what_is_there_is_installed_and_what_is_not_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project { root: folder.path().into(), target: folder.path().join("target") };
        let root = folder.path().join("root");
        let options = Options { root: Some(root.clone()), debug: true, no_build: true };
        let error = format!("{:#}", install(&project, &options).unwrap_err());
        assert!(error.contains("is not built; without --no-build it is built first"), "{error}");
        fs::create_dir_all(project.target.join("debug")).unwrap();
        for name in [SERVER, TERMINAL] {
            fs::write(project.built(Profile::Dev, name), name).unwrap();
        }
        install(&project, &options).unwrap();
        for name in [SERVER, TERMINAL] {
            let installed = root.join("bin").join(project.built(Profile::Dev, name).file_name().unwrap());
            assert_eq!(fs::read_to_string(installed).unwrap(), name);
        }
    }

    #[test]
    fn a_program_is_replaced_in_one_step() {
        let folder = tempfile::tempdir().unwrap();
        let (built, bin) = (folder.path().join("teahouse"), folder.path().join("bin"));
        fs::create_dir(&bin).unwrap();
        fs::write(bin.join("teahouse"), "old").unwrap();
        fs::write(bin.join("teahouse.partial-1"), "half").unwrap();
        let old = fs::File::open(bin.join("teahouse")).unwrap();
        fs::write(&built, "new").unwrap();
        put(&built, &bin).unwrap();
        assert_eq!(fs::read_to_string(bin.join("teahouse")).unwrap(), "new");
        assert_eq!(std::io::read_to_string(old).unwrap(), "old", "who has it open keeps it");
        assert_eq!(fs::read_dir(&bin).unwrap().count(), 1, "nothing else is left");

        fs::remove_file(bin.join("teahouse")).unwrap();
        fs::create_dir(bin.join("teahouse")).unwrap();
        let error = format!("{:#}", put(&built, &bin).unwrap_err());
        assert!(error.contains("is a folder"), "{error}");
        assert_eq!(fs::read_dir(&bin).unwrap().count(), 1, "nothing else is left");
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_that_would_not_find_it_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (bin, other) = (folder.path().join("bin"), folder.path().join("other"));
        fs::create_dir(&bin).unwrap();
        fs::create_dir(&other).unwrap();
        let path = |folders: &[&Path]| std::env::join_paths(folders).unwrap();
        let words = not_found(&bin, &path(&[&other])).unwrap();
        assert!(words.contains("is not in PATH") && words.contains("export PATH="), "{words}");
        assert!(not_found(&bin, OsStr::new("")).is_some());
        assert_eq!(not_found(&bin, &path(&[&other, &bin])), None);
        assert_eq!(not_found(&bin, &path(&[&bin.join("../bin")])), None, "another spelling");
        fs::write(other.join("teahouse"), "").unwrap();
        let words = not_found(&bin, &path(&[&other, &bin])).unwrap();
        assert!(words.contains("comes first"), "{words}");
        assert_eq!(not_found(&bin, &path(&[&bin, &other])), None);
    }
}
