use std::collections::BTreeMap;

use jiff::civil::Date;
use teahouse_client_core::{Entry, Names, Room, TimelineEvent, TimelineKind};
use teahouse_protocol::{MemberName, RoomName, Seq, UnixMillis};

use super::line::Look;

/// Turns a timeline that grows into lines that are printed once, in order.
#[derive(Debug)]
pub(crate) struct Transcript {
    look: Look,
    /// The last event of each room that was printed.
    printed: BTreeMap<RoomName, Seq>,
    day: Option<Date>,
}

impl Transcript {
    pub(crate) fn new(look: Look) -> Self {
        Self { look, printed: BTreeMap::new(), day: None }
    }

    /// Another room is shown: its days begin anew.
    pub(crate) fn turn_page(&mut self) {
        self.day = None;
    }

    /// The lines of everything that has not been printed. Nothing while a page that comes before it is on its way.
    pub(crate) fn news(&mut self, room: &Room, me: Option<&MemberName>) -> Vec<String> {
        let unsettled = |entry: Entry<'_>| matches!(entry, Entry::Gap(gap) if gap.before.is_none());
        if room.loading_older() || room.timeline().entries().any(unsettled) {
            return Vec::new();
        }
        let names = Names { me, members: Some(room.member_names()) };
        let mut printed = self.printed.get(room.name()).copied().unwrap_or(Seq::ZERO);
        let mut lines = Vec::new();
        let mut coming = Coming::default();
        for entry in room.timeline().entries() {
            match entry {
                Entry::Event(event) if event.seq > printed => {
                    printed = event.seq;
                    self.event(event, names, &mut coming, &mut lines);
                }
                Entry::Gap(gap)
                    if gap.before.is_some_and(|before| before > printed) && printed > Seq::ZERO =>
                {
                    self.flush(&mut coming, &mut lines);
                    lines.push(self.look.aside("…"));
                }
                Entry::Event(_) | Entry::Gap(_) | Entry::Pending(_) => {}
            }
        }
        self.flush(&mut coming, &mut lines);
        self.printed.insert(room.name().clone(), printed);
        lines
    }

    fn event(
        &mut self,
        event: &TimelineEvent,
        names: Names<'_>,
        coming: &mut Coming,
        lines: &mut Vec<String>,
    ) {
        match &event.kind {
            TimelineKind::Joined => coming.note(event, true),
            TimelineKind::Left => coming.note(event, false),
            TimelineKind::Created => {
                self.flush(coming, lines);
                self.begin_day(event.at, lines);
                lines.push(self.look.aside(&self.look.language.created(&event.by)));
            }
            TimelineKind::Posted { text, action } => {
                self.flush(coming, lines);
                self.begin_day(event.at, lines);
                // Nobody is told of what they said themselves.
                let me = names.me.filter(|me| **me != event.by);
                lines.push(self.look.message(event.at, &event.by, text, *action, Names { me, ..names }));
            }
            TimelineKind::Unknown => {}
        }
    }

    fn begin_day(&mut self, at: UnixMillis, lines: &mut Vec<String>) {
        let day = self.look.local(at).date();
        if self.day.is_none_or(|last| day > last) {
            self.day = Some(day);
            lines.push(self.look.day(at));
        }
    }

    fn flush(&mut self, coming: &mut Coming, lines: &mut Vec<String>) {
        let Coming { at, joined, left } = std::mem::take(coming);
        let Some(at) = at.filter(|_| !joined.is_empty() || !left.is_empty()) else { return };
        self.begin_day(at, lines);
        lines.push(self.look.aside(&self.look.language.members(&joined, &left)));
    }
}

/// Members who came and went in one go.
#[derive(Debug, Default)]
struct Coming {
    at: Option<UnixMillis>,
    joined: Vec<MemberName>,
    left: Vec<MemberName>,
}

impl Coming {
    fn note(&mut self, event: &TimelineEvent, joins: bool) {
        self.at.get_or_insert(event.at);
        let (here, there) =
            if joins { (&mut self.joined, &mut self.left) } else { (&mut self.left, &mut self.joined) };
        match there.iter().position(|name| *name == event.by) {
            Some(at) => {
                there.remove(at);
            }
            None => here.push(event.by.clone()),
        }
    }
}
