//! The folder of installed programs, which all clones of one user share.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::screen::say;
use crate::steps::Outcome;

/// What is said where the cache cannot be written.
const ELSEWHERE: &str =
    "the variable XDG_CACHE_HOME names another place for the programs that are installed once";

/// Fills a folder of the cache unless that is done, once for all runs that want it at the same time. `install` is given
/// a folder that gets its name only when it is whole, so that an interrupted run leaves nothing half made.
pub(crate) fn install_whole(
    folder: &Path,
    is_installed: impl Fn() -> bool,
    install: impl FnOnce(&Path) -> Result<()>,
) -> Result<Outcome> {
    if is_installed() {
        return Ok(Outcome::Ready);
    }
    let cache = folder.parent().context("the cache is a folder")?;
    fs::create_dir_all(cache)
        .with_context(|| format!("cannot make the folder {}; {ELSEWHERE}", cache.display()))?;
    let beside = |ending: &str| PathBuf::from(format!("{}.{ending}", folder.display()));
    let _lock = lock(&beside("lock")).context(ELSEWHERE)?;
    // Whoever held the lock before may have installed it.
    if is_installed() {
        return Ok(Outcome::Ready);
    }
    let partial = beside("partial");
    remove(&partial)?;
    install(&partial)?;
    remove(folder)?;
    fs::rename(&partial, folder).with_context(|| format!("cannot make {}", folder.display()))?;
    ensure!(is_installed(), "it was installed in {} but does not run", folder.display());
    Ok(Outcome::Done)
}

/// Waits until no other run of this user does what has this name.
pub(crate) fn lock_for(name: &str) -> Result<File> {
    let cache = folder()?;
    fs::create_dir_all(&cache)
        .with_context(|| format!("cannot make the folder {}; {ELSEWHERE}", cache.display()))?;
    lock(&cache.join(format!("{name}.lock"))).context(ELSEWHERE)
}

/// Waits until no other run works here. The lock ends with the file or the process.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {
            say!("      waiting for another run of cargo xtask, which holds {} …", path.display())
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    file.lock().with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(file)
}

/// Removes a folder that may be there.
pub(crate) fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// The cache of the user that this platform provides.
pub(crate) fn folder() -> Result<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = folder("XDG_CACHE_HOME").filter(|path| path.is_absolute()).or_else(|| {
        if cfg!(windows) {
            folder("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            folder("HOME").map(|home| home.join("Library/Caches"))
        } else {
            folder("HOME").map(|home| home.join(".cache"))
        }
    });
    base.map(|base| base.join("teahouse").join("tools"))
        .context("cannot find the user's cache: neither XDG_CACHE_HOME nor HOME is set")
}

/// The folder of cargo itself.
pub(crate) fn cargo_home() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").filter(|value| !value.is_empty()).map(PathBuf::from);
    home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use anyhow::bail;

    use super::*;

    /// An installation that leaves a file.
    fn fill(partial: &Path) -> Result<()> {
        fs::create_dir(partial)?;
        Ok(fs::write(partial.join("program"), "whole")?)
    }

    #[test]
    fn what_an_interrupted_run_left_is_in_nobodys_way() {
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().join("deep/trunk-1.2.3");
        let is_installed = || folder.join("program").is_file();
        let failed = install_whole(&folder, is_installed, |partial| {
            fill(partial)?;
            bail!("the connection broke")
        });
        assert!(failed.is_err() && !folder.exists(), "nothing half made has the name");
        // Half a folder of the name, as another version of this program may have left it.
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("half"), "").unwrap();
        assert_eq!(install_whole(&folder, is_installed, fill).unwrap(), Outcome::Done);
        assert!(is_installed() && !folder.join("half").exists());
        let again = install_whole(&folder, is_installed, |_| bail!("it is there"));
        assert_eq!(again.unwrap(), Outcome::Ready);
    }

    #[test]
    fn of_two_runs_at_once_one_installs() {
        let cache = tempfile::tempdir().unwrap();
        let folder = cache.path().join("trunk-1.2.3");
        let is_installed = || folder.join("program").is_file();
        let (begun, other_begins) = mpsc::channel();
        let (looked, go_on) = mpsc::channel();
        std::thread::scope(|scope| {
            let (folder, is_installed) = (&folder, &is_installed);
            scope.spawn(move || {
                let outcome = install_whole(folder, is_installed, |partial| {
                    begun.send(()).unwrap();
                    // The other has looked, and found nothing.
                    go_on.recv().unwrap();
                    fill(partial)
                });
                assert_eq!(outcome.unwrap(), Outcome::Done);
            });
            other_begins.recv().unwrap();
            let first_look = std::cell::Cell::new(true);
            let looks = || {
                if first_look.replace(false) {
                    looked.send(()).unwrap();
                    return false;
                }
                is_installed()
            };
            let outcome = install_whole(folder, looks, |_| bail!("twice"));
            assert_eq!(outcome.unwrap(), Outcome::Ready);
        });
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_named_with_a_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for cache in [file.join("tools"), "/proc/teahouse/tools".into()] {
            let error = install_whole(&cache.join("trunk-1.2.3"), || false, |_| Ok(())).unwrap_err();
            let error = format!("{error:#}");
            assert!(error.contains(&*cache.to_string_lossy()) && error.contains("XDG_CACHE_HOME"), "{error}");
        }
    }
}
