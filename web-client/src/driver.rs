//! Executes what the brain puts out: link, timer, storage; and brings the model up to date, at most once a frame.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};
use std::rc::{Rc, Weak};
use std::time::Duration;

use leptos::prelude::{TimeoutHandle, request_animation_frame, set_timeout, set_timeout_with_handle};
use teahouse_client_core::{
    Brain, Change, Config, Connection, Input, Intent, Notice, Output, Ticks, draft_room, is_draft_key,
};
use teahouse_protocol::{MemberName, RoomName, Seq};
use wasm_bindgen_futures::spawn_local;

use crate::clock;
use crate::database::{Database, Health, News};
use crate::model::{Keeping, Model};
use crate::page;
use crate::socket::{Socket, SocketEvent};
use crate::storage::Storage;

/// How long a hidden page may lag behind the brain, in milliseconds: browsers draw no frames for it.
const HIDDEN_REFRESH_MS: u64 = 200;

/// Somebody mentions the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mention {
    /// Where.
    pub(crate) room: RoomName,
    /// Which message.
    pub(crate) seq: Seq,
    /// Who.
    pub(crate) by: MemberName,
    /// The whole text.
    pub(crate) text: String,
}

/// What the brain begins with.
pub(crate) enum Beginning {
    /// A store, and what is in it.
    Kept(Database, Vec<(String, String)>),
    /// The store cannot be used.
    NothingKept,
    /// The browser has not yet let the page into its store, so nobody knows who the user is: the page reads as nobody.
    NotYet,
}

/// Owns the brain and everything it acts on.
pub(crate) struct Driver {
    brain: RefCell<Brain>,
    socket: RefCell<Option<Socket>>,
    storage: Storage,
    database: RefCell<Database>,
    /// When the brain is to be woken, and the timer that does it.
    timer: RefCell<Option<(Ticks, TimeoutHandle)>>,
    inbox: RefCell<VecDeque<Input>>,
    busy: Cell<bool>,
    changed: RefCell<BTreeSet<Change>>,
    refresh_due: Cell<bool>,
    /// Other tabs have joined or left rooms while nobody looked at this one.
    rooms_missed: Cell<bool>,
    model: Model,
    on_notice: Box<dyn Fn(Notice)>,
    on_mention: Box<dyn Fn(Mention)>,
    this: Weak<Self>,
}

impl Driver {
    /// Makes the brain out of what is stored.
    pub(crate) fn new(
        config: Config,
        beginning: Beginning,
        model: Model,
        on_notice: impl Fn(Notice) + 'static,
        on_mention: impl Fn(Mention) + 'static,
    ) -> Rc<Self> {
        let (brain, database) = begin(config, beginning, model);
        Rc::new_cyclic(|this| Self {
            brain: RefCell::new(brain),
            socket: RefCell::new(None),
            storage: Storage::open(),
            database: RefCell::new(database),
            timer: RefCell::new(None),
            inbox: RefCell::new(VecDeque::new()),
            busy: Cell::new(false),
            changed: RefCell::new(BTreeSet::new()),
            refresh_due: Cell::new(false),
            rooms_missed: Cell::new(false),
            model,
            on_notice: Box::new(on_notice),
            on_mention: Box::new(on_mention),
            this: this.clone(),
        })
    }

    /// Where the browser keeps what is the view's own.
    pub(crate) fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Begins anew, with another store.
    pub(crate) fn restart(&self, config: Config, beginning: Beginning) {
        drop(self.socket.take());
        if let Some((_, handle)) = self.timer.take() {
            handle.clear();
        }
        let (brain, database) = begin(config, beginning, self.model);
        *self.brain.borrow_mut() = brain;
        *self.database.borrow_mut() = database;
        self.inbox.borrow_mut().clear();
        self.start();
    }

    /// How many posts of this browser wait to be sent or were refused; told once it is known.
    pub(crate) fn count_unsent(&self, told: impl FnOnce(usize) + 'static) {
        let (database, here) = (self.database.borrow().clone(), self.brain.borrow().unsent());
        spawn_local(async move { told(database.unsent().await.unwrap_or(0).max(here)) });
    }

    /// Tells the other tabs that this one has joined or left a room.
    pub(crate) fn say_rooms(&self) {
        self.database.borrow().say_rooms();
    }

    /// Takes over what other tabs have done meanwhile.
    pub(crate) fn look(&self) {
        self.database.borrow().look();
        if self.rooms_missed.take() {
            self.intend(Intent::RefreshRooms);
        }
    }

    /// What the brain has for a room's composer at this moment.
    pub(crate) fn draft(&self, room: &RoomName) -> String {
        let brain = self.brain.borrow();
        brain.model().room(room).map(|room| room.draft().to_owned()).unwrap_or_default()
    }

    /// The user wants something.
    pub(crate) fn intend(&self, intent: Intent) {
        self.take(Input::User(intent));
    }

    /// Hands something to the brain and does what it says. What happens meanwhile waits its turn.
    pub(crate) fn take(&self, input: Input) {
        self.inbox.borrow_mut().push_back(input);
        if self.busy.replace(true) {
            return;
        }
        loop {
            let next = self.inbox.borrow_mut().pop_front();
            let Some(input) = next else { break };
            let outputs = self.brain.borrow_mut().handle(input, clock::now());
            for output in outputs {
                self.execute(output);
            }
        }
        self.busy.set(false);
        self.database.borrow().write();
        self.arm_timer();
    }

    fn execute(&self, output: Output) {
        match output {
            Output::OpenLink => self.open_link(),
            Output::CloseLink => drop(self.socket.take()),
            Output::Send(text) => {
                if let Some(socket) = &*self.socket.borrow() {
                    socket.send(&text);
                }
            }
            Output::Store { key, value } => {
                if is_draft_key(&key) {
                    self.storage.put_of_tab(&key, value.as_deref());
                }
                self.database.borrow().put(key, value);
            }
            Output::Changed(change) => {
                self.changed.borrow_mut().insert(change);
                self.schedule_refresh();
            }
            Output::Notice(notice) => (self.on_notice)(notice),
            Output::Mentioned { room, seq, by, text } => (self.on_mention)(Mention { room, seq, by, text }),
        }
    }

    fn open_link(&self) {
        // The old one first, so that it is not heard any more.
        drop(self.socket.take());
        let this = self.this.clone();
        let hear = move |event| {
            let Some(driver) = this.upgrade() else { return };
            driver.take(match event {
                SocketEvent::Opened => Input::LinkOpened,
                SocketEvent::Received(text) => Input::Received(text),
                SocketEvent::Closed(reason) => {
                    drop(driver.socket.take());
                    Input::LinkClosed { reason }
                }
            });
        };
        match Socket::open(Rc::new(hear)) {
            Ok(socket) => *self.socket.borrow_mut() = Some(socket),
            Err(reason) => self.inbox.borrow_mut().push_back(Input::LinkClosed { reason }),
        }
    }

    fn arm_timer(&self) {
        let due = self.brain.borrow().deadline();
        let armed = self.timer.borrow().as_ref().map(|(ticks, _)| *ticks);
        if due == armed {
            return;
        }
        if let Some((_, handle)) = self.timer.take() {
            handle.clear();
        }
        let Some(due) = due else { return };
        let this = self.this.clone();
        let wake = move || {
            if let Some(driver) = this.upgrade() {
                driver.timer.take();
                driver.take(Input::Deadline);
            }
        };
        // The clock is read in whole milliseconds: one more, so that the deadline has passed when the timer fires.
        let delay = due.0.saturating_sub(clock::ticks().0) + 1;
        let delay = Duration::from_millis(delay.min(u64::from(u32::MAX >> 2)));
        *self.timer.borrow_mut() = set_timeout_with_handle(wake, delay).ok().map(|handle| (due, handle));
    }

    fn schedule_refresh(&self) {
        if self.refresh_due.replace(true) {
            return;
        }
        let this = self.this.clone();
        let refresh = move || {
            if let Some(driver) = this.upgrade() {
                driver.refresh();
            }
        };
        if page::is_hidden() {
            set_timeout(refresh, Duration::from_millis(HIDDEN_REFRESH_MS));
        } else {
            request_animation_frame(refresh);
        }
    }

    /// Whether the model is about to be brought up to date.
    pub(crate) fn is_refresh_due(&self) -> bool {
        self.refresh_due.get()
    }

    /// The page may be gone soon.
    pub(crate) fn keep_now(&self) {
        self.database.borrow().write_now();
    }

    /// The page is left. Should the user come back to it, it has to be loaded anew.
    pub(crate) fn leave(&self) {
        self.database.borrow().leave();
        // A browser may keep the page for the way back, and its link for as long as nothing comes over it.
        drop(self.socket.take());
    }

    /// Starts the brain, and brings the whole model up to date with it.
    pub(crate) fn start(&self) {
        let this = self.this.clone();
        self.database.borrow().listen(move |news| {
            let Some(driver) = this.upgrade() else { return };
            match news {
                News::Inherited(posts) => driver.take(Input::Inherited(posts.into_iter().collect())),
                News::Shared(values) => driver.take(Input::Shared(values.into_iter().collect())),
                // Each tab whose rooms become others says so in turn: of many only those ask that somebody sees.
                News::Rooms if page::is_hidden() => driver.rooms_missed.set(true),
                News::Rooms => driver.intend(Intent::RefreshRooms),
                News::Health => driver.schedule_refresh(),
            }
        });
        // What was typed in this tab comes before what was typed last in any.
        for (key, text) in self.storage.values_of_tab() {
            if let Some(room) = draft_room(&key) {
                self.intend(Intent::Draft { room, text });
            }
        }
        self.take(Input::Start);
        let whole = [Change::Connection, Change::Identity, Change::Rooms, Change::Active];
        self.changed.borrow_mut().extend(whole);
        if let Some(active) = self.brain.borrow().model().active() {
            let of_room = [Change::Timeline, Change::Members, Change::Draft];
            self.changed.borrow_mut().extend(of_room.map(|change| change(active.clone())));
        }
        self.refresh();
    }

    /// Brings the model up to date with the brain now.
    pub(crate) fn refresh(&self) {
        self.refresh_due.set(false);
        let changed = self.changed.take();
        if !changed.is_empty() {
            self.model.refresh(self.brain.borrow().model(), &changed);
        }
        self.model.storage_is(self.database.borrow().health());
        // Whoever was refused may have been so for the sake of another tab of the same person.
        let refused = matches!(self.brain.borrow().model().connection(), Connection::NeedsName { .. });
        if refused && changed.contains(&Change::Connection) {
            self.look();
        }
    }
}

fn begin(config: Config, beginning: Beginning, model: Model) -> (Brain, Database) {
    model.begin(match &beginning {
        Beginning::Kept(database, _) => Keeping::Settled(database.health()),
        Beginning::NothingKept => Keeping::Settled(Health::Refuses),
        Beginning::NotYet => Keeping::NotYet,
    });
    match beginning {
        Beginning::Kept(database, kept) => {
            // Nobody is to keep a name that its owner cannot come back to.
            let config = Config { keep: database.health() == Health::Keeps, ..config };
            (Brain::new(config, kept, seed(), clock::now()), database)
        }
        Beginning::NothingKept => {
            let config = Config { keep: false, ..config };
            (Brain::new(config, [], seed(), clock::now()), Database::none())
        }
        Beginning::NotYet => {
            let show = config.show.clone().or_else(|| config.first_rooms.first().cloned());
            let config = Config { show, first_rooms: Vec::new(), ..config };
            (Brain::anonymous(config, seed(), clock::now()), Database::none())
        }
    }
}

/// Different in each run.
pub(crate) fn seed() -> u64 {
    let mut bytes = [0; 8];
    let crypto = web_sys::window().and_then(|window| window.crypto().ok());
    match crypto.map(|crypto| crypto.get_random_values_with_u8_array(&mut bytes)) {
        Some(Ok(_)) => u64::from_le_bytes(bytes),
        _ => js_sys::Math::random().to_bits() ^ js_sys::Date::now().to_bits(),
    }
}
