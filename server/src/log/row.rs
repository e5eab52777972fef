use rusqlite::Row;
use teahouse_protocol::{EventKind, MemberName, OpId, PageEvent, Seq, UnixMillis, UserId};

use super::LogError;
use crate::state::RoomId;

const SEQ_BITS: u32 = 40;
const SEQ_MASK: i64 = (1 << SEQ_BITS) - 1;

/// The primary key of an event.
pub(super) fn key(room: RoomId, seq: Seq) -> i64 {
    let seq = i64::try_from(seq.get()).expect("seqs stay below 2^53");
    debug_assert!(room.0 < RoomId::END && seq < SEQ_MASK);
    i64::from(room.0) << SEQ_BITS | seq
}

/// Between these two, neither included, lie the primary keys of a room's events.
pub(super) fn keys_of(room: RoomId) -> (i64, i64) {
    // Not the beginning of the next room: the last one has none.
    let floor = key(room, Seq::ZERO);
    (floor, floor | SEQ_MASK)
}

/// The seq in a primary key.
pub(super) fn seq_of(key: i64) -> Seq {
    Seq::new((key & SEQ_MASK) as u64).expect("40 bits are below 2^53")
}

/// The room in a primary key.
pub(super) fn room_of(key: i64) -> RoomId {
    RoomId((key >> SEQ_BITS) as u32)
}

/// The columns `kind` and `text` of an event.
pub(super) fn columns(kind: &EventKind) -> (i64, Option<&str>) {
    match kind {
        EventKind::Create => (0, None),
        EventKind::Join => (1, None),
        EventKind::Leave => (2, None),
        EventKind::Post { text, action: false } => (3, Some(text)),
        EventKind::Post { text, action: true } => (4, Some(text)),
        EventKind::Unknown => unreachable!("the state makes no unknown events"),
    }
}

pub(super) fn kind_of(kind: i64, text: Option<String>) -> Result<EventKind, LogError> {
    match (kind, text) {
        (0, None) => Ok(EventKind::Create),
        (1, None) => Ok(EventKind::Join),
        (2, None) => Ok(EventKind::Leave),
        (3, Some(text)) => Ok(EventKind::Post { text, action: false }),
        (4, Some(text)) => Ok(EventKind::Post { text, action: true }),
        _ => Err(LogError::Impossible("kind of event")),
    }
}

/// CRC-32 over the order: what happened where, when, and by whom, and not the text.
pub(super) fn order_sum(
    key: i64,
    at: i64,
    user: i64,
    kind: i64,
    op: Option<&str>,
    name: Option<&str>,
) -> i64 {
    let mut hasher = crc32fast::Hasher::new();
    for number in [key, at, user, kind] {
        hasher.update(&number.to_le_bytes());
    }
    // No text has these bytes.
    for (mark, text) in [(0xFE, op), (0xFF, name)] {
        if let Some(text) = text {
            hasher.update(&[mark]);
            hasher.update(text.as_bytes());
        }
    }
    i64::from(hasher.finalize())
}

/// CRC-32 over a text and its place.
pub(super) fn text_sum(key: i64, text: &str) -> i64 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&key.to_le_bytes());
    hasher.update(text.as_bytes());
    i64::from(hasher.finalize())
}

/// What [`read_event`] needs, in this order.
pub(super) const EVENT_COLUMNS: &str =
    "events.key, events.at, events.user, events.kind, events.op, events.name,
    events.sum, events.text_sum, events.text, users.name";

/// Reads a row of [`EVENT_COLUMNS`] and checks its sums.
pub(super) fn read_event(row: &Row<'_>) -> Result<PageEvent, LogError> {
    let (key, at, user, kind): (i64, i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
    let damaged = || LogError::Damaged { room: room_of(key), seq: seq_of(key) };
    let op: Option<String> = row.get(4).map_err(|_| damaged())?;
    let own_name: Option<String> = row.get(5).map_err(|_| damaged())?;
    let sum: i64 = row.get(6)?;
    let text: Option<String> = row.get(8).map_err(|_| damaged())?;
    if order_sum(key, at, user, kind, op.as_deref(), own_name.as_deref()) != sum
        || text.as_deref().map(|text| text_sum(key, text)) != row.get(7)?
    {
        return Err(damaged());
    }
    let first_name: Option<String> = row.get(9)?;
    let name = own_name.or(first_name).ok_or(LogError::Impossible("author"))?;
    Ok(PageEvent {
        seq: seq_of(key),
        at: millis(at)?,
        user: user_of(user)?,
        by: MemberName::stored(name),
        op: op.map(|op| OpId::parse(&op)).transpose().map_err(|_| LogError::Impossible("operation"))?,
        kind: kind_of(kind, text)?,
    })
}

/// A column that holds the number of a user.
pub(super) fn user_of(column: i64) -> Result<UserId, LogError> {
    u64::try_from(column).ok().and_then(|id| UserId::new(id).ok()).ok_or(LogError::Impossible("user"))
}

/// The number of a user as a column.
pub(super) fn user_column(user: UserId) -> i64 {
    i64::try_from(user.get()).expect("numbers of users stay below 2^53")
}

/// A column that holds milliseconds since 1970.
pub(super) fn millis(column: i64) -> Result<UnixMillis, LogError> {
    u64::try_from(column).map(UnixMillis::new).map_err(|_| LogError::Impossible("time"))
}

/// Milliseconds since 1970 as a column.
pub(super) fn millis_column(at: UnixMillis) -> i64 {
    i64::try_from(at.get()).expect("times end with the year 9999")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names every kind once, so that the compiler asks for one that is new.
    fn next(kind: &EventKind) -> Option<EventKind> {
        let post = |action| Some(EventKind::Post { text: "words".into(), action });
        match kind {
            EventKind::Create => Some(EventKind::Join),
            EventKind::Join => Some(EventKind::Leave),
            EventKind::Leave => post(false),
            EventKind::Post { action: false, .. } => post(true),
            EventKind::Post { action: true, .. } | EventKind::Unknown => None,
        }
    }

    #[test]
    fn every_kind_that_is_written_is_read_as_it_was() {
        for kind in std::iter::successors(Some(EventKind::Create), next) {
            let (column, text) = columns(&kind);
            assert_eq!(kind_of(column, text.map(str::to_owned)).expect("it was written"), kind);
        }
    }
}
