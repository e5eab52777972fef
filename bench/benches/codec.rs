//! Bytes to requests and events to bytes, for each kind of door. Posts of 128 bytes.

use std::collections::VecDeque;

use bytes::Bytes;
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use teahouse_protocol::{Seq, ServerMessage, decode_request, decode_server_message};
use teahouse_server::door::{Door, Framing, JsonDoor, WebSocketDoor};
use teahouse_server::fanout::{Held, Segment};

fn main() {
    divan::main();
}

/// How many events one commit adds.
const BATCHES: [usize; 3] = [1, 64, 1_024];

fn text() -> String {
    "x".repeat(128)
}

fn post() -> String {
    format!(r#"{{"id":7,"type":"post","room":"lobby","op":"9f86d081884c7d65","text":"{}"}}"#, text())
}

fn events(count: usize) -> Vec<ServerMessage> {
    let event = |seq: usize| {
        let json = format!(
            r#"{{"type":"event","room":"lobby","seq":{seq},"at":"2026-11-22T08:00:00.123Z","user":7,"by":"ana","op":"9f86d081884c7d65","kind":"post","text":"{}"}}"#,
            text()
        );
        decode_server_message(json.as_bytes()).expect("an event")
    };
    (1..=count).map(event).collect()
}

#[divan::bench]
fn decode_a_post(bencher: Bencher<'_, '_>) {
    let line = post();
    bencher.bench(|| decode_request(black_box(line.as_bytes())));
}

#[divan::bench]
fn decode_an_event_at_a_client(bencher: Bencher<'_, '_>) {
    let json = events(1)[0].to_json();
    bencher.bench(|| decode_server_message(black_box(json.as_bytes())));
}

#[divan::bench]
fn encode_an_event(bencher: Bencher<'_, '_>) {
    let event = events(1).remove(0);
    bencher.bench(|| black_box(&event).to_json());
}

/// What a commit of so many events costs before anybody is told: encoding, and the framing of one kind of door.
#[divan::bench(args = BATCHES)]
fn segment_for_json_lines(bencher: Bencher<'_, '_>, batch: usize) {
    segment(bencher, batch, Framing::Json);
}

/// The same for WebSocket.
#[divan::bench(args = BATCHES)]
fn segment_for_websocket(bencher: Bencher<'_, '_>, batch: usize) {
    segment(bencher, batch, Framing::WebSocket);
}

/// The same for words.
#[divan::bench(args = BATCHES)]
fn segment_for_text(bencher: Bencher<'_, '_>, batch: usize) {
    segment(bencher, batch, Framing::Text);
}

fn segment(bencher: Bencher<'_, '_>, batch: usize, framing: Framing) {
    let held = Held::default();
    bencher
        .counter(ItemsCount::new(batch))
        .with_inputs(|| events(batch).into_iter().peekable())
        .bench_values(|mut events| {
            let mut first = 1;
            while events.peek().is_some() {
                let segment = Segment::take(Seq::new(first).expect("small"), &mut events, held.clone());
                first += segment.len() as u64;
                black_box(segment.frames(framing, 0));
            }
        });
}

/// A read that brings 64 posts as JSON Lines.
#[divan::bench]
fn receive_64_posts_as_lines(bencher: Bencher<'_, '_>) {
    receive(bencher, &format!("{}\n", post()).into_bytes().repeat(64), || Door::Json(JsonDoor::default()));
}

/// A read that brings 64 posts in WebSocket frames, masked as browsers do it.
#[divan::bench]
fn receive_64_posts_as_frames(bencher: Bencher<'_, '_>) {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let payload = post().into_bytes();
    let length = u16::try_from(payload.len()).expect("it is short");
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    receive(bencher, &frame.repeat(64), || Door::WebSocket(Box::default()));
}

fn receive(bencher: Bencher<'_, '_>, bytes: &[u8], door: impl Fn() -> Door + Sync) {
    let mut inbound = VecDeque::new();
    door().receive(bytes, &mut inbound, &mut VecDeque::new());
    assert_eq!(inbound.len(), 64, "every post is understood");
    bencher.counter(ItemsCount::new(64_usize)).with_inputs(&door).bench_refs(|door| {
        let (mut inbound, mut out) = (VecDeque::new(), VecDeque::<Bytes>::new());
        door.receive(black_box(bytes), &mut inbound, &mut out);
        inbound.len()
    });
}

/// A WebSocket's door is built once for a connection; its size is memory of every idle one.
#[divan::bench]
fn open_a_websocket_door() -> WebSocketDoor {
    WebSocketDoor::default()
}
