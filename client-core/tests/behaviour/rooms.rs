use serde_json::{Value, json};
use teahouse_client_core::limits::ROOMS_LISTED_MAX;
use teahouse_client_core::{Config, Input, Intent, Notice};

use crate::desk::{Desk, config, limits, room};

/// A program like the browser's, which asks for no room by itself.
fn at_home() -> Config {
    Config { rooms: Vec::new(), first_rooms: vec![room("lobby")], ..config() }
}

/// The next run of a program, up to the welcome of a user who is in these rooms.
fn next_run(config: Config, last: Desk, rooms: &[&str]) -> Desk {
    let mut desk = Desk::with(config, last.stored);
    welcome(&mut desk, rooms);
    desk
}

fn welcome(desk: &mut Desk, rooms: &[&str]) {
    desk.input(Input::LinkOpened);
    let rooms: Vec<Value> = rooms.iter().map(|name| json!({"room": name, "head": 5})).collect();
    desk.reply(
        "hello",
        json!({"type": "welcome", "protocol": 1, "user": {"id": 1, "name": "ana"}, "token": "secret",
        "limits": limits(), "rooms": rooms, "server": "test"}),
    );
}

fn check_active(desk: &Desk, expected: Option<&str>) {
    assert_eq!(desk.brain.model().active().map(|name| name.as_str()), expected);
    assert_eq!(desk.stored.get("active").map(String::as_str), expected);
}

fn first_visit() -> Desk {
    let mut desk = Desk::with(at_home(), [].into());
    welcome(&mut desk, &[]);
    desk
}

#[test]
fn a_new_user_comes_into_the_first_rooms() {
    let mut desk = first_visit();
    desk.check_sent(&["hello guest ana", "join lobby", "rooms"]);
    check_active(&desk, Some("lobby"));
}

#[test]
fn a_new_user_with_an_invitation_comes_into_both() {
    let mut desk = Desk::with(Config { rooms: vec![room("tea")], ..at_home() }, [].into());
    welcome(&mut desk, &[]);
    desk.check_sent(&["hello guest ana", "join lobby", "join tea", "rooms"]);
    check_active(&desk, Some("tea"));
}

#[test]
fn a_known_user_goes_on_in_the_room_that_was_open() {
    let mut desk = first_visit();
    desk.reply("join lobby", json!({"type": "ack", "room": "lobby", "seq": 5}));
    desk.user(Intent::Open(room("tea")));
    let mut desk = next_run(at_home(), desk, &["lobby", "tea"]);
    let watched = ["watch lobby", "history lobby", "watch tea", "history tea", "who tea", "rooms"];
    desk.check_sent(&[&["hello token secret"], &watched[..]].concat());
    check_active(&desk, Some("tea"));
}

#[test]
fn who_was_taken_out_of_the_open_room_comes_into_the_first_that_is_left() {
    let mut desk = next_run(at_home(), first_visit(), &["tea", "beer"]);
    check_active(&desk, Some("tea"));
    desk.check_sent(&[
        "hello token secret",
        "watch beer",
        "history beer",
        "watch tea",
        "history tea",
        "who tea",
        "rooms",
    ]);
}

#[test]
fn who_left_every_room_is_in_none_the_next_time_either() {
    let mut desk = first_visit();
    desk.reply("join lobby", json!({"type": "ack", "room": "lobby", "seq": 5}));
    desk.user(Intent::Leave(room("lobby")));
    desk.reply("leave lobby", json!({"type": "ack", "room": "lobby", "seq": 6}));
    check_active(&desk, None);
    assert!(desk.notices().contains(&Notice::Left { room: room("lobby") }));
    let mut desk = next_run(at_home(), desk, &[]);
    desk.check_sent(&["hello token secret", "rooms"]);
    check_active(&desk, None);
}

#[test]
fn a_room_that_is_asked_for_is_joined_whatever_was_before() {
    let asked = || Config { rooms: vec![room("tea")], ..at_home() };
    let mut desk = next_run(asked(), first_visit(), &["lobby"]);
    desk.check_sent(&["hello token secret", "watch lobby", "history lobby", "join tea", "rooms"]);
    check_active(&desk, Some("tea"));
    let mut desk = next_run(asked(), desk, &[]);
    desk.check_sent(&["hello token secret", "join tea", "rooms"]);
}

#[test]
fn a_server_that_does_not_know_the_user_any_more_counts_as_a_first_visit() {
    let mut desk = Desk::with(at_home(), first_visit().stored);
    desk.input(Input::LinkOpened);
    desk.refuse("hello", "bad_token", false);
    desk.check_sent(&["hello token secret", "hello guest ana"]);
    desk.reply(
        "hello",
        json!({"type": "welcome", "protocol": 1, "user": {"id": 1, "name": "ana"}, "token": "new",
        "limits": limits(), "rooms": [], "server": "test"}),
    );
    desk.check_sent(&["join lobby", "rooms"]);
}

#[test]
fn what_is_written_before_the_welcome_goes_to_the_room_that_was_open() {
    let mut desk = Desk::with(at_home(), first_visit().stored);
    desk.submit("hi");
    assert_eq!(desk.notices(), []);
    desk.check_timeline(&["queued hi"]);
    welcome(&mut desk, &["tea"]);
    check_active(&desk, Some("lobby"));
    desk.reply("join lobby", json!({"type": "ack", "room": "lobby", "seq": 6}));
    assert_eq!(desk.sent_ops().len(), 1);
}

#[test]
fn a_failed_post_brings_nobody_back_into_its_room() {
    let mut desk = first_visit();
    desk.reply("join lobby", json!({"type": "ack", "room": "lobby", "seq": 5}));
    desk.submit("hi");
    desk.refuse("post lobby hi", "not_member", false);
    let mut desk = next_run(at_home(), desk, &["tea"]);
    desk.check_sent(&["hello token secret", "watch tea", "history tea", "who tea", "rooms"]);
    desk.check_timeline(&["failed hi not_member it is true"]);
}

/// As a post is: it is kept until the server has answered it, whatever happens to link and program.
#[test]
fn a_room_that_was_asked_for_is_joined_after_a_restart() {
    let mut desk = Desk::in_lobby(1);
    desk.cut();
    desk.user(Intent::Create(room("tea")));
    let mut again = Desk::with(at_home(), desk.stored);
    welcome(&mut again, &["lobby"]);
    again.check_sent(&["hello token secret", "watch lobby", "history lobby", "join tea create", "rooms"]);
    // The answer was lost.
    again.cut();
    again.user(Intent::ReconnectNow);
    welcome(&mut again, &["lobby"]);
    assert!(again.stored.keys().any(|key| key.starts_with("outbox/")));
    again.reply("join tea", json!({"type": "ack", "room": "tea", "seq": 2}));
    assert!(!again.stored.keys().any(|key| key.starts_with("outbox/")));
    assert!(again.brain.model().room(&room("tea")).is_some_and(|tea| tea.joined()));
    let mut third = Desk::with(at_home(), again.stored);
    welcome(&mut third, &[]);
    third.check_sent(&["hello token secret", "rooms"]);
}

#[test]
fn a_joining_that_is_refused_for_good_is_not_asked_for_again() {
    let mut desk = Desk::in_lobby(1);
    desk.user(Intent::Join(room("tea")));
    assert!(desk.stored.keys().any(|key| key.starts_with("outbox/")));
    desk.refuse("join tea", "busy", true);
    desk.check_sent(&["join tea"]);
    desk.wait(1_000);
    desk.check_sent(&["join tea"]);
    desk.refuse("join tea", "no_such_room", false);
    assert!(!desk.stored.keys().any(|key| key.starts_with("outbox/")));
    desk.wait(60_000);
    desk.check_sent(&["ping"]);
}

/// The list ends somewhere, and what it does not tell of is as it was.
#[test]
fn a_room_beyond_the_end_of_the_list_stays() {
    let mut desk = first_visit();
    desk.reply("join lobby", json!({"type": "ack", "room": "lobby", "seq": 5}));
    desk.user(Intent::Join(room("zzz")));
    desk.reply("join zzz", json!({"type": "ack", "room": "zzz", "seq": 5}));
    desk.user(Intent::Open(room("lobby")));
    let info = |name: &str| json!({"room": name, "head": 5, "members": 1, "joined": name == "lobby"});
    let names = ["lobby".to_owned()].into_iter().chain((1..ROOMS_LISTED_MAX).map(|at| format!("r{at}")));
    let list: Vec<Value> = names.map(|name| info(&name)).collect();
    desk.reply("rooms", json!({"type": "rooms", "rooms": list, "more": true}));
    assert_eq!(desk.brain.model().room(&room("zzz")).map(|room| room.joined()), Some(true));
}
