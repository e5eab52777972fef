//! The whole behaviour, one file for each concern: who the user is, which rooms there are, what happens in them, what
//! the user posts, and what the user has seen.

mod discarding;
mod doubt;
mod farewell;
mod identity;
mod intents;
mod outbox;
mod posts;
mod replies;
mod rooms;
mod shared;
mod standing;
mod watching;

use std::collections::{BTreeMap, BTreeSet};

use teahouse_protocol::{Command, Limits, MemberName, OpId, RequestId, RoomName, UnixMillis};

use crate::backoff::Backoff;
use crate::input::{Config, Input, Now, Ticks};
use crate::line::{Came, Line};
use crate::model::{Connection, Model};
use crate::outbox::{LocalId, OpSource, PendingPost};
use crate::output::{Change, Notice, Output};
use crate::random::Random;
use crate::room::Room;
use crate::store::{self, Key, StoredIdentity};

/// The whole behaviour of a client.
#[derive(Debug)]
pub struct Brain {
    config: Config,
    model: Model,
    line: Line,
    random: Random,
    /// Who the user is, or wants to be. `None`: the user has to say.
    identity: Option<StoredIdentity>,
    /// The name to ask for as soon as the server can be asked.
    renaming: Option<MemberName>,
    /// The tokens of those who signed out and of whom the server has not heard that.
    farewells: BTreeSet<String>,
    /// Without an identity the server is to find a name.
    anonymous: bool,
    /// Whether a welcome came in this run; from then on, membership is the server's to say.
    was_welcome: bool,
    /// The open room is the one of the last run or none, and nobody has asked for it in this one: the welcome decides.
    reopening: bool,
    limits: Limits,
    /// What each unanswered request was about.
    asked: BTreeMap<RequestId, Asked>,
    next_local: u64,
    ops: OpSource,
    /// No operation goes out before this, because the server refused one for the moment.
    resend_at: Option<Ticks>,
    resend_backoff: Backoff,
    /// The post that was dropped last, and its room.
    discarded: Option<(RoomName, PendingPost)>,
    /// The first post that the server refused for the moment: until it comes again, the server takes no other.
    refused: Option<OpId>,
    /// The program has the user's eyes.
    focused: bool,
    /// The active room shows its last message.
    at_bottom: bool,
    /// The client's clock, as far as it was told.
    unix: UnixMillis,
    outputs: Vec<Output>,
    changes: BTreeSet<Change>,
}

/// What a request was about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Hello { token: bool },
    Rename { name: MemberName },
    Farewell { token: String },
    SignOut { token: String },
    Leave { room: RoomName },
    Unwatch,
    Rooms { shown: bool },
    Watch { room: RoomName },
    History { room: RoomName },
    Operation { room: RoomName, op: OpId },
    Who { room: RoomName, shown: bool },
}

impl Brain {
    /// `stored` is whatever earlier [`Output::Store`]s left behind: (key, value) pairs, in any order. Unreadable values
    /// are dropped. `seed` is to be different in each run.
    pub fn new(
        config: Config,
        stored: impl IntoIterator<Item = (String, String)>,
        seed: u64,
        now: Now,
    ) -> Self {
        let mut brain = Self {
            model: Model::new(),
            line: Line::new(seed, now.ticks),
            random: Random::new(seed),
            identity: config.name.clone().map(|name| StoredIdentity { name, token: None }),
            renaming: None,
            farewells: BTreeSet::new(),
            anonymous: false,
            was_welcome: false,
            reopening: config.rooms.is_empty() && config.show.is_none(),
            limits: Limits::CURRENT,
            asked: BTreeMap::new(),
            next_local: 1,
            ops: OpSource::default(),
            resend_at: None,
            resend_backoff: Backoff::default(),
            discarded: None,
            refused: None,
            focused: false,
            at_bottom: true,
            unix: now.unix,
            outputs: Vec::new(),
            changes: BTreeSet::new(),
            config,
        };
        // In the order of their keys, posts come in the order of submission.
        for (key, value) in stored.into_iter().collect::<BTreeMap<_, _>>() {
            if let Some(key) = Key::parse(&key) {
                brain.restore(key, &value);
            }
        }
        for name in brain.config.rooms.clone() {
            let create = brain.config.create_rooms;
            let room = brain.room_entry(&name);
            room.wanted = true;
            room.create = create;
        }
        if let Some(first) = brain.config.first_shown() {
            brain.room_entry(&first).reading.line_due = true;
            brain.set_active(Some(first));
        }
        let me = brain.identity.as_ref().map(|identity| identity.name.clone());
        brain.set_me(me, None);
        brain.changes.clear();
        brain
    }

    fn set_active(&mut self, name: Option<RoomName>) {
        if self.model.active != name {
            self.model.active = name;
            if self.identity.is_some() {
                self.store_active();
            }
            self.change(Change::Active);
        }
    }

    fn store_active(&mut self) {
        let name = self.model.active.as_ref().map(ToString::to_string);
        self.store(&Key::Active, name);
    }

    fn restore(&mut self, key: Key, value: &str) {
        match key {
            Key::Identity => {
                if let Some(identity) = store::decode::<StoredIdentity>(value) {
                    self.identity = Some(identity);
                }
            }
            Key::Active => {
                if let Ok(name) = RoomName::parse(value)
                    && self.reopening
                {
                    self.room_entry(&name).reading.line_due = true;
                    self.model.active = Some(name);
                }
            }
            Key::Draft(room) => value.clone_into(&mut self.room_entry(&room).draft),
            Key::Read(room) => {
                if let Some(read) = store::decode(value) {
                    self.room_entry(&room).reading.read = Some(read);
                }
            }
            Key::Farewell(token) => {
                self.farewells.insert(token);
            }
            Key::Operation(op) => self.restore_operation(op, value),
        }
    }

    /// A brain for a program without a name of its own: the server finds one for each run, and nothing of it is kept.
    pub fn anonymous(config: Config, seed: u64, now: Now) -> Self {
        let config = Config { name: None, keep: false, ..config };
        Self { anonymous: true, ..Self::new(config, [], seed, now) }
    }

    /// Takes in what happened and says what is to be done, in this order.
    #[must_use]
    pub fn handle(&mut self, input: Input, now: Now) -> Vec<Output> {
        self.unix = now.unix;
        match self.line.take(input, now.ticks, &mut self.outputs) {
            Ok(Some(came)) => self.came(came, now),
            Ok(None) => {}
            Err(input) => self.told(input, now),
        }
        self.pass_time(now);
        self.rename_when_possible();
        self.send_operations(now.ticks);
        self.mark_read();
        self.finish()
    }

    fn came(&mut self, came: Came, now: Now) {
        match came {
            Came::Opened => self.say_hello(),
            Came::Received(text) => self.received(&text, now),
            Came::Lost => self.unlink(),
            Came::TooLong => {
                self.unlink();
                self.ask_for_less();
            }
            Came::Banner => self.change(Change::Connection),
        }
    }

    /// An input that is not about the link.
    fn told(&mut self, input: Input, now: Now) {
        match input {
            Input::Start => {
                if (self.is_somebody() || !self.farewells.is_empty()) && !self.line.held() {
                    self.connect(now.ticks);
                }
            }
            Input::Attention { focused, at_bottom } => self.attention(focused, at_bottom),
            Input::Inherited(posts) => self.inherit(posts),
            Input::Shared(values) => self.shared(values, now.ticks),
            Input::User(intent) => self.user(intent, now),
            Input::LinkOpened
            | Input::Received(_)
            | Input::LinkClosed { .. }
            | Input::MessageTooLong
            | Input::Deadline
            | Input::Woke
            | Input::WentOffline => unreachable!("the line takes these"),
        }
    }

    /// When [`Input::Deadline`] is due, if ever. It may change with every `handle`.
    pub fn deadline(&self) -> Option<Ticks> {
        let resend_at = self.resend_at.filter(|_| self.line.is_up());
        [self.line.deadline(), resend_at].into_iter().flatten().min()
    }

    /// What a view shows.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Posts that the server has not acknowledged, but for those that wait for the user.
    pub fn unacknowledged(&self) -> usize {
        let waits = |post: &&PendingPost| post.landed.is_none() && !post.rests();
        self.model.rooms.values().map(|room| room.timeline.pending.iter().filter(waits).count()).sum()
    }

    /// Posts that are kept until the server has them or the user gives them up, those that failed counted too.
    pub fn unsent(&self) -> usize {
        let rooms = self.model.rooms.values();
        rooms.map(|room| room.timeline.pending.iter().filter(|post| post.landed.is_none()).count()).sum()
    }

    fn finish(&mut self) -> Vec<Output> {
        // A link that is only to end who the user was is nobody's business.
        if let Some(connection) = self.line.connection().filter(|_| self.is_somebody()) {
            self.set_connection(connection);
        }
        let mut outputs = std::mem::take(&mut self.outputs);
        outputs.extend(std::mem::take(&mut self.changes).into_iter().map(Output::Changed));
        outputs
    }

    fn pass_time(&mut self, now: Now) {
        while let Some(came) = self.line.pass_time(now.ticks, &mut self.outputs) {
            self.came(came, now);
        }
        if self.resend_at.is_some_and(|at| now.ticks >= at) {
            self.resend_at = None;
            self.join_wanted();
        }
    }

    fn connect(&mut self, now: Ticks) {
        self.line.connect(now, &mut self.outputs);
    }

    /// The brain gives the link up; another attempt comes by itself.
    fn cut(&mut self, reason: String, now: Ticks) {
        self.line.cut(reason, now, &mut self.outputs);
        self.unlink();
    }

    /// The brain ends the link; another comes only when somebody asks for it.
    fn stop(&mut self, connection: Connection) {
        self.line.stop(&mut self.outputs);
        self.unlink();
        if self.is_somebody() || matches!(connection, Connection::NeedsName { .. }) {
            self.set_connection(connection);
        }
    }

    fn unlink(&mut self) {
        self.asked.clear();
        self.resend_at = None;
        self.resend_backoff.reset();
        self.refused = None;
        for room in self.model.rooms.values_mut() {
            room.unlink();
            self.changes.insert(Change::Timeline(room.name.clone()));
        }
    }

    fn ask(&mut self, command: Command, about: Asked) -> RequestId {
        let id = self.line.ask(command, &mut self.outputs);
        self.asked.insert(id, about);
        id
    }

    fn change(&mut self, change: Change) {
        self.changes.insert(change);
    }

    fn notice(&mut self, notice: Notice) {
        self.outputs.push(Output::Notice(notice));
    }

    fn store(&mut self, key: &Key, value: Option<String>) {
        self.outputs.push(Output::Store { key: key.to_string(), value });
    }

    fn set_connection(&mut self, connection: Connection) {
        if self.model.connection != connection {
            self.model.connection = connection;
            self.change(Change::Connection);
        }
    }

    fn new_local(&mut self) -> LocalId {
        self.next_local += 1;
        LocalId(self.next_local - 1)
    }

    /// The room, known from now on.
    fn room_entry(&mut self, name: &RoomName) -> &mut Room {
        let me = self.model.me.clone();
        self.model.rooms.entry(name.clone()).or_insert_with(|| {
            let mut room = Room::new(name.clone());
            room.timeline.me = me;
            room
        })
    }
}
