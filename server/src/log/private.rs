//! Files and directories that nobody but their owner can read, whatever the umask says, and brought to the disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// Everything that the server makes in its directory has a name that begins so.
const OWN_NAMES: &str = "teahouse";
/// The names of files that hold what was said, or may, and of the lock, which whoever reads it can hold.
const PRIVATE_NAMES: [&str; 2] = ["teahouse.db", "teahouse.lock"];
/// How much is written to find out whether anything can be, in bytes: more than SQLite needs to begin.
const PROBE_BYTES: usize = 256 * 1024;

/// Makes the directory and sees to it that it is still there after a power cut: the name of a directory is on disk
/// when its parent is.
pub(super) fn make_directory(dir: &Path) -> io::Result<()> {
    let dir = std::path::absolute(dir)?;
    let made: Vec<&Path> = dir.ancestors().take_while(|ancestor| !ancestor.exists()).collect();
    if !made.is_empty() {
        if let Some(parent) = dir.parent() {
            fs::create_dir_all(parent)?;
        }
        create_directory(&dir)?;
    } else if !dir.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    for path in made.into_iter().filter_map(Path::parent) {
        sync_directory(path)?;
    }
    // An earlier start may have been cut between making it and this.
    match dir.parent().map(sync_directory) {
        Some(Err(error)) if error.kind() != io::ErrorKind::PermissionDenied => Err(error),
        _ => Ok(()),
    }
}

fn create_directory(dir: &Path) -> io::Result<()> {
    match fs::create_dir(dir) {
        Ok(()) => {
            // Where there are no modes, there is nothing to be private with.
            let _ = set_mode(dir, 0o700);
            Ok(())
        }
        // Another program was quicker.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Takes from everybody else what they could read of a data directory, and says so in the log. What cannot be changed is
/// said too, and no reason not to serve.
pub(super) fn tighten(dir: &Path) {
    // What is everybody's temporary directory stays that.
    let mut own = mode(dir).is_none_or(|mode| mode & 0o1000 == 0);
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let name = name.strip_prefix('.').unwrap_or(&name);
        let private = PRIVATE_NAMES.iter().any(|begin| name.starts_with(begin));
        if private && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            tighten_one(&entry.path(), 0o600);
        }
        own &= name.starts_with(OWN_NAMES) || name == "lost+found";
    }
    if own {
        tighten_one(dir, 0o700);
    } else if mode(dir).is_some_and(|mode| mode & 0o077 != 0) {
        tracing::warn!(
            "{} holds other things than Teahouse's, so its permissions stay: others can list what is in it",
            dir.display()
        );
    }
}

fn tighten_one(path: &Path, most: u32) {
    let Some(before) = mode(path).filter(|mode| mode & 0o077 != 0) else { return };
    let set = set_mode(path, before & most);
    let (path_shown, after) = (path.display(), mode(path).unwrap_or(before));
    match set {
        Ok(()) if after & 0o077 == 0 => {
            tracing::warn!(
                "others could read {path_shown} (mode {before:04o}); now its owner alone can ({after:04o})"
            );
        }
        Ok(()) => {
            tracing::warn!("others can read {path_shown} (mode {after:04o}): its file system keeps no modes")
        }
        Err(error) => tracing::warn!("others can read {path_shown} (mode {after:04o}), which stays: {error}"),
    }
}

/// Makes an empty file, which must not be there; follows no link.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
    // Where there are no modes, there is nothing to be private with.
    let _ = set_mode(path, 0o600);
    Ok(file)
}

/// Opens a file for writing, and makes it where it is missing.
pub(super) fn open_or_create(path: &Path) -> io::Result<File> {
    match create_new(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            OpenOptions::new().write(true).open(path)
        }
        made => made,
    }
}

/// A file that takes shape beside the place it is for, under a name that nobody knows, and goes if it does not get there.
pub(super) fn partial_file(dir: &Path, name: &str) -> io::Result<NamedTempFile> {
    let partial = tempfile::Builder::new().prefix(&partial_prefix(name)).suffix(PARTIAL).tempfile_in(dir)?;
    let _ = set_mode(partial.path(), 0o600);
    Ok(partial)
}

/// What the name of a [`partial_file`] begins with: as much of the other name as leaves room for the rest.
pub(super) fn partial_prefix(name: &str) -> String {
    let name: String = name.chars().take(40).collect();
    format!(".{name}.")
}

/// What the name of a [`partial_file`] ends in.
pub(super) const PARTIAL: &str = ".partial";

/// Why nothing can be written into a directory, if that is so.
pub(super) fn write_trouble(dir: &Path) -> Option<io::Error> {
    let probe = || {
        let mut file = partial_file(dir, "teahouse-probe")?;
        file.write_all(&vec![0; PROBE_BYTES])?;
        file.as_file().sync_all()
    };
    probe().err()
}

/// Brings what was written to a file through other descriptors to the disk.
pub(super) fn sync_file(path: &Path) -> io::Result<()> {
    // Windows syncs what is open for writing.
    OpenOptions::new().write(true).open(path)?.sync_all()
}

/// Brings the names in a directory to the disk.
pub(super) fn sync_directory(dir: &Path) -> io::Result<()> {
    // Windows opens no directories, and needs none of this.
    if cfg!(windows) { Ok(()) } else { File::open(dir)?.sync_all() }
}

#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(fs::metadata(path).ok()?.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(_: &Path) -> Option<u32> {
    None
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}
