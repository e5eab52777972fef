//! Rows as versions 1 and 2 wrote them: in a database that is migrated, and in an old backup that is only read.

use rusqlite::Row;
use teahouse_protocol::{MemberName, PageEvent};

use super::{LogError, row};

/// What [`read_event`] needs of a database of this version, in this order.
pub(super) fn event_columns(version: u32) -> &'static str {
    match version {
        1 => "events.key, events.at, events.user, events.kind, events.text, events.sum, NULL, users.name",
        2 => {
            "events.key, events.at, events.user, events.kind, events.text, events.sum, events.name, users.name"
        }
        _ => row::EVENT_COLUMNS,
    }
}

/// Reads a row of [`event_columns`] and checks its sums. Before version 3 no event has its operation beside it.
pub(super) fn read_event(version: u32, found: &Row<'_>) -> Result<PageEvent, LogError> {
    if version >= 3 {
        return row::read_event(found);
    }
    let (key, at, user, kind): (i64, i64, i64, i64) =
        (found.get(0)?, found.get(1)?, found.get(2)?, found.get(3)?);
    let damaged = || LogError::Damaged { room: row::room_of(key), seq: row::seq_of(key) };
    let text: Option<String> = found.get(4).map_err(|_| damaged())?;
    let sum: i64 = found.get(5)?;
    let own_name: Option<String> = found.get(6).map_err(|_| damaged())?;
    if checksum(key, at, user, kind, text.as_deref(), own_name.as_deref()) != sum {
        return Err(damaged());
    }
    let first_name: Option<String> = found.get(7)?;
    let name = own_name.or(first_name).ok_or(LogError::Impossible("author"))?;
    Ok(PageEvent {
        seq: row::seq_of(key),
        at: row::millis(at)?,
        user: row::user_of(user)?,
        by: MemberName::stored(name),
        op: None,
        kind: row::kind_of(kind, text)?,
    })
}

/// CRC-32 over the columns of an event. One without a name of its own has the sum that it had in version 1.
pub(super) fn checksum(
    key: i64,
    at: i64,
    user: i64,
    kind: i64,
    text: Option<&str>,
    name: Option<&str>,
) -> i64 {
    let mut hasher = crc32fast::Hasher::new();
    for number in [key, at, user, kind, i64::from(text.is_some())] {
        hasher.update(&number.to_le_bytes());
    }
    hasher.update(text.unwrap_or_default().as_bytes());
    if let Some(name) = name {
        // No text has this byte.
        hasher.update(&[0xFF]);
        hasher.update(name.as_bytes());
    }
    i64::from(hasher.finalize())
}
