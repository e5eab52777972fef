//! The clients' brain, driven over TCP, with an outbox that outlives it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use teahouse_client_core::{
    Brain, Config, Connection, Entry, Input, Intent, Now, Output, Ticks, Timeline, TimelineKind,
};
use teahouse_protocol::limits::SERVER_MESSAGE_BYTES_MAX;
use teahouse_protocol::{EventKind, LineFramer, MemberName, PageEvent, RoomName, Seq, UnixMillis};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::run::Tally;

/// A brain writes so often, whether there is a link or not.
const BEAT: Duration = Duration::from_millis(50);
/// So many messages of a brain are unacknowledged at a time.
const WINDOW: usize = 100;
/// How many objects wait for the brain before the socket is read no further.
const INCOMING_MAX: usize = 64;
/// The timeline is looked at after so many inputs.
const LOOK_EVERY: u64 = 500;

/// What happens on a link.
#[derive(Debug)]
enum Happening {
    Opened,
    Received(String),
    Closed(String),
}

/// A link; dropping it closes it.
#[derive(Debug)]
struct Wire {
    happenings: mpsc::Receiver<Happening>,
    outgoing: mpsc::UnboundedSender<String>,
    task: JoinHandle<()>,
}

impl Wire {
    fn open(address: SocketAddr) -> Self {
        let (sender, happenings) = mpsc::channel(INCOMING_MAX);
        let (outgoing, lines) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let ended = talk(address, &sender, lines).await;
            let reason = ended.err().unwrap_or_else(|| "closed".into());
            // Nobody listens when the brain has given the link up.
            let _ = sender.send(Happening::Closed(reason)).await;
        });
        Self { happenings, outgoing, task }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn talk(
    address: SocketAddr,
    happenings: &mpsc::Sender<Happening>,
    mut lines: mpsc::UnboundedReceiver<String>,
) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let mut stream = TcpStream::connect(address).await.map_err(|error| text(&error))?;
    stream.set_nodelay(true).map_err(|error| text(&error))?;
    happenings.send(Happening::Opened).await.map_err(|error| text(&error))?;
    let (mut reader, mut writer) = stream.split();
    let read = async {
        let mut framer = LineFramer::new(SERVER_MESSAGE_BYTES_MAX);
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let length = reader.read(&mut buffer).await.map_err(|error| text(&error))?;
            if length == 0 {
                return Ok(());
            }
            let mut input = &buffer[..length];
            while let Some(line) = framer.next_line(&mut input).map_err(|error| text(&error))? {
                let line = String::from_utf8(line.into_owned()).map_err(|error| text(&error))?;
                happenings.send(Happening::Received(line)).await.map_err(|error| text(&error))?;
            }
        }
    };
    let write = async {
        while let Some(mut line) = lines.recv().await {
            line.push('\n');
            writer.write_all(line.as_bytes()).await.map_err(|error| text(&error))?;
        }
        Ok(())
    };
    tokio::select! {
        ended = read => ended,
        ended = write => ended,
    }
}

/// Somebody who writes and reads with a brain.
#[derive(Debug)]
pub(crate) struct Thinker {
    name: MemberName,
    room: RoomName,
    brain: Brain,
    wire: Option<Wire>,
    /// What the brain keeps, as a browser or a file would.
    stored: BTreeMap<String, String>,
    start: Instant,
    address: SocketAddr,
    random: fastrand::Rng,
    /// Whether its program is killed now and then.
    mortal: bool,
    inputs: u64,
    memory: Memory,
}

/// What a thinker knows in the end.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The name that it wrote under.
    pub(crate) name: String,
    /// How many messages it wrote.
    pub(crate) written: u64,
    /// How many links it lost.
    pub(crate) breaks: u64,
    /// How often its program was killed.
    pub(crate) deaths: u64,
    /// What it showed at last, by seq.
    pub(crate) shown: BTreeMap<Seq, (String, String)>,
    /// Promises that were broken to it.
    pub(crate) complaints: Vec<String>,
}

impl Thinker {
    /// Says hello over a good link, so that the welcome with its token is not lost, and lives behind `address` from
    /// then on.
    pub(crate) async fn enter(
        name: &str,
        room: &RoomName,
        server: SocketAddr,
        address: SocketAddr,
        mut random: fastrand::Rng,
        mortal: bool,
    ) -> Self {
        let name = MemberName::parse(name).expect("a legal name");
        let start = Instant::now();
        let brain = new_brain(&name, room, &BTreeMap::new(), &mut random, start);
        let memory = Memory { name: name.to_string(), ..Memory::default() };
        let stored = BTreeMap::new();
        let (wire, room, inputs) = (None, room.clone(), 0);
        let mut thinker =
            Self { name, room, brain, wire, stored, start, address: server, random, mortal, inputs, memory };
        thinker.feed(Input::Start);
        while *thinker.brain.model().connection() != Connection::Online {
            thinker.step().await;
        }
        thinker.address = address;
        thinker
    }

    /// Writes until `stop`, and reads until everything is acknowledged and the seq of `until` is shown. Counts in
    /// `progress` how often it shows more.
    pub(crate) async fn run(
        mut self,
        mut stop: watch::Receiver<bool>,
        mut until: watch::Receiver<Option<Seq>>,
        progress: watch::Sender<u64>,
    ) -> Memory {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut writes = true;
        let mut best = Seq::ZERO;
        loop {
            let stopping = *stop.borrow_and_update();
            if std::mem::take(&mut writes) && !stopping && self.brain.unacknowledged() < WINDOW {
                self.memory.written += 1;
                let text = format!("{}:{} 茶", self.name, self.memory.written);
                self.feed(Input::User(Intent::Submit { room: self.room.clone(), text }));
            }
            let end = *until.borrow_and_update();
            let last = self.timeline().and_then(last_shown).unwrap_or(Seq::ZERO);
            if last > best {
                best = last;
                progress.send_modify(|count| *count += 1);
            }
            if self.brain.unacknowledged() == 0 && end.is_some_and(|end| last >= end) {
                self.look();
                self.memory.shown = self.timeline().map(shown).unwrap_or_default();
                return self.memory;
            }
            tokio::select! {
                () = self.step() => {}
                _ = beat.tick(), if !stopping => writes = true,
                _ = stop.changed(), if !stopping => {}
                _ = until.changed(), if end.is_none() => {}
            }
            if self.inputs.is_multiple_of(LOOK_EVERY) {
                self.look();
                if self.mortal && self.random.u8(..4) == 0 && !stopping {
                    self.die();
                }
            }
        }
    }

    fn timeline(&self) -> Option<&Timeline> {
        self.brain.model().room(&self.room).map(teahouse_client_core::Room::timeline)
    }

    /// The program is killed, and another one begins with what was stored.
    fn die(&mut self) {
        self.memory.deaths += 1;
        self.wire = None;
        self.brain = new_brain(&self.name, &self.room, &self.stored, &mut self.random, self.start);
        self.feed(Input::Start);
    }

    /// One thing that happens. Giving it up loses nothing.
    async fn step(&mut self) {
        let due = {
            let (deadline, start) = (self.brain.deadline(), self.start);
            async move {
                match deadline {
                    Some(at) => {
                        let at = start + Duration::from_millis(at.0 + 1);
                        // Without end but for the deadline.
                        let _ = tokio::time::timeout_at(at.into(), std::future::pending::<()>()).await;
                    }
                    None => std::future::pending().await,
                }
            }
        };
        let happens = async {
            match &mut self.wire {
                Some(wire) => wire.happenings.recv().await,
                None => std::future::pending().await,
            }
        };
        let input = tokio::select! {
            happening = happens => match happening {
                Some(Happening::Opened) => Input::LinkOpened,
                Some(Happening::Received(line)) => Input::Received(line),
                Some(Happening::Closed(reason)) => {
                    self.wire = None;
                    self.memory.breaks += 1;
                    Input::LinkClosed { reason }
                }
                None => return self.wire = None,
            },
            () = due => Input::Deadline,
        };
        let lost = matches!(input, Input::LinkClosed { .. });
        self.feed(input);
        // Now and then somebody sits there who does not want to wait.
        if lost && self.random.bool() {
            self.feed(Input::User(Intent::ReconnectNow));
        }
    }

    fn feed(&mut self, input: Input) {
        self.inputs += 1;
        for output in self.brain.handle(input, now(self.start)) {
            match output {
                Output::OpenLink => self.wire = Some(Wire::open(self.address)),
                Output::CloseLink => self.wire = None,
                Output::Send(line) => {
                    if let Some(wire) = &self.wire {
                        let _ = wire.outgoing.send(line);
                    }
                }
                Output::Store { key, value: Some(value) } => {
                    self.stored.insert(key, value);
                }
                Output::Store { key, value: None } => {
                    self.stored.remove(&key);
                }
                Output::Notice(notice) => match notice {
                    teahouse_client_core::Notice::Goodbye { .. } => {}
                    other => self.memory.complaints.push(format!("{}: {other:?}", self.name)),
                },
                Output::Changed(_) | Output::Mentioned { .. } => {}
            }
        }
        let connection = self.brain.model().connection();
        if matches!(connection, Connection::NeedsName { .. } | Connection::Stopped { .. }) {
            self.memory.complaints.push(format!("{}: {connection:?}", self.name));
        }
    }

    /// Seqs go up by one. Only who was killed and began with the last page may know of something that is missing.
    fn look(&mut self) {
        let Some(timeline) = self.timeline() else { return };
        let mut last: Option<Seq> = None;
        let mut broken = Vec::new();
        for entry in timeline.entries() {
            match entry {
                Entry::Event(event) => {
                    if last.is_some_and(|last| event.seq != last.next()) {
                        broken.push(format!("{} shows {} after {last:?}", self.name, event.seq));
                    }
                    last = Some(event.seq);
                }
                Entry::Gap(gap) => {
                    if !self.mortal && gap.before.is_some() {
                        broken.push(format!("{} has {gap:?}", self.name));
                    }
                    last = None;
                }
                Entry::Pending(_) => {}
            }
        }
        self.memory.complaints.extend(broken);
    }
}

fn now(start: Instant) -> Now {
    let millis = |time: Duration| u64::try_from(time.as_millis()).expect("not that long");
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    Now { ticks: Ticks(millis(start.elapsed())), unix: UnixMillis::new(millis(unix)) }
}

fn new_brain(
    name: &MemberName,
    room: &RoomName,
    stored: &BTreeMap<String, String>,
    random: &mut fastrand::Rng,
    start: Instant,
) -> Brain {
    let config = Config { name: Some(name.clone()), ..Config::new("torture/1", room.clone()) };
    Brain::new(config, stored.clone(), random.u64(..), now(start))
}

fn last_shown(timeline: &Timeline) -> Option<Seq> {
    timeline.entries().rev().find_map(|entry| match entry {
        Entry::Event(event) => Some(event.seq),
        _ => None,
    })
}

fn shown(timeline: &Timeline) -> BTreeMap<Seq, (String, String)> {
    let events = timeline.entries().filter_map(|entry| match entry {
        Entry::Event(event) => Some(event),
        _ => None,
    });
    let words = |kind: &TimelineKind| match kind {
        TimelineKind::Posted { text, .. } => text.clone(),
        _ => String::new(),
    };
    events.map(|event| (event.seq, (event.by.to_string(), words(&event.kind)))).collect()
}

/// What a thinker wrote is there, and what it showed is what the history says.
pub(crate) fn look_at_memory(memory: &Memory, history: &[PageEvent], tally: &mut Tally) {
    memory.complaints.iter().for_each(|complaint| tally.complain(complaint.clone()));
    let written = history.iter().filter(|event| event.by.as_str() == memory.name);
    let written = written.filter(|event| matches!(event.kind, EventKind::Post { .. })).count() as u64;
    if written < memory.written {
        tally.lost += memory.written - written;
        tally.complain(format!("{} wrote {}; there are {written}", memory.name, memory.written));
    }
    for (seq, (by, words)) in &memory.shown {
        let found = usize::try_from(seq.get() - 1).ok().and_then(|at| history.get(at));
        let same = found.is_some_and(|event| {
            let text = match &event.kind {
                EventKind::Post { text, .. } => text.as_str(),
                _ => "",
            };
            event.by.as_str() == by && text == words
        });
        if !same {
            tally.lost += 1;
            tally.complain(format!("{} showed {seq} as {by}: {words}; there is {found:?}", memory.name));
        }
    }
}
