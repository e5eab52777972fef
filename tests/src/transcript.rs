//! Transcripts of PROTOCOL.md: what a client says and what the server answers, replayed against a real server.
//!
//! A block fenced as ` ```transcript ` runs against a fresh server. Its lines:
//!
//! | line | meaning |
//! |---|---|
//! | `C: {…}` | the client sends this line |
//! | `S: {…}` | the client receives this next |
//! | `C2: …`, `S2: …` | the same on another connection, made when it is first named |
//! | `T> …`, `T< …` | the same in plain text, with `T2>` for another connection |
//! | `S: (closed)`, `T< (closed)` | the server closes the connection |
//! | nothing, or `# …` | for the reader |
//!
//! In what is received `…` stands for any text, and as a whole JSON value for any value; a field named `…` for any
//! further fields. Each connection receives in the order written. Two liberties are the protocol's own: an `ack` and an
//! event may come in either order, and a presence that is not written may come.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use serde_json::{Map, Value};

use crate::client::Client;
use crate::server::Server;
use crate::tcp;
use crate::text::Text;

/// One line of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number in the document, from 1.
    pub number: usize,
    /// Which connection: `""` for the one without a name.
    pub connection: String,
    /// What happens.
    pub action: Action,
}

/// What happens in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The client sends this line.
    Send(String),
    /// The client receives this object.
    Receive(Value),
    /// The client in plain text sends this line.
    Type(String),
    /// The client in plain text reads this line.
    Read(String),
    /// The server closes.
    Closed,
    /// The server closes the connection in plain text.
    TextClosed,
}

/// The transcripts of a document.
pub fn parse(document: &str) -> Result<Vec<Vec<Line>>, String> {
    let mut blocks = Vec::new();
    let mut block: Option<Vec<Line>> = None;
    for (text, number) in document.lines().zip(1..) {
        match (&mut block, text.trim_end()) {
            (None, "```transcript") => block = Some(Vec::new()),
            (None, _) => {}
            (Some(_), "```") => blocks.extend(block.take()),
            (Some(_), text) if text.trim().is_empty() || text.starts_with('#') => {}
            (Some(lines), text) => {
                lines.push(parse_line(number, text).ok_or_else(|| format!("line {number}: {text}"))?);
            }
        }
    }
    match block {
        Some(_) => Err("the last transcript has no end".into()),
        None => Ok(blocks),
    }
}

fn parse_line(number: usize, text: &str) -> Option<Line> {
    let mark = text.find([':', '>', '<'])?;
    let (who, rest) = text.split_at(mark);
    let (mark, rest) = rest.split_at(1);
    let rest = rest.strip_prefix(' ').unwrap_or(rest);
    let (side, connection) = (who.get(..1)?, who.get(1..)?);
    if !connection.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let action = match (side, mark) {
        ("C", ":") => Action::Send(rest.to_owned()),
        ("S", ":") if rest == "(closed)" => Action::Closed,
        ("S", ":") => Action::Receive(serde_json::from_str(rest).ok()?),
        ("T", ">") => Action::Type(rest.to_owned()),
        ("T", "<") if rest == "(closed)" => Action::TextClosed,
        ("T", "<") => Action::Read(rest.to_owned()),
        _ => return None,
    };
    Some(Line { number, connection: connection.to_owned(), action })
}

/// Plays one transcript against the server, which must be fresh.
pub async fn replay(server: &Server, lines: &[Line]) {
    let mut json: BTreeMap<String, Client> = BTreeMap::new();
    let mut text: BTreeMap<String, (Text, usize)> = BTreeMap::new();
    let mut rest: VecDeque<&Line> = lines.iter().collect();
    while let Some(line) = rest.pop_front() {
        let name = &line.connection;
        match &line.action {
            Action::Send(_) | Action::Receive(_) | Action::Closed => {
                if !json.contains_key(name) {
                    json.insert(name.clone(), tcp::connect(server).await);
                }
            }
            Action::Type(_) | Action::Read(_) | Action::TextClosed => {
                if !text.contains_key(name) {
                    text.insert(name.clone(), (Text::connect(server).await, 0));
                }
            }
        }
        match &line.action {
            Action::Send(message) => json.get_mut(name).expect("made above").send_text(message).await,
            Action::Receive(expected) => {
                // The lines that this connection receives before it does anything else.
                let mut run = vec![(line.number, expected)];
                while let Some(Line { number, connection, action: Action::Receive(next) }) =
                    rest.front().copied()
                    && connection == name
                {
                    run.push((*number, next));
                    rest.pop_front();
                }
                receive(json.get_mut(name).expect("made above"), run).await;
            }
            Action::Closed => {
                let said = json.get_mut(name).expect("made above").closed().await;
                let said: Vec<_> = said.iter().filter(|message| message["type"] != "presence").collect();
                assert!(said.is_empty(), "line {}: instead of closing: {said:?}", line.number);
            }
            Action::Type(words) => {
                text.get_mut(name).expect("made above").0.send(format!("{words}\n")).await;
            }
            Action::Read(words) => {
                let (connection, read) = text.get_mut(name).expect("made above");
                let lines =
                    connection.received.count(*read + 1, &format!("line like {words:?}"), |_| true).await;
                assert!(
                    text_matches(words, &lines[*read]),
                    "line {}: {words}\nread {}",
                    line.number,
                    lines[*read]
                );
                *read += 1;
            }
            Action::TextClosed => {
                let (connection, read) = text.get_mut(name).expect("made above");
                let all = connection.received.end().await;
                assert_eq!(all.lines().count(), *read, "line {}: further lines in {all}", line.number);
            }
        }
    }
}

/// Receives as many messages as are expected.
async fn receive(client: &mut Client, mut expected: Vec<(usize, &Value)>) {
    while let Some((number, first)) = expected.first().copied() {
        let message =
            client.receive().await.unwrap_or_else(|| panic!("line {number}: closed instead of {first}"));
        let found = expected.iter().position(|(_, candidate)| matches(candidate, &message));
        match found {
            Some(at) if expected[..at].iter().all(|(_, skipped)| may_swap(skipped, &message)) => {
                expected.remove(at);
            }
            _ if message["type"] == "presence" => {}
            _ => panic!("line {number}: {first}\nreceived {message}"),
        }
    }
}

fn may_swap(one: &Value, other: &Value) -> bool {
    let pushed = |message: &Value| message["type"] == "event" || message["type"] == "presence";
    (one["type"] == "ack" && pushed(other)) || (other["type"] == "ack" && pushed(one))
}

/// Whether a received value is the one that a transcript shows.
pub fn matches(shown: &Value, received: &Value) -> bool {
    match (shown, received) {
        (Value::String(shown), _) if shown == "…" => true,
        (Value::String(shown), Value::String(received)) => text_matches(shown, received),
        (Value::Array(shown), Value::Array(received)) => {
            shown.len() == received.len()
                && shown.iter().zip(received).all(|(shown, received)| matches(shown, received))
        }
        (Value::Object(shown), Value::Object(received)) => object_matches(shown, received),
        _ => shown == received,
    }
}

fn object_matches(shown: &Map<String, Value>, received: &Map<String, Value>) -> bool {
    let open = shown.contains_key("…");
    let all_there = shown
        .iter()
        .filter(|(name, _)| *name != "…")
        .all(|(name, value)| received.get(name).is_some_and(|received| matches(value, received)));
    all_there && (open || received.keys().all(|name| shown.contains_key(name)))
}

/// Whether a text is the one that a transcript shows, `…` standing for any text.
fn text_matches(shown: &str, received: &str) -> bool {
    let mut parts = shown.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = received.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn blocks_are_cut_from_a_document() {
        let document = "# Title\n```transcript\n# a guest\nC: {\"id\":1}\n\nS2: {\"re\":1}\nT> hi: you\nT< (closed)\n```\n```json\n{}\n```\n";
        let line = |number, connection: &str, action| Line { number, connection: connection.into(), action };
        assert_eq!(
            parse(document).unwrap(),
            [[
                line(4, "", Action::Send("{\"id\":1}".into())),
                line(6, "2", Action::Receive(json!({"re": 1}))),
                line(7, "", Action::Type("hi: you".into())),
                line(8, "", Action::TextClosed),
            ]]
        );
        assert_eq!(parse("```transcript\nX: 1\n```"), Err("line 2: X: 1".into()));
        assert!(parse("```transcript\nC: {}").is_err());
    }

    #[test]
    fn an_ellipsis_stands_for_anything() {
        let received = json!({"type": "welcome", "at": "2026", "limits": {"a": 1}, "rooms": []});
        assert!(matches(&json!({"type": "welcome", "at": "…", "limits": "…", "rooms": []}), &received));
        assert!(matches(&json!({"type": "welcome", "…": "…"}), &received));
        assert!(!matches(&json!({"type": "welcome"}), &received), "further fields");
        assert!(!matches(&json!({"type": "welcome", "name": "…", "…": "…"}), &received), "a missing field");
        assert!(text_matches("…:… ana: 你好", "12:03 ana: 你好"));
        assert!(!text_matches("…:… ana: 你好", "12:03 bo: 你好"));
        assert!(!text_matches("a", "ab"));
    }

    #[test]
    fn only_acks_and_pushes_change_places() {
        assert!(may_swap(&json!({"type": "ack"}), &json!({"type": "event"})));
        assert!(!may_swap(&json!({"type": "event"}), &json!({"type": "event"})));
        assert!(!may_swap(&json!({"type": "watching"}), &json!({"type": "event"})));
    }
}
