use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};
use teahouse_protocol::MemberName;

use crate::address::Address;
use crate::fnv::fnv;

/// The key under which a file says how it is to be read, and what this program writes there.
pub(crate) const FORMAT: (&str, &str) = ("format", "1");
/// How long a lock is waited for that another program holds for the moment of a write. Then it goes on without: the
/// other may have been stopped.
const LOCK_TRIES: u32 = 200;
const LOCK_RETRY: Duration = Duration::from_millis(10);
/// A longer name of a file, in bytes, is cut and told apart by a number. File systems take 255, with an ending.
const FILE_NAME_BYTES_MAX: usize = 160;
/// How many damaged files are kept aside.
const ASIDE_MAX: u32 = 100;
/// So much is written to find out whether anything can be, in bytes.
const PROBE_BYTES: usize = 4 * 1024;

/// What the brain wants kept for the next run: one file for each server and name, which only its owner can read.
///
/// Several programs may run under one name. Each writes only the keys that it changed, under a lock, into a new file
/// that takes the old one's place.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    /// Whether the directory is this program's own, and not one that the user named.
    own_dir: bool,
    changed: BTreeMap<String, Change>,
}

#[derive(Debug)]
struct Change {
    value: Option<String>,
    /// The change is made only where this is the present value.
    only_if: Option<Option<String>>,
}

/// What was kept.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) values: BTreeMap<String, String>,
    /// A file that could not be read, and is kept under this name.
    pub(crate) aside: Option<PathBuf>,
}

/// Held by the program that asks for a name that nobody here has a token for.
#[derive(Debug)]
pub(crate) struct SignIn(#[expect(dead_code, reason = "a lock that is held")] File);

impl StateFile {
    /// The file of this server and name, in the given directory or the user's own. Touches nothing.
    pub(crate) fn at(dir: Option<&Path>, address: &Address, name: &MemberName) -> anyhow::Result<Self> {
        let own_dir = dir.is_none();
        let dir = match dir {
            Some(dir) => dir.to_owned(),
            None => user_dir()?,
        };
        let path = dir.join(format!("{}.json", file_name(name, address)));
        Ok(Self { path, own_dir, changed: BTreeMap::new() })
    }

    /// Makes the directory, and finds out whether anything can be kept in it.
    pub(crate) fn prepare(&self) -> anyhow::Result<()> {
        let dir = self.dir();
        create_private(dir, self.own_dir)
            .with_context(|| format!("cannot use the directory {}", dir.display()))?;
        let probe = || {
            let mut file = self.new_file()?;
            file.write_all(&[0; PROBE_BYTES])?;
            file.flush()
        };
        probe().with_context(|| format!("cannot write into {}", dir.display()))
    }

    /// Everything that is kept. A damaged file is put aside.
    pub(crate) fn read(&self) -> anyhow::Result<Stored> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if is_missing(&error) => return Ok(Stored::default()),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", self.path.display())),
        };
        match parse(&bytes) {
            Content::Values(values) => Ok(Stored { values, aside: None }),
            Content::Newer => bail!(
                "{} was written by a newer teahouse; use that one, or another --state-dir",
                self.path.display()
            ),
            Content::Damaged => {
                let aside = self.put_aside().with_context(|| {
                    format!("{} is damaged and cannot be moved away", self.path.display())
                })?;
                Ok(Stored { values: BTreeMap::new(), aside: Some(aside) })
            }
        }
    }

    /// Remembers a change until [`Self::write`].
    pub(crate) fn change(&mut self, key: String, value: Option<String>) {
        self.changed.insert(key, Change { value, only_if: None });
    }

    /// As [`Self::change`], but where another program has changed the value meanwhile, that one stays.
    pub(crate) fn change_own(&mut self, key: String, value: Option<String>, own: Option<String>) {
        self.changed.insert(key, Change { value, only_if: Some(own) });
    }

    /// Whether a change waits that must not be lost: anything but what is read, and what is being typed.
    pub(crate) fn urgent(&self) -> bool {
        self.changed.keys().any(|key| !key.starts_with("read/") && !key.starts_with("draft/"))
    }

    /// Whether any change waits.
    pub(crate) fn waits(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Writes what changed. What cannot be written waits on.
    pub(crate) fn write(&mut self) -> anyhow::Result<()> {
        if self.changed.is_empty() {
            return Ok(());
        }
        self.replace().with_context(|| format!("cannot write {}", self.path.display()))?;
        self.changed.clear();
        Ok(())
    }

    /// Waits until no other program here asks for this name, for as long as such a question takes.
    pub(crate) async fn sign_in(&self) -> Option<SignIn> {
        let file = private_file(&self.path.with_extension("sign-in")).ok()?;
        for _ in 0..LOCK_TRIES {
            match file.try_lock() {
                Ok(()) => return Some(SignIn(file)),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_RETRY).await,
                Err(TryLockError::Error(_)) => return None,
            }
        }
        None
    }

    fn replace(&self) -> anyhow::Result<()> {
        let lock = private_file(&self.path.with_extension("lock"))?;
        if wait_for(&lock) {
            self.remove_leftovers();
        }
        let Stored { mut values, .. } = self.read()?;
        values.insert(FORMAT.0.to_owned(), FORMAT.1.to_owned());
        for (key, change) in &self.changed {
            if change.only_if.as_ref().is_some_and(|own| own.as_ref() != values.get(key)) {
                continue;
            }
            match &change.value {
                Some(value) => values.insert(key.clone(), value.clone()),
                None => values.remove(key),
            };
        }
        let mut file = self.new_file()?;
        file.write_all(&serde_json::to_vec(&values)?)?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        // Windows opens no directories.
        #[cfg(unix)]
        File::open(self.dir())?.sync_all()?;
        Ok(())
    }

    fn dir(&self) -> &Path {
        self.path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// A file for its owner only, 0600, beside the one that it replaces. It goes when it does not get there.
    fn new_file(&self) -> io::Result<tempfile::NamedTempFile> {
        tempfile::Builder::new().prefix(&self.new_prefix()).suffix(".new").tempfile_in(self.dir())
    }

    fn new_prefix(&self) -> String {
        format!(".{}.", self.path.file_stem().unwrap_or_default().to_string_lossy())
    }

    /// Removes what programs left behind that were killed while they wrote. Under the lock nobody writes.
    fn remove_leftovers(&self) {
        let prefix = self.new_prefix();
        for entry in fs::read_dir(self.dir()).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(&prefix) && name.ends_with(".new") {
                // Another one may have been quicker.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn put_aside(&self) -> io::Result<PathBuf> {
        let mut failed = io::Error::from(io::ErrorKind::AlreadyExists);
        for number in 1..=ASIDE_MAX {
            let aside = self.path.with_extension(format!("damaged-{number}"));
            // Where hard links are not to be had, nothing is overwritten either.
            if fs::symlink_metadata(&aside).is_ok() {
                continue;
            }
            match fs::rename(&self.path, &aside) {
                Ok(()) => return Ok(aside),
                Err(error) => failed = error,
            }
            break;
        }
        Err(failed)
    }
}

/// What a file holds.
enum Content {
    Values(BTreeMap<String, String>),
    Newer,
    Damaged,
}

fn parse(bytes: &[u8]) -> Content {
    // Somebody's full disk may have left an empty one.
    if bytes.is_empty() {
        return Content::Values(BTreeMap::new());
    }
    let Ok(serde_json::Value::Object(object)) = serde_json::from_slice(bytes) else {
        return Content::Damaged;
    };
    if object.get(FORMAT.0).is_some_and(|format| format != FORMAT.1) {
        return Content::Newer;
    }
    let values: Option<BTreeMap<String, String>> =
        object.into_iter().map(|(key, value)| Some((key, value.as_str()?.to_owned()))).collect();
    values.map_or(Content::Damaged, Content::Values)
}

/// No file, or no directory either.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Waits for a lock. Without one it is dangerous and better than nothing: some file systems have none.
fn wait_for(lock: &File) -> bool {
    for _ in 0..LOCK_TRIES {
        match lock.try_lock() {
            Ok(()) => return true,
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_RETRY),
            Err(TryLockError::Error(_)) => return false,
        }
    }
    false
}

/// `$XDG_STATE_HOME/teahouse` on Linux; where there is no such thing, the place for local data.
fn user_dir() -> anyhow::Result<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "teahouse")
        .context("this user has no home directory; say where to keep state with --state-dir")?;
    Ok(dirs.state_dir().unwrap_or(dirs.data_local_dir()).to_owned())
}

fn file_name(name: &MemberName, address: &Address) -> String {
    let whole = format!("{}@{}", file_safe(name.as_str()), file_safe(&address.to_string()));
    if whole.len() <= FILE_NAME_BYTES_MAX {
        return whole;
    }
    let end = whole.floor_char_boundary(FILE_NAME_BYTES_MAX);
    format!("{}-{:016x}", &whole[..end], fnv(&whole))
}

/// Any text as part of a file's name, different for different texts.
fn file_safe(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            c if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') => c.to_string(),
            c => format!("%{:x}%", c as u32),
        })
        .collect()
}

/// A directory that the user named may be meant for others too.
fn create_private(dir: &Path, own: bool) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)?;
    #[cfg(unix)]
    if own {
        use std::os::unix::fs::PermissionsExt;
        if fs::metadata(dir)?.permissions().mode() & 0o077 != 0 {
            // Somebody else's directory stays as it is; the files are private in any case.
            let _ = fs::set_permissions(dir, fs::Permissions::from_mode(0o700));
        }
    }
    #[cfg(not(unix))]
    let _ = own;
    Ok(())
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests;
