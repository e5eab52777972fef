use std::collections::BTreeMap;
use std::sync::Arc;

use teahouse_client_core::{Entry, Names, PrintedRows, Room, Row, TimelineKind};
use teahouse_protocol::{MemberName, RoomName, Seq};

use super::line::Look;

/// Turns a timeline that grows into lines that are printed once, in order.
#[derive(Debug)]
pub(crate) struct Transcript {
    look: Look,
    /// The last event of each room that was printed.
    printed: BTreeMap<RoomName, Seq>,
    /// The first event of each room from which on everything was printed.
    first: BTreeMap<RoomName, Seq>,
    rows: PrintedRows,
}

impl Transcript {
    pub(crate) fn new(look: Look) -> Self {
        Self { look, printed: BTreeMap::new(), first: BTreeMap::new(), rows: PrintedRows::default() }
    }

    /// Another room is shown: its days begin anew.
    pub(crate) fn turn_page(&mut self) {
        self.rows = PrintedRows::default();
    }

    /// The lines of everything that has not been printed. Nothing while a page that comes before it is on its way.
    pub(crate) fn news(&mut self, room: &Room, me: Option<&MemberName>) -> Vec<String> {
        let unsettled = |entry: Entry<'_>| matches!(entry, Entry::Gap(gap) if gap.before.is_none());
        if room.loading_older() || room.timeline().entries().any(unsettled) {
            return Vec::new();
        }
        let printed = self.printed.get(room.name()).copied().unwrap_or(Seq::ZERO);
        let mut last = printed;
        let mut begins = !self.first.contains_key(room.name());
        for entry in room.timeline().entries() {
            match entry {
                Entry::Event(event) if event.seq > printed => {
                    if std::mem::take(&mut begins) {
                        self.first.insert(room.name().clone(), event.seq);
                    }
                    last = event.seq;
                }
                // Behind a gap another run begins.
                Entry::Gap(gap) => begins |= gap.before.is_some_and(|before| before > printed),
                Entry::Event(_) | Entry::Pending(_) => {}
            }
        }
        self.printed.insert(room.name().clone(), last);
        let offset = |at| self.look.offset_minutes(at);
        let rows = self.rows.draw(room.timeline(), printed, last, offset);
        self.lines(room, &rows, me)
    }

    /// The lines of the last `posts` messages before what was printed, if they are loaded.
    pub(crate) fn older(&self, room: &Room, posts: usize, me: Option<&MemberName>) -> Older {
        let Some(first) = self.first.get(room.name()).copied() else { return Older::Unknown };
        let (mut from, mut found) = (None, 0);
        let mut complete = !room.has_older();
        for entry in room.timeline().entries().rev() {
            match entry {
                Entry::Event(event) if event.seq < first => {
                    if found == posts {
                        break;
                    }
                    found += usize::from(matches!(event.kind, TimelineKind::Posted { .. }));
                    from = Some(event.seq);
                }
                Entry::Gap(gap) if gap.before.is_some_and(|before| before <= first) => {
                    complete = false;
                    break;
                }
                Entry::Event(_) | Entry::Gap(_) | Entry::Pending(_) => {}
            }
        }
        let after = from.unwrap_or(first).prev();
        let offset = |at| self.look.offset_minutes(at);
        let rows = PrintedRows::default().draw(room.timeline(), after, first.prev(), offset);
        // What is missing before them is not theirs to tell.
        let rows: Vec<_> = rows.into_iter().filter(|row| !matches!(**row, Row::Gap { .. })).collect();
        let lines = OlderLines { room: room.name().clone(), first: from, lines: self.lines(room, &rows, me) };
        match from {
            _ if found < posts && !complete => Older::Missing(lines),
            Some(_) => Older::Lines(lines),
            None => Older::Nothing,
        }
    }

    fn lines(&self, room: &Room, rows: &[Arc<Row>], me: Option<&MemberName>) -> Vec<String> {
        let names = Names { me, members: Some(room.member_names()) };
        rows.iter().filter_map(|row| self.look.row(row, names)).collect()
    }

    /// These lines are printed.
    pub(crate) fn take(&mut self, older: OlderLines) -> Vec<String> {
        if let Some(first) = older.first {
            self.first.insert(older.room, first);
        }
        older.lines
    }
}

/// What there is before the printed lines.
#[derive(Debug)]
pub(crate) enum Older {
    /// As much as was asked for, or everything from the beginning of the room on.
    Lines(OlderLines),
    /// So much is loaded, and more is not.
    Missing(OlderLines),
    /// The room begins with what was printed.
    Nothing,
    /// Nothing was printed yet.
    Unknown,
}

/// Lines before the printed ones. [`Transcript::take`] has them.
#[derive(Debug)]
pub(crate) struct OlderLines {
    room: RoomName,
    first: Option<Seq>,
    lines: Vec<String>,
}
