use serde_json::json;
use teahouse_client_core::{Config, Entry, Input, Intent, Notice, Standing};

use crate::desk::{Desk, config, limits, room};

fn standing(desk: &Desk) -> Option<Standing> {
    desk.brain.model().standing()
}

fn watching(desk: &mut Desk, name: &str, head: u64) {
    let reply = json!({"type": "watching", "room": name, "epoch": "e1", "head": head, "resume": "live"});
    desk.reply(&format!("watch {name}"), reply);
}

#[test]
fn a_room_is_read_before_it_is_joined() {
    let mut desk = Desk::in_lobby(1);
    desk.user(Intent::Open(room("tea")));
    desk.check_sent(&["watch tea", "history tea", "who tea"]);
    watching(&mut desk, "tea", 7);
    assert_eq!(standing(&desk), Some(Standing::Reader));
    desk.user(Intent::Submit { room: room("tea"), text: "hi".into() });
    assert_eq!(desk.notices(), [Notice::NotMember { room: room("tea") }]);
    desk.user(Intent::Join(room("tea")));
    desk.check_sent(&["join tea"]);
    desk.reply("join tea", json!({"type": "ack", "room": "tea", "seq": 8}));
    // It is watched already.
    desk.check_sent(&[]);
    assert_eq!(standing(&desk), Some(Standing::Member));
}

#[test]
fn a_room_that_was_only_read_is_let_go_of() {
    let mut desk = Desk::in_lobby(1);
    desk.user(Intent::Open(room("tea")));
    watching(&mut desk, "tea", 7);
    desk.check_sent(&["watch tea", "history tea", "who tea"]);
    desk.user(Intent::Open(room("lobby")));
    desk.check_sent(&["unwatch tea", "who lobby"]);
}

#[test]
fn a_link_to_a_room_joins_nothing() {
    let config =
        Config { rooms: Vec::new(), show: Some(room("tea")), first_rooms: vec![room("lobby")], ..config() };
    let mut desk = Desk::with(config, [].into());
    desk.input(Input::LinkOpened);
    desk.reply(
        "hello",
        json!({"type": "welcome", "protocol": 1, "user": {"id": 1, "name": "ana"}, "token": "secret",
        "limits": limits(), "rooms": [], "server": "test"}),
    );
    desk.check_sent(&["hello guest ana", "watch tea", "history tea", "who tea", "join lobby", "rooms"]);
    assert_eq!(desk.brain.model().active(), Some(&room("tea")));
    assert_eq!(standing(&desk), Some(Standing::Reader));
    // After a break it is read on.
    desk.cut();
    desk.come_back(1);
    assert_eq!(standing(&desk), Some(Standing::Reader));
}

#[test]
fn a_room_that_is_not_there_is_shown_as_that() {
    let mut desk = Desk::in_lobby(1);
    desk.user(Intent::Open(room("nowhere")));
    desk.refuse("watch nowhere", "no_such_room", false);
    desk.refuse("history nowhere", "no_such_room", false);
    desk.refuse("who nowhere", "no_such_room", false);
    assert_eq!(desk.notices(), []);
    assert_eq!(standing(&desk), Some(Standing::Missing));
    assert_eq!(desk.brain.model().active(), Some(&room("nowhere")));
    desk.user(Intent::Create(room("nowhere")));
    desk.reply("join nowhere", json!({"type": "ack", "room": "nowhere", "seq": 2}));
    assert_eq!(standing(&desk), Some(Standing::Member));
}

#[test]
fn somebody_elses_new_room_is_read_as_soon_as_it_is_listed() {
    let mut desk = Desk::in_lobby(1);
    desk.user(Intent::Open(room("tea")));
    desk.refuse("watch tea", "no_such_room", false);
    desk.user(Intent::RefreshRooms);
    desk.check_sent(&["watch tea", "history tea", "who tea", "rooms"]);
    let rooms = json!([{"room": "lobby", "head": 1, "members": 2, "joined": true},
        {"room": "tea", "head": 3, "members": 1, "joined": false}]);
    desk.reply("rooms", json!({"type": "rooms", "rooms": rooms, "more": false}));
    desk.check_sent(&["watch tea", "history tea", "who tea"]);
    assert_eq!(standing(&desk), Some(Standing::Reader));
}

#[test]
fn leaving_elsewhere_moves_nobody() {
    let mut desk = Desk::in_lobby(5);
    desk.user(Intent::Draft { room: room("lobby"), text: "half a sent".into() });
    desk.event(6, "ana", "+leave");
    assert_eq!(desk.brain.model().active(), Some(&room("lobby")));
    assert_eq!(standing(&desk), Some(Standing::Left));
    assert_eq!(desk.lobby().draft(), "half a sent");
    assert_eq!(desk.notices(), [Notice::LeftElsewhere { room: room("lobby") }]);
    // It is read on, and one can go back.
    desk.event(7, "bo", "still here?");
    desk.check_timeline(&["3 bo m3", "4 bo m4", "5 bo m5", "6 ana Left", "7 bo still here?"]);
    desk.user(Intent::Join(room("lobby")));
    desk.check_sent(&["join lobby"]);
    desk.reply("join lobby", json!({"type": "ack", "room": "lobby", "seq": 8}));
    assert_eq!(standing(&desk), Some(Standing::Member));
}

#[test]
fn joining_elsewhere_is_joining_here() {
    let mut desk = Desk::in_lobby(5);
    desk.event(6, "ana", "+leave");
    desk.event(7, "ana", "+join");
    assert_eq!(standing(&desk), Some(Standing::Member));
    // Of a room that is not watched the list tells.
    desk.user(Intent::RefreshRooms);
    let rooms = json!([{"room": "lobby", "head": 7, "members": 2, "joined": true},
        {"room": "tea", "head": 3, "members": 1, "joined": true}]);
    desk.reply("rooms", json!({"type": "rooms", "rooms": rooms, "more": false}));
    desk.check_sent(&["rooms", "watch tea", "history tea"]);
    assert!(desk.brain.model().room(&room("tea")).expect("it is known").joined());
}

#[test]
fn joining_elsewhere_is_no_less_so_for_having_left_here() {
    let mut desk = Desk::in_lobby(5);
    desk.user(Intent::Leave(room("lobby")));
    desk.reply("leave lobby", json!({"type": "ack", "room": "lobby", "seq": 6}));
    desk.user(Intent::RefreshRooms);
    let rooms = json!([{"room": "lobby", "head": 7, "members": 2, "joined": true}]);
    desk.reply("rooms", json!({"type": "rooms", "rooms": rooms, "more": false}));
    desk.reply(
        "watch lobby",
        json!({"type": "watching", "room": "lobby", "epoch": "e1", "head": 7, "resume": "replay"}),
    );
    // Neither of them has been heard here.
    desk.event(6, "ana", "+leave");
    desk.event(7, "ana", "+join");
    assert!(desk.lobby().joined());
    desk.event(8, "ana", "+leave");
    assert!(!desk.lobby().joined());
}

#[test]
fn who_left_elsewhere_during_a_break_stays_in_the_room_too() {
    let mut desk = Desk::in_lobby(5);
    desk.cut();
    desk.user(Intent::ReconnectNow);
    desk.input(Input::LinkOpened);
    desk.reply(
        "hello",
        json!({"type": "welcome", "protocol": 1, "user": {"id": 1, "name": "ana"},
        "limits": limits(), "rooms": [], "server": "test"}),
    );
    assert_eq!(desk.brain.model().active(), Some(&room("lobby")));
    assert_eq!(standing(&desk), Some(Standing::Left));
    desk.check_sent(&["hello token secret", "watch lobby after e1 5", "who lobby", "rooms"]);
}

#[test]
fn what_waits_in_a_room_that_was_left_elsewhere_is_the_users_to_decide() {
    let mut desk = Desk::in_lobby(5);
    desk.cut();
    desk.submit("hi");
    desk.user(Intent::ReconnectNow);
    desk.input(Input::LinkOpened);
    let welcome = json!({"type": "welcome", "protocol": 1, "user": {"id": 1, "name": "ana"}, "limits": limits(),
        "rooms": [], "server": "test"});
    desk.reply("hello", welcome.clone());
    assert_eq!(desk.lobby().timeline().entries().count(), 4);
    desk.check_sent(&["hello token secret", "watch lobby after e1 5", "who lobby", "rooms"]);
    assert_eq!((desk.brain.unacknowledged(), desk.brain.unsent()), (0, 1));

    // Nor does the next run go back to where the user has left.
    let config = Config { rooms: Vec::new(), show: Some(room("tea")), ..config() };
    let mut again = Desk::with(config, desk.stored.clone());
    again.input(Input::LinkOpened);
    again.reply("hello", welcome);
    again.check_sent(&["hello token secret", "watch tea", "history tea", "who tea", "rooms"]);

    let local = desk.lobby().timeline().entries().find_map(|entry| match entry {
        Entry::Pending(post) => Some(post.local),
        _ => None,
    });
    desk.user(Intent::Retry(local.expect("it is kept")));
    desk.check_sent(&["join lobby"]);
    desk.reply("join lobby", json!({"type": "ack", "room": "lobby", "seq": 6}));
    desk.check_sent(&["post lobby hi"]);
}
