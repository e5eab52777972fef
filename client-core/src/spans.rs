use std::ops::Range;

use teahouse_protocol::MemberName;

use crate::mentions::{is_spaced_word, is_unspaced, mention_ranges};

/// A run of a text, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// Plain text; line breaks are `\n`.
    Text(String),
    /// A link.
    Link {
        /// Where it leads: `http://…` or `https://…`, nothing else.
        href: String,
        /// How it reads.
        text: String,
    },
    /// Somebody's name.
    Mention {
        /// As written.
        text: String,
        /// Whether it is the user's.
        me: bool,
    },
    /// What stood between backticks.
    Code(String),
}

/// Splits a text for display. Control characters and bidirectional overrides come out as visible stand-ins; line
/// breaks and tabs stay. Both clients show messages only through this.
pub fn spans(text: &str, me: Option<&MemberName>) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut rest = text;
    while let Some((before, code, after)) = split_code(rest) {
        plain_spans(before, me, &mut spans);
        spans.push(Span::Code(harmless(code)));
        rest = after;
    }
    plain_spans(rest, me, &mut spans);
    spans
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
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\t' => shown.push(c),
            '\u{2028}' | '\u{2029}' => shown.push('\n'),
            // The Control Pictures block has one for each.
            '\0'..='\u{1f}' => shown.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}')),
            '\u{7f}' => shown.push('\u{2421}'),
            c if is_harmful(c) => shown.push('\u{fffd}'),
            c => shown.push(c),
        }
    }
    shown
}

/// C1 controls, bidirectional embeddings, overrides and isolates, interlinear annotation and deprecated formats. The
/// plain direction marks stay: Arabic and Hebrew need them and they turn nothing round.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{206F}' | '\u{FFF9}'..='\u{FFFB}' | '\u{FEFF}')
}

/// The first stretch between backticks: one on each side within a line, or three on each side.
fn split_code(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    while let Some(open) = text[from..].find('`').map(|at| at + from) {
        let run = text[open..].len() - text[open..].trim_start_matches('`').len();
        let fence = if run >= 3 { "```" } else { "`" };
        let inner = open + fence.len();
        if run == 2 {
            from = open + run;
            continue;
        }
        if let Some(length) = text[inner..].find(fence) {
            let code = &text[inner..inner + length];
            if !code.trim().is_empty() && (fence.len() == 3 || !code.contains('\n')) {
                let code = if fence.len() == 3 { code.trim_matches('\n') } else { code };
                return Some((&text[..open], code, &text[inner + length + fence.len()..]));
            }
        }
        from = inner;
    }
    None
}

/// Links first, then mentions in what is left.
fn plain_spans(text: &str, me: Option<&MemberName>, spans: &mut Vec<Span>) {
    let mut rest = text;
    while let Some(link) = find_link(rest) {
        mention_spans(&rest[..link.start], me, spans);
        let url = &rest[link.clone()];
        spans.push(Span::Link { href: url.to_owned(), text: url.to_owned() });
        rest = &rest[link.end..];
    }
    mention_spans(rest, me, spans);
}

fn find_link(text: &str) -> Option<Range<usize>> {
    let mut from = 0;
    while let Some(colon) = text[from..].find("://").map(|at| at + from) {
        from = colon + 3;
        let scheme = ["https", "http"].into_iter().find(|scheme| {
            let start = colon.checked_sub(scheme.len());
            start
                .and_then(|start| text.get(start..colon))
                .is_some_and(|found| found.eq_ignore_ascii_case(scheme))
        });
        let Some(scheme) = scheme else { continue };
        let start = colon - scheme.len();
        if text[..start].chars().next_back().is_some_and(is_spaced_word) {
            continue;
        }
        let end = from + link_length(&text[from..]);
        let host_begins = text[from..end].chars().next().is_some_and(|c| c.is_alphanumeric() || c == '[');
        if host_begins {
            return Some(start..end);
        }
    }
    None
}

/// How many bytes after `://` belong to the link. It ends before white space, quotes, and any character of a script
/// without spaces, with its punctuation: people write 看https://example.com吧 without a space.
fn link_length(text: &str) -> usize {
    let ends = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || is_harmful(c)
            || is_unspaced(c)
            || matches!(c, '<' | '>' | '"' | '`' | '\u{2010}'..='\u{206F}' | '\u{3000}'..='\u{303F}')
            || matches!(c, '\u{FE10}'..='\u{FE6F}' | '\u{FF00}'..='\u{FFEF}')
    };
    let mut link = &text[..text.find(ends).unwrap_or(text.len())];
    while let Some(last) = link.chars().next_back() {
        let opened = match last {
            ')' => Some('('),
            ']' => Some('['),
            '}' => Some('{'),
            _ => None,
        };
        let strip = match opened {
            Some(open) => link.matches(last).count() > link.matches(open).count(),
            None => matches!(last, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~' | '|'),
        };
        if !strip {
            break;
        }
        link = &link[..link.len() - last.len_utf8()];
    }
    link.len()
}

fn mention_spans(text: &str, me: Option<&MemberName>, spans: &mut Vec<Span>) {
    let mut found: Vec<(Range<usize>, bool)> =
        me.map(|me| mention_ranges(text, me)).unwrap_or_default().into_iter().map(|r| (r, true)).collect();
    for range in at_words(text) {
        if !found.iter().any(|(own, _)| own.start < range.end && range.start < own.end) {
            found.push((range, false));
        }
    }
    found.sort_by_key(|(range, _)| range.start);
    let mut done = 0;
    for (range, me) in found {
        push_text(&text[done..range.start], spans);
        spans.push(Span::Mention { text: harmless(&text[range.clone()]), me });
        done = range.end;
    }
    push_text(&text[done..], spans);
}

/// `@word` of scripts with spaces, where it is plain without a list of members how far the name goes.
fn at_words(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find('@').map(|at| at + from) {
        from = at + 1;
        if text[..at].chars().next_back().is_some_and(is_spaced_word) {
            continue;
        }
        let name = &text[from..];
        let name =
            &name[..name.find(|c| !is_spaced_word(c) && !matches!(c, '-' | '.')).unwrap_or(name.len())];
        let name = name.trim_end_matches(['-', '.']);
        if name.starts_with(is_spaced_word) {
            found.push(at..from + name.len());
            from += name.len();
        }
    }
    found
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Shows spans as text: `[link]`, `{me}`, `<other>`, `|code|`.
    fn check(text: &str, expected: &str) {
        let me = MemberName::parse("ana").expect("a legal name");
        let shown: String = spans(text, Some(&me))
            .into_iter()
            .map(|span| match span {
                Span::Text(text) => text,
                Span::Link { href, text } => {
                    assert_eq!(href, text);
                    format!("[{text}]")
                }
                Span::Mention { text, me: true } => format!("{{{text}}}"),
                Span::Mention { text, me: false } => format!("<{text}>"),
                Span::Code(code) => format!("|{code}|"),
            })
            .collect();
        assert_eq!(shown, expected, "{text:?}");
    }

    #[test]
    fn only_http_and_https_are_links() {
        check("http://a.b and HTTPS://A.B", "[http://a.b] and [HTTPS://A.B]");
        check("javascript:alert(1) ftp://a data:x://", "javascript:alert(1) ftp://a data:x://");
        check("xhttp://a.b", "xhttp://a.b");
        check("javascript:http://a", "javascript:[http://a]");
        check("http:// https://. http://[::1]:80/", "http:// https://. [http://[::1]:80/]");
        check("http://localhost:2023", "[http://localhost:2023]");
    }

    #[test]
    fn punctuation_after_a_link_stays_outside() {
        check("see https://a.b/c.", "see [https://a.b/c].");
        check("(https://a.b/c)", "([https://a.b/c])");
        check(
            "https://en.wikipedia.org/wiki/Tea_(disambiguation)",
            "[https://en.wikipedia.org/wiki/Tea_(disambiguation)]",
        );
        check("https://a.b/?q=1&r=2#x!?", "[https://a.b/?q=1&r=2#x]!?");
        check("<https://a.b>\"https://a.b\"", "<[https://a.b]>\"[https://a.b]\"");
    }

    #[test]
    fn chinese_around_links_stays_outside() {
        check("看https://a.b/c吧", "看[https://a.b/c]吧");
        check("（https://a.b/c）。", "（[https://a.b/c]）。");
        check("https://a.b/c，谢谢", "[https://a.b/c]，谢谢");
        check("https://a.b/c。https://d.e", "[https://a.b/c]。[https://d.e]");
        check("“https://a.b”", "“[https://a.b]”");
    }

    #[test]
    fn control_and_bidi_characters_are_visible() {
        check("\u{1b}[31mred\u{1b}]8;;x\u{7}", "␛[31mred␛]8;;x␇");
        check("a\u{202e}b\u{2066}c\u{9b}31m", "a\u{fffd}b\u{fffd}c\u{fffd}31m");
        check("a\r\nb\rc\u{2028}d\te\0", "a\nb␍c\nd\te␀");
        check("http://a.b/\u{1b}[2J\u{202e}x", "[http://a.b/]␛[2J\u{fffd}x");
        check("`\u{1b}c`", "|␛c|");
        assert_eq!(display_name("a\nb\u{1b}\tc"), "a b␛ c");
    }

    #[test]
    fn mentions_and_code() {
        check("hi Ana, @bo and @张三", "hi {Ana}, <@bo> and @张三");
        check("请@ana看 a@ana.b", "请{@ana}看 a@ana.b");
        check("@ana-lena @ana.", "<@ana-lena> {@ana}.");
        check("`ana` https://ana/ana `", "|ana| [https://ana/ana] `");
        check("```\nlet a;\nb\n``` ok", "|let a;\nb| ok");
        check("`` a `b\nc` `d`", "`` a `b\nc` |d|");
    }

    proptest! {
        #[test]
        fn nothing_harmful_comes_out_and_nothing_is_lost(
            text in "([a@`:/.()茶ana\\n]|http://|https://|@ana|\\PC|\\p{Cc}|[\u{202a}-\u{202e}\u{2066}-\u{2069}]){0,60}",
        ) {
            let me = MemberName::parse("ana").expect("a legal name");
            let mut shown = String::new();
            for span in spans(&text, Some(&me)) {
                match span {
                    Span::Text(text) | Span::Mention { text, .. } | Span::Code(text) => shown.push_str(&text),
                    Span::Link { href, text } => {
                        let lower = href.to_ascii_lowercase();
                        prop_assert!(lower.starts_with("http://") || lower.starts_with("https://"));
                        shown.push_str(&text);
                    }
                }
            }
            let harmful = |c: char| is_harmful(c) && c != '\n' && c != '\t';
            prop_assert!(!shown.contains(harmful), "{shown:?}");
            // Outside code, whose fences go, every visible character of the text is still there.
            let visible = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
            prop_assert_eq!(visible(&shown), visible(&text));
        }
    }
}
