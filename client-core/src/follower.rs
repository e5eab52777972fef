use std::collections::VecDeque;

use teahouse_protocol::limits::HISTORY_EVENTS_MAX;
use teahouse_protocol::{
    Auth, Command, Epoch, ErrorCode, Event, History, HistoryPage, Limits, Position, ResetReason, Resume,
    RoomName, Seq, ServerMessage, Watch, Watching, decode_server_message,
};

use crate::input::{Input, Ticks};
use crate::line::{Came, Line, Order, TOO_LONG};
use crate::model::Connection;

/// The most events that [`FollowFrom::Last`] goes back.
pub const FOLLOW_LAST_MAX: u32 = 5_000;

/// What a [`Follower`] is told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowConfig {
    /// Name and version of the program, for `hello`.
    pub client: String,
    /// The room to follow. The follower reads it without becoming a member.
    pub room: RoomName,
    /// Where to begin.
    pub from: FollowFrom,
    /// Whether to go on with what happens from now on.
    pub follow: bool,
}

/// Where a [`Follower`] begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowFrom {
    /// With so many of the last events, at most [`FOLLOW_LAST_MAX`].
    Last(u32),
    /// After this event.
    After(Seq),
}

/// What the driver of a [`Follower`] shall do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FollowOutput {
    /// As [`crate::Output::OpenLink`].
    OpenLink,
    /// As [`crate::Output::CloseLink`].
    CloseLink,
    /// As [`crate::Output::Send`].
    Send(String),
    /// The next event of the room: each once, in order, without a hole.
    Event(Event),
    /// The link has changed: to be said to the user, if at all.
    Connection(Connection),
    /// The log that was followed is gone, and another one is followed from its present end.
    OtherLog,
    /// Everything that there is has been given out, and no more is wanted.
    Done,
    /// It cannot go on, in the server's words.
    Refused {
        /// What kind of failure.
        code: ErrorCode,
        /// What was wrong and what to do.
        message: String,
    },
}

impl From<Order> for FollowOutput {
    fn from(order: Order) -> Self {
        match order {
            Order::Open => Self::OpenLink,
            Order::Close => Self::CloseLink,
            Order::Send(line) => Self::Send(line),
        }
    }
}

/// Reads one room's events, each once, in order, whatever the link does: for scripts. Sans IO like [`crate::Brain`], and
/// with no memory of the room but its last position.
#[derive(Debug)]
pub struct Follower {
    config: FollowConfig,
    line: Line,
    epoch: Option<Epoch>,
    /// The last event that was given out; `None` until it is known where to begin.
    cursor: Option<Seq>,
    /// Pages read backwards, oldest first, until there are enough of them.
    gathered: VecDeque<Event>,
    live: bool,
    ended: bool,
    /// How many events are asked for at a time: fewer after a page that was too long for the link.
    page_max: usize,
    outputs: Vec<FollowOutput>,
}

impl Follower {
    /// `seed` is to be different in each run.
    pub fn new(config: FollowConfig, seed: u64, now: Ticks) -> Self {
        let cursor = match config.from {
            FollowFrom::After(seq) => Some(seq),
            FollowFrom::Last(_) => None,
        };
        Self {
            config,
            line: Line::new(seed, now),
            epoch: None,
            cursor,
            gathered: VecDeque::new(),
            live: false,
            ended: false,
            page_max: HISTORY_EVENTS_MAX,
            outputs: Vec::new(),
        }
    }

    /// Takes in what happened and says what is to be done, in this order. [`Input::User`] and [`Input::Attention`] mean
    /// nothing to it.
    #[must_use]
    pub fn handle(&mut self, input: Input, now: Ticks) -> Vec<FollowOutput> {
        let before = self.line.connection();
        if !self.ended {
            match self.line.take(input, now, &mut self.outputs) {
                Ok(Some(came)) => self.came(came, now),
                Ok(None) => {}
                Err(Input::Start) if !self.line.held() => self.line.connect(now, &mut self.outputs),
                Err(_) => {}
            }
            while let Some(came) = self.line.pass_time(now, &mut self.outputs) {
                self.came(came, now);
            }
        }
        let after = self.line.connection();
        if after != before
            && let Some(connection) = after
        {
            self.outputs.push(FollowOutput::Connection(connection));
        }
        std::mem::take(&mut self.outputs)
    }

    /// When [`Input::Deadline`] is due, if ever.
    pub fn deadline(&self) -> Option<Ticks> {
        self.line.deadline()
    }

    fn came(&mut self, came: Came, now: Ticks) {
        match came {
            Came::Opened => {
                let auth = Auth::Guest { name: None, keep: false };
                self.line.greet(auth, &self.config.client, &mut self.outputs);
            }
            Came::Received(text) => self.received(&text, now),
            Came::Lost => self.unlink(),
            Came::TooLong => {
                self.unlink();
                match self.page_max / 2 {
                    0 => self.refuse(ErrorCode::FrameTooLong, TOO_LONG.to_owned()),
                    less => self.page_max = less,
                }
            }
            Came::Banner => {}
        }
    }

    fn unlink(&mut self) {
        self.live = false;
        self.gathered.clear();
    }

    fn cut(&mut self, reason: String, now: Ticks) {
        self.line.cut(reason, now, &mut self.outputs);
        self.unlink();
    }

    fn end(&mut self, output: FollowOutput) {
        self.line.stop(&mut self.outputs);
        self.ended = true;
        self.outputs.push(output);
    }

    fn refuse(&mut self, code: ErrorCode, message: String) {
        self.end(FollowOutput::Refused { code, message });
    }

    fn ask(&mut self, command: Command) {
        self.line.ask(command, &mut self.outputs);
    }

    fn received(&mut self, text: &str, now: Ticks) {
        let Ok(message) = decode_server_message(text.as_bytes()) else { return };
        match message {
            ServerMessage::Welcome(welcome) => {
                self.line.welcomed(now);
                let Limits { history_events_max, .. } = welcome.limits;
                self.page_max = history_events_max.clamp(1, self.page_max);
                self.read_on();
            }
            ServerMessage::History(page) if !self.live => self.page(page),
            ServerMessage::Watching(reply) => self.watching(reply),
            ServerMessage::Event(event) if self.live => self.event(event, now),
            ServerMessage::Error(error) if error.temporary => self.cut(error.message, now),
            ServerMessage::Error(error) if error.re.is_some() => {
                self.refuse(error.code, error.message);
            }
            ServerMessage::Goodbye(goodbye) if goodbye.reconnect => self.cut(goodbye.message, now),
            ServerMessage::Goodbye(goodbye) => {
                self.refuse(ErrorCode::Unknown, goodbye.message);
            }
            _ => {}
        }
    }

    /// Asks for what comes next: older pages until there are enough, newer ones until the end, then the live events.
    fn read_on(&mut self) {
        let room = self.config.room.clone();
        match (self.cursor, self.config.from) {
            (None, FollowFrom::Last(last)) => {
                let missing = (last.min(FOLLOW_LAST_MAX) as usize).saturating_sub(self.gathered.len());
                let limit = u32::try_from(missing.clamp(1, self.page_max)).ok();
                let before = self.gathered.front().map(|event| event.seq);
                self.ask(Command::History(History { before, limit, ..History::latest(room) }));
            }
            (cursor, _) => {
                let limit = u32::try_from(self.page_max).ok();
                let after = cursor.or(Some(Seq::ZERO));
                self.ask(Command::History(History { after, limit, ..History::latest(room) }));
            }
        }
    }

    fn page(&mut self, page: HistoryPage) {
        if self.epoch.as_ref().is_some_and(|epoch| *epoch != page.epoch) {
            self.gathered.clear();
            self.cursor = Some(page.head);
            self.outputs.push(FollowOutput::OtherLog);
        }
        self.epoch = Some(page.epoch);
        let (room, head) = (page.room, page.head);
        let events = page.events.into_iter().map(|event| event.in_room(room.clone()));
        let Some(cursor) = self.cursor else { return self.gather(events.collect(), head, page.more_before) };
        if cursor > head {
            let message = format!("the room ends at {head}, before {cursor}");
            return self.refuse(ErrorCode::InvalidField, message);
        }
        for event in events.collect::<Vec<_>>() {
            self.give(event);
        }
        if page.more_after {
            self.read_on();
        } else {
            self.caught_up();
        }
    }

    fn gather(&mut self, page: Vec<Event>, head: Seq, more_before: bool) {
        let FollowFrom::Last(last) = self.config.from else { return };
        for event in page.into_iter().rev() {
            self.gathered.push_front(event);
        }
        let wanted = last.min(FOLLOW_LAST_MAX) as usize;
        if self.gathered.len() < wanted && more_before && !self.gathered.is_empty() {
            return self.read_on();
        }
        let excess = self.gathered.len().saturating_sub(wanted);
        self.gathered.drain(..excess);
        let first = self.gathered.front().map_or(head, |event| event.seq.prev());
        self.cursor = Some(first);
        for event in std::mem::take(&mut self.gathered) {
            self.give(event);
        }
        self.caught_up();
    }

    fn caught_up(&mut self) {
        if !self.config.follow {
            return self.end(FollowOutput::Done);
        }
        let after = self.epoch.clone().zip(self.cursor).map(|(epoch, seq)| Position { epoch, seq });
        self.ask(Command::Watch(Watch { room: self.config.room.clone(), after }));
    }

    fn watching(&mut self, reply: Watching) {
        match (reply.resume, reply.reason) {
            (Resume::Replay, _) => self.live = true,
            (Resume::Reset, Some(ResetReason::TooFar)) => self.read_on(),
            (Resume::Live | Resume::Reset, _) => {
                if self.epoch.as_ref() != Some(&reply.epoch)
                    || self.cursor.is_some_and(|cursor| cursor > reply.head)
                {
                    self.outputs.push(FollowOutput::OtherLog);
                }
                self.epoch = Some(reply.epoch);
                self.cursor = Some(reply.head);
                self.live = true;
            }
        }
    }

    fn event(&mut self, event: Event, now: Ticks) {
        if self.cursor.is_some_and(|cursor| event.seq > cursor.next()) {
            return self.cut("the server skipped an event".to_owned(), now);
        }
        self.give(event);
    }

    fn give(&mut self, event: Event) {
        if self.cursor.is_none_or(|cursor| event.seq > cursor) {
            self.cursor = Some(event.seq);
            self.outputs.push(FollowOutput::Event(event));
        }
    }
}
