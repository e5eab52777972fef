//! Links in a text.

use std::ops::Range;

use teahouse_protocol::is_invisible;

use super::host::{self, Host};
use crate::mentions::{is_spaced_word, is_unspaced};
use crate::steps::{step, steps};
use teahouse_protocol::harmless;

/// The longest link, in bytes as it is written. A longer one is text: cut, it would lead elsewhere.
const LINK_BYTES_MAX: usize = 2_048;

/// A link as it stands in a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// Where it stands, in bytes.
    pub(super) range: Range<usize>,
    /// Where it leads; its host is ASCII, and nothing in it is invisible.
    pub(super) href: String,
    /// How it reads. Its host looks like no other.
    pub(super) text: String,
}

/// All links of a text.
pub(super) fn links(text: &str) -> Vec<Link> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("://").map(|at| at + from) {
        steps(at + 3 - from);
        let after = at + 3;
        let start = scheme_start(text, at).filter(|start| *start >= from);
        from = after;
        let Some(start) = start else { continue };
        let rest = &text[after..];
        let authority = rest.find(|c| matches!(c, '/' | '?' | '#') || ends_link(c)).unwrap_or(rest.len());
        let authority = &rest[..authority];
        steps(authority.len());
        // The authority of one that is no link may be the scheme of the next.
        let Some((host, port)) = host_and_port(authority) else { continue };
        if rest[host.length..].starts_with("://") {
            continue;
        }
        let length = host.length + port;
        let path = &rest[length..];
        // Behind a host that ended within a word the sentence goes on.
        let path = &path[..if length == authority.len() { path_length(path) } else { 0 }];
        from += length + path.len();
        if from - start <= LINK_BYTES_MAX {
            let scheme = text[start..at].to_ascii_lowercase();
            let port = &rest[host.length..length];
            let path = visible(path);
            let link = |host: &str| format!("{scheme}://{host}{port}{path}");
            found.push(Link { range: start..from, href: link(&host.ascii), text: link(&host.shown) });
        }
    }
    steps(text.len() - from);
    found
}

/// Where the scheme before `://` begins, if it is one of ours and no part of a longer word.
fn scheme_start(text: &str, colon: usize) -> Option<usize> {
    let is_before = |scheme: &str| {
        let start = colon.checked_sub(scheme.len())?;
        let found = text.get(start..colon)?;
        found.eq_ignore_ascii_case(scheme).then_some(start)
    };
    let start = is_before("https").or_else(|| is_before("http"))?;
    (!text[..start].chars().next_back().is_some_and(is_spaced_word)).then_some(start)
}

/// The host that an authority begins with, and how many bytes its port takes. `None` where browsers would read another host
/// than people.
fn host_and_port(authority: &str) -> Option<(Host, usize)> {
    // What stands before an @ is no host, though it is read first.
    if authority.contains('@') {
        return None;
    }
    let host = host::read(authority)?;
    let port = port_length(&authority[host.length..]);
    // The sentence may go on here. What else stands there is drawn as if it were of the host.
    let next = authority[host.length + port..].chars().next();
    let ends = next.is_none_or(|next| (next.is_ascii_punctuation() && next != '%') || is_unspaced(next));
    ends.then_some((host, port))
}

/// What nobody sees, such as the joiners that some scripts and emoji need, is shown by its code.
fn visible(path: &str) -> String {
    let mut shown = String::with_capacity(path.len());
    for c in path.chars() {
        step();
        if is_invisible(c) {
            c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| shown.push_str(&format!("%{byte:02X}")));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// How many bytes are a port. A colon without one ends the sentence.
fn port_length(text: &str) -> usize {
    let Some(digits) = text.strip_prefix(':') else { return 0 };
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    let fits = digits[..length].parse::<u16>().is_ok() && !digits[length..].starts_with(is_spaced_word);
    if fits { 1 + length } else { 0 }
}

/// How many bytes are path, query and fragment. They end before white space, quotes, the punctuation of Chinese, and a bracket
/// that closes none of their own; signs that end a sentence are not theirs.
fn path_length(text: &str) -> usize {
    // Of (), [], {}.
    let mut open = [0_u32; 3];
    let mut end = 0;
    let mut chars = text.chars().peekable();
    let mut at = 0;
    let mut before = ' ';
    while let Some(c) = chars.next() {
        step();
        let next = chars.peek().copied().unwrap_or(' ');
        let apostrophe = c == '\u{2019}' && is_spaced_word(before) && is_spaced_word(next);
        if ends_link(c) && !apostrophe {
            break;
        }
        if let Some(pair) = "([{".find(c) {
            open[pair] += 1;
        }
        let mut closes = false;
        if let Some(pair) = ")]}".find(c) {
            if open[pair] == 0 {
                break;
            }
            open[pair] -= 1;
            closes = true;
        }
        at += c.len_utf8();
        if closes || !(ends_sentence(c) || is_invisible(c)) {
            end = at;
        }
        before = c;
    }
    end
}

/// Signs that stay outside where nothing of the link follows them.
fn ends_sentence(c: char) -> bool {
    matches!(
        c,
        '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~' | '|' | '\u{2013}' | '(' | '[' | '{'
    )
}

/// Characters that are in no link. Browsers take `\` for a slash, so it is none of them either.
fn ends_link(c: char) -> bool {
    c.is_whitespace()
        || harmless(c) != c
        || matches!(c, '<' | '>' | '"' | '`' | '\\')
        // Dashes, quotes and dots of Chinese.
        || matches!(c, '\u{2014}'..='\u{2015}' | '\u{2018}'..='\u{201F}' | '\u{2026}')
        || matches!(c, '\u{3001}'..='\u{3004}' | '\u{3008}'..='\u{3020}' | '\u{3030}' | '\u{303D}' | '\u{30FB}')
        || matches!(c, '\u{FE10}'..='\u{FE19}' | '\u{FE30}'..='\u{FE6F}')
        || matches!(c, '\u{FF00}'..='\u{FF0F}' | '\u{FF1A}'..='\u{FF20}' | '\u{FF3B}'..='\u{FF40}' | '\u{FF5B}'..='\u{FF65}')
        || matches!(c, '\u{FFE0}'..='\u{FFFF}')
}

#[cfg(test)]
mod tests;
