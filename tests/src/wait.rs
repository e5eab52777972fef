//! Waiting with an end.

use std::future::Future;
use std::time::Duration;

/// How long any one thing may take. Generous: a machine that compiles at the same time is slow, and a story that works
/// never waits for it.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Waits for `future`; panics with what it waited for when it takes longer than [`DEADLINE`].
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited {} s for {what}", DEADLINE.as_secs()),
    }
}
