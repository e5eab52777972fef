//! Whatever comes in, nothing panics, and nothing that is held grows beyond its limit.

#![cfg(target_os = "linux")]

use std::alloc::System;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use cap::Cap;
use teahouse_protocol::{LineFramer, RoomName, decode_request, decode_server_message, limits};
use teahouse_server::door::{Door, Guess, Inbound, JsonDoor, TextDoor, WebSocketDoor, sniff};
use teahouse_tests::run::{Run, Tally};

/// Counts the bytes that this process holds.
#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// The tests of this file take turns, or one would count what the other holds.
static TURN: Mutex<()> = Mutex::new(());

fn lobby() -> RoomName {
    RoomName::parse("lobby").expect("legal")
}

const LINES: &str = include_str!("corpus/lines.txt");
const BYTES: &str = include_str!("corpus/bytes.txt");
const PROTOCOL: &str = include_str!("../../PROTOCOL.md");

/// Pieces that parsers stumble over.
const TOKENS: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b"\r",
    b"\0",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud83c",
    b":",
    b",",
    b"null",
    b"true",
    b"-0",
    b"1e999",
    b"9007199254740992",
    b"18446744073709551616",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xae",
    b"\xe8\x8c\xb6",
    b"/",
    b"//",
    b"GET ",
    b"\x16\x03",
    b"\"type\":",
    b"\"id\":",
    b"\"room\":",
];

/// After so many inputs, what is made once has been made.
const WARM_UP_INPUTS: u64 = 10_000;
/// What is held after the last input may differ by so many bytes from what was held after the warm-up.
const GROWTH_BYTES_MAX: usize = 4 * 1024;
/// What may be held while one input is at work: a megabyte of input, in several copies.
const AT_WORK_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The longest answer that a door gives by itself to one line, in bytes: the help.
const OWN_WORDS_BYTES_MAX: usize = 2_048;

fn corpus() -> Vec<Vec<u8>> {
    let mut corpus: Vec<Vec<u8>> = LINES.lines().map(|line| format!("{line}\n").into_bytes()).collect();
    corpus.extend(LINES.lines().map(|line| line.as_bytes().to_vec()));
    let hex = |line: &str| {
        let digits: String = line.chars().filter(|c| !c.is_whitespace()).collect();
        let byte = |pair: &[u8]| {
            let pair = std::str::from_utf8(pair).expect("ASCII");
            u8::from_str_radix(pair, 16).unwrap_or_else(|_| panic!("no hexadecimal: {line}"))
        };
        digits.as_bytes().chunks(2).map(byte).collect::<Vec<u8>>()
    };
    corpus.extend(BYTES.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).map(hex));
    let said = PROTOCOL.lines().filter_map(|line| {
        let (who, text) = line.split_once(' ')?;
        matches!(who, "C:" | "C2:" | "S:" | "S2:" | "T>" | "T<").then(|| format!("{text}\n").into_bytes())
    });
    corpus.extend(said);
    corpus
}

fn mutate(random: &mut fastrand::Rng, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut input = corpus[random.usize(..corpus.len())].clone();
    for _ in 0..random.usize(..6) {
        let at = random.usize(..=input.len());
        match random.u8(..9) {
            0 if at < input.len() => input[at] ^= 1 << random.u8(..8),
            1 if at < input.len() => input[at] = random.u8(..),
            2 => input.truncate(at),
            3 => {
                let token = TOKENS[random.usize(..TOKENS.len())];
                input.splice(at..at, token.iter().copied());
            }
            4 => input.extend_from_slice(&corpus[random.usize(..corpus.len())]),
            5 => {
                let other = &corpus[random.usize(..corpus.len())];
                let from = random.usize(..=other.len());
                input.splice(at.., other[from..].iter().copied());
            }
            6 => {
                let part = input[at..(at + random.usize(..16)).min(input.len())].to_vec();
                for _ in 0..random.usize(..200) {
                    input.splice(at..at, part.iter().copied());
                }
            }
            7 if at < input.len() => {
                input.remove(at);
            }
            _ => input = as_frames(random, &input),
        }
        input.truncate(limits::LINE_BYTES_MAX * 2);
    }
    input
}

/// The bytes as masked WebSocket frames, whole or in fragments.
fn as_frames(random: &mut fastrand::Rng, payload: &[u8]) -> Vec<u8> {
    let mut frames = Vec::new();
    let pieces = random.usize(1..4);
    let size = payload.len().div_ceil(pieces).max(1);
    let count = payload.len().div_ceil(size).max(1);
    for number in 0..count {
        let piece = &payload[(number * size).min(payload.len())..((number + 1) * size).min(payload.len())];
        let last = if number + 1 == count { 0x80 } else { 0 };
        frames.push(last | u8::from(number == 0));
        match piece.len() {
            length @ 0..=125 => frames.push(0x80 | length as u8),
            length @ 126..=0xFFFF => {
                frames.push(0x80 | 126);
                frames.extend_from_slice(&(length as u16).to_be_bytes());
            }
            length => {
                frames.push(0x80 | 127);
                frames.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        let mask = random.u32(..).to_be_bytes();
        frames.extend_from_slice(&mask);
        frames.extend(piece.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    }
    frames
}

/// Cuts the input at random places.
fn cut<'a>(random: &mut fastrand::Rng, mut input: &'a [u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    while !input.is_empty() {
        let size = if random.bool() { input.len() } else { random.usize(1..=input.len()) };
        let (piece, rest) = input.split_at(size);
        pieces.push(piece);
        input = rest;
    }
    pieces
}

fn frame(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, bool) {
    let mut framer = LineFramer::default();
    let mut lines = Vec::new();
    for mut piece in pieces.iter().copied() {
        loop {
            match framer.next_line(&mut piece) {
                Ok(Some(line)) => lines.push(line.into_owned()),
                Ok(None) => break,
                Err(_) => return (lines, true),
            }
        }
    }
    let rest = framer.take_partial();
    assert!(rest.len() <= limits::LINE_BYTES_MAX + 1, "a framer holds no more than a line");
    lines.push(rest);
    (lines, false)
}

/// One input through everything that reads bytes of strangers.
fn feed(input: &[u8], pieces: &[&[u8]]) {
    let (lines, too_long) = frame(pieces);
    let (whole_lines, whole_too_long) = frame(&[input]);
    assert_eq!(too_long, whole_too_long, "where the stream is cut makes no difference");
    assert!(too_long || lines == whole_lines, "where the stream is cut makes no difference");
    for line in &lines {
        assert!(line.len() <= limits::LINE_BYTES_MAX + 1);
        if let Ok(request) = decode_request(line) {
            let again = decode_request(request.to_json().as_bytes()).expect("what was read can be written");
            assert_eq!(again, request, "and read back");
        }
        let _ = decode_server_message(line);
    }
    let guesses: Vec<Guess> = (0..=input.len().min(16)).map(|end| sniff(&input[..end])).collect();
    let first = guesses.iter().position(|guess| guess.is_sure()).unwrap_or(guesses.len());
    assert!(guesses[first..].windows(2).all(|pair| pair[0] == pair[1]), "a guess that is sure stays");

    for mut door in [
        Door::Json(JsonDoor::default()),
        Door::Text(TextDoor::new(lobby()).into()),
        Door::WebSocket(Box::<WebSocketDoor>::default()),
    ] {
        let (mut inbound, mut out) = (VecDeque::new(), VecDeque::new());
        for piece in pieces {
            door.receive(piece, &mut inbound, &mut out);
            if matches!(inbound.back(), Some(Inbound::Fatal(_) | Inbound::Closed)) {
                break;
            }
        }
        if door.awaits_pause() {
            door.paused(&mut inbound);
        }
        door.ended(&mut inbound);
        // Two requests for entering, and the last words with the end.
        assert!(inbound.len() <= input.len() + 4, "{} of {} bytes", inbound.len(), input.len());
        let in_turn = inbound.iter().filter_map(|inbound| match inbound {
            Inbound::Words(words) => Some(words),
            _ => None,
        });
        let words: usize = out.iter().chain(in_turn).map(Bytes::len).sum();
        assert!(words <= (input.len() + 1) * OWN_WORDS_BYTES_MAX, "{words} of {} bytes", input.len());
        for inbound in inbound {
            if let Inbound::Bad(error) = inbound {
                let told = door.encode(&teahouse_protocol::ServerMessage::Error(error.into()));
                assert!(told.len() < 4_096, "an error about {} bytes has {}", input.len(), told.len());
            }
        }
    }
}

#[test]
fn no_input_panics_or_piles_up() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let run = Run::begin("fuzz");
    let mut random = run.random(1);
    let mut held = 0;
    let corpus = corpus();
    let mut tally = Tally { cycles: run.pick(50_000, 1_000_000), ..Tally::default() };
    for number in 0..tally.cycles {
        if number == WARM_UP_INPUTS {
            held = MEMORY.allocated();
        }
        let input = match corpus.get(usize::try_from(number).expect("64 bits")) {
            Some(input) => input.clone(),
            None => mutate(&mut random, &corpus),
        };
        let pieces = cut(&mut random, &input);
        if catch_unwind(AssertUnwindSafe(|| feed(&input, &pieces))).is_err() {
            tally.lost += 1;
            tally.complain(format!("input {number}: {}", input.escape_ascii()));
            break;
        }
        tally.messages += 1;
    }
    let (grown, most) =
        (MEMORY.allocated().saturating_sub(held), MEMORY.max_allocated().saturating_sub(held));
    if grown > GROWTH_BYTES_MAX {
        tally.complain(format!("{grown} more bytes are held than after {WARM_UP_INPUTS} inputs"));
    }
    if most > AT_WORK_BYTES_MAX {
        tally.complain(format!("an input took {most} bytes"));
    }
    tally.measured = format!("{grown} bytes more than after {WARM_UP_INPUTS} inputs, {most} at work");
    run.finish(&tally);
}

/// What never ends is refused when it has reached its limit, not when memory has.
#[test]
fn endless_input_is_refused_at_the_limit() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let run = Run::begin("endless input");
    let mut tally = Tally::default();
    let fragment = |first: bool| {
        let mut frame = vec![u8::from(first), 0x80 | 126, 0x10, 0x00, 0, 0, 0, 0];
        frame.resize(frame.len() + 4_096, b'x');
        frame
    };
    let line = vec![b'x'; 4_096];
    for (mut door, first, next) in [
        (Door::Json(JsonDoor::default()), line.clone(), line.clone()),
        (Door::Text(TextDoor::new(lobby()).into()), line.clone(), line),
        (Door::WebSocket(Box::<WebSocketDoor>::default()), fragment(true), fragment(false)),
    ] {
        let (mut inbound, mut out) = (VecDeque::new(), VecDeque::new());
        let mut taken = 0;
        let mut piece = &first;
        while inbound.is_empty() {
            door.receive(piece, &mut inbound, &mut out);
            taken += 4_096;
            piece = &next;
            tally.cycles += 1;
            assert!(taken <= limits::LINE_BYTES_MAX + 2 * 4_096, "{:?} takes {taken} bytes", door.framing());
        }
        assert!(
            matches!(inbound.back(), Some(Inbound::Fatal(_) | Inbound::Closed)),
            "{:?}: {inbound:?}",
            door.framing()
        );
        assert!(taken >= limits::LINE_BYTES_MAX, "{:?} takes what is allowed", door.framing());
    }
    run.finish(&tally);
}
