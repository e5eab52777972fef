use serde_json::json;
use teahouse_client_core::{Connection, Entry, Input, Intent, LocalId, Notice, RowKey, Standing, limits};

use crate::desk::{Desk, config, page, room};

fn first_pending(desk: &Desk) -> LocalId {
    let found = desk.lobby().timeline().entries().find_map(|entry| match entry {
        Entry::Pending(post) => Some(post.local),
        _ => None,
    });
    found.expect("a pending post")
}

#[test]
fn an_acknowledgement_before_its_event() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("hi");
    desk.check_sent(&["post lobby hi"]);
    desk.ack("hi", 2);
    desk.check_timeline(&["1 bo m1", "sent hi"]);
    assert_eq!(desk.brain.unacknowledged(), 0);
    assert!(!desk.stored.keys().any(|key| key.starts_with("outbox/")));
    desk.echo(2, "hi");
    desk.check_timeline(&["1 bo m1", "2 ana hi"]);
}

#[test]
fn an_event_before_its_acknowledgement_keeps_its_row() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("hi");
    let key = |desk: &Desk| desk.lobby().timeline().rows(|_| 0).last().expect("a row").key();
    let before = key(&desk);
    assert!(matches!(before, RowKey::Local(_)));
    desk.echo(2, "hi");
    desk.check_timeline(&["1 bo m1", "2 ana hi"]);
    assert_eq!(key(&desk), before);
    assert_eq!(desk.brain.unacknowledged(), 0, "its event says that it is on disk");
    assert!(!desk.stored.keys().any(|key| key.starts_with("outbox/")));
    desk.ack("hi", 2);
    assert_eq!(desk.brain.unacknowledged(), 0);
    desk.check_timeline(&["1 bo m1", "2 ana hi"]);
}

#[test]
fn the_same_words_from_elsewhere_are_told_apart_by_their_operation() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("hi");
    desk.event(2, "ana", "hi");
    desk.check_timeline(&["1 bo m1", "2 ana hi", "sent hi"]);
    desk.echo(3, "hi");
    desk.ack("hi", 3);
    desk.check_timeline(&["1 bo m1", "2 ana hi", "3 ana hi"]);
    let keys: Vec<RowKey> = desk.lobby().timeline().rows(|_| 0).iter().map(|row| row.key()).collect();
    assert!(matches!(keys[keys.len() - 2..], [RowKey::Seq(_), RowKey::Local(_)]), "{keys:?}");
}

#[test]
fn old_messages_of_the_same_words_are_no_echo() {
    let mut desk = Desk::in_lobby(9);
    desk.submit("hi");
    desk.user(Intent::LoadOlder(room("lobby")));
    let mut older = page("e1", 9, 4..=6);
    older["events"][0] = crate::desk::event(4, "ana", "hi");
    desk.reply("history lobby", older);
    assert!(matches!(desk.lobby().timeline().entries().last(), Some(Entry::Pending(_))));
}

#[test]
fn unacknowledged_posts_go_out_again_with_the_same_ids_and_in_order() {
    let mut desk = Desk::in_lobby(1);
    for text in ["one", "two", "three"] {
        desk.submit(text);
    }
    let ops = desk.sent_ops();
    assert!(ops.is_sorted() && ops.len() == 3, "{ops:?}");
    desk.echo(2, "one");
    desk.cut();
    desk.check_timeline(&["1 bo m1", "2 ana one", "queued two", "queued three"]);
    desk.submit("four");
    desk.come_back(3);
    let again = desk.sent_ops();
    assert_eq!(again[..2], ops[1..], "the first one is in the room, as everybody sees");
    assert_eq!(again.len(), 3);
    desk.reply(
        "watch lobby",
        json!({"type": "watching", "room": "lobby", "epoch": "e1", "head": 3, "resume": "replay"}),
    );
    desk.echo(3, "two");
    for (text, seq) in [("two", 3), ("three", 4), ("four", 5)] {
        desk.ack(text, seq);
    }
    desk.echo(4, "three");
    desk.echo(5, "four");
    desk.check_timeline(&["1 bo m1", "2 ana one", "3 ana two", "4 ana three", "5 ana four"]);
    assert_eq!(desk.brain.unacknowledged(), 0);
}

#[test]
fn no_more_posts_are_on_their_way_than_the_server_works_on() {
    let mut desk = Desk::in_lobby(1);
    for text in ["a", "b", "c", "d", "e", "f"] {
        desk.submit(text);
    }
    desk.check_sent(&["post lobby a", "post lobby b", "post lobby c", "post lobby d"]);
    desk.ack("a", 2);
    desk.check_sent(&["post lobby e"]);
}

#[test]
fn a_temporary_refusal_is_tried_again_later() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("hi");
    let op = desk.sent_ops();
    desk.refuse("post lobby hi", "storage_unavailable", true);
    desk.check_timeline(&["1 bo m1", "queued hi"]);
    desk.submit("later");
    desk.check_sent(&[]);
    desk.wait(1_000);
    let again = desk.sent_ops();
    assert_eq!(again[..1], op);
    assert_eq!(again.len(), 2);
}

#[test]
fn what_was_sent_behind_a_refused_post_goes_out_behind_it_again() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("one");
    desk.submit("two");
    let ops = desk.sent_ops();
    desk.refuse("post lobby one", "storage_unavailable", true);
    desk.wait(1_000);
    desk.submit("three");
    desk.check_sent(&[]);
    desk.refuse("post lobby two", "busy", true);
    desk.wait(2_000);
    let again = desk.sent_ops();
    assert_eq!(again[..2], ops);
    assert_eq!(again.len(), 3);
}

#[test]
fn without_a_refused_post_only_a_new_link_goes_on() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("one");
    desk.submit("two");
    desk.refuse("post lobby one", "busy", true);
    desk.refuse("post lobby two", "busy", true);
    desk.user(Intent::Discard(first_pending(&desk)));
    assert_eq!(*desk.brain.model().connection(), Connection::Online, "it is not yet time to send again");
    desk.wait(1_000);
    assert_ne!(*desk.brain.model().connection(), Connection::Online);
}

#[test]
fn a_server_that_says_when_is_heard() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("hi");
    let op = desk.sent_ops();
    desk.reply(
        "post lobby hi",
        json!({"type": "error", "code": "rate_limited", "message": "slower", "temporary": true,
        "retry_after_ms": 4_000}),
    );
    desk.wait(3_999);
    desk.check_sent(&[]);
    desk.wait(1);
    assert_eq!(desk.sent_ops(), op);
}

#[test]
fn a_refusal_keeps_the_text_for_retry_or_discard() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("hi");
    let op = desk.sent_ops();
    desk.refuse("post lobby hi", "limit_reached", false);
    desk.check_timeline(&["1 bo m1", "failed hi limit_reached it is true"]);
    // It survives a restart, and is not sent by itself.
    let mut again = Desk::with(config(), desk.stored.clone());
    again.enter(1);
    again.check_timeline(&["1 bo m1", "failed hi limit_reached it is true"]);
    assert_eq!(again.brain.unacknowledged(), 0);
    desk.user(Intent::Retry(first_pending(&desk)));
    let retried = desk.sent_ops();
    assert_eq!(retried.len(), 1);
    assert_ne!(retried, op);
    desk.refuse("post lobby hi", "invalid_field", false);
    desk.check_timeline(&["1 bo m1", "failed hi invalid_field it is false"]);
    desk.user(Intent::Retry(first_pending(&desk)));
    desk.check_sent(&[]);
    desk.user(Intent::Discard(first_pending(&desk)));
    desk.check_timeline(&["1 bo m1"]);
    assert!(!desk.stored.keys().any(|key| key.starts_with("outbox/")));
}

#[test]
fn outbox_and_drafts_survive_a_restart() {
    let mut desk = Desk::in_lobby(1);
    desk.cut();
    for text in ["one", "two", "three"] {
        desk.submit(text);
    }
    desk.user(Intent::Draft { room: room("lobby"), text: "half".into() });
    desk.stored.insert("outbox/x".into(), "{".into());
    desk.stored.insert("nonsense".into(), "1".into());
    let mut again = Desk::with(config(), desk.stored);
    again.check_timeline(&["queued one", "queued two", "queued three"]);
    assert_eq!(again.lobby().draft(), "half");
    again.input(Input::LinkOpened);
    again.reply(
        "hello",
        json!({"type": "welcome", "protocol": 1, "user": {"id": 1, "name": "ana"},
        "limits": crate::desk::limits(), "rooms": [{"room": "lobby", "head": 1}], "server": "test"}),
    );
    again.check_sent(&[
        "hello token secret",
        "watch lobby",
        "history lobby",
        "who lobby",
        "rooms",
        "post lobby one",
        "post lobby two",
        "post lobby three",
    ]);
}

#[test]
fn a_full_outbox_keeps_the_text_in_the_draft() {
    let mut desk = Desk::in_lobby(1);
    desk.cut();
    for at in 0..limits::OUTBOX_POSTS_MAX {
        desk.submit(&format!("m{at}"));
    }
    assert_eq!(desk.notices(), []);
    desk.submit("too much");
    assert_eq!(desk.notices(), [Notice::OutboxFull]);
    assert_eq!(desk.lobby().draft(), "too much");
    assert_eq!(desk.lobby().timeline().len(), 1 + limits::OUTBOX_POSTS_MAX);
}

#[test]
fn so_does_an_outbox_full_of_bytes() {
    let mut desk = Desk::in_lobby(1);
    desk.cut();
    let text = "茶".repeat(8_000);
    for _ in 0..limits::OUTBOX_BYTES_MAX / text.len() {
        desk.submit(&text);
    }
    assert_eq!(desk.notices(), []);
    desk.submit(&text);
    assert_eq!(desk.notices(), [Notice::OutboxFull]);
}

#[test]
fn posts_to_a_room_that_cannot_be_joined_fail() {
    let mut desk = Desk::in_lobby(1);
    desk.cut();
    desk.user(Intent::Join(room("gone")));
    desk.user(Intent::Open(room("gone")));
    desk.user(Intent::Submit { room: room("gone"), text: "hi".into() });
    desk.come_back(1);
    desk.refuse("join gone", "no_such_room", false);
    let gone = desk.brain.model().room(&room("gone")).expect("it holds words");
    let [Entry::Pending(post)] = gone.timeline().entries().collect::<Vec<_>>()[..] else {
        panic!("one post")
    };
    assert!(matches!(&post.state, teahouse_client_core::PostState::Failed { .. }));
    assert_eq!(desk.brain.model().active(), Some(&room("gone")), "nobody is taken elsewhere");
    assert_eq!(desk.brain.model().standing(), Some(Standing::Missing));
}

#[test]
fn a_discarded_text_goes_back_into_an_empty_composer() {
    let mut desk = Desk::in_lobby(1);
    desk.cut();
    for (typed, text) in [("hi", "hi"), ("/me waves", "waves"), ("//slash", "/slash")] {
        desk.submit(typed);
        desk.check_timeline(&["1 bo m1", &format!("queued {text}")]);
        desk.user(Intent::Discard(first_pending(&desk)));
        desk.check_timeline(&["1 bo m1"]);
        assert_eq!(desk.lobby().draft(), typed);
        assert_eq!(desk.stored["draft/lobby"], typed);
        desk.user(Intent::Draft { room: room("lobby"), text: String::new() });
    }
    assert_eq!(desk.notices(), []);
}

#[test]
fn a_text_that_was_discarded_beside_another_can_be_had_back() {
    let mut desk = Desk::in_lobby(1);
    desk.cut();
    desk.submit("one");
    desk.submit("two");
    desk.user(Intent::Draft { room: room("lobby"), text: "three".into() });
    desk.user(Intent::Discard(first_pending(&desk)));
    assert_eq!(desk.notices(), [Notice::Discarded]);
    desk.check_timeline(&["1 bo m1", "queued two"]);
    desk.user(Intent::Undiscard);
    desk.user(Intent::Undiscard);
    desk.check_timeline(&["1 bo m1", "queued one", "queued two"]);
    assert_eq!(desk.lobby().draft(), "three");
    assert_eq!(desk.stored.keys().filter(|key| key.starts_with("outbox/")).count(), 2);
}

#[test]
fn what_another_program_left_behind_is_sent_once() {
    let mut other = Desk::in_lobby(1);
    other.cut();
    other.submit("from there");
    other.submit("and this");
    let posts: Vec<_> =
        other.stored.iter().filter(|(key, _)| teahouse_client_core::is_operation_key(key)).collect();
    let posts: Vec<(String, String)> = posts.into_iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    assert_eq!(posts.len(), 2);

    let mut desk = Desk::in_lobby(1);
    desk.cut();
    // Later, so that its operation ids are others.
    desk.wait(1_000);
    desk.submit("here");
    for _ in 0..2 {
        desk.input(Input::Inherited(posts.iter().rev().cloned().collect()));
        desk.input(Input::Inherited(vec![
            ("draft/lobby".into(), "no post".into()),
            ("?".into(), "{".into()),
        ]));
    }
    desk.check_timeline(&["1 bo m1", "queued here", "queued from there", "queued and this"]);
    assert_eq!(desk.lobby().draft(), "");
}
