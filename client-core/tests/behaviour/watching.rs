use serde_json::json;
use teahouse_client_core::{Connection, Input, Intent, limits};

use crate::desk::{Desk, event, page, room};

#[test]
fn the_first_page_is_merged_with_what_happens_meanwhile() {
    let mut desk = Desk::new();
    desk.input(Input::LinkOpened);
    desk.reply(
        "hello",
        json!({"type": "welcome", "protocol": 1, "user": {"id": 1, "name": "ana"}, "token": "t",
        "limits": crate::desk::limits(), "rooms": [{"room": "lobby", "head": 5}], "server": "test"}),
    );
    desk.check_sent(&["hello guest ana", "watch lobby", "history lobby", "who lobby", "rooms"]);
    desk.reply(
        "watch lobby",
        json!({"type": "watching", "room": "lobby", "epoch": "e1", "head": 5, "resume": "live"}),
    );
    desk.event(6, "bo", "m6");
    // The page was read later than event 7 was written, and event 7 is pushed after it.
    desk.reply("history lobby", page("e1", 7, 5..=7));
    desk.check_timeline(&["5 bo m5", "6 bo m6", "7 bo m7"]);
    desk.event(7, "bo", "m7");
    desk.event(8, "bo", "m8");
    desk.check_timeline(&["5 bo m5", "6 bo m6", "7 bo m7", "8 bo m8"]);
}

#[test]
fn a_room_is_joined_before_it_is_watched() {
    let mut desk = Desk::new();
    desk.input(Input::LinkOpened);
    desk.reply(
        "hello",
        json!({"type": "welcome", "protocol": 1, "user": {"id": 1, "name": "ana"}, "token": "t",
        "limits": crate::desk::limits(), "rooms": [], "server": "test"}),
    );
    desk.check_sent(&["hello guest ana", "join lobby", "rooms"]);
    desk.reply("join lobby", json!({"type": "ack", "room": "lobby", "seq": 5}));
    desk.check_sent(&["watch lobby", "history lobby", "who lobby"]);
}

#[test]
fn what_was_missed_is_replayed() {
    let mut desk = Desk::in_lobby(5);
    desk.event(6, "bo", "m6");
    desk.cut();
    desk.come_back(8);
    desk.check_sent(&["hello token secret", "watch lobby after e1 6", "who lobby", "rooms"]);
    desk.reply(
        "watch lobby",
        json!({"type": "watching", "room": "lobby", "epoch": "e1", "head": 8, "resume": "replay"}),
    );
    desk.event(7, "bo", "hi ana");
    desk.event(8, "bo", "m8");
    desk.tell(&json!({"type": "caught_up", "room": "lobby", "head": 8}));
    desk.event(9, "bo", "ana?");
    desk.check_timeline(&["3 bo m3", "4 bo m4", "5 bo m5", "6 bo m6", "7 bo hi ana", "8 bo m8", "9 bo ana?"]);
    desk.check_sent(&[]);
    // Of the two mentions only the live one is announced.
    assert_eq!(desk.mentions(), 1);
}

#[test]
fn a_reset_leaves_an_explicit_gap_that_can_be_loaded() {
    let mut desk = Desk::in_lobby(5);
    desk.cut();
    desk.come_back(20);
    desk.check_sent(&["hello token secret", "watch lobby after e1 5", "who lobby", "rooms"]);
    desk.reply("watch lobby", json!({"type": "watching", "room": "lobby", "epoch": "e1", "head": 20, "resume": "reset", "reason": "too_far"}));
    desk.check_sent(&["history lobby"]);
    desk.check_timeline(&["3 bo m3", "4 bo m4", "5 bo m5", "gap loading"]);
    desk.event(21, "bo", "m21");
    desk.reply("history lobby", page("e1", 20, 18..=20));
    desk.check_timeline(&[
        "3 bo m3",
        "4 bo m4",
        "5 bo m5",
        "gap",
        "18 bo m18",
        "19 bo m19",
        "20 bo m20",
        "21 bo m21",
    ]);
    for (before, page_seqs) in [(18, 15..=17), (15, 12..=14), (12, 9..=11), (9, 6..=8)] {
        desk.user(Intent::LoadOlder(room("lobby")));
        desk.user(Intent::LoadOlder(room("lobby")));
        desk.check_sent(&[&format!("history lobby before {before}")]);
        desk.reply("history lobby", page("e1", 21, page_seqs));
    }
    let timeline = desk.lobby().timeline();
    assert_eq!(timeline.len(), 19);
    assert_eq!(timeline.entries().count(), 19, "no gap is left");
    desk.user(Intent::LoadOlder(room("lobby")));
    desk.check_sent(&["history lobby before 3"]);
    desk.reply("history lobby", page("e1", 21, 1..=2));
    assert!(!desk.lobby().has_older());
    desk.user(Intent::LoadOlder(room("lobby")));
    desk.check_sent(&[]);
}

#[test]
fn another_epoch_drops_the_old_log_and_posts_again_what_was_not_acknowledged() {
    let mut desk = Desk::in_lobby(5);
    desk.submit("hi");
    desk.cut();
    desk.come_back(2);
    desk.reply("watch lobby", json!({"type": "watching", "room": "lobby", "epoch": "e2", "head": 2, "resume": "reset", "reason": "other_epoch"}));
    desk.reply("history lobby", page("e2", 2, 1..=2));
    desk.check_timeline(&["1 bo m1", "2 bo m2", "sent hi"]);
    assert_eq!(desk.lobby().head().get(), 2);
}

#[test]
fn a_missing_event_is_never_passed_over() {
    let mut desk = Desk::in_lobby(5);
    desk.event(7, "bo", "m7");
    desk.check_sent(&["watch lobby after e1 5", "who lobby"]);
    // What still comes of the first watch waits for the second.
    desk.event(8, "bo", "m8");
    desk.check_timeline(&["3 bo m3", "4 bo m4", "5 bo m5"]);
    desk.reply(
        "watch lobby",
        json!({"type": "watching", "room": "lobby", "epoch": "e1", "head": 8, "resume": "replay"}),
    );
    for seq in 6..=8 {
        desk.event(seq, "bo", "again");
    }
    desk.check_timeline(&["3 bo m3", "4 bo m4", "5 bo m5", "6 bo again", "7 bo again", "8 bo again"]);
}

#[test]
fn a_server_that_goes_on_skipping_is_left() {
    let mut desk = Desk::in_lobby(5);
    desk.event(7, "bo", "m7");
    desk.reply(
        "watch lobby",
        json!({"type": "watching", "room": "lobby", "epoch": "e1", "head": 7, "resume": "replay"}),
    );
    desk.event(7, "bo", "m7");
    assert!(matches!(desk.connection(), Connection::Waiting { .. }));
}

#[test]
fn memory_is_bounded() {
    let mut desk = Desk::in_lobby(5);
    let max = limits::TIMELINE_EVENTS_MAX as u64;
    for seq in 6..=max + 10 {
        desk.event(seq, "bo", "m");
    }
    assert!((max * 9 / 10..=max).contains(&(desk.lobby().timeline().len() as u64)));
    for seq in max + 11..=max * 2 {
        desk.event(seq, "bo", "m");
        assert!(desk.lobby().timeline().len() as u64 <= max);
    }
    assert!(desk.lobby().has_older());
    desk.user(Intent::Open(room("other")));
    assert!(desk.lobby().timeline().len() <= limits::INACTIVE_TIMELINE_EVENTS_MAX);
}

#[test]
fn members_follow_presence_and_events() {
    let mut desk = Desk::in_lobby(5);
    let shown = |desk: &Desk| -> Vec<String> {
        let members = desk.lobby().members().iter();
        members.map(|member| format!("{}{}", if member.online { "+" } else { "-" }, member.name)).collect()
    };
    assert_eq!(shown(&desk), ["+ana", "-bo"]);
    desk.tell(&json!({"type": "presence", "room": "lobby", "user": 2, "name": "bo", "online": true}));
    desk.event(6, "小明", "+join");
    assert_eq!(shown(&desk), ["+ana", "+bo", "+小明"]);
    assert_eq!(desk.lobby().member_total(), 3);
    desk.event(7, "bo", "+leave");
    desk.tell(&json!({"type": "presence", "room": "lobby", "user": 1, "name": "ana", "online": false}));
    assert_eq!(shown(&desk), ["+小明", "-ana"]);
    assert_eq!(desk.lobby().member_total(), 2);
}

#[test]
fn leaving_elsewhere_is_leaving_here_and_an_old_leave_is_not() {
    let mut desk = Desk::in_lobby(5);
    desk.event(6, "ana", "+leave");
    assert!(!desk.lobby().joined());
    let mut desk = Desk::in_lobby(5);
    desk.cut();
    desk.come_back(7);
    desk.reply(
        "watch lobby",
        json!({"type": "watching", "room": "lobby", "epoch": "e1", "head": 7, "resume": "replay"}),
    );
    let mut left = event(6, "ana", "+leave");
    left["type"] = json!("event");
    left["room"] = json!("lobby");
    desk.tell(&left);
    assert!(desk.lobby().joined());
}

#[test]
fn the_server_spells_a_room_its_own_way() {
    let mut desk = Desk::in_lobby(5);
    desk.user(Intent::Join(room("TEA")));
    desk.user(Intent::Open(room("TEA")));
    desk.reply("join TEA", json!({"type": "ack", "room": "tea", "seq": 9}));
    desk.check_sent(&["join TEA", "watch tea", "history tea", "who tea"]);
    assert_eq!(desk.brain.model().active(), Some(&room("tea")));
    assert!(desk.brain.model().room(&room("TEA")).is_none());
}

#[test]
fn a_page_that_is_too_long_for_the_link_is_asked_for_in_parts() {
    let mut desk = Desk::new();
    desk.input(Input::LinkOpened);
    desk.reply(
        "hello",
        json!({"type": "welcome", "protocol": 1, "user": {"id": 1, "name": "ana"}, "token": "t",
        "limits": crate::desk::limits(), "rooms": [{"room": "lobby", "head": 5}], "server": "test"}),
    );
    for limit in [3, 1] {
        desk.reply(
            "watch lobby",
            json!({"type": "watching", "room": "lobby", "epoch": "e1", "head": 5, "resume": "replay"}),
        );
        assert_eq!(desk.sent_limits(), [limit]);
        desk.link = false;
        desk.input(Input::MessageTooLong);
        if limit > 1 {
            assert!(matches!(desk.connection(), Connection::Waiting { .. }), "{:?}", desk.connection());
            desk.come_back(5);
        }
    }
    assert!(matches!(desk.connection(), Connection::Stopped { .. }), "{:?}", desk.connection());
}
