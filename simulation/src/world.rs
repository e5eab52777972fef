mod links;
mod verdict;

use std::collections::BTreeMap;

use teahouse_client_core::{Brain, Config, Connection, Input, Intent, Now, Output, Ticks};
use teahouse_protocol::{MemberName, RoomName, UnixMillis};
use teahouse_server::clock::Clock;
use tempfile::TempDir;

use crate::network::{Dice, LinkId, Network};
use crate::promises::Promises;
use crate::server::{Disk, LEASE_MS, Server};
use links::{Kind, Link};

const START_UNIX_MS: u64 = 1_795_334_400_000;
/// Until here people write and things go wrong.
const STORMY_MS: u64 = 60_000;
/// By here everything has come to rest: no delay of a brain is longer than 30 seconds.
const END_MS: u64 = STORMY_MS + 150_000;
const CLIENTS: usize = 3;
/// Each client writes so often, several lines at once now and then.
const POSTS_OF_EACH: u64 = 6;
/// Fewer than clients want one, so names pass from one to another.
const NAMES: [&str; 4] = ["ana", "bo", "小明", "che"];

/// Something that arrives or happens.
enum Happening {
    ToServer(LinkId, String),
    ToClient(LinkId, Vec<u8>),
    Opened(LinkId),
    Refused(LinkId),
    /// The server learns that a link is gone.
    Notices(LinkId),
    /// The client learns it.
    Closed(LinkId),
    Post(usize),
    Trouble(usize),
    Rename(usize),
    SignOut(usize),
    /// A second program of the same user, which only reads.
    Tab(usize),
    /// Ten lines of a beginner's, with one of [`NAMES`], whose operations are the same each time.
    Script(usize),
    Act,
    Crash,
    Restart,
    ClockJumps,
}

struct Client {
    brain: Brain,
    stored: BTreeMap<String, String>,
    link: Option<LinkId>,
    submitted: u64,
    /// Until then its links do not open.
    offline_until_ms: u64,
    /// Whether it signed out, with which it drops what was not sent.
    forgot: bool,
    /// What the last welcome said to come back with.
    token: Option<String>,
}

/// Clients, links, the server and the time, all out of one seed.
pub(crate) struct World {
    dir: TempDir,
    clock: Clock,
    now_ms: u64,
    /// What the clock on the wall says besides.
    unix_off_ms: i64,
    dice: Dice,
    network: Network<Happening>,
    server: Option<Server>,
    acting: bool,
    clients: Vec<Client>,
    links: BTreeMap<LinkId, Link>,
    last_link: u64,
    /// The number of the last script, counted on from those of the clients.
    scripts: usize,
    pub(crate) promises: Promises,
}

fn lobby() -> RoomName {
    RoomName::parse("lobby").expect("a legal name")
}

impl World {
    pub(crate) fn new(seed: u64, dir: TempDir) -> Self {
        let clock = Clock::simulated();
        clock.set(0, UnixMillis::new(START_UNIX_MS));
        let mut dice = Dice::new(seed);
        let mut world = Self {
            server: Some(Server::start(dir.path(), &clock)),
            dir,
            clock,
            now_ms: 0,
            unix_off_ms: 0,
            network: Network::default(),
            acting: false,
            clients: Vec::new(),
            links: BTreeMap::new(),
            last_link: 0,
            scripts: CLIENTS,
            promises: Promises::default(),
            dice: Dice::new(seed ^ 0xabcd),
        };
        for (at, name) in NAMES.into_iter().enumerate().take(CLIENTS) {
            let brain = world.new_brain(name, BTreeMap::new());
            world.clients.push(Client {
                brain,
                stored: BTreeMap::new(),
                link: None,
                submitted: 0,
                offline_until_ms: 0,
                forgot: false,
                token: None,
            });
            for _ in 0..POSTS_OF_EACH {
                world.network.send(dice.below(STORMY_MS), Happening::Post(at));
            }
            for _ in 0..dice.below(5) {
                world.network.send(dice.below(STORMY_MS), Happening::Trouble(at));
            }
            for (odds, what) in [
                (2, Happening::Rename(at)),
                (3, Happening::SignOut(at)),
                (2, Happening::Tab(at)),
                (2, Happening::Tab(at)),
            ] {
                if dice.one_in(odds) {
                    world.network.send(dice.below(STORMY_MS), what);
                }
            }
        }
        for _ in 0..dice.below(4) {
            let name = usize::try_from(dice.below(NAMES.len() as u64)).expect("few");
            world.network.send(dice.below(STORMY_MS), Happening::Script(name));
        }
        for _ in 0..dice.below(3) {
            world.network.send(dice.below(STORMY_MS), Happening::Crash);
        }
        if dice.one_in(3) {
            world.network.send(dice.below(STORMY_MS), Happening::ClockJumps);
        }
        world
    }

    fn now(&self) -> Now {
        Now { ticks: Ticks(self.now_ms), unix: self.unix() }
    }

    fn unix(&self) -> UnixMillis {
        UnixMillis::new((START_UNIX_MS + self.now_ms).saturating_add_signed(self.unix_off_ms))
    }

    fn new_brain(&mut self, name: &str, stored: BTreeMap<String, String>) -> Brain {
        let keep = self.dice.one_in(2);
        let name = MemberName::parse(name).ok();
        let config = Config { name, keep, history_page: 7, ..Config::new("simulation", lobby()) };
        Brain::new(config, stored, self.dice.below(u64::MAX), self.now())
    }

    fn set_time(&mut self, ms: u64) {
        self.now_ms = self.now_ms.max(ms);
        self.clock.set(self.now_ms, self.unix());
    }

    pub(crate) fn run(&mut self) {
        for at in 0..self.clients.len() {
            self.input(at, Input::Start);
            self.input(at, Input::Attention { focused: true, at_bottom: true });
        }
        while self.now_ms < END_MS {
            self.let_server_act();
            let brains =
                self.clients.iter().filter_map(|client| client.brain.deadline()).map(|ticks| ticks.0);
            let next = brains.chain(self.network.next_ms()).min().unwrap_or(END_MS);
            self.set_time(next);
            self.clock.set(self.now_ms, self.unix());
            if self.network.next_ms().is_some_and(|at| at <= self.now_ms) {
                let happening = self.network.pop().expect("looked at above");
                self.happen(happening);
                continue;
            }
            for at in 0..self.clients.len() {
                if self.clients[at].brain.deadline().is_some_and(|due| due.0 <= self.now_ms) {
                    self.input(at, Input::Deadline);
                }
            }
        }
        self.load_everything();
    }

    /// Whatever has become possible is done soon.
    fn let_server_act(&mut self) {
        if !self.acting && self.server.is_some() {
            self.acting = true;
            let soon = self.now_ms + self.dice.below(3);
            self.network.send(soon, Happening::Act);
        }
    }

    fn act(&mut self) {
        self.acting = false;
        let stormy = self.now_ms < STORMY_MS;
        let disk = |dice: &mut Dice| match dice.below(40) {
            0 if stormy => Disk::Fails,
            1 if stormy => Disk::FailsLate,
            _ => Disk::Works,
        };
        let Some(server) = &mut self.server else { return };
        let Some(act) = server.act(&mut self.dice, disk) else {
            // Nothing to do before something arrives or is due.
            self.promises.rests(server);
            self.acting = true;
            let due = server.due_in_ms().unwrap_or(1_000).clamp(1, 1_000);
            let next = self.network.next_ms().unwrap_or(u64::MAX).max(self.now_ms + 1);
            self.network.send(next.min(self.now_ms + due), Happening::Act);
            return;
        };
        self.promises.written(&act.written, self.now_ms);
        self.carry_sent();
        if let Some(link) = act.closed {
            self.promises.closed(link, self.now_ms);
            let arrives =
                self.links.get(&link).map_or(self.now_ms, |link| link.down_free_ms.max(self.now_ms));
            self.network.send(arrives, Happening::Closed(link));
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::ToServer(id, line) => {
                if let Some(pipe) = self.links.get(&id).and_then(|link| link.pipe.as_ref()) {
                    pipe.arrive(line.as_bytes());
                    pipe.arrive(b"\n");
                }
            }
            Happening::ToClient(id, bytes) => self.arrive(id, &bytes),
            Happening::Opened(id) => self.opened(id),
            Happening::Refused(id) | Happening::Closed(id) => self.client_loses(id),
            Happening::Notices(id) => {
                if let Some(pipe) = self.links.remove(&id).and_then(|link| link.pipe) {
                    pipe.end(self.dice.one_in(2));
                }
            }
            Happening::Post(at) => {
                for _ in 0..=self.dice.below(4) {
                    let text = format!("{at} says {}", self.clients[at].submitted);
                    self.clients[at].submitted += 1;
                    self.input(at, Input::User(Intent::Submit { room: lobby(), text }));
                }
            }
            Happening::Trouble(at) => self.trouble(at),
            Happening::Rename(at) => {
                let name = self.some_name();
                self.input(at, Input::User(Intent::ChooseName(name)));
            }
            Happening::SignOut(at) => {
                self.clients[at].forgot = true;
                self.input(at, Input::User(Intent::ForgetMe));
            }
            Happening::Tab(at) => {
                if self.clients[at].token.is_some() {
                    self.open_link(at, Kind::Tab);
                }
            }
            Happening::Act => self.act(),
            Happening::Crash => {
                if self.server.take().is_some() {
                    let back = self.now_ms + 50 + self.dice.below(3_000);
                    self.network.send(back, Happening::Restart);
                    for id in self.links.keys().copied().collect::<Vec<_>>() {
                        if let Some(link) = self.links.get_mut(&id) {
                            link.pipe = None;
                        }
                        let notices = self.now_ms + self.dice.below(500);
                        self.network.send(notices, Happening::Closed(id));
                    }
                }
            }
            Happening::Restart => {
                self.server = Some(Server::start(self.dir.path(), &self.clock));
                self.promises.restarted(self.now_ms);
            }
            Happening::Script(name) => {
                self.scripts += 1;
                self.open_link(self.scripts, Kind::Script(name));
            }
            Happening::ClockJumps => {
                self.unix_off_ms = i64::try_from(self.dice.below(200_000)).expect("small") - 100_000;
            }
        }
    }

    fn some_name(&mut self) -> String {
        let at = usize::try_from(self.dice.below(NAMES.len() as u64)).expect("few");
        NAMES[at].into()
    }

    fn trouble(&mut self, at: usize) {
        if self.dice.one_in(3) {
            // The program is killed, and goes on from what it stored.
            let stored = self.clients[at].stored.clone();
            if let Some(id) = self.clients[at].link.take() {
                self.cut(id);
            }
            let name = self.some_name();
            self.clients[at].brain = self.new_brain(&name, stored);
            self.input(at, Input::Start);
            return self.input(at, Input::Attention { focused: true, at_bottom: true });
        }
        if self.dice.one_in(3) {
            // Longer than a lease, half of the times.
            self.clients[at].offline_until_ms = self.now_ms + self.dice.below(2 * LEASE_MS);
        }
        let Some(id) = self.clients[at].link else { return };
        if self.dice.one_in(3) {
            if let Some(link) = self.links.get_mut(&id) {
                link.swallows = true;
            }
        } else {
            self.client_loses(id);
        }
    }

    fn input(&mut self, at: usize, input: Input) {
        let now = self.now();
        let outputs = self.clients[at].brain.handle(input, now);
        for output in outputs {
            match output {
                Output::OpenLink => {
                    assert!(self.clients[at].link.is_none(), "one link at a time");
                    let id = self.open_link(at, Kind::Brain);
                    self.clients[at].link = Some(id);
                }
                Output::CloseLink => {
                    if let Some(id) = self.clients[at].link.take() {
                        self.cut(id);
                    }
                }
                Output::Send(line) => {
                    let id = self.clients[at].link.expect("brains send over links that stand");
                    self.send(id, line);
                }
                Output::Store { key, value: Some(value) } => {
                    self.clients[at].stored.insert(key, value);
                }
                Output::Store { key, value: None } => {
                    self.clients[at].stored.remove(&key);
                }
                Output::Changed(_) | Output::Notice(_) | Output::Mentioned { .. } => {}
            }
        }
        if matches!(self.clients[at].brain.model().connection(), Connection::NeedsName { .. }) {
            let name = self.some_name();
            let number = self.dice.below(1_000);
            let name = if self.dice.one_in(2) { name } else { format!("{name}{number}") };
            self.input(at, Input::User(Intent::ChooseName(name)));
        }
    }

    /// Scrolls every timeline up to its beginning.
    fn load_everything(&mut self) {
        for at in 0..self.clients.len() {
            for _ in 0..100 {
                let room = self.clients[at].brain.model().room(&lobby());
                if !room.is_some_and(teahouse_client_core::Room::has_older) {
                    break;
                }
                self.input(at, Input::User(Intent::LoadOlder(lobby())));
                let until = self.now_ms + 3_000;
                while self.now_ms < until {
                    self.let_server_act();
                    let next = self.network.next_ms().unwrap_or(until);
                    self.set_time(next);
                    if let Some(happening) = self.network.pop() {
                        self.happen(happening);
                    }
                }
            }
        }
    }
}
