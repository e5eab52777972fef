use serde_json::json;
use teahouse_client_core::{Connection, Entry, Input, Intent, NameProblem, Notice};

use crate::desk::{Desk, config, limits, member, room};

fn shared(desk: &mut Desk, key: &str, value: Option<&str>) {
    desk.input(Input::Shared(vec![(key.to_owned(), value.map(str::to_owned))]));
}

#[test]
fn the_loser_of_a_race_for_a_name_becomes_the_winner() {
    let mut desk = Desk::new();
    desk.submit("hi");
    desk.input(Input::LinkOpened);
    desk.refuse("hello", "name_taken", false);
    assert_eq!(
        *desk.connection(),
        Connection::NeedsName { problem: Some(NameProblem::Taken(member("ana"))) }
    );
    shared(&mut desk, "identity", Some(r#"{"name":"ana","token":"theirs"}"#));
    desk.input(Input::LinkOpened);
    desk.check_sent(&["hello guest ana", "hello token theirs"]);
    assert_eq!(desk.brain.model().me(), Some(&member("ana")));
    // What was never sent is still known to be that.
    let pending = desk.lobby().timeline().entries().find_map(|entry| match entry {
        Entry::Pending(post) => Some(post.may_have_arrived()),
        _ => None,
    });
    assert_eq!(pending, Some(false));
}

#[test]
fn who_is_refused_removes_nothing() {
    let stored = [("identity".to_owned(), r#"{"name":"ana","token":"kept"}"#.to_owned())].into();
    let mut desk = Desk::with(config(), stored);
    desk.input(Input::LinkOpened);
    desk.refuse("hello", "bad_token", false);
    desk.refuse("hello", "name_taken", false);
    assert_eq!(desk.stored["identity"], r#"{"name":"ana","token":"kept"}"#);
}

#[test]
fn a_name_that_nobody_keeps_is_given_back() {
    for online in [true, false] {
        let mut desk = Desk::in_lobby(5);
        if !online {
            desk.cut();
        }
        shared(&mut desk, "identity", Some(r#"{"name":"小明","token":"theirs"}"#));
        if !online {
            desk.input(Input::LinkOpened);
            desk.check_sent(&["hello token secret"]);
            desk.reply(
                "hello",
                json!({"type": "welcome", "protocol": 1, "user": {"id": 1, "name": "ana"}, "limits": limits(),
                    "rooms": [], "server": "test"}),
            );
        }
        desk.check_sent(&["sign_out"]);
        desk.reply("sign_out", json!({"type": "signed_out"}));
        desk.input(Input::LinkOpened);
        desk.check_sent(&["hello token theirs"]);
        assert_eq!(desk.brain.model().me(), Some(&member("小明")));
        assert_eq!(desk.notices(), [Notice::Renamed { from: member("ana"), to: member("小明") }]);
    }
}

#[test]
fn a_new_name_elsewhere_is_the_same_user() {
    let mut desk = Desk::in_lobby(5);
    shared(&mut desk, "identity", Some(r#"{"name":"小明","token":"secret"}"#));
    desk.input(Input::LinkOpened);
    desk.check_sent(&["hello token secret"]);
    assert_eq!(desk.notices(), [Notice::Renamed { from: member("ana"), to: member("小明") }]);
}

#[test]
fn signing_out_elsewhere_is_signing_out_here() {
    let mut desk = Desk::in_lobby(5);
    desk.user(Intent::Draft { room: room("lobby"), text: "half".into() });
    shared(&mut desk, "identity", None);
    assert_eq!(*desk.connection(), Connection::NeedsName { problem: None });
    assert_eq!(desk.brain.model().me(), None);
    assert_eq!(desk.notices(), [Notice::SignedOutElsewhere]);
    desk.refuse("sign_out", "bad_token", false);
    assert!(!desk.link);
    shared(&mut desk, "identity", None);
    assert_eq!(desk.notices(), [], "once");
}

#[test]
fn somebody_who_is_choosing_a_name_is_not_signed_out() {
    let mut desk = Desk::new();
    shared(&mut desk, "identity", None);
    assert!(desk.link);
    desk.input(Input::LinkOpened);
    desk.check_sent(&["hello guest ana"]);
}

#[test]
fn what_one_program_keeps_itself_is_no_news() {
    let mut desk = Desk::in_lobby(5);
    let identity = desk.stored["identity"].clone();
    for value in [identity.as_str(), "nonsense", "{}"] {
        shared(&mut desk, "identity", Some(value));
    }
    assert_eq!(*desk.connection(), Connection::Online);
    desk.check_sent(&[]);
}

#[test]
fn what_is_read_elsewhere_is_read_here() {
    let mut desk = Desk::in_lobby(5);
    desk.input(Input::Attention { focused: false, at_bottom: true });
    for seq in 6..=8 {
        desk.event(seq, "bo", "ana?");
    }
    let counts = |desk: &Desk| (desk.lobby().unread(), desk.lobby().mentions());
    assert_eq!(counts(&desk), (3, 3));
    let at = |seq: u64| format!(r#"{{"epoch":"e1","seq":{seq}}}"#);
    shared(&mut desk, "read/lobby", Some(&at(7)));
    assert_eq!(counts(&desk), (1, 1));
    shared(&mut desk, "read/lobby", Some(&at(6)));
    assert_eq!(counts(&desk), (1, 1), "it only grows");
    shared(&mut desk, "read/lobby", Some(r#"{"epoch":"e0","seq":9}"#));
    assert_eq!(counts(&desk), (1, 1), "another log");
    shared(&mut desk, "read/lobby", Some(&at(8)));
    assert_eq!(counts(&desk), (0, 0));
    desk.event(9, "bo", "more");
    assert_eq!(counts(&desk), (1, 0));
}

#[test]
fn what_was_read_elsewhere_ahead_of_this_link_stays_read() {
    let mut desk = Desk::in_lobby(5);
    shared(&mut desk, "read/lobby", Some(r#"{"epoch":"e1","seq":9}"#));
    desk.event(6, "bo", "one");
    assert_eq!(desk.lobby().unread(), 0);
    assert!(!desk.stored["read/lobby"].contains('6'), "a position behind the other is not kept");
}

#[test]
fn two_programs_have_two_drafts_and_a_copy_follows() {
    let mut desk = Desk::with(config(), [("draft/lobby".to_owned(), "from there".to_owned())].into());
    assert_eq!(desk.lobby().draft(), "from there");
    shared(&mut desk, "draft/lobby", Some("from there, longer"));
    assert_eq!(desk.lobby().draft(), "from there, longer");
    // Sent there, it is not to be sent here once more.
    shared(&mut desk, "draft/lobby", None);
    assert_eq!(desk.lobby().draft(), "");
    desk.user(Intent::Draft { room: room("lobby"), text: "typed here".into() });
    shared(&mut desk, "draft/lobby", Some("typed there"));
    shared(&mut desk, "draft/lobby", None);
    assert_eq!(desk.lobby().draft(), "typed here");
    desk.user(Intent::Draft { room: room("lobby"), text: String::new() });
    shared(&mut desk, "draft/lobby", Some("typed there"));
    assert_eq!(desk.lobby().draft(), "", "nothing appears by itself where one may be about to type");
}
