use serde_json::json;
use teahouse_client_core::{Input, Intent, Row};

use crate::desk::{Desk, config, page, room};

fn attention(desk: &mut Desk, focused: bool, at_bottom: bool) {
    desk.input(Input::Attention { focused, at_bottom });
}

fn check(desk: &Desk, unread: u64, mentions: u64) {
    assert_eq!((desk.lobby().unread(), desk.lobby().mentions()), (unread, mentions));
    assert_eq!(desk.brain.model().unread_total(), unread);
}

/// The text of the first message after the unread line.
fn after_line(desk: &Desk) -> Option<String> {
    let rows = desk.lobby().timeline().rows(|_| 0);
    let line = rows.iter().position(|row| matches!(**row, Row::Unread))?;
    match rows.get(line + 1).map(|row| &**row) {
        Some(Row::Message { text, .. }) => Some(text.clone()),
        other => panic!("{other:?} after the line"),
    }
}

#[test]
fn what_is_looked_at_is_read() {
    let mut desk = Desk::in_lobby(5);
    check(&desk, 0, 0);
    desk.event(6, "bo", "ana!");
    check(&desk, 0, 0);
    assert_eq!(desk.stored["read/lobby"], r#"{"epoch":"e1","seq":6}"#);
    assert_eq!(after_line(&desk), None);
}

#[test]
fn what_comes_while_nobody_looks_is_counted() {
    let mut desk = Desk::in_lobby(5);
    attention(&mut desk, false, true);
    desk.event(6, "bo", "one");
    desk.event(7, "bo", "ana, two");
    desk.event(8, "小明", "+join");
    desk.event(9, "ana", "my own ana");
    check(&desk, 2, 1);
    assert_eq!(after_line(&desk).as_deref(), Some("one"));
    // The line stays while it is read.
    attention(&mut desk, true, true);
    check(&desk, 0, 0);
    assert_eq!(after_line(&desk).as_deref(), Some("one"));
}

#[test]
fn scrolled_up_nothing_is_read() {
    let mut desk = Desk::in_lobby(5);
    attention(&mut desk, true, false);
    desk.event(6, "bo", "one");
    check(&desk, 1, 0);
    attention(&mut desk, true, true);
    check(&desk, 0, 0);
}

#[test]
fn the_line_goes_when_the_room_is_left() {
    let mut desk = Desk::in_lobby(5);
    desk.user(Intent::Open(room("other")));
    desk.event(6, "bo", "one");
    check(&desk, 1, 0);
    desk.user(Intent::Open(room("lobby")));
    check(&desk, 0, 0);
    assert_eq!(after_line(&desk).as_deref(), Some("one"));
    desk.event(7, "bo", "two");
    assert_eq!(after_line(&desk).as_deref(), Some("one"));
    desk.user(Intent::Open(room("other")));
    assert_eq!(after_line(&desk), None);
}

#[test]
fn the_read_position_survives_a_restart() {
    let mut desk = Desk::in_lobby(5);
    desk.cut();
    let mut again = Desk::with(config(), desk.stored);
    again.enter(7);
    check(&again, 2, 0);
    assert_eq!(after_line(&again).as_deref(), Some("m6"));
    attention(&mut again, true, true);
    check(&again, 0, 0);
    assert_eq!(after_line(&again).as_deref(), Some("m6"));
}

#[test]
fn a_read_position_of_another_log_says_nothing() {
    let stored = [("read/lobby".to_owned(), r#"{"epoch":"e0","seq":1}"#.to_owned())].into();
    let mut desk = Desk::with(config(), stored);
    desk.enter(7);
    check(&desk, 0, 0);
}

#[test]
fn a_page_and_live_events_are_counted_once() {
    let mut desk = Desk::in_lobby(5);
    attention(&mut desk, false, true);
    desk.cut();
    desk.come_back(20);
    desk.reply("watch lobby", json!({"type": "watching", "room": "lobby", "epoch": "e1", "head": 20, "resume": "reset", "reason": "too_far"}));
    desk.event(21, "bo", "m21");
    desk.reply("history lobby", page("e1", 22, 20..=22));
    desk.event(22, "bo", "m22");
    check(&desk, 3, 0);
    desk.user(Intent::LoadOlder(room("lobby")));
    desk.reply("history lobby", page("e1", 22, 17..=19));
    check(&desk, 6, 0);
}
