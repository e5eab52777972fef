//! Every function that takes a text or a name of a stranger is linear in it, or refuses a long one unread.
//!
//! Each gets 250,000 characters of what is worst for it. A function that looked at some of them again for each would
//! take some 10^11 steps, and this test would not end.

use teahouse_protocol::limits::LINE_BYTES_MAX;
use teahouse_protocol::{
    Epoch, LineFramer, MemberName, OpId, PostText, RoomName, UnixMillis, decode_request,
    decode_server_message, is_invisible,
};

const CHARS: usize = 250_000;

/// What a text is made of, over and over.
const PARTS: &[&str] = &[
    "a",
    " ",
    "茶",
    "\u{301}",
    "\u{200d}",
    "👩\u{200d}🏫",
    "\u{2800}",
    "\u{1f1e6}",
    "א1",
    "\u{fdfa}",
    "\u{ad}",
    "{",
    "[",
    "\"",
    "\\",
    "\\u0061",
    "{\"id\":1,",
    "[[",
    "\n",
    "\r",
    "\r\n",
    ",",
    "1",
    "-",
];

type Function = (&'static str, fn(&str));

const FUNCTIONS: &[Function] = &[
    ("MemberName::parse", |text| drop(MemberName::parse(text))),
    ("RoomName::parse", |text| drop(RoomName::parse(text))),
    ("PostText::parse", |text| drop(PostText::parse(text))),
    ("OpId::parse", |text| drop(OpId::parse(text))),
    ("Epoch::parse", |text| drop(Epoch::parse(text))),
    ("UnixMillis::parse", |text| drop(UnixMillis::parse(text))),
    ("is_invisible", |text| assert!(text.chars().filter(|c| is_invisible(*c)).count() <= CHARS)),
    ("decode_request", |text| drop(decode_request(text.as_bytes()))),
    ("decode_request of a text", |text| {
        let text = serde_json::to_string(text).expect("a text");
        drop(decode_request(format!(r#"{{"id":1,"type":"post","room":"lobby","text":{text}}}"#).as_bytes()));
    }),
    ("decode_request of a name", |text| {
        let text = serde_json::to_string(text).expect("a text");
        drop(decode_request(format!(r#"{{"id":1,"type":"join","room":{text}}}"#).as_bytes()));
    }),
    ("decode_request of an unknown field", |text| {
        drop(decode_request(format!(r#"{{"id":1,"type":"ping","x":{text}"#).as_bytes()));
    }),
    ("decode_server_message", |text| drop(decode_server_message(text.as_bytes()))),
    ("LineFramer at once", |text| frame(text.as_bytes().chunks(CHARS))),
    ("LineFramer byte by byte", |text| frame(text.as_bytes().chunks(1))),
];

/// Frames as far as the limit lets it, again and again.
fn frame<'a>(chunks: impl Iterator<Item = &'a [u8]>) {
    let mut framer = LineFramer::default();
    for mut chunk in chunks {
        loop {
            match framer.next_line(&mut chunk) {
                Ok(Some(line)) => assert!(line.len() <= LINE_BYTES_MAX),
                Ok(None) => break,
                Err(_) => {
                    framer = LineFramer::default();
                    break;
                }
            }
        }
    }
}

#[test]
fn a_very_long_text_is_taken_or_refused() {
    for part in PARTS {
        let text: String = part.chars().cycle().take(CHARS).collect();
        for (name, function) in FUNCTIONS {
            // Shown where it is stopped or panics.
            eprintln!("{name} of {part:?}");
            function(&text);
        }
    }
}
