use serde_json::{Value, json};
use teahouse_client_core::{Input, Intent, Row};

use crate::desk::{Desk, page, room};

fn tell(desk: &mut Desk, seq: u64, at: &str, by: &str, text: &str) {
    let mut event: Value = crate::desk::event(seq, by, text);
    event["type"] = json!("event");
    event["room"] = json!("lobby");
    event["at"] = json!(format!("2026-11-{at}Z"));
    desk.tell(&event);
}

fn check(events: &[(&str, &str, &str)], offset_minutes: i32, expected: &[&str]) {
    let mut desk = Desk::in_lobby(0);
    for (at, (when, by, text)) in events.iter().enumerate() {
        tell(&mut desk, at as u64 + 1, when, by, text);
    }
    check_rows(&desk, offset_minutes, expected);
}

fn check_rows(desk: &Desk, offset_minutes: i32, expected: &[&str]) {
    let rows = desk.lobby().timeline().rows(|_| offset_minutes);
    let mut keys: Vec<_> = rows.iter().map(|row| row.key()).collect();
    let shown: Vec<String> = rows.iter().map(|row| shown(row)).collect();
    assert_eq!(shown, expected);
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), rows.len(), "each row has a key of its own");
}

fn shown(row: &Row) -> String {
    match row {
        Row::Day { year, month, day, weekday, .. } => format!("-- {year}-{month}-{day} {weekday}"),
        Row::Unread => "-- new".into(),
        Row::Message { by, text, first_of_group: true, .. } => format!("{by}: {text}"),
        Row::Message { text, .. } => format!("  {text}"),
        Row::Members { joined, left, .. } => {
            let names = |names: &[teahouse_protocol::MemberName]| {
                names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(",")
            };
            format!("+{} -{}", names(joined), names(left))
        }
        Row::Created { by, .. } => format!("{by} made it"),
        Row::Gap { loading, .. } => format!("gap {loading}"),
    }
}

#[test]
fn messages_of_one_author_within_five_minutes_are_grouped() {
    check(
        &[
            ("22T08:00:00", "bo", "a"),
            ("22T08:04:59", "bo", "b"),
            ("22T08:09:59", "bo", "c"),
            ("22T08:10:00", "小明", "d"),
            ("22T08:10:01", "bo", "e"),
        ],
        0,
        &["-- 2026-11-22 7", "bo: a", "  b", "bo: c", "小明: d", "bo: e"],
    );
}

#[test]
fn days_are_those_of_the_reader() {
    check(
        &[("22T15:59:59", "bo", "a"), ("22T16:00:00", "bo", "b")],
        480,
        &["-- 2026-11-22 7", "bo: a", "-- 2026-11-23 1", "bo: b"],
    );
    // `seq` is the order; a clock that was set back makes no day come again.
    check(
        &[
            ("22T23:00:00", "bo", "a"),
            ("23T01:00:00", "bo", "b"),
            ("22T23:59:59", "bo", "c"),
            ("23T01:00:00", "bo", "d"),
        ],
        0,
        &["-- 2026-11-22 7", "bo: a", "-- 2026-11-23 1", "bo: b", "bo: c", "bo: d"],
    );
}

#[test]
fn coming_and_going_collapses() {
    check(
        &[
            ("22T08:00:00", "bo", "a"),
            ("22T08:00:01", "x", "+join"),
            ("22T08:00:02", "y", "+join"),
            ("22T08:00:03", "x", "+leave"),
            ("22T08:00:04", "z", "+leave"),
            ("22T08:00:05", "bo", "b"),
            ("22T08:00:06", "x", "+join"),
            ("22T08:00:07", "x", "+leave"),
            ("22T08:00:08", "bo", "c"),
            ("23T08:00:00", "y", "+leave"),
        ],
        0,
        &["-- 2026-11-22 7", "bo: a", "+y -z", "bo: b", "  c", "-- 2026-11-23 1", "+ -y"],
    );
}

#[test]
fn pending_posts_and_gaps_have_rows() {
    let mut desk = Desk::in_lobby(3);
    desk.cut();
    desk.come_back(9);
    desk.reply("watch lobby", json!({"type": "watching", "room": "lobby", "epoch": "e1", "head": 9, "resume": "reset", "reason": "too_far"}));
    desk.reply("history lobby", page("e1", 9, 7..=9));
    desk.submit("hi");
    desk.submit("/me waves");
    desk.submit("again");
    check_rows(
        &desk,
        0,
        &[
            "-- 2026-11-22 7",
            "bo: m1",
            "  m2",
            "  m3",
            "gap false",
            "bo: m7",
            "  m8",
            "  m9",
            "ana: hi",
            "ana: waves",
            "ana: again",
        ],
    );
    desk.user(Intent::LoadOlder(room("lobby")));
    assert!(
        desk.lobby().timeline().rows(|_| 0).iter().any(|row| matches!(**row, Row::Gap { loading: true, .. }))
    );
}

#[test]
fn mentions_and_own_messages_are_marked() {
    let mut desk = Desk::in_lobby(0);
    desk.input(Input::Attention { focused: false, at_bottom: true });
    for (seq, by, text) in [(1, "bo", "请ana看"), (2, "ana", "ana here"), (3, "bo", "banana")] {
        tell(&mut desk, seq, "22T08:00:00", by, text);
    }
    let rows = desk.lobby().timeline().rows(|_| 0);
    let marks = rows.iter().filter_map(|row| match &**row {
        Row::Message { mine, mentions_me, .. } => Some((*mine, *mentions_me)),
        _ => None,
    });
    assert_eq!(marks.collect::<Vec<_>>(), [(false, true), (true, false), (false, false)]);
}

#[test]
fn what_is_printed_part_after_part_has_each_event_and_each_day_once() {
    let mut desk = Desk::in_lobby(9);
    desk.event(10, "che", "+join");
    desk.event(11, "che", "late");
    let timeline = desk.lobby().timeline();
    let seq = |number| teahouse_protocol::Seq::new(number).expect("small");
    let mut printed = teahouse_client_core::PrintedRows::default();
    let mut shown = Vec::new();
    for (after, through) in [(0, 7), (7, 7), (7, 10), (10, 11)] {
        for row in printed.draw(timeline, seq(after), seq(through), |_| 0) {
            shown.push(match &*row {
                Row::Day { day, .. } => format!("day {day}"),
                Row::Message { text, .. } => text.clone(),
                Row::Members { joined, .. } => format!("{} joined", joined.len()),
                other => panic!("{other:?}"),
            });
        }
    }
    assert_eq!(shown, ["day 22", "m7", "m8", "m9", "1 joined", "late"]);
}
