//! Whose an event is: asked of the number and the operation, never of a name or of words.

use serde_json::{Value, json};
use teahouse_client_core::{Connection, Entry, Intent, Row};

use crate::desk::{Desk, event, limits, page, room};

/// Somebody else, who has the user's name now or had it once.
fn stranger(seq: u64, text: &str) -> Value {
    let mut event = event(seq, "ana", text);
    event["user"] = json!(77);
    event
}

fn live(desk: &mut Desk, mut event: Value) {
    event["type"] = json!("event");
    event["room"] = json!("lobby");
    desk.tell(&event);
}

/// Author and whether it is the user's, and whether it opens a group, of each message.
fn messages(desk: &Desk) -> Vec<(String, bool, bool)> {
    let rows = desk.lobby().timeline().rows(|_| 0);
    let messages = rows.iter().filter_map(|row| match &**row {
        Row::Message { by, mine, first_of_group, .. } => Some((by.to_string(), *mine, *first_of_group)),
        _ => None,
    });
    messages.collect()
}

#[test]
fn a_stranger_of_the_same_name_is_a_stranger() {
    let mut desk = Desk::in_lobby(1);
    desk.event(2, "ana", "mine");
    desk.user(Intent::Open(room("tea")));
    live(&mut desk, stranger(3, "ana, this is ana"));
    assert_eq!(desk.lobby().unread(), 1, "it is news");
    assert_eq!(desk.mentions(), 1, "and names the user");
    let expected = [("bo", false, true), ("ana", true, true), ("ana", false, true)];
    assert_eq!(messages(&desk), expected.map(|(by, mine, first)| (by.to_owned(), mine, first)));
    live(&mut desk, stranger(4, "+leave"));
    assert!(desk.lobby().joined(), "another has left");
}

#[test]
fn the_same_operation_of_a_stranger_is_another_one() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("hi");
    let op = desk.sent_ops().remove(0);
    let mut theirs = stranger(2, "hi");
    theirs["op"] = json!(op);
    live(&mut desk, theirs);
    desk.check_timeline(&["1 bo m1", "2 ana hi", "sent hi"]);
}

#[test]
fn a_page_says_too_which_posts_have_arrived() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("hi");
    let op = desk.sent_ops().remove(0);
    desk.cut();
    desk.come_back(9);
    desk.reply(
        "watch lobby",
        json!({"type": "watching", "room": "lobby", "epoch": "e1", "head": 9, "resume": "reset",
            "reason": "too_far"}),
    );
    let mut latest = page("e1", 9, 7..=9);
    latest["events"][1] = event(8, "ana", "hi");
    latest["events"][1]["op"] = json!(op);
    desk.reply("history lobby", latest);
    desk.check_timeline(&["1 bo m1", "gap", "7 bo m7", "8 ana hi", "9 bo m9"]);
    assert!(!desk.stored.keys().any(|key| key.starts_with("outbox/")), "nothing is left to send");
}

/// The server knows the token no more; what it had taken from whoever had it is there all the same.
#[test]
fn what_nobody_could_say_is_known_when_its_event_is_seen() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("hi");
    let op = desk.sent_ops().remove(0);
    desk.cut();
    desk.user(Intent::ReconnectNow);
    desk.input(teahouse_client_core::Input::LinkOpened);
    desk.refuse("hello", "bad_token", false);
    desk.check_timeline(&["1 bo m1", "unknown hi"]);
    desk.reply(
        "hello",
        json!({"type": "welcome", "protocol": 1, "user": {"id": 5, "name": "ana"}, "token": "other",
            "limits": limits(), "rooms": [{"room": "lobby", "head": 2}], "server": "test"}),
    );
    desk.reply(
        "watch lobby",
        json!({"type": "watching", "room": "lobby", "epoch": "e1", "head": 2, "resume": "replay"}),
    );
    let mut before = event(2, "ana", "hi");
    before["op"] = json!(op);
    live(&mut desk, before);
    desk.check_timeline(&["1 bo m1", "2 ana hi"]);
    assert!(!desk.stored.keys().any(|key| key.starts_with("outbox/")));
    assert!(!messages(&desk)[1].1, "the user is somebody else now");
}

/// The server waits for the post that it refused, which it had taken before and forgotten that it had.
#[test]
fn a_refused_post_that_was_seen_meanwhile_does_not_stop_the_others() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("one");
    desk.echo(2, "one");
    desk.refuse("post lobby one", "busy", true);
    desk.submit("two");
    desk.sent_ops();
    desk.wait(1_000);
    assert_ne!(*desk.connection(), Connection::Online, "only another link goes on without it");
    if desk.link {
        desk.cut();
    }
    desk.come_back(2);
    assert_eq!(desk.sent_ops().len(), 1);
}

#[test]
fn the_server_says_where_a_room_begins() {
    let mut desk = Desk::in_lobby(9);
    assert!(desk.lobby().has_older());
    desk.user(Intent::LoadOlder(room("lobby")));
    let mut older = page("e1", 9, 4..=6);
    older["more_before"] = json!(false);
    desk.reply("history lobby", older);
    assert!(!desk.lobby().has_older(), "nothing else is kept of it");
    desk.sent_limits();
    desk.user(Intent::LoadOlder(room("lobby")));
    desk.check_sent(&[]);
}

/// A page tells of all seqs that were asked for, whether or not there is something to show at each.
#[test]
fn seqs_without_an_event_in_a_page_are_no_gap() {
    let mut desk = Desk::in_lobby(9);
    desk.user(Intent::LoadOlder(room("lobby")));
    let mut older = page("e1", 9, 2..=6);
    older["events"].as_array_mut().expect("a list").retain(|event| event["seq"] != 4 && event["seq"] != 6);
    desk.reply("history lobby", older);
    let gaps = desk.lobby().timeline().entries().filter(|entry| matches!(entry, Entry::Gap(_))).count();
    assert_eq!(gaps, 0);
    desk.check_timeline(&["2 bo m2", "3 bo m3", "5 bo m5", "7 bo m7", "8 bo m8", "9 bo m9"]);
}
