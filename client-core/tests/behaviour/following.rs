use serde_json::{Value, json};
use teahouse_client_core::{FollowConfig, FollowFrom, FollowOutput, Follower, Input, Ticks};
use teahouse_protocol::Seq;

use crate::desk::{event, page, room};

/// A follower and a server whose room has so many events.
struct Tail {
    follower: Follower,
    head: u64,
    epoch: &'static str,
    seen: Vec<u64>,
    others: Vec<FollowOutput>,
    watched_after: Option<u64>,
    replays: bool,
    /// Pages of more events than this are too long for the link.
    page_max: u64,
}

impl Tail {
    fn new(from: FollowFrom, follow: bool, head: u64) -> Self {
        Self::with_page_max(from, follow, head, u64::MAX)
    }

    fn with_page_max(from: FollowFrom, follow: bool, head: u64, page_max: u64) -> Self {
        let config = FollowConfig { client: "test".into(), room: room("lobby"), from, follow };
        let follower = Follower::new(config, 7, Ticks(0));
        let mut tail = Self {
            follower,
            head,
            epoch: "e1",
            seen: vec![],
            others: vec![],
            watched_after: None,
            replays: true,
            page_max,
        };
        tail.input(Input::Start);
        tail.input(Input::LinkOpened);
        tail
    }

    fn input(&mut self, input: Input) {
        for output in self.follower.handle(input, Ticks(0)) {
            match output {
                FollowOutput::Send(line) => {
                    let request: Value = serde_json::from_str(&line).expect("JSON");
                    if request["limit"].as_u64().is_some_and(|limit| limit > self.page_max) {
                        self.input(Input::MessageTooLong);
                        self.input(Input::Woke);
                        return self.input(Input::LinkOpened);
                    }
                    for reply in self.answer(&request) {
                        self.input(Input::Received(reply.to_string()));
                    }
                }
                FollowOutput::Event(event) => self.seen.push(event.seq.get()),
                other => self.others.push(other),
            }
        }
    }

    fn answer(&mut self, request: &Value) -> Vec<Value> {
        let re = &request["id"];
        let mut replies = match request["type"].as_str().expect("a type") {
            "hello" => vec![
                json!({"type": "welcome", "protocol": 1, "user": {"id": 9, "name": "guest"}, "rooms": [],
                "limits": crate::desk::limits(), "server": "test"}),
            ],
            "history" => {
                let limit = request["limit"].as_u64().expect("a limit").min(4);
                let (first, last) = match (request["before"].as_u64(), request["after"].as_u64()) {
                    (_, Some(after)) => (after + 1, (after + limit).min(self.head)),
                    (before, None) => {
                        let last = before.map_or(self.head, |before| before - 1);
                        ((last + 1).saturating_sub(limit).max(1), last)
                    }
                };
                vec![page(self.epoch, self.head, first..=last)]
            }
            "watch" => {
                let after = request["after"]["seq"].as_u64().expect("followers know where they stand");
                self.watched_after = Some(after);
                let same = request["after"]["epoch"] == self.epoch;
                let (resume, reason) = match (same, self.replays) {
                    (true, true) => ("replay", Value::Null),
                    (true, false) => ("reset", json!("too_far")),
                    (false, _) => ("reset", json!("other_epoch")),
                };
                self.replays = true;
                let mut replies =
                    vec![json!({"type": "watching", "room": "lobby", "epoch": self.epoch, "head": self.head,
                    "resume": resume, "reason": reason})];
                if resume == "replay" {
                    replies.extend((after + 1..=self.head).map(push));
                }
                replies
            }
            other => panic!("followers do not ask for {other}"),
        };
        replies[0]["re"] = re.clone();
        replies
    }

    fn happen(&mut self, count: u64) {
        for _ in 0..count {
            self.head += 1;
            self.input(Input::Received(push(self.head).to_string()));
        }
    }

    fn reconnect(&mut self) {
        self.input(Input::LinkClosed { reason: "cut".into() });
        self.input(Input::Woke);
        self.input(Input::LinkOpened);
    }
}

fn push(seq: u64) -> Value {
    let mut push = event(seq, "bo", "m");
    push["type"] = json!("event");
    push["room"] = json!("lobby");
    push
}

fn range(range: std::ops::RangeInclusive<u64>) -> Vec<u64> {
    range.collect()
}

#[test]
fn it_begins_with_the_last_or_after_one() {
    assert_eq!(Tail::new(FollowFrom::Last(10), true, 30).seen, range(21..=30));
    assert_eq!(Tail::new(FollowFrom::Last(10), true, 3).seen, range(1..=3));
    assert_eq!(Tail::new(FollowFrom::Last(0), true, 3).seen, Vec::<u64>::new());
    assert_eq!(Tail::new(FollowFrom::After(Seq::ZERO), true, 30).seen, range(1..=30));
    let after = Seq::new(28).expect("a seq");
    assert_eq!(Tail::new(FollowFrom::After(after), true, 30).seen, range(29..=30));
    assert_eq!(Tail::new(FollowFrom::Last(10), true, 0).seen, Vec::<u64>::new());
}

#[test]
fn it_never_doubles_or_skips_over_reconnects() {
    let mut tail = Tail::new(FollowFrom::Last(2), true, 10);
    tail.happen(3);
    tail.head += 5;
    tail.reconnect();
    tail.happen(1);
    tail.head += 9;
    tail.replays = false;
    tail.reconnect();
    tail.happen(2);
    assert_eq!(tail.seen, range(9..=30));
    tail.head += 1;
    tail.happen(1);
    assert_eq!(tail.seen, range(9..=30), "nothing after a hole");
    tail.input(Input::Woke);
    tail.input(Input::LinkOpened);
    assert_eq!(tail.seen, range(9..=32));
}

#[test]
fn it_ends_when_no_more_is_wanted() {
    let mut tail = Tail::new(FollowFrom::Last(2), false, 10);
    assert!(tail.others.contains(&FollowOutput::Done));
    assert_eq!(tail.seen, [9, 10]);
    tail.input(Input::Woke);
    assert_eq!(tail.follower.deadline(), None);
}

#[test]
fn another_log_is_told() {
    let mut tail = Tail::new(FollowFrom::Last(2), true, 10);
    tail.epoch = "e2";
    tail.head = 4;
    tail.reconnect();
    assert!(tail.others.contains(&FollowOutput::OtherLog));
    tail.happen(1);
    assert_eq!(tail.seen, [9, 10, 5]);
}

#[test]
fn a_position_beyond_the_end_is_refused() {
    let tail = Tail::new(FollowFrom::After(Seq::new(11).expect("a seq")), true, 10);
    assert!(tail.others.iter().any(|output| matches!(output, FollowOutput::Refused { .. })));
}

#[test]
fn pages_that_are_too_long_for_the_link_are_asked_for_in_parts() {
    let tail = Tail::with_page_max(FollowFrom::Last(30), true, 40, 3);
    assert_eq!(tail.seen, range(11..=40));
    let after = FollowFrom::After(Seq::new(5).expect("a seq"));
    assert_eq!(Tail::with_page_max(after, true, 40, 1).seen, range(6..=40));
    let tail = Tail::with_page_max(FollowFrom::Last(30), true, 40, 0);
    assert!(
        tail.others.iter().any(|output| matches!(output, FollowOutput::Refused { .. })),
        "where even one event is too long it ends"
    );
}
