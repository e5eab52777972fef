use teahouse_client_core::{Entry, Input, Intent, limits};
use teahouse_protocol::{RoomName, Seq};

use crate::desk::{Desk, page, room};

fn lobby() -> RoomName {
    room("lobby")
}

fn seq(number: u64) -> Seq {
    Seq::new(number).expect("small")
}

fn show(desk: &mut Desk, number: u64) {
    desk.user(Intent::Show { room: lobby(), seq: seq(number) });
}

#[test]
fn a_message_far_back_is_read_with_what_stands_around_it() {
    let mut desk = Desk::in_lobby(30);
    show(&mut desk, 10);
    desk.check_sent(&["who lobby", "history lobby around 10"]);
    desk.reply("history lobby", page("e1", 30, 9..=11));
    desk.check_timeline(&["9 bo m9", "10 bo m10", "11 bo m11", "gap", "28 bo m28", "29 bo m29", "30 bo m30"]);
    assert!(desk.lobby().has_older());
}

#[test]
fn a_message_that_is_loaded_or_does_not_exist_is_not_read() {
    let mut desk = Desk::in_lobby(30);
    for number in [29, 31, 0] {
        show(&mut desk, number);
        desk.check_sent(&["who lobby"]);
    }
}

#[test]
fn the_gap_after_it_is_read_from_either_side_until_it_is_closed() {
    let mut desk = Desk::in_lobby(20);
    show(&mut desk, 9);
    desk.reply("history lobby", page("e1", 20, 8..=10));
    desk.check_sent(&["who lobby", "history lobby around 9"]);
    desk.user(Intent::LoadAfter { room: lobby(), seq: seq(10) });
    // One page at a time.
    desk.user(Intent::LoadAfter { room: lobby(), seq: seq(10) });
    desk.check_sent(&["history lobby after 10"]);
    desk.check_timeline(&[
        "8 bo m8",
        "9 bo m9",
        "10 bo m10",
        "gap loading",
        "18 bo m18",
        "19 bo m19",
        "20 bo m20",
    ]);
    desk.reply("history lobby", page("e1", 20, 11..=13));
    desk.user(Intent::LoadBefore { room: lobby(), seq: seq(18) });
    desk.check_sent(&["history lobby before 18"]);
    desk.reply("history lobby", page("e1", 20, 15..=17));
    desk.user(Intent::LoadAfter { room: lobby(), seq: seq(13) });
    desk.check_sent(&["history lobby after 13"]);
    desk.reply("history lobby", page("e1", 20, 14..=16));
    let timeline = desk.lobby().timeline();
    assert_eq!((timeline.len(), timeline.entries().count()), (13, 13), "no gap is left");
    // Older events come before what is the oldest now.
    desk.user(Intent::LoadBefore { room: lobby(), seq: seq(8) });
    desk.check_sent(&["history lobby before 8"]);
}

#[test]
fn nothing_is_read_where_nothing_is_missing() {
    let mut desk = Desk::in_lobby(3);
    for number in [1, 2, 3, 9] {
        desk.user(Intent::LoadBefore { room: lobby(), seq: seq(number) });
        desk.user(Intent::LoadAfter { room: lobby(), seq: seq(number) });
    }
    desk.check_sent(&[]);
}

#[test]
fn what_is_to_be_shown_waits_for_the_room_to_be_there() {
    let mut desk = Desk::new();
    show(&mut desk, 10);
    desk.check_sent(&[]);
    desk.enter(30);
    desk.check_timeline(&["28 bo m28", "29 bo m29", "30 bo m30"]);
    desk.reply("history lobby", page("e1", 30, 9..=11));
    assert_eq!(desk.lobby().timeline().len(), 6);
}

#[test]
fn unread_messages_are_not_counted_across_a_gap() {
    let mut desk = Desk::in_lobby(5);
    desk.input(Input::Attention { focused: false, at_bottom: true });
    desk.cut();
    desk.come_back(30);
    desk.reply(
        "watch lobby",
        serde_json::json!({"type": "watching", "room": "lobby", "epoch": "e1", "head": 30, "resume": "reset", "reason": "too_far"}),
    );
    desk.reply("history lobby", page("e1", 30, 28..=30));
    show(&mut desk, 10);
    desk.reply("history lobby", page("e1", 30, 9..=11));
    assert_eq!(desk.lobby().unread(), 3);
    desk.user(Intent::LoadBefore { room: lobby(), seq: seq(28) });
    desk.reply("history lobby", page("e1", 30, 25..=27));
    assert_eq!(desk.lobby().unread(), 6);
}

#[test]
fn reading_far_back_lets_go_of_what_lies_between() {
    let max = limits::TIMELINE_EVENTS_MAX as u64;
    let head = max + max / 5;
    let mut desk = Desk::in_lobby(head);
    desk.input(Input::Attention { focused: true, at_bottom: false });
    let oldest = |desk: &Desk| desk.lobby().timeline().first_seq().expect("an event").get();
    while oldest(&desk) > 1 {
        let first = oldest(&desk);
        desk.user(Intent::LoadBefore { room: lobby(), seq: seq(first) });
        desk.reply("history lobby", page("e1", head, first.saturating_sub(3).max(1)..=first - 1));
        assert!(oldest(&desk) < first, "what was asked for stays");
        let mut oldest_four = desk.lobby().timeline().entries().take(4);
        assert!(oldest_four.all(|entry| matches!(entry, Entry::Event(_))), "no gap where the user reads");
        assert!(desk.lobby().timeline().len() as u64 <= max);
    }
    let gaps = desk.lobby().timeline().entries().filter(|entry| matches!(entry, Entry::Gap(_))).count();
    assert_eq!(gaps, 1);
    desk.event(head + 1, "bo", "new");
    let Some(Entry::Event(last)) = desk.lobby().timeline().entries().last() else {
        panic!("the latest stay")
    };
    assert_eq!(last.seq, seq(head + 1));
}

#[test]
fn links_here_and_there_in_a_long_room_are_all_followed() {
    let head = 20_000;
    let config = teahouse_client_core::Config { history_page: 80, ..crate::desk::config() };
    let mut desk = Desk::with(config, Default::default());
    desk.input(Input::Attention { focused: true, at_bottom: false });
    desk.enter(head);
    let oldest = |desk: &Desk| desk.lobby().timeline().first_seq().expect("an event").get();
    while oldest(&desk) > 12_000 {
        let first = oldest(&desk);
        desk.user(Intent::LoadBefore { room: lobby(), seq: seq(first) });
        desk.reply("history lobby", page("e1", head, first - 80..=first - 1));
    }
    for target in [10_000, 40, 19_000, 5_000, 15_000] {
        show(&mut desk, target);
        desk.reply("history lobby", page("e1", head, target - 39..=target + 40));
        let timeline = desk.lobby().timeline();
        let found =
            timeline.entries().any(|entry| matches!(entry, Entry::Event(event) if event.seq == seq(target)));
        assert!(found, "{target} is there; {} events", timeline.len());
        let seqs: Vec<u64> = timeline
            .entries()
            .filter_map(|entry| match entry {
                Entry::Event(event) => Some(event.seq.get()),
                _ => None,
            })
            .collect();
        let around = seqs.iter().filter(|at| (target - 39..=target + 40).contains(at)).count();
        assert_eq!(around, 80, "all of the page stays");
    }
}
