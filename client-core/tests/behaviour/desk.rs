use std::collections::BTreeMap;

use serde_json::{Value, json};
use teahouse_client_core::{
    Brain, Config, Connection, DrawnRows, Entry, Input, Intent, Notice, Now, Output, PostState, Ticks,
    TimelineKind,
};
use teahouse_protocol::{MemberName, RoomName, UnixMillis};

pub(crate) const START_UNIX_MS: u64 = 1_795_334_400_000;

pub(crate) fn room(name: &str) -> RoomName {
    RoomName::parse(name).expect("a legal name")
}

pub(crate) fn member(name: &str) -> MemberName {
    MemberName::parse(name).expect("a legal name")
}

/// Drawing the rows of more events after every input takes too long.
const DRAWN_MAX: usize = 500;

/// A brain, and what it has put out.
pub(crate) struct Desk {
    pub(crate) brain: Brain,
    now_ms: u64,
    /// Requests that no check has seen.
    sent: Vec<Value>,
    /// The newest request of each kind and room, for replies.
    last: BTreeMap<String, u64>,
    /// The operation of the newest post of each text.
    ops: BTreeMap<String, String>,
    /// What else came out and no check has seen.
    outputs: Vec<Output>,
    pub(crate) stored: BTreeMap<String, String>,
    pub(crate) link: bool,
    /// The lobby's rows, drawn after every input.
    drawn: DrawnRows,
}

pub(crate) fn config() -> Config {
    Config { name: Some(member("ana")), history_page: 3, ..Config::new("test", room("lobby")) }
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::with(config(), BTreeMap::new())
    }

    pub(crate) fn with(config: Config, stored: BTreeMap<String, String>) -> Self {
        let now = Now { ticks: Ticks(0), unix: UnixMillis::new(START_UNIX_MS) };
        let mut desk = Self {
            brain: Brain::new(config, stored.clone(), 7, now),
            now_ms: 0,
            sent: Vec::new(),
            last: BTreeMap::new(),
            ops: BTreeMap::new(),
            outputs: Vec::new(),
            stored,
            link: false,
            drawn: DrawnRows::default(),
        };
        desk.input(Input::Start);
        desk
    }

    /// In the lobby, which has so many events, the last three of them loaded, looked at, everything seen by the checks.
    pub(crate) fn in_lobby(head: u64) -> Self {
        let mut desk = Self::new();
        desk.input(Input::Attention { focused: true, at_bottom: true });
        desk.enter(head);
        desk
    }

    /// Opens the link and goes through the whole greeting, the user being a member of the lobby.
    pub(crate) fn enter(&mut self, head: u64) {
        self.input(Input::LinkOpened);
        self.reply(
            "hello",
            json!({"type": "welcome", "protocol": 1, "user": {"id": 1, "name": "ana"}, "token": "secret",
            "limits": limits(), "rooms": [{"room": "lobby", "head": head}], "server": "test"}),
        );
        self.reply(
            "watch lobby",
            json!({"type": "watching", "room": "lobby", "epoch": "e1", "head": head, "resume": "live"}),
        );
        self.reply("history lobby", page("e1", head, head.saturating_sub(2).max(1)..=head));
        self.reply(
            "who lobby",
            json!({"type": "members", "room": "lobby", "total": 2,
            "members": [{"user": 1, "name": "ana", "online": true}, {"user": 2, "name": "bo", "online": false}]}),
        );
        self.sent.clear();
        self.outputs.clear();
    }

    /// After a cut: the next link, up to the welcome.
    pub(crate) fn come_back(&mut self, head: u64) {
        self.input(Input::User(Intent::ReconnectNow));
        assert!(self.link, "it connects");
        self.input(Input::LinkOpened);
        self.reply(
            "hello",
            json!({"type": "welcome", "protocol": 1, "user": {"id": 1, "name": "ana"},
            "limits": limits(), "rooms": [{"room": "lobby", "head": head}], "server": "test"}),
        );
    }

    pub(crate) fn cut(&mut self) {
        self.link = false;
        self.input(Input::LinkClosed { reason: "cut".into() });
    }

    pub(crate) fn now(&self) -> Now {
        Now { ticks: Ticks(self.now_ms), unix: UnixMillis::new(START_UNIX_MS + self.now_ms) }
    }

    pub(crate) fn input(&mut self, input: Input) {
        for output in self.brain.handle(input, self.now()) {
            match output {
                Output::OpenLink => {
                    assert!(!self.link, "one link at a time");
                    self.link = true;
                }
                Output::CloseLink => {
                    assert!(self.link, "there is a link to close");
                    self.link = false;
                }
                Output::Send(line) => {
                    assert!(self.link, "there is a link to send over");
                    let request: Value = serde_json::from_str(&line).expect("JSON");
                    self.last.insert(kind_of(&request), request["id"].as_u64().expect("a number"));
                    if let (Some(text), Some(op)) = (request["text"].as_str(), request["op"].as_str()) {
                        self.ops.insert(text.into(), op.into());
                    }
                    self.sent.push(request);
                }
                Output::Store { key, value: Some(value) } => {
                    self.stored.insert(key, value);
                }
                Output::Store { key, value: None } => {
                    self.stored.remove(&key);
                }
                other => self.outputs.push(other),
            }
        }
        if let Some(lobby) = self.brain.model().room(&room("lobby")) {
            let timeline = lobby.timeline();
            if timeline.len() > DRAWN_MAX {
                return;
            }
            assert_eq!(self.drawn.draw(timeline, |_| 0), timeline.rows(|_| 0), "as if drawn anew");
        }
    }

    pub(crate) fn user(&mut self, intent: Intent) {
        self.input(Input::User(intent));
    }

    pub(crate) fn submit(&mut self, text: &str) {
        self.user(Intent::Submit { room: room("lobby"), text: text.into() });
    }

    /// Time passes, deadlines included.
    pub(crate) fn wait(&mut self, ms: u64) {
        let until = self.now_ms + ms;
        while let Some(Ticks(due)) = self.brain.deadline().filter(|due| due.0 <= until) {
            self.now_ms = self.now_ms.max(due);
            self.input(Input::Deadline);
            let again = self.brain.deadline();
            assert!(again.is_none_or(|again| again.0 > due), "the deadline at {due} is dealt with");
        }
        self.now_ms = until;
    }

    /// The answer to the newest request of this kind, such as `watch lobby`.
    pub(crate) fn reply(&mut self, kind: &str, mut reply: Value) {
        reply["re"] =
            json!(self.last.get(kind).unwrap_or_else(|| panic!("{kind} was asked, of {:?}", self.last)));
        self.tell(&reply);
    }

    pub(crate) fn refuse(&mut self, kind: &str, code: &str, temporary: bool) {
        let message = format!("{code} it is");
        self.reply(kind, json!({"type": "error", "code": code, "message": message, "temporary": temporary}));
    }

    /// Refuses a name by a rule that only a server knows.
    pub(crate) fn refuse_name(&mut self, kind: &str, field: &str, rule: &str) {
        let message = format!("`{field}` is not as it must be");
        self.reply(
            kind,
            json!({"type": "error", "code": "invalid_field", "message": message, "field": field, "rule": rule,
                "temporary": false}),
        );
    }

    pub(crate) fn tell(&mut self, message: &Value) {
        self.input(Input::Received(message.to_string()));
    }

    /// A live event.
    pub(crate) fn event(&mut self, seq: u64, by: &str, text: &str) {
        let mut event = event(seq, by, text);
        event["type"] = json!("event");
        event["room"] = json!("lobby");
        self.tell(&event);
    }

    /// The user's own post as a live event.
    pub(crate) fn echo(&mut self, seq: u64, text: &str) {
        let mut event = event(seq, "ana", text);
        event["type"] = json!("event");
        event["room"] = json!("lobby");
        event["op"] = json!(self.ops[text]);
        self.tell(&event);
    }

    pub(crate) fn ack(&mut self, text: &str, seq: u64) {
        self.reply(&format!("post lobby {text}"), json!({"type": "ack", "room": "lobby", "seq": seq}));
    }

    /// What was sent since the last check, in short.
    pub(crate) fn check_sent(&mut self, expected: &[&str]) {
        let sent: Vec<String> = self.sent.drain(..).map(|request| shown(&request)).collect();
        assert_eq!(sent, expected);
    }

    /// The operation ids of the posts that were sent since the last check.
    /// The limits of the pages of history that were asked for since the last look at what was sent.
    pub(crate) fn sent_limits(&mut self) -> Vec<u64> {
        self.sent.drain(..).filter_map(|request| request["limit"].as_u64()).collect()
    }

    pub(crate) fn sent_ops(&mut self) -> Vec<String> {
        let ops = self.sent.drain(..).filter(|request| request["type"] == "post");
        ops.map(|request| request["op"].as_str().expect("an op").to_owned()).collect()
    }

    pub(crate) fn notices(&mut self) -> Vec<Notice> {
        let notices = self.outputs.drain(..).filter_map(|output| match output {
            Output::Notice(notice) => Some(notice),
            _ => None,
        });
        notices.collect()
    }

    pub(crate) fn mentions(&mut self) -> usize {
        self.outputs.drain(..).filter(|output| matches!(output, Output::Mentioned { .. })).count()
    }

    pub(crate) fn connection(&self) -> &Connection {
        self.brain.model().connection()
    }

    pub(crate) fn lobby(&self) -> &teahouse_client_core::Room {
        self.brain.model().room(&room("lobby")).expect("the lobby")
    }

    /// The lobby's timeline in short: `7 bo hi`, `gap`, `queued hi`.
    pub(crate) fn check_timeline(&self, expected: &[&str]) {
        let shown: Vec<String> = self
            .lobby()
            .timeline()
            .entries()
            .map(|entry| match entry {
                Entry::Event(event) => match &event.kind {
                    TimelineKind::Posted { text, .. } => format!("{} {} {text}", event.seq, event.by),
                    kind => format!("{} {} {kind:?}", event.seq, event.by),
                },
                Entry::Gap(gap) if gap.loading => "gap loading".into(),
                Entry::Gap(_) => "gap".into(),
                Entry::Pending(post) => match &post.state {
                    PostState::Queued => format!("queued {}", post.text),
                    PostState::Sent => format!("sent {}", post.text),
                    PostState::Unknown => format!("unknown {}", post.text),
                    PostState::Failed { reason, retryable, .. } => {
                        format!("failed {} {reason} {retryable}", post.text)
                    }
                },
            })
            .collect();
        assert_eq!(shown, expected);
    }
}

pub(crate) fn limits() -> Value {
    json!({"line_bytes_max": 131072, "text_chars_max": 8000, "name_chars_max": 32, "history_events_max": 200,
        "watches_max": 1000, "posts_in_flight_max": 4})
}

/// The number of whoever has this name.
pub(crate) fn user_of(name: &str) -> u64 {
    match name {
        "ana" => 1,
        "bo" => 2,
        name => 100 + u64::from(name.bytes().map(u32::from).sum::<u32>()),
    }
}

pub(crate) fn event(seq: u64, by: &str, text: &str) -> Value {
    let mut event = json!({"seq": seq, "at": "2026-11-22T08:00:00.000Z", "user": user_of(by), "by": by});
    match text {
        "+join" | "+leave" => event["kind"] = json!(&text[1..]),
        text => {
            event["kind"] = json!("post");
            event["text"] = json!(text);
        }
    }
    event
}

/// A page of bo's messages.
pub(crate) fn page(epoch: &str, head: u64, seqs: std::ops::RangeInclusive<u64>) -> Value {
    let more_before = *seqs.start() > 1;
    let more_after = *seqs.end() < head;
    let events: Vec<Value> = seqs.map(|seq| event(seq, "bo", &format!("m{seq}"))).collect();
    json!({"type": "history", "room": "lobby", "epoch": epoch, "head": head, "events": events,
        "more_before": more_before, "more_after": more_after})
}

fn kind_of(request: &Value) -> String {
    let words = ["type", "room", "text"].map(|field| request[field].as_str().unwrap_or_default());
    words.join(" ").trim_end().to_owned()
}

fn shown(request: &Value) -> String {
    let mut shown = kind_of(request);
    let auth = &request["auth"];
    for word in [&auth["type"], &auth["name"], &auth["token"]] {
        if let Some(word) = word.as_str() {
            shown += &format!(" {word}");
        }
    }
    if let Some(seq) = request["after"]["seq"].as_u64() {
        shown += &format!(" after {} {seq}", request["after"]["epoch"].as_str().unwrap_or_default());
    }
    for place in ["before", "after", "around"] {
        if let Some(seq) = request[place].as_u64() {
            shown += &format!(" {place} {seq}");
        }
    }
    for flag in ["create", "action"] {
        if request[flag] == true {
            shown += &format!(" {flag}");
        }
    }
    shown
}
