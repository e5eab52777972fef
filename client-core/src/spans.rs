use teahouse_protocol::MemberName;

use crate::mentions::{MemberNames, named};
use crate::steps::step;

mod code;
mod host;
mod link;

use code::Piece;

/// A run of a text, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// Plain text; line breaks are `\n`.
    Text(String),
    /// A link.
    Link {
        /// Where it leads: `http://…` or `https://…`, nothing else; the host in ASCII.
        href: String,
        /// How it reads. Its host can be taken for no other.
        text: String,
    },
    /// Somebody's name.
    Mention {
        /// As written.
        text: String,
        /// Whether it is the user's.
        me: bool,
    },
    /// What stood between backticks on one line.
    Code(String),
    /// Lines of code, which stand apart from the text: line breaks around them are no part of it.
    Block {
        /// The language, as the author named it.
        language: Option<String>,
        /// The lines as they were written, without a line break at the end.
        code: String,
    },
}

/// Whose names a text is looked through for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Names<'a> {
    /// The user, unless the text is the user's own.
    pub me: Option<&'a MemberName>,
    /// The members of the room.
    pub members: Option<&'a MemberNames>,
}

impl<'a> From<Option<&'a MemberName>> for Names<'a> {
    fn from(me: Option<&'a MemberName>) -> Self {
        Self { me, members: None }
    }
}

/// Splits a text for display. Control characters and bidirectional overrides come out as visible stand-ins; line
/// breaks and tabs stay. Both clients show messages only through this.
pub fn spans(text: &str, names: Names<'_>) -> Vec<Span> {
    let mut spans = Vec::new();
    let pieces = code::pieces(text);
    for (at, piece) in pieces.iter().enumerate() {
        let beside_block = |other: Option<usize>| {
            matches!(other.and_then(|other| pieces.get(other)), Some(Piece::Block { .. }))
        };
        match *piece {
            Piece::Plain(text) => {
                let after = if beside_block(at.checked_sub(1)) { without_first_break(text) } else { text };
                let between = if beside_block(Some(at + 1)) { without_last_break(after) } else { after };
                plain_spans(between, names, &mut spans);
            }
            Piece::Inline(code) => spans.push(Span::Code(harmless(code))),
            Piece::Block { language, code } => {
                spans.push(Span::Block { language: language.map(harmless), code: harmless(code) })
            }
        }
    }
    spans
}

fn without_first_break(text: &str) -> &str {
    let rest = text.strip_prefix('\r').unwrap_or(text);
    rest.strip_prefix('\n').unwrap_or(text)
}

fn without_last_break(text: &str) -> &str {
    let Some(rest) = text.strip_suffix('\n') else { return text };
    rest.strip_suffix('\r').unwrap_or(rest)
}

/// Any other foreign text, harmless and on one line: the server's words, a mistyped command.
pub fn display_name(text: &str) -> String {
    harmless(text).replace(['\n', '\t'], " ")
}

/// The characters of a text, those that could do harm replaced by ones that can be seen.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        step();
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\t' => shown.push(c),
            '\u{2028}' | '\u{2029}' => shown.push('\n'),
            c => shown.push(teahouse_protocol::harmless(c)),
        }
    }
    shown
}

/// Links first, then names in what is left.
fn plain_spans(text: &str, names: Names<'_>, spans: &mut Vec<Span>) {
    let mut done = 0;
    for link in link::links(text) {
        name_spans(&text[done..link.range.start], names, spans);
        spans.push(Span::Link { href: link.href, text: link.text });
        done = link.range.end;
    }
    name_spans(&text[done..], names, spans);
}

fn name_spans(text: &str, names: Names<'_>, spans: &mut Vec<Span>) {
    let mut done = 0;
    for (range, me) in named(text, names) {
        push_text(&text[done..range.start], spans);
        spans.push(Span::Mention { text: harmless(&text[range.clone()]), me });
        done = range.end;
    }
    push_text(&text[done..], spans);
}

fn push_text(text: &str, spans: &mut Vec<Span>) {
    if text.is_empty() {
        return;
    }
    let text = harmless(text);
    match spans.last_mut() {
        Some(Span::Text(last)) => last.push_str(&text),
        _ => spans.push(Span::Text(text)),
    }
}

#[cfg(test)]
mod tests;
