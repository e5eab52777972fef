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
    /// The first event of each room from which on everything was printed.
    first: BTreeMap<RoomName, Seq>,
    day: Option<Date>,
}

impl Transcript {
    pub(crate) fn new(look: Look) -> Self {
        Self { look, printed: BTreeMap::new(), first: BTreeMap::new(), day: None }
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
                    // Behind a gap another run begins.
                    if event.seq != printed.next() || !self.first.contains_key(room.name()) {
                        self.first.insert(room.name().clone(), event.seq);
                    }
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

    /// The lines of the last `posts` messages before what was printed, if they are loaded.
    pub(crate) fn older(&mut self, room: &Room, posts: usize, me: Option<&MemberName>) -> Older {
        let names = Names { me, members: Some(room.member_names()) };
        let Some(first) = self.first.get(room.name()).copied() else { return Older::Unknown };
        let mut due = first.prev();
        let mut run = Vec::new();
        let mut found = 0;
        for entry in room.timeline().entries().rev() {
            let Entry::Event(event) = entry else { continue };
            if event.seq > due {
                continue;
            }
            if event.seq != due || found == posts {
                break;
            }
            found += usize::from(matches!(event.kind, TimelineKind::Posted { .. }));
            run.push(event);
            due = due.prev();
            if due == Seq::ZERO {
                break;
            }
        }
        if found < posts && due > Seq::ZERO {
            return Older::Missing(self.lines(room, &run, names));
        }
        match run.is_empty() {
            true => Older::Nothing,
            false => Older::Lines(self.lines(room, &run, names)),
        }
    }

    /// Older events than those that were printed, newest first, as lines. They count as printed when they are taken.
    fn lines(&mut self, room: &Room, run: &[&TimelineEvent], names: Names<'_>) -> OlderLines {
        let day = self.day.take();
        let (mut lines, mut coming) = (Vec::new(), Coming::default());
        for event in run.iter().rev() {
            self.event(event, names, &mut coming, &mut lines);
        }
        self.flush(&mut coming, &mut lines);
        self.day = day;
        let first = run.last().map(|event| event.seq);
        OlderLines { room: room.name().clone(), first, lines }
    }

    /// These lines are printed.
    pub(crate) fn take(&mut self, older: OlderLines) -> Vec<String> {
        if let Some(first) = older.first {
            self.first.insert(older.room, first);
        }
        older.lines
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
