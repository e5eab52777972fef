use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use teahouse_protocol::MemberName;

use crate::address::Address;

/// What the brain wants kept for the next run: one file for each server and name.
///
/// Several programs may run under one name. Each writes only the keys that it changed, under a lock, into a new file
/// that takes the old one's place.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    changed: BTreeMap<String, Option<String>>,
}

impl StateFile {
    /// The file of this server and name, in the given directory or the user's own.
    pub(crate) fn open(dir: Option<&Path>, address: &Address, name: &MemberName) -> anyhow::Result<Self> {
        let dir = match dir {
            Some(dir) => dir.to_owned(),
            None => user_dir()?,
        };
        create_private(&dir).with_context(|| {
            format!(
                "cannot make the directory {} for this program's state; choose another with --state-dir",
                dir.display()
            )
        })?;
        let path = dir.join(format!("{}@{}.json", file_safe(name.as_str()), file_safe(&address.to_string())));
        Ok(Self { path, changed: BTreeMap::new() })
    }

    /// Everything that is kept.
    pub(crate) fn read(&self) -> anyhow::Result<BTreeMap<String, String>> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", self.path.display())),
        };
        serde_json::from_slice(&bytes).with_context(|| {
            format!(
                "{} is damaged; move it away to start anew (unsent messages are in it)",
                self.path.display()
            )
        })
    }

    /// Remembers a change until [`Self::write`].
    pub(crate) fn change(&mut self, key: String, value: Option<String>) {
        self.changed.insert(key, value);
    }

    /// Whether a change waits that must not be lost: anything but how far rooms are read.
    pub(crate) fn urgent(&self) -> bool {
        self.changed.keys().any(|key| !key.starts_with("read/"))
    }

    /// Writes what changed.
    pub(crate) fn write(&mut self) -> anyhow::Result<()> {
        if self.changed.is_empty() {
            return Ok(());
        }
        self.replace().with_context(|| format!("cannot write {}", self.path.display()))?;
        self.changed.clear();
        Ok(())
    }

    fn replace(&self) -> anyhow::Result<()> {
        let lock = private_file(&self.path.with_extension("lock"))?;
        lock.lock()?;
        let mut values = self.read()?;
        for (key, value) in &self.changed {
            match value {
                Some(value) => values.insert(key.clone(), value.clone()),
                None => values.remove(key),
            };
        }
        let dir = self.path.parent().unwrap_or(Path::new("."));
        // Temporary files are made for their owner only, 0600.
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        serde_json::to_writer(&mut file, &values)?;
        file.flush()?;
        file.as_file().sync_all()?;
        file.persist(&self.path)?;
        Ok(())
    }
}

/// `$XDG_STATE_HOME/teahouse` on Linux; where there is no such thing, the place for local data.
fn user_dir() -> anyhow::Result<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "teahouse")
        .context("this user has no home directory; say where to keep state with --state-dir")?;
    Ok(dirs.state_dir().unwrap_or(dirs.data_local_dir()).to_owned())
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

fn create_private(dir: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &Path) -> StateFile {
        let address = "tea.example".parse().expect("an address");
        StateFile::open(Some(dir), &address, &MemberName::parse("o'阿/na").expect("a name"))
            .expect("a directory")
    }

    fn write(file: &mut StateFile, key: &str, value: Option<&str>) {
        file.change(key.into(), value.map(Into::into));
        file.write().expect("a writable directory");
    }

    #[test]
    fn two_programs_of_one_name_keep_each_others_values() {
        let dir = tempfile::tempdir().expect("a directory");
        let (mut one, mut two) = (open(dir.path()), open(dir.path()));
        write(&mut one, "outbox/1", Some("a"));
        write(&mut two, "outbox/2", Some("b"));
        write(&mut one, "outbox/1", None);
        let expected = BTreeMap::from([("outbox/2".to_owned(), "b".to_owned())]);
        assert_eq!(two.read().expect("a file"), expected);
    }

    #[test]
    fn many_writers_at_once_lose_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let dir = dir.path();
                scope.spawn(move || {
                    let mut file = open(dir);
                    for at in 0..10 {
                        write(&mut file, &format!("outbox/{writer}-{at}"), Some("x"));
                    }
                });
            }
        });
        assert_eq!(open(dir.path()).read().expect("a file").len(), 40);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a directory");
        let mut file = open(&dir.path().join("deep"));
        write(&mut file, "identity", Some("secret"));
        let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode(&file.path), 0o600);
        assert_eq!(mode(&dir.path().join("deep")), 0o700);
    }

    #[test]
    fn a_damaged_file_is_named_and_left_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut file = open(dir.path());
        fs::write(&file.path, "{").expect("a writable directory");
        file.change("a".into(), Some("b".into()));
        let error = format!("{:#}", file.write().expect_err("it is damaged"));
        assert!(error.contains("is damaged"), "{error}");
        assert_eq!(fs::read(&file.path).expect("a file"), b"{");
    }

    #[test]
    fn read_positions_can_wait() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut file = open(dir.path());
        file.change("read/lobby".into(), Some("1".into()));
        assert!(!file.urgent());
        file.change("draft/lobby".into(), None);
        assert!(file.urgent());
    }
}
