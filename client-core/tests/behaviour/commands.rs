use serde_json::json;
use teahouse_client_core::{Intent, Notice, SlashCommand};

use crate::desk::{Desk, room};

fn check_kept(line: &str, expected: &Notice) {
    let mut desk = Desk::in_lobby(1);
    desk.submit(line);
    assert_eq!(desk.notices(), std::slice::from_ref(expected), "{line:?}");
    assert_eq!(desk.lobby().draft(), line);
    assert_eq!(desk.stored["draft/lobby"], line);
    desk.check_sent(&[]);
}

#[test]
fn mistakes_stay_in_the_draft_and_are_never_posted() {
    for command in ["msg", "topic", "search", "MEE", ""] {
        check_kept(&format!("/{command} x"), &Notice::UnknownCommand { command: command.into() });
    }
    check_kept("/me", &Notice::Usage { command: SlashCommand::Me });
    check_kept("/join ", &Notice::Usage { command: SlashCommand::Join });
    check_kept("/name", &Notice::Usage { command: SlashCommand::Name });
    check_kept("/name a,b", &Notice::BadName { reason: teahouse_protocol::NameError::Reserved(',') });
    check_kept("/join a b", &Notice::BadName { reason: teahouse_protocol::NameError::Space });
    let long = "x".repeat(8_001);
    check_kept(&long, &Notice::BadText { reason: teahouse_protocol::TextError::Long(8_001) });
}

#[test]
fn a_taken_line_clears_the_draft() {
    let mut desk = Desk::in_lobby(1);
    desk.user(Intent::Draft { room: room("lobby"), text: "hi".into() });
    desk.submit("hi");
    assert_eq!(desk.lobby().draft(), "");
    assert!(!desk.stored.contains_key("draft/lobby"));
}

#[test]
fn lines_become_what_they_say() {
    let mut desk = Desk::in_lobby(1);
    for (line, sent) in [
        ("//etc", &["post lobby /etc"][..]),
        ("/me waves", &["post lobby waves action"]),
        (" \n", &[]),
        ("hi \n", &["post lobby hi"]),
        ("/who", &["who lobby"]),
        ("/rooms", &["rooms"]),
        ("/join #茶馆", &["join 茶馆 create"]),
        ("/leave", &["leave lobby"]),
    ] {
        desk.submit(line);
        desk.check_sent(sent);
    }
    assert_eq!(desk.notices(), []);
    desk.submit("/help");
    assert_eq!(desk.notices(), [Notice::Help]);
}

#[test]
fn answers_are_given_once_to_whoever_asked() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("/rooms");
    desk.reply("rooms", json!({"type": "rooms", "more": true, "rooms": [{"room": "a", "head": 1, "members": 3, "joined": false}]}));
    desk.check_sent(&["rooms", "rooms"]);
    desk.reply("rooms", json!({"type": "rooms", "more": false, "rooms": [{"room": "b", "head": 1, "members": 0, "joined": false}]}));
    let [Notice::Rooms { rooms }] = &desk.notices()[..] else { panic!("the rooms") };
    let names: Vec<&str> = rooms.iter().map(|room| room.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    let all: Vec<&str> = desk.brain.model().rooms().map(|room| room.name().as_str()).collect();
    assert_eq!(all, ["lobby", "a", "b"]);
    desk.submit("/who");
    desk.reply(
        "who lobby",
        json!({"type": "members", "room": "lobby", "total": 1, "members": [{"user": 1, "name": "ana", "online": true}]}),
    );
    assert!(matches!(&desk.notices()[..], [Notice::Who { total: 1, .. }]));
}

#[test]
fn what_needs_the_server_says_so() {
    let mut desk = Desk::in_lobby(1);
    desk.cut();
    for line in ["/who", "/rooms", "/leave"] {
        desk.submit(line);
        assert_eq!(desk.notices(), [Notice::Offline], "{line}");
        assert_eq!(desk.lobby().draft(), line);
    }
}

#[test]
fn leaving_goes_to_another_room_and_ends_its_events() {
    let mut desk = Desk::in_lobby(1);
    desk.submit("/join tea");
    desk.reply("join tea", json!({"type": "ack", "room": "tea", "seq": 2}));
    assert!(matches!(&desk.notices()[..], [Notice::Joined { .. }]));
    desk.user(Intent::Leave(room("tea")));
    desk.reply("leave tea", json!({"type": "ack", "room": "tea", "seq": 3}));
    desk.check_sent(&[
        "join tea create",
        "watch tea",
        "history tea",
        "who tea",
        "leave tea",
        "unwatch tea",
        "who lobby",
    ]);
    assert_eq!(desk.brain.model().active(), Some(&room("lobby")));
    desk.user(Intent::Submit { room: room("tea"), text: "hi".into() });
    assert_eq!(desk.notices(), [Notice::Left { room: room("tea") }, Notice::NotMember { room: room("tea") }]);
}
