//! Somebody who writes, whatever happens: each message has an operation id, and is sent again with the same one until it
//! is acknowledged.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use teahouse_protocol::{
    Ack, Auth, Command, ErrorCode, OpId, Post, PostText, RequestId, RoomName, Seq, ServerMessage,
};
use teahouse_tests::wait::within;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::host::Up;
use crate::link::{Broken, Link, Way, kept};

/// After a temporary error a message is sent again with the next beat.
const BEAT: Duration = Duration::from_millis(50);

/// What a writer knows in the end.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// The name that it wrote under.
    pub(crate) name: String,
    /// Where it wrote.
    pub(crate) room: Option<RoomName>,
    /// The seq of each acknowledged message, by the message's number.
    pub(crate) acknowledged: BTreeMap<u64, Seq>,
    /// How many messages it made.
    pub(crate) written: u64,
    /// How often its link broke.
    pub(crate) breaks: u64,
    /// Temporary errors that it got.
    pub(crate) refusals: u64,
    /// Promises that were broken to it.
    pub(crate) complaints: Vec<String>,
}

/// What drives all writers of a test.
#[derive(Debug, Clone)]
pub(crate) struct Reins {
    /// Where the server is.
    pub(crate) up: Up,
    /// Counts the acknowledged messages of everybody.
    pub(crate) progress: watch::Sender<u64>,
    /// Once true, writers write nothing new and end when all is acknowledged.
    pub(crate) stop: watch::Sender<bool>,
    /// Once true, a writer has lost what it cannot do without, and has ended.
    pub(crate) failed: watch::Sender<bool>,
}

impl Reins {
    /// Reins of nobody yet.
    pub(crate) fn new(up: Up) -> Self {
        Self {
            up,
            progress: watch::channel(0).0,
            stop: watch::channel(false).0,
            failed: watch::channel(false).0,
        }
    }

    /// Waits until so many messages more than now are acknowledged, or a writer has failed.
    pub(crate) async fn acknowledged(&self, more: u64) {
        let goal = *self.progress.borrow() + more;
        let (mut progress, mut failed) = (self.progress.subscribe(), self.failed.subscribe());
        let reached = progress.wait_for(|count| *count >= goal);
        within("messages to be acknowledged", async {
            tokio::select! {
                reached = reached => reached.map(|_| ()),
                failed = failed.wait_for(|failed| *failed) => failed.map(|_| ()),
            }
        })
        .await
        .expect("the senders live");
    }
}

/// A writer.
#[derive(Debug)]
pub(crate) struct Writer {
    account: Account,
    way: Way,
    room: RoomName,
    reins: Reins,
    random: fastrand::Rng,
    /// So many messages may be unacknowledged at a time.
    window: u64,
    /// So many new messages may be sent between two beats.
    per_beat: u64,
    /// The longest text, in characters.
    text_chars_max: usize,
    token: Option<String>,
    /// How often the name was given away to a hello whose answer was lost.
    lost_names: u32,
    base: String,
    /// The server does not know its token any more.
    lost_itself: bool,
}

impl Writer {
    /// A writer of this name, which must be its own.
    pub(crate) fn new(name: &str, way: Way, room: RoomName, reins: &Reins, random: fastrand::Rng) -> Self {
        let account = Account { name: name.into(), room: Some(room.clone()), ..Account::default() };
        Self {
            account,
            way,
            room,
            reins: reins.clone(),
            random,
            window: 16,
            per_beat: u64::MAX,
            text_chars_max: 200,
            token: None,
            lost_names: 0,
            base: name.into(),
            lost_itself: false,
        }
    }

    /// Lets so many messages be unacknowledged at a time.
    #[must_use]
    pub(crate) fn window(mut self, window: u64) -> Self {
        self.window = window;
        self
    }

    /// Sends so many new messages between two beats, and no more.
    #[must_use]
    pub(crate) fn per_beat(mut self, per_beat: u64) -> Self {
        self.per_beat = per_beat;
        self
    }

    /// Writes until it is told to stop and everything is acknowledged.
    pub(crate) async fn run(mut self) -> Account {
        loop {
            let mut up = self.reins.up.clone();
            let address = match up.wait_for(Option::is_some).await {
                Ok(address) => address.expect("waited for"),
                Err(_) => return self.account,
            };
            match self.session(address).await {
                Ok(()) => return self.account,
                Err(_) if self.lost_itself => {
                    self.reins.failed.send_replace(true);
                    return self.account;
                }
                Err(_) => {
                    self.account.breaks += 1;
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    async fn session(&mut self, address: SocketAddr) -> Result<(), Broken> {
        let mut link = Link::open(address, self.way).await?;
        self.enter(&mut link).await?;
        let mut sent: VecDeque<(RequestId, u64)> = VecDeque::new();
        // The last acknowledged one once more: its first answer must come again.
        if let Some((&last, _)) = self.account.acknowledged.last_key_value() {
            sent.push_back((link.send(self.post(last)).await?, last));
        }
        let mut next = self.oldest_open();
        let mut stop = self.reins.stop.subscribe();
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silent_beats = 0;
        let mut left = self.per_beat;
        loop {
            let stopping = *stop.borrow_and_update();
            while (sent.len() as u64) < self.window
                && (next <= self.account.written || (!stopping && left > 0))
            {
                left -= u64::from(next > self.account.written);
                sent.push_back((link.send(self.post(next)).await?, next));
                // Now and then twice in a row, as somebody does who did not see the answer in time.
                if self.random.u8(..16) == 0 {
                    sent.push_back((link.send(self.post(next)).await?, next));
                }
                self.account.written = self.account.written.max(next);
                next += 1;
            }
            if stopping && sent.is_empty() && self.oldest_open() > self.account.written {
                return Ok(());
            }
            let message = tokio::select! {
                message = link.receive() => message?,
                _ = beat.tick() => {
                    silent_beats += 1;
                    left = self.per_beat;
                    if sent.is_empty() {
                        next = self.oldest_open();
                        silent_beats = 0;
                    }
                    if u128::from(silent_beats as u32) * BEAT.as_millis() > crate::link::SILENCE_MAX.as_millis() {
                        return Err(Broken("silent".into()));
                    }
                    continue;
                }
                _ = stop.changed() => continue,
            };
            silent_beats = 0;
            let Some((id, number)) = sent.front().copied() else {
                let complaint = format!("{}: nobody asked: {}", self.account.name, message.to_json());
                self.account.complaints.push(complaint.clone());
                return Err(Broken(complaint));
            };
            if message.re() != Some(id) {
                let complaint =
                    format!("{}: not the answer to {id}: {}", self.account.name, message.to_json());
                self.account.complaints.push(complaint.clone());
                return Err(Broken(complaint));
            }
            sent.pop_front();
            match message {
                ServerMessage::Ack(Ack { seq: Some(seq), .. }) => self.acknowledged(number, seq),
                ServerMessage::Error(error) if error.temporary => {
                    self.account.refusals += 1;
                    if !matches!(error.code, ErrorCode::StorageUnavailable | ErrorCode::Busy) {
                        self.account.complaints.push(format!("a temporary error: {error:?}"));
                    }
                    // Everything after it is sent again too, in order, once all answers are in.
                    while let Some((id, number)) = sent.pop_front() {
                        match link.receive_soon().await? {
                            ServerMessage::Ack(Ack { re, seq: Some(seq), .. }) if re == id => {
                                self.acknowledged(number, seq);
                            }
                            ServerMessage::Error(error) if error.re == Some(id) => self.account.refusals += 1,
                            other => return Err(Broken(other.to_json())),
                        }
                    }
                    beat.reset();
                    beat.tick().await;
                    // With the refused one first, even where it was sent twice and acknowledged once (R62).
                    next = number.min(self.oldest_open());
                }
                other => {
                    self.account.complaints.push(format!("{}: {}", self.account.name, other.to_json()));
                    return Err(Broken(other.to_json()));
                }
            }
        }
    }

    async fn enter(&mut self, link: &mut Link) -> Result<(), Broken> {
        let auth = match &self.token {
            Some(token) => Auth::Token { token: token.clone() },
            None => kept(&self.account.name),
        };
        match link.hello(auth).await? {
            ServerMessage::Welcome(welcome) => {
                if welcome.token.is_some() {
                    self.token = welcome.token;
                }
            }
            ServerMessage::Error(error) if error.code == ErrorCode::NameTaken && self.token.is_none() => {
                self.lost_names += 1;
                self.account.name = format!("{}-{}", self.base, self.lost_names);
                return Err(Broken("the welcome was lost, and the name with it".into()));
            }
            ServerMessage::Error(error) if error.temporary => return Err(Broken(error.message)),
            other => {
                self.lost_itself = true;
                self.account.complaints.push(format!("{}: {}", self.account.name, other.to_json()));
                return Err(Broken(other.to_json()));
            }
        }
        link.join(&self.room).await
    }

    fn acknowledged(&mut self, number: u64, seq: Seq) {
        match self.account.acknowledged.insert(number, seq) {
            None => self.reins.progress.send_modify(|count| *count += 1),
            Some(first) if first != seq => {
                let name = &self.account.name;
                let complaint = format!("{name}:{number} was acknowledged as {first} and then as {seq}");
                self.account.complaints.push(complaint);
            }
            Some(_) => {}
        }
    }

    /// The first number that is not acknowledged.
    fn oldest_open(&self) -> u64 {
        (1..).find(|number| !self.account.acknowledged.contains_key(number)).expect("there are more numbers")
    }

    fn post(&self, number: u64) -> Command {
        let name = &self.account.name;
        // The same for each time that the number is sent.
        let padding = usize::try_from(number * 37).expect("small") % self.text_chars_max;
        let text = format!("{name}:{number} {}", "茶".repeat(padding));
        Command::Post(Post {
            room: self.room.clone(),
            op: Some(OpId::parse(&format!("{name}-{number}")).expect("a legal op")),
            text: PostText::parse(text).expect("a legal text"),
            action: false,
        })
    }
}

/// The author's number in a text that a [`Writer`] wrote.
pub(crate) fn number_of(by: &str, text: &str) -> Option<u64> {
    text.strip_prefix(by)?.strip_prefix(':')?.split(' ').next()?.parse().ok()
}
