//! A data directory is one program's at a time.

use std::fs::{self, File};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::{OpenError, open, private};

const LOCK_FILE: &str = "teahouse.lock";
/// The lock is tried so often before another server is believed to hold it: others look at it for a moment.
const LOCK_TRIES: u32 = 10;
const LOCK_RETRY: Duration = Duration::from_millis(20);

/// Takes the directory for this program alone.
pub(super) fn take(dir: &Path) -> Result<File, OpenError> {
    let cannot_write = |source| open::cannot_write(dir, source);
    let lock = private::open_or_create(&dir.join(LOCK_FILE)).map_err(cannot_write)?;
    for attempt in 1.. {
        match lock.try_lock() {
            Ok(()) => break,
            Err(fs::TryLockError::WouldBlock) if attempt < LOCK_TRIES => thread::sleep(LOCK_RETRY),
            Err(fs::TryLockError::WouldBlock) => return Err(OpenError::InUse { dir: dir.into() }),
            Err(fs::TryLockError::Error(error)) => return Err(cannot_write(error)),
        }
    }
    Ok(lock)
}

/// Whether another program has the directory for itself. Changes nothing.
pub(super) fn is_taken(dir: &Path) -> bool {
    let Ok(lock) = File::open(dir.join(LOCK_FILE)) else { return false };
    matches!(lock.try_lock_shared(), Err(fs::TryLockError::WouldBlock))
}
