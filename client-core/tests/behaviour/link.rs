use serde_json::json;
use teahouse_client_core::{Config, Connection, Input, Intent, NameProblem, Notice, Ticks};
use teahouse_protocol::NameError;

use crate::desk::{Desk, config, member, room};

#[test]
fn without_a_name_the_user_is_asked() {
    let mut desk = Desk::with(Config { name: None, ..config() }, [].into());
    assert!(!desk.link);
    assert_eq!(*desk.connection(), Connection::NeedsName { problem: None });
    desk.user(Intent::ChooseName("a b".into()));
    assert!(matches!(desk.connection(), Connection::NeedsName { problem: Some(NameProblem::Rule(_)) }));
    desk.user(Intent::ChooseName(" bo ".into()));
    assert!(desk.link);
    desk.input(Input::LinkOpened);
    desk.check_sent(&["hello guest bo"]);
}

#[test]
fn the_token_is_stored_and_used() {
    let desk = Desk::in_lobby(5);
    let mut again = Desk::with(Config { name: None, ..config() }, desk.stored);
    assert_eq!(again.brain.model().me(), Some(&member("ana")));
    again.input(Input::LinkOpened);
    again.check_sent(&["hello token secret"]);
}

#[test]
fn a_bad_token_becomes_a_guest_of_the_same_name() {
    let stored = [("identity".to_owned(), r#"{"name":"bo","token":"old"}"#.to_owned())].into();
    let mut desk = Desk::with(config(), stored);
    desk.input(Input::LinkOpened);
    desk.check_sent(&["hello token old"]);
    desk.refuse("hello", "bad_token", false);
    desk.check_sent(&["hello guest bo"]);
    // Another program of the same person may have a better token in this place by now.
    assert_eq!(desk.stored["identity"], r#"{"name":"bo","token":"old"}"#);
    desk.refuse("hello", "name_taken", false);
    assert_eq!(desk.stored["identity"], r#"{"name":"bo","token":"old"}"#);
}

#[test]
fn a_taken_name_asks_for_another() {
    let mut desk = Desk::new();
    desk.input(Input::LinkOpened);
    desk.refuse("hello", "name_taken", false);
    assert!(!desk.link);
    let problem = Some(NameProblem::Taken(member("ana")));
    assert_eq!(*desk.connection(), Connection::NeedsName { problem });
    desk.user(Intent::ChooseName("bo".into()));
    assert!(desk.link);
}

#[test]
fn a_name_against_a_rule_of_the_server_asks_for_another_and_says_why() {
    for (rule, problem) in [
        ("lone_mark", NameProblem::Rule(NameError::LoneMark)),
        ("phase_of_the_moon", NameProblem::Refused("`auth.name` is not as it must be".into())),
    ] {
        let mut desk = Desk::new();
        desk.input(Input::LinkOpened);
        desk.refuse_name("hello", "auth.name", rule);
        assert_eq!(*desk.connection(), Connection::NeedsName { problem: Some(problem) });
    }
}

#[test]
fn a_new_name_against_a_rule_of_the_server_leaves_the_old_one() {
    let mut desk = Desk::in_lobby(5);
    desk.submit("/name 1א");
    desk.check_sent(&["rename"]);
    desk.refuse_name("rename", "name", "mixed_directions");
    assert_eq!(desk.notices(), [Notice::BadName { reason: NameError::MixedDirections }]);
    desk.check_sent(&[]);
    assert_eq!(desk.brain.model().me(), Some(&member("ana")));
}

#[test]
fn a_new_name_that_is_taken_leaves_the_old_one() {
    let mut desk = Desk::in_lobby(5);
    desk.submit("/name bo");
    desk.check_sent(&["rename"]);
    desk.refuse("rename", "name_taken", false);
    assert_eq!(desk.notices(), [Notice::NameTaken { name: member("bo") }]);
    assert_eq!(*desk.connection(), Connection::Online);
    assert_eq!(desk.brain.model().me(), Some(&member("ana")));
}

#[test]
fn a_new_name_is_the_same_user_in_the_same_rooms() {
    let mut desk = Desk::in_lobby(5);
    desk.submit("hi");
    desk.submit("/name bo");
    desk.check_sent(&["post lobby hi", "rename"]);
    desk.ack("hi", 6);
    desk.event(6, "ana", "hi");
    desk.event(7, "ana", "+leave");
    desk.event(8, "bo", "+join");
    desk.reply("rename", json!({"type": "renamed", "user": {"id": 1, "name": "bo"}}));
    assert_eq!(desk.notices(), [Notice::Renamed { from: member("ana"), to: member("bo") }]);
    assert_eq!(desk.stored["identity"], r#"{"name":"bo","token":"secret"}"#);
    assert!(desk.lobby().joined());
    assert_eq!(desk.brain.model().standing(), Some(teahouse_client_core::Standing::Member));
    desk.check_sent(&[]);
}

#[test]
fn a_new_name_is_asked_for_until_there_is_an_answer() {
    let mut desk = Desk::in_lobby(5);
    desk.cut();
    desk.submit("/name bo");
    desk.come_back(5);
    desk.check_sent(&["hello token secret", "watch lobby after e1 5", "who lobby", "rooms", "rename"]);
    desk.cut();
    desk.come_back(5);
    desk.check_sent(&["hello token secret", "watch lobby after e1 5", "who lobby", "rooms", "rename"]);
}

#[test]
fn a_server_of_another_protocol_is_left_alone() {
    let mut desk = Desk::new();
    desk.input(Input::LinkOpened);
    desk.refuse("hello", "unsupported_protocol", false);
    let code = Some(teahouse_protocol::ErrorCode::UnsupportedProtocol);
    assert_eq!(*desk.connection(), Connection::Stopped { code, reason: "unsupported_protocol it is".into() });
    desk.wait(600_000);
    assert!(!desk.link);
    desk.user(Intent::ReconnectNow);
    assert!(desk.link);
}

#[test]
fn the_delay_grows_until_the_server_says_welcome() {
    let mut desk = Desk::in_lobby(5);
    let fail = |desk: &mut Desk| {
        desk.cut();
        let Connection::Waiting { retry_at, .. } = *desk.connection() else { panic!("it waits") };
        let delay = retry_at.0 - desk.now().ticks.0;
        desk.wait(delay);
        assert!(desk.link, "the next attempt comes by itself");
        delay
    };
    let mut early = Vec::new();
    while early.iter().sum::<u64>() < 60_000 {
        early.push(fail(&mut desk));
    }
    assert!(early.iter().all(|delay| (500..=4_000).contains(delay)), "{early:?}");
    assert!(early[0] <= 1_000 && early[1] <= 2_000, "{early:?}");
    let late: Vec<u64> = (0..12).map(|_| fail(&mut desk)).collect();
    assert!(late.iter().all(|delay| (500..=30_000).contains(delay)), "{late:?}");
    assert!(late.iter().any(|delay| *delay > 4_000), "{late:?}");
    // A link that opens is no server yet.
    desk.input(Input::LinkOpened);
    let next: Vec<u64> = (0..8)
        .map(|_| {
            let delay = fail(&mut desk);
            desk.input(Input::LinkOpened);
            delay
        })
        .collect();
    assert!(next.iter().any(|delay| *delay > 1_000), "{next:?}");
    desk.reply(
        "hello",
        json!({"type": "welcome", "protocol": 1, "user": {"id": 1, "name": "ana"}, "rooms": [],
        "limits": crate::desk::limits(), "server": "test"}),
    );
    assert!(fail(&mut desk) <= 1_000);
}

#[test]
fn waking_connects_at_once() {
    let mut desk = Desk::in_lobby(5);
    desk.cut();
    desk.input(Input::Woke);
    assert!(desk.link);
}

#[test]
fn silence_is_asked_and_then_given_up() {
    let mut desk = Desk::in_lobby(5);
    desk.wait(24_999);
    desk.check_sent(&[]);
    desk.wait(1);
    desk.check_sent(&["ping"]);
    desk.reply("ping", json!({"type": "pong"}));
    desk.wait(25_000);
    desk.check_sent(&["ping"]);
    // Whatever comes is a sign of life; a pong that never comes does not make it ask at once and for ever.
    desk.event(6, "bo", "hi");
    desk.wait(25_000);
    desk.check_sent(&["ping"]);
    desk.wait(9_999);
    assert_eq!(*desk.connection(), Connection::Online);
    desk.wait(1);
    assert!(matches!(desk.connection(), Connection::Waiting { .. }));
}

#[test]
fn a_link_that_does_not_open_or_answer_is_given_up() {
    let mut desk = Desk::new();
    desk.wait(10_000);
    assert!(!desk.link && matches!(desk.connection(), Connection::Waiting { .. }));
    desk.input(Input::Woke);
    desk.input(Input::LinkOpened);
    desk.wait(9_999);
    assert!(desk.link);
    desk.wait(1);
    assert!(!desk.link);
}

#[test]
fn trouble_is_mentioned_after_two_seconds() {
    let mut desk = Desk::in_lobby(5);
    desk.cut();
    let since = desk.now().ticks;
    assert!(!desk.connection().banner_due(since));
    assert!(!desk.connection().banner_due(Ticks(since.0 + 1_999)));
    assert!(desk.connection().banner_due(Ticks(since.0 + 2_000)));
    desk.wait(2_000);
    desk.input(Input::Woke);
    // The trouble goes on while it connects.
    assert!(desk.connection().banner_due(desk.now().ticks));
}

#[test]
fn goodbye_is_told_and_followed() {
    let mut desk = Desk::in_lobby(5);
    desk.tell(
        &json!({"type": "goodbye", "reason": "shutting_down", "message": "back soon", "reconnect": true}),
    );
    assert!(matches!(desk.connection(), Connection::Waiting { reason, .. } if reason == "back soon"));
    assert!(matches!(desk.notices()[..], [Notice::Goodbye { reconnect: true, .. }]));
    desk.come_back(5);
    desk.tell(&json!({"type": "goodbye", "reason": "new", "message": "never", "reconnect": false}));
    assert_eq!(*desk.connection(), Connection::Stopped { code: None, reason: "never".into() });
}

#[test]
fn what_nobody_understands_is_ignored() {
    let mut desk = Desk::in_lobby(5);
    for line in [
        "",
        "{",
        "[]",
        r#"{"type":"fireworks"}"#,
        r#"{"type":"ack","re":99,"room":"lobby","seq":9}"#,
        "\u{0}",
    ] {
        desk.input(Input::Received(line.into()));
    }
    assert_eq!(*desk.connection(), Connection::Online);
}

fn sign_out(desk: &mut Desk) {
    desk.submit("hi");
    desk.user(Intent::Draft { room: room("lobby"), text: "more".into() });
    desk.user(Intent::ForgetMe);
    assert_eq!(desk.stored.keys().collect::<Vec<_>>(), ["farewell/secret"]);
    check_nobody(desk);
}

fn check_nobody(desk: &Desk) {
    assert_eq!(*desk.connection(), Connection::NeedsName { problem: None });
    assert_eq!(desk.brain.model().me(), None);
}

#[test]
fn signing_out_gives_the_name_back_and_leaves_nothing() {
    let mut desk = Desk::in_lobby(5);
    sign_out(&mut desk);
    desk.check_sent(&["post lobby hi", "sign_out"]);
    desk.event(6, "bo", "who was that?");
    desk.reply("sign_out", json!({"type": "signed_out"}));
    assert_eq!(desk.stored, [].into());
    check_nobody(&desk);
    assert!(!desk.link);
}

#[test]
fn who_signed_out_without_a_link_is_signed_out_before_anything_else() {
    for next_run in [false, true] {
        let mut desk = Desk::in_lobby(5);
        desk.cut();
        sign_out(&mut desk);
        if next_run {
            desk = Desk::with(Config { name: None, ..config() }, desk.stored);
        }
        assert!(desk.link, "it tries");
        check_nobody(&desk);
        desk.user(Intent::ChooseName("bo".into()));
        desk.input(Input::LinkOpened);
        desk.check_sent(&["hello token secret"]);
        desk.reply(
            "hello",
            json!({"type": "welcome", "protocol": 1, "user": {"id": 1, "name": "ana"}, "limits": crate::desk::limits(),
                "rooms": [{"room": "lobby", "head": 5}], "server": "test"}),
        );
        desk.check_sent(&["sign_out"]);
        assert_eq!(desk.brain.model().me(), Some(&member("bo")));
        desk.reply("sign_out", json!({"type": "signed_out"}));
        assert_eq!(desk.stored, [].into());
        desk.input(Input::LinkOpened);
        desk.check_sent(&["hello guest bo"]);
    }
}

#[test]
fn signing_out_is_told_until_the_server_has_heard() {
    let mut desk = Desk::in_lobby(5);
    sign_out(&mut desk);
    desk.cut();
    check_nobody(&desk);
    desk.wait(1_000);
    desk.input(Input::LinkOpened);
    desk.refuse("hello", "busy", true);
    assert_eq!(desk.stored.len(), 1);
    desk.wait(2_000);
    desk.input(Input::LinkOpened);
    desk.check_sent(&["post lobby hi", "sign_out", "hello token secret", "hello token secret"]);
    // That it was heard the first time, the answer to that was lost.
    desk.refuse("hello", "bad_token", false);
    assert_eq!(desk.stored, [].into());
    check_nobody(&desk);
    assert_eq!((desk.link, desk.brain.deadline()), (false, None));
}

#[test]
fn a_wish_for_a_name_ends_with_the_choice_of_another() {
    let mut desk = Desk::new();
    desk.submit("/name bo");
    desk.input(Input::LinkOpened);
    desk.refuse("hello", "name_taken", false);
    desk.user(Intent::ChooseName("che".into()));
    desk.input(Input::LinkOpened);
    desk.check_sent(&["hello guest ana", "hello guest che"]);
    desk.reply(
        "hello",
        json!({"type": "welcome", "protocol": 1, "user": {"id": 9, "name": "che"}, "token": "secret",
            "limits": crate::desk::limits(), "rooms": [], "server": "test"}),
    );
    desk.check_sent(&["join lobby", "rooms"]);
}
