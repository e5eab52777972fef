//! Whoever has to come back as somebody else does not say again what may have been heard.

use serde_json::json;
use teahouse_client_core::{Brain, Config, Entry, Input, Intent, LocalId, Output, Ticks};
use teahouse_protocol::UnixMillis;

use crate::desk::{Desk, START_UNIX_MS, config, limits, room};

fn pending(desk: &Desk, text: &str) -> LocalId {
    let found = desk.lobby().timeline().entries().find_map(|entry| match entry {
        Entry::Pending(post) if post.text == text => Some(post.local),
        _ => None,
    });
    found.expect("a pending post")
}

/// The link breaks, the server knows the token no more, and welcomes somebody new.
fn become_somebody_else(desk: &mut Desk) {
    desk.cut();
    desk.user(Intent::ReconnectNow);
    desk.input(Input::LinkOpened);
    desk.refuse("hello", "bad_token", false);
    welcome(desk);
}

fn welcome(desk: &mut Desk) {
    let user = json!({"id": 1, "name": "ana"});
    desk.reply(
        "hello",
        json!({"type": "welcome", "protocol": 1, "user": user, "token": "other", "limits": limits(),
            "rooms": [], "server": "test"}),
    );
    desk.reply("join lobby", json!({"type": "ack", "room": "lobby", "seq": 9}));
}

#[test]
fn what_was_sent_as_somebody_else_is_not_sent_again() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("sent");
    assert_eq!(desk.sent_ops().len(), 1);
    desk.cut();
    desk.submit("not yet");
    desk.link = false;
    desk.user(Intent::ReconnectNow);
    desk.input(Input::LinkOpened);
    desk.refuse("hello", "bad_token", false);
    desk.check_timeline(&["1 bo m1", "unknown sent", "queued not yet"]);
    assert_eq!(desk.brain.unacknowledged(), 1, "nothing is awaited of the first");
    desk.sent_ops();
    welcome(&mut desk);
    assert_eq!(desk.sent_ops().len(), 1, "only what was never sent");
    desk.ack("not yet", 10);
    let unknown = desk.stored.values().filter(|value| value.contains(r#""unknown":true"#)).count();
    assert_eq!(unknown, 1, "{:?}", desk.stored);

    // Neither time nor another link brings it out.
    desk.wait(60_000);
    become_somebody_else(&mut desk);
    assert_eq!(desk.sent_ops(), Vec::<String>::new());
}

#[test]
fn the_user_decides_whether_it_is_posted_again() {
    for again in [true, false] {
        let mut desk = Desk::in_lobby(1);
        desk.submit("sent");
        let op = desk.sent_ops();
        become_somebody_else(&mut desk);
        desk.sent_ops();
        let local = pending(&desk, "sent");
        if again {
            desk.user(Intent::Retry(local));
            let anew = desk.sent_ops();
            assert_eq!(anew.len(), 1);
            assert_ne!(anew, op, "a post of somebody else");
            desk.ack("sent", 10);
        } else {
            desk.user(Intent::Discard(local));
            assert_eq!(desk.sent_ops(), Vec::<String>::new());
        }
        assert!(!desk.stored.keys().any(|key| key.starts_with("outbox/")), "{again}: {:?}", desk.stored);
    }
}

#[test]
fn what_was_seen_in_the_room_is_known_to_be_there() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("sent");
    desk.echo(2, "sent");
    become_somebody_else(&mut desk);
    desk.check_timeline(&["1 bo m1", "2 ana sent"]);
    assert!(!desk.stored.keys().any(|key| key.starts_with("outbox/")));
}

#[test]
fn a_program_that_was_ended_meanwhile_does_not_know_either() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("sent");
    let mut again = Desk::with(config(), desk.stored.clone());
    again.input(Input::LinkOpened);
    again.refuse("hello", "bad_token", false);
    let mut third = Desk::with(config(), again.stored.clone());
    third.input(Input::LinkOpened);
    welcome(&mut third);
    assert_eq!(third.sent_ops(), Vec::<String>::new());
    third.check_timeline(&["unknown sent"]);
}

/// The link breaks, and the same user comes back as a member of nothing, who is refused the lobby.
fn return_to_no_room(desk: &mut Desk) {
    desk.cut();
    desk.user(Intent::ReconnectNow);
    desk.input(Input::LinkOpened);
    desk.reply(
        "hello",
        json!({"type": "welcome", "protocol": 1, "user": {"id": 1, "name": "ana"}, "limits": limits(),
            "rooms": [], "server": "test", "more_rooms": true}),
    );
    desk.refuse("join lobby", "limit_reached", false);
}

#[test]
fn a_room_that_cannot_be_joined_again_leaves_it_open_too() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("sent");
    return_to_no_room(&mut desk);
    desk.check_timeline(&["1 bo m1", "unknown sent"]);
}

#[test]
fn an_acknowledged_word_is_not_said_to_have_failed() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("hi");
    desk.ack("hi", 2);
    return_to_no_room(&mut desk);
    desk.check_timeline(&["1 bo m1", "sent hi"]);
}

#[test]
fn whoever_finds_it_does_not_send_what_somebody_else_had_sent() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("sent");
    // Another program of the same person is somebody else by now, and has the store.
    let mut stored = desk.stored.clone();
    stored.insert("identity".into(), r#"{"name":"ana","token":"other"}"#.into());
    let mut next = Desk::with(config(), stored);
    next.input(Input::LinkOpened);
    next.check_sent(&["hello token other"]);
    welcome(&mut next);
    assert_eq!(next.sent_ops(), Vec::<String>::new());
    next.check_timeline(&["unknown sent"]);

    // So it is for a program that runs already.
    let mut other = Desk::in_lobby(1);
    become_somebody_else(&mut other);
    other.sent_ops();
    let posts = desk.stored.into_iter().filter(|(key, _)| key.starts_with("outbox/"));
    other.input(Input::Inherited(posts.collect()));
    assert_eq!(other.sent_ops(), Vec::<String>::new());
    other.check_timeline(&["1 bo m1", "unknown sent"]);
}

#[test]
fn what_was_taken_back_may_have_been_heard_too() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("sent");
    desk.cut();
    desk.user(Intent::Draft { room: room("lobby"), text: "more".into() });
    desk.user(Intent::Discard(pending(&desk, "sent")));
    become_somebody_else(&mut desk);
    desk.sent_ops();
    desk.user(Intent::Undiscard);
    assert_eq!(desk.sent_ops(), Vec::<String>::new());
    desk.check_timeline(&["1 bo m1", "unknown sent"]);
}

/// As in a script: nothing is kept, and the server found the name.
#[test]
fn a_guest_without_a_name_comes_back_by_its_token_first() {
    let now =
        |ms: u64| teahouse_client_core::Now { ticks: Ticks(ms), unix: UnixMillis::new(START_UNIX_MS + ms) };
    let mut brain = Brain::anonymous(Config::new("test", room("lobby")), 7, now(0));
    let mut sent = Vec::new();
    let mut feed = |brain: &mut Brain, input: Input| {
        for output in brain.handle(input, now(1)) {
            if let Output::Send(line) = output {
                sent.push(serde_json::from_str::<serde_json::Value>(&line).expect("JSON"));
            }
        }
        std::mem::take(&mut sent)
    };
    feed(&mut brain, Input::Start);
    let hello = feed(&mut brain, Input::LinkOpened).remove(0);
    let welcome = |re: &serde_json::Value, token: &str| {
        let welcome = json!({"type": "welcome", "re": re, "protocol": 1, "user": {"id": 9, "name": "茶客1"},
            "token": token, "limits": limits(), "rooms": [{"room": "lobby", "head": 1}], "server": "test"});
        Input::Received(welcome.to_string())
    };
    feed(&mut brain, welcome(&hello["id"], "first"));
    let said = Input::User(Intent::Submit { room: room("lobby"), text: "hi".into() });
    let posts = |sent: &[serde_json::Value]| sent.iter().filter(|request| request["type"] == "post").count();
    assert_eq!(posts(&feed(&mut brain, said)), 1);
    feed(&mut brain, Input::LinkClosed { reason: "cut".into() });
    feed(&mut brain, Input::User(Intent::ReconnectNow));
    let hello = feed(&mut brain, Input::LinkOpened).remove(0);
    assert_eq!(hello["auth"]["token"], "first");
    let refusal =
        json!({"type": "error", "re": hello["id"], "code": "bad_token", "message": "?", "temporary": false});
    let hello = feed(&mut brain, Input::Received(refusal.to_string())).remove(0);
    assert_eq!(hello["auth"]["type"], "guest");
    assert_eq!(posts(&feed(&mut brain, welcome(&hello["id"], "second"))), 0);
    assert_eq!(brain.unacknowledged(), 0);
}
