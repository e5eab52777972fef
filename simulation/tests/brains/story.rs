use std::collections::BTreeMap;

use teahouse_client_core::{
    Brain, Config, Connection, Entry, Input, Intent, Now, Output, PostState, Row, Ticks, TimelineKind,
};
use teahouse_protocol::{EventKind, MemberName, RoomName, UnixMillis, UserId};

use crate::server::Server;
use teahouse_simulation::network::{Dice, LinkId, Network};

const START_UNIX_MS: u64 = 1_795_334_400_000;
/// Until here people write and things go wrong.
const STORMY_MS: u64 = 120_000;
/// By here everything has come to rest: no delay of a brain is longer than 30 seconds.
const END_MS: u64 = STORMY_MS + 300_000;
const POSTS: u64 = 30;
/// So long a guest may be away: longer than some of the pauses between two links.
const LEASE_MS: u64 = 2_000;

/// What may go wrong.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    pub(crate) cuts: bool,
    pub(crate) crashes: bool,
    pub(crate) busy: bool,
    pub(crate) short_memory: bool,
    /// Names are not kept: guests who stay away are let go, and others take their names.
    pub(crate) leases: bool,
}

/// Something that arrives or happens.
enum Happening {
    ToServer(LinkId, String),
    ToClient(LinkId, String),
    Opened(LinkId),
    Refused(LinkId),
    ServerNotices(LinkId),
    LeaseOver(UserId, UnixMillis),
    Visit(usize),
    Post(usize),
    Trouble(usize),
}

struct Client {
    brain: Brain,
    stored: BTreeMap<String, String>,
    link: Option<Link>,
    name: String,
    submitted: Vec<String>,
}

struct Link {
    id: LinkId,
    up_free_ms: u64,
    down_free_ms: u64,
    /// It looks open and nothing passes.
    swallows: bool,
}

pub(crate) struct Story {
    seed: u64,
    weather: Weather,
    now_ms: u64,
    dice: Dice,
    network: Network<Happening>,
    server: Server,
    clients: Vec<Client>,
    links: u64,
}

fn lobby() -> RoomName {
    RoomName::parse("lobby").expect("a legal name")
}

impl Story {
    pub(crate) fn new(seed: u64, weather: Weather) -> Self {
        let mut dice = Dice::new(seed);
        let mut server = Server::new(seed + 1);
        server.busy = weather.busy;
        server.leases = weather.leases;
        if weather.short_memory {
            server.replay_max = 3;
        }
        let mut story = Self {
            seed,
            weather,
            now_ms: 0,
            network: Network::default(),
            server,
            clients: Vec::new(),
            links: 0,
            dice: Dice::new(seed ^ 0xabcd),
        };
        for (at, name) in ["ana", "bo", "小明"].into_iter().enumerate() {
            let brain = story.new_brain(name, BTreeMap::new());
            let name = name.to_owned();
            let client = Client { brain, stored: BTreeMap::new(), link: None, name, submitted: Vec::new() };
            story.clients.push(client);
            for _ in 0..POSTS {
                story.network.send(dice.below(STORMY_MS), Happening::Post(at));
            }
            if weather.leases {
                for _ in 0..12 {
                    story.network.send(dice.below(STORMY_MS), Happening::Visit(at));
                }
            }
            if weather.cuts {
                for _ in 0..8 {
                    story.network.send(dice.below(STORMY_MS), Happening::Trouble(at));
                }
            }
        }
        story
    }

    fn now(&self) -> Now {
        Now { ticks: Ticks(self.now_ms), unix: UnixMillis::new(START_UNIX_MS + self.now_ms) }
    }

    fn new_brain(&mut self, name: &str, stored: BTreeMap<String, String>) -> Brain {
        let config = Config {
            name: MemberName::parse(name).ok(),
            keep: !self.weather.leases,
            history_page: 7,
            ..Config::new("sim", lobby())
        };
        Brain::new(config, stored, self.dice.below(u64::MAX), self.now())
    }

    pub(crate) fn run(&mut self) {
        for at in 0..self.clients.len() {
            self.input(at, Input::Start);
            self.input(at, Input::Attention { focused: true, at_bottom: true });
        }
        while self.now_ms < END_MS {
            let deadlines =
                self.clients.iter().filter_map(|client| client.brain.deadline()).map(|ticks| ticks.0);
            let next = deadlines.chain(self.network.next_ms()).min().unwrap_or(END_MS);
            self.now_ms = self.now_ms.max(next);
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

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::ToServer(link, line) => {
                let now = self.now().unix;
                for (to, line) in self.server.receive(link, &line, now) {
                    self.deliver(to, line);
                }
            }
            Happening::ToClient(link, line) => self.link_input(link, Input::Received(line)),
            Happening::Opened(link) => {
                self.server.open(link);
                self.link_input(link, Input::LinkOpened);
            }
            Happening::Refused(link) => {
                self.drop_link(link);
            }
            Happening::ServerNotices(link) => {
                let since = self.now().unix;
                if let Some(user) = self.server.close(link, since) {
                    self.network.send(self.now_ms + LEASE_MS, Happening::LeaseOver(user, since));
                }
            }
            Happening::LeaseOver(user, since) => {
                let now = self.now().unix;
                for (to, line) in self.server.lease_over(user, since, now) {
                    self.deliver(to, line);
                }
            }
            Happening::Visit(at) => {
                let now = self.now().unix;
                let name = self.clients[at].name.clone();
                for (to, line) in self.server.visit(&name, "somebody else says so", now) {
                    self.deliver(to, line);
                }
            }
            Happening::Post(at) => {
                let client = &mut self.clients[at];
                let text = format!("{} says {}", client.name, client.submitted.len());
                client.submitted.push(text.clone());
                self.input(at, Input::User(Intent::Submit { room: lobby(), text }));
            }
            Happening::Trouble(at) => self.trouble(at),
        }
    }

    fn trouble(&mut self, at: usize) {
        if self.weather.crashes && self.dice.one_in(2) {
            let name = self.clients[at].name.clone();
            let stored = self.clients[at].stored.clone();
            if let Some(link) = self.clients[at].link.take() {
                self.cut(&link);
            }
            self.clients[at].brain = self.new_brain(&name, stored);
            self.input(at, Input::Start);
            return self.input(at, Input::Attention { focused: true, at_bottom: true });
        }
        let Some(link) = &mut self.clients[at].link else { return };
        if self.dice.one_in(3) {
            link.swallows = true;
        } else {
            let id = link.id;
            self.drop_link(id);
        }
    }

    /// The client notices; what it has sent may still arrive, and the server notices later.
    fn drop_link(&mut self, id: LinkId) {
        let Some(at) =
            self.clients.iter().position(|client| client.link.as_ref().is_some_and(|link| link.id == id))
        else {
            return;
        };
        let link = self.clients[at].link.take().expect("found by it");
        self.cut(&link);
        self.input(at, Input::LinkClosed { reason: "cut".into() });
    }

    fn cut(&mut self, link: &Link) {
        let notices = self.now_ms + self.dice.below(400);
        self.network.send(notices, Happening::ServerNotices(link.id));
    }

    fn link_input(&mut self, id: LinkId, input: Input) {
        let holder =
            self.clients.iter().position(|client| client.link.as_ref().is_some_and(|link| link.id == id));
        if let Some(at) = holder {
            self.input(at, input);
        }
    }

    fn deliver(&mut self, id: LinkId, line: String) {
        let delay = self.dice.below(300);
        let link =
            self.clients.iter_mut().find_map(|client| client.link.as_mut().filter(|link| link.id == id));
        let Some(link) = link.filter(|link| !link.swallows) else { return };
        link.down_free_ms = link.down_free_ms.max(self.now_ms + delay);
        self.network.send(link.down_free_ms, Happening::ToClient(id, line));
    }

    fn input(&mut self, at: usize, input: Input) {
        let now = self.now();
        let outputs = self.clients[at].brain.handle(input, now);
        for output in outputs {
            match output {
                Output::OpenLink => self.open_link(at),
                Output::CloseLink => {
                    if let Some(link) = self.clients[at].link.take() {
                        self.cut(&link);
                    }
                }
                Output::Send(line) => {
                    let delay = self.dice.below(300);
                    let link = self.clients[at].link.as_mut().expect("brains send over links that stand");
                    if !link.swallows {
                        link.up_free_ms = link.up_free_ms.max(now.ticks.0 + delay);
                        self.network.send(link.up_free_ms, Happening::ToServer(link.id, line));
                    }
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
        // A welcome that was lost leaves the name with a guest whom nobody can be any more.
        if matches!(self.clients[at].brain.model().connection(), Connection::NeedsName { .. }) {
            let name = format!("{}x", self.clients[at].name);
            self.clients[at].name.clone_from(&name);
            self.input(at, Input::User(Intent::ChooseName(name)));
        }
    }

    fn open_link(&mut self, at: usize) {
        assert!(self.clients[at].link.is_none(), "seed {}: one link at a time", self.seed);
        self.links += 1;
        let id = LinkId(self.links);
        let opens = self.now_ms + self.dice.below(200);
        self.clients[at].link = Some(Link { id, up_free_ms: opens, down_free_ms: opens, swallows: false });
        let fails = self.weather.cuts && self.now_ms < STORMY_MS && self.dice.one_in(4);
        self.network.send(opens, if fails { Happening::Refused(id) } else { Happening::Opened(id) });
    }

    /// Scrolls every timeline up to its beginning.
    fn load_everything(&mut self) {
        for at in 0..self.clients.len() {
            for _ in 0..100 {
                self.input(at, Input::User(Intent::LoadOlder(lobby())));
                while let Some(next) = self.network.next_ms() {
                    self.now_ms = self.now_ms.max(next);
                    let happening = self.network.pop().expect("looked at above");
                    self.happen(happening);
                }
            }
        }
    }

    pub(crate) fn check(&self) {
        let seed = self.seed;
        let log = self.server.room(&lobby());
        for client in &self.clients {
            let model = client.brain.model();
            let who = &client.name;
            assert_eq!(*model.connection(), Connection::Online, "seed {seed}: {who}");
            assert_eq!(client.brain.unacknowledged(), 0, "seed {seed}: {who}");
            let room = model.room(&lobby()).expect("the room of the story");
            assert_eq!(room.unread(), 0, "seed {seed}: {who}");
            let (mut shown, mut unknown) = (Vec::new(), Vec::new());
            for entry in room.timeline().entries() {
                match entry {
                    Entry::Event(event) => shown.push((event.seq.get(), words_of(&event.kind))),
                    Entry::Pending(post) if post.state == PostState::Unknown && self.weather.leases => {
                        unknown.push(post.text.clone());
                    }
                    other => panic!("seed {seed}: {who} has {other:?}"),
                }
            }
            let outbox = client.stored.keys().filter(|key| key.starts_with("outbox/")).count();
            assert_eq!(outbox, unknown.len(), "seed {seed}: {who} stores {:?}", client.stored);
            let written: Vec<(u64, String)> =
                log.iter().map(|event| (event.seq.get(), words_of(&event.kind.clone().into()))).collect();
            assert_eq!(shown, written, "seed {seed}: {who}");
            let of_client = |text: &String| client.submitted.contains(text);
            let posted: Vec<String> = log
                .iter()
                .filter_map(|event| match &event.kind {
                    EventKind::Post { text, .. } => Some(text.clone()),
                    _ => None,
                })
                .filter(of_client)
                .collect();
            // Whatever is in the room was seen there, and is not said to be unknown.
            let known: Vec<String> =
                client.submitted.iter().filter(|text| !unknown.contains(text)).cloned().collect();
            assert_eq!(posted, known, "seed {seed}: {who}");
            for row in room.timeline().rows(|_| 0) {
                if let Row::Message { seq: Some(seq), mine, .. } = &*row {
                    let author = log[seq.get() as usize - 1].by;
                    assert_eq!(*mine, model.is_me(author), "seed {seed}: {who} at {seq}");
                    assert!(!mine || self.clients_of(author) == 1, "seed {seed}: {author} is one of them");
                }
            }
        }
    }

    /// How many clients are this user.
    fn clients_of(&self, user: UserId) -> usize {
        self.clients.iter().filter(|client| client.brain.model().is_me(user)).count()
    }
}

fn words_of(kind: &TimelineKind) -> String {
    match kind {
        TimelineKind::Posted { text, .. } => text.clone(),
        other => format!("{other:?}"),
    }
}
