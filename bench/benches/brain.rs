//! The client's brain and the rows that views draw, natively: a browser runs the same code as WebAssembly.

use divan::Bencher;
use divan::counter::ItemsCount;
use teahouse_client_core::{Brain, Config, DrawnRows, Input, Now, Output, Ticks};
use teahouse_protocol::{MemberName, RoomName, UnixMillis};

fn main() {
    divan::main();
}

const EVENTS: u64 = 10_000;
const NOW: Now = Now { ticks: Ticks(0), unix: UnixMillis::new(1_795_334_400_000) };

fn lobby() -> RoomName {
    RoomName::parse("lobby").expect("legal")
}

/// What the server answers to a request.
fn answer(request: &str) -> Option<String> {
    let request: serde_json::Value = serde_json::from_str(request).expect("JSON");
    let re = &request["id"];
    Some(match request["type"].as_str()? {
        "hello" => format!(
            r#"{{"re":{re},"type":"welcome","protocol":1,"user":{{"id":1,"name":"ana"}},"token":"secret","limits":{{"line_bytes_max":131072,"text_chars_max":8000,"name_chars_max":32,"history_events_max":200,"watches_max":1000,"posts_in_flight_max":4}},"rooms":[{{"room":"lobby","head":0}}],"server":"bench"}}"#
        ),
        "watch" => {
            format!(r#"{{"re":{re},"type":"watching","room":"lobby","epoch":"e1","head":0,"resume":"live"}}"#)
        }
        "history" => format!(
            r#"{{"re":{re},"type":"history","room":"lobby","epoch":"e1","head":0,"events":[],"more_before":false,"more_after":false}}"#
        ),
        "who" => format!(
            r#"{{"re":{re},"type":"members","room":"lobby","total":1,"members":[{{"user":1,"name":"ana","online":true}}]}}"#
        ),
        _ => return None,
    })
}

/// A brain in an empty lobby, looked at by its user.
fn in_the_lobby() -> Brain {
    let config = Config { name: MemberName::parse("ana").ok(), ..Config::new("bench", lobby()) };
    let mut brain = Brain::new(config, [], 7, NOW);
    let mut inputs =
        vec![Input::Start, Input::LinkOpened, Input::Attention { focused: true, at_bottom: true }];
    inputs.reverse();
    while let Some(input) = inputs.pop() {
        for output in brain.handle(input, NOW) {
            if let Output::Send(request) = output
                && let Some(answer) = answer(&request)
            {
                inputs.push(Input::Received(answer));
            }
        }
    }
    assert!(brain.model().room(&lobby()).is_some_and(teahouse_client_core::Room::watching), "it watches");
    brain
}

/// Messages of 128 bytes by bo, 100 in a second.
fn event(seq: u64) -> Input {
    let text = format!("{seq:0>128}");
    let at = UnixMillis::new(1_795_334_400_000 + seq * 10);
    Input::Received(format!(
        r#"{{"type":"event","room":"lobby","seq":{seq},"at":"{at}","user":2,"by":"bo","kind":"post","text":"{text}"}}"#
    ))
}

fn with_events() -> Brain {
    let mut brain = in_the_lobby();
    for seq in 1..=EVENTS {
        let _ = brain.handle(event(seq), NOW);
    }
    let timeline = brain.model().room(&lobby()).expect("it is there").timeline();
    assert!(!timeline.is_empty(), "events have come");
    brain
}

#[divan::bench]
fn handle_10000_events(bencher: Bencher<'_, '_>) {
    bencher
        .counter(ItemsCount::new(EVENTS))
        .with_inputs(|| (in_the_lobby(), (1..=EVENTS).map(event).collect::<Vec<_>>()))
        .bench_local_values(|(mut brain, events)| {
            for event in events {
                divan::black_box(brain.handle(event, NOW));
            }
            brain
        });
}

/// What a view asks for when it opens the room.
#[divan::bench]
fn draw_the_rows_of_10000_events(bencher: Bencher<'_, '_>) {
    let brain = with_events();
    let room = lobby();
    bencher.bench_local(|| {
        let mut rows = DrawnRows::default();
        rows.draw(brain.model().room(&room).expect("it is there").timeline(), |_| 480).len()
    });
}

/// What one more message costs a view that has drawn all before it.
#[divan::bench]
fn draw_one_more_row(bencher: Bencher<'_, '_>) {
    let room = lobby();
    let mut brain = with_events();
    let mut rows = DrawnRows::default();
    let mut seq = EVENTS;
    bencher.bench_local(|| {
        seq += 1;
        let _ = brain.handle(event(seq), NOW);
        rows.draw(brain.model().room(&room).expect("it is there").timeline(), |_| 480).len()
    });
}
