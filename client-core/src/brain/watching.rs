use teahouse_protocol::{
    CaughtUp, Command, Event, EventKind, Gone, History, HistoryPage, OpId, PageEvent, Position, Resume,
    RoomName, Seq, Watch, Watching,
};

use super::{Asked, Brain};
use crate::input::Ticks;
use crate::limits::{INACTIVE_TIMELINE_EVENTS_MAX, TIMELINE_EVENTS_MAX};
use crate::line::TOO_LONG;
use crate::model::Connection;
use crate::output::{Change, Notice, Output};
use crate::room::Outside;
use crate::store::{self, Key};
use crate::timeline::{Loading, Timeline, TimelineEvent, TimelineKind};

impl Brain {
    pub(super) fn watch_joined(&mut self) {
        let joined = self.model.rooms.values().filter(|room| room.joined && room.is_unwatched());
        for name in joined.map(|room| room.name.clone()).collect::<Vec<_>>() {
            self.watch(&name);
        }
    }

    /// Watches a room from where the timeline stands; where it does not stand anywhere yet, with its latest page.
    pub(super) fn watch(&mut self, name: &RoomName) {
        let room = self.room_entry(name);
        room.watch_asked = true;
        room.watching = false;
        let after = room.timeline.position.clone();
        let first = after.is_none();
        self.ask(Command::Watch(Watch { room: name.clone(), after }), Asked::Watch { room: name.clone() });
        if first {
            self.ask_latest(name);
        }
        if self.model.active.as_ref() == Some(name) {
            self.ask_who(name, false);
        }
    }

    fn ask_latest(&mut self, name: &RoomName) {
        self.room_entry(name).timeline.loading = Some(Loading::Latest);
        self.ask_history(History::latest(name.clone()));
    }

    fn ask_history(&mut self, request: History) {
        let room = request.room.clone();
        let max = u32::try_from(self.limits.history_events_max).unwrap_or(u32::MAX).max(1);
        let limit = Some(self.config.history_page.clamp(1, max));
        self.ask(Command::History(History { limit, ..request }), Asked::History { room });
    }

    /// A page was longer than the link takes.
    pub(super) fn ask_for_less(&mut self) {
        let max = u32::try_from(self.limits.history_events_max).unwrap_or(u32::MAX).max(1);
        match self.config.history_page.clamp(1, max) / 2 {
            0 => self.stop(Connection::Stopped { code: None, reason: TOO_LONG.to_owned() }),
            less => self.config.history_page = less,
        }
    }

    pub(super) fn watching(&mut self, asked: &RoomName, reply: Watching) {
        let name = self.spelled(asked, &reply.room);
        let room = self.room_entry(&name);
        room.watch_asked = false;
        room.watching = true;
        room.replay_to = None;
        room.head = room.head.max(reply.head);
        let same_log = room.timeline.position.as_ref().is_some_and(|position| {
            position.epoch == reply.epoch && (position.seq <= reply.head || reply.resume == Resume::Replay)
        });
        match reply.resume {
            Resume::Replay if same_log => room.replay_to = Some(reply.head),
            Resume::Live | Resume::Reset | Resume::Replay => {
                if !same_log && room.timeline.position.is_some() {
                    room.forget_log();
                    room.head = reply.head;
                }
                room.timeline.position = Some(Position { epoch: reply.epoch.clone(), seq: reply.head });
                room.reading.forget_counts();
                // A read position of another log says nothing about this one.
                if room.reading.read.as_ref().is_none_or(|read| read.epoch != reply.epoch) {
                    let read = Position { epoch: reply.epoch, seq: reply.head };
                    let value = store::encode(&read);
                    room.reading.read = Some(read);
                    self.store(&Key::Read(name.clone()), Some(value));
                }
            }
        }
        let room = self.room_entry(&name);
        if room.timeline.lacks_latest() && room.timeline.loading.is_none() {
            self.ask_latest(&name);
        }
        self.read_shown(&name);
        self.change(Change::Rooms);
        self.change(Change::Timeline(name));
    }

    pub(super) fn caught_up(&mut self, reply: &CaughtUp) {
        if let Some(room) = self.model.rooms.get_mut(&reply.room) {
            room.replay_to = None;
        }
    }

    /// A room that was watched is gone; one of the same handle that came after it is not meant.
    pub(super) fn gone(&mut self, gone: &Gone) {
        let active = self.model.active.as_ref() == Some(&gone.room);
        let Some(room) = self.model.rooms.get_mut(&gone.room) else { return };
        if room.timeline.position.as_ref().is_some_and(|position| position.epoch != gone.epoch) {
            return;
        }
        room.listed = false;
        room.joined = false;
        room.watching = false;
        room.watch_asked = false;
        room.member_total = 0;
        room.forget_log();
        room.outside = Outside::Missing;
        if !active && !room.wanted && !room.holds_words() {
            self.model.rooms.remove(&gone.room);
        }
        self.change(Change::Rooms);
        self.change(Change::Timeline(gone.room.clone()));
    }

    pub(super) fn event(&mut self, event: Event, now: Ticks) {
        let Event { room: name, seq, at, user, by, op, kind } = event;
        let event = PageEvent { seq, at, user, by, op, kind };
        // In every room the old name leaves and the new one joins.
        let renaming = self.is_renaming();
        let Some(room) = self.model.rooms.get_mut(&name) else { return };
        // What still comes of an earlier watch comes again after the answer to the new one.
        if !room.watching {
            return;
        }
        let Some(position) = &mut room.timeline.position else { return };
        if event.seq <= position.seq {
            return;
        }
        if event.seq != position.seq.next() {
            if room.hole_after == Some(position.seq) {
                self.cut("the server skips events".to_owned(), now);
            } else {
                room.hole_after = Some(position.seq);
                self.watch(&name);
            }
            return;
        }
        position.seq = event.seq;
        let replayed = room.replay_to.is_some_and(|to| event.seq <= to);
        room.head = room.head.max(event.seq);
        let mine = self.model.me.as_ref().is_some_and(|me| me.is(event.user));
        let (mut arrived, mut departed) = (false, false);
        // What is replayed from before the user's own doings is history.
        let current = mine && event.seq > room.joined_at;
        match &event.kind {
            EventKind::Join => {
                room.member_came(event.user, &event.by);
                arrived = current && !room.joined;
                self.changes.insert(Change::Members(name.clone()));
            }
            EventKind::Leave => {
                room.member_left(event.user);
                departed = current && room.joined && !renaming;
                self.changes.insert(Change::Members(name.clone()));
            }
            EventKind::Create | EventKind::Post { .. } | EventKind::Unknown => {}
        }
        let op = event.op.clone();
        let event = TimelineEvent::from(event);
        let mentioned = room.reading.count(&event, self.model.me.as_ref());
        if mentioned
            && !replayed
            && let TimelineKind::Posted { text, .. } = &event.kind
        {
            let (by, text) = (event.by.clone(), text.clone());
            self.outputs.push(Output::Mentioned { room: name.clone(), seq: event.seq, by, text });
        }
        self.absorb(&name, event, op.as_ref());
        self.trim(&name);
        self.change(Change::Rooms);
        self.change(Change::Timeline(name.clone()));
        if arrived && !replayed {
            self.is_member(&name);
        } else if departed && self.model.rooms[&name].leaving {
            self.left(&name);
        } else if departed {
            self.left_elsewhere(&name);
        }
    }

    pub(super) fn history(&mut self, asked: &RoomName, page: HistoryPage) {
        let name = self.spelled(asked, &page.room);
        let room = self.room_entry(&name);
        let loading = room.timeline.loading.take();
        self.change(Change::Timeline(name.clone()));
        let room = self.room_entry(&name);
        match &room.timeline.position {
            Some(position) if position.epoch == page.epoch => {}
            // A new life of the log began between the watch and the page.
            Some(_) => {
                room.forget_log();
                return self.watch(&name);
            }
            None => return,
        }
        room.head = room.head.max(page.head);
        let cursor = room.timeline.cursor();
        let me = self.model.me.clone();
        if let Some((first, last)) = told(&page, loading) {
            self.room_entry(&name).timeline.cover(first, last);
        }
        // Counts go from the end backwards; a page in the middle would stand for all that is missing after it.
        let to_the_end = matches!(loading, Some(Loading::Latest | Loading::Before(_)));
        for event in page.events.into_iter().rev() {
            let op = event.op.clone();
            let event = TimelineEvent::from(event);
            // What lies after the cursor comes once more, live, and is counted then.
            if event.seq <= cursor && to_the_end {
                self.room_entry(&name).reading.count(&event, me.as_ref());
            }
            self.absorb(&name, event, op.as_ref());
        }
        if loading == Some(Loading::Latest) {
            self.settle_landed(&name);
        }
        self.place_unread_line(&name);
        self.trim(&name);
        self.read_shown(&name);
        self.change(Change::Rooms);
    }

    pub(super) fn history_refused(&mut self, name: &RoomName) {
        self.room_entry(name).timeline.loading = None;
        self.change(Change::Timeline(name.clone()));
    }

    pub(super) fn load_older(&mut self, name: &RoomName) {
        let Some(timeline) = self.idle_timeline(name) else { return };
        let page = usize::try_from(self.config.history_page).unwrap_or(usize::MAX);
        // It names no place where the user reads, so that nothing may go for it.
        if timeline.events().len().saturating_add(page) > TIMELINE_EVENTS_MAX {
            return self.notice(Notice::TimelineFull { room: name.clone() });
        }
        let before = match timeline.newest_gap() {
            Some(gap) => gap.before,
            None if timeline.lacks_latest() => None,
            None => timeline.first_seq(),
        };
        match before {
            Some(before) => self.load_before(name, before),
            None => {
                self.change(Change::Timeline(name.clone()));
                self.ask_latest(name);
            }
        }
    }

    pub(super) fn load_before(&mut self, name: &RoomName, seq: Seq) {
        let Some(timeline) = self.idle_timeline(name) else { return };
        if timeline.contains(seq) && seq.get() > 1 && !timeline.contains(seq.prev()) {
            let request = History { before: Some(seq), ..History::latest(name.clone()) };
            self.load_page(request, Loading::Before(seq));
        }
    }

    pub(super) fn load_after(&mut self, name: &RoomName, seq: Seq) {
        let Some(timeline) = self.idle_timeline(name) else { return };
        if timeline.contains(seq) && seq < timeline.cursor() && !timeline.contains(seq.next()) {
            let request = History { after: Some(seq), ..History::latest(name.clone()) };
            self.load_page(request, Loading::After(seq));
        }
    }

    pub(super) fn show(&mut self, name: &RoomName, seq: Seq) {
        self.open(name);
        self.room_entry(name).show = Some(seq);
        self.read_shown(name);
    }

    /// Reads around the event that is to be shown, as soon as it is known that it is not loaded.
    fn read_shown(&mut self, name: &RoomName) {
        if self.idle_timeline(name).is_none() {
            return;
        }
        let room = self.room_entry(name);
        let Some(seq) = room.show.take() else { return };
        if seq > Seq::ZERO && seq <= room.head && !room.timeline.contains(seq) {
            let request = History { around: Some(seq), ..History::latest(name.clone()) };
            self.load_page(request, Loading::Around);
        }
    }

    /// The timeline of a room, where a page can be asked for at this moment.
    fn idle_timeline(&self, name: &RoomName) -> Option<&Timeline> {
        let room = self.model.rooms.get(name).filter(|room| room.watching)?;
        Some(&room.timeline).filter(|timeline| timeline.loading.is_none())
    }

    fn load_page(&mut self, request: History, loading: Loading) {
        let page = usize::try_from(self.config.history_page).unwrap_or(usize::MAX);
        let name = request.room.clone();
        let timeline = &mut self.room_entry(&name).timeline;
        timeline.reader = request.before.or(request.after).or(request.around);
        timeline.trim(TIMELINE_EVENTS_MAX.saturating_sub(page));
        timeline.loading = Some(loading);
        self.change(Change::Timeline(name));
        self.ask_history(request);
    }

    /// Puts an event into the timeline, in the place of the pending post that it was.
    fn absorb(&mut self, name: &RoomName, mut event: TimelineEvent, op: Option<&OpId>) {
        event.local = self.take_echo(name, &event, op);
        self.room_entry(name).timeline.insert(event);
    }

    fn trim(&mut self, name: &RoomName) {
        let active = self.model.active.as_ref() == Some(name);
        let max = if active { TIMELINE_EVENTS_MAX } else { INACTIVE_TIMELINE_EVENTS_MAX };
        self.room_entry(name).timeline.trim(max);
    }

    /// Draws the unread line of a room that was entered, once it is known what is unread.
    pub(super) fn place_unread_line(&mut self, name: &RoomName) {
        let active = self.model.active.as_ref() == Some(name);
        let room = self.room_entry(name);
        if !active || !room.reading.line_due || room.timeline.events().is_empty() {
            return;
        }
        room.reading.line_due = false;
        if room.reading.unread > 0 {
            room.timeline.unread_after = Some(room.reading.read_seq());
        }
    }

    pub(super) fn attention(&mut self, focused: bool, at_bottom: bool) {
        let was_focused = std::mem::replace(&mut self.focused, focused);
        self.at_bottom = at_bottom;
        let Some(room) = self.model.active.as_ref().and_then(|name| self.model.rooms.get_mut(name)) else {
            return;
        };
        if at_bottom {
            room.timeline.reader = None;
        }
        if was_focused != focused && room.reading.unread == 0 && !room.reading.line_due {
            let after = (!focused).then(|| room.timeline.cursor()).filter(|seq| *seq > Seq::ZERO);
            if room.timeline.unread_after != after {
                room.timeline.unread_after = after;
                self.changes.insert(Change::Timeline(room.name.clone()));
            }
        }
    }

    /// What the user looks at is read.
    pub(super) fn mark_read(&mut self) {
        if !self.focused || !self.at_bottom {
            return;
        }
        let Some(room) = self.model.active.as_ref().and_then(|name| self.model.rooms.get_mut(name)) else {
            return;
        };
        let Some(position) = &room.timeline.position else { return };
        if room.timeline.lacks_latest() {
            return;
        }
        if room.reading.mark(position) {
            let value = store::encode(position);
            let key = Key::Read(room.name.clone());
            self.store(&key, Some(value));
            self.change(Change::Rooms);
        }
    }
}

/// The part of the log that a page tells of, first and last seq: what was asked for, as far as the server says that there is
/// no more, and otherwise as far as its events go.
fn told(page: &HistoryPage, asked: Option<Loading>) -> Option<(Seq, Seq)> {
    let (first, last) =
        (page.events.first().map(|event| event.seq), page.events.last().map(|event| event.seq));
    let first = match asked {
        Some(Loading::After(seq)) => Some(seq.next()),
        _ if !page.more_before => Some(Seq::ZERO.next()),
        Some(Loading::Latest | Loading::Before(_) | Loading::Around) | None => first,
    };
    let last = match asked {
        Some(Loading::Before(seq)) => Some(seq.prev()),
        _ if !page.more_after => Some(page.head),
        Some(Loading::Latest | Loading::After(_) | Loading::Around) | None => last,
    };
    first.zip(last)
}
