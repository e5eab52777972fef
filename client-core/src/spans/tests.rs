use proptest::prelude::*;
use teahouse_protocol::MemberName;

use super::*;

fn member(name: &str) -> MemberName {
    MemberName::parse(name).expect("a legal name")
}

/// Shows spans as text: `[link]`, `{me}`, `<other>`, `|code|`, `«language:block»`.
fn check_among(members: &[&str], text: &str, expected: &str) {
    let me = member("ana");
    let members: Vec<MemberName> = members.iter().map(|name| member(name)).collect();
    let members: MemberNames = members.iter().collect();
    let shown: String = spans(text, Names { me: Some(&me), members: Some(&members) })
        .into_iter()
        .map(|span| match span {
            Span::Text(text) => text,
            Span::Link { text, .. } => format!("[{text}]"),
            Span::Mention { text, me: true } => format!("{{{text}}}"),
            Span::Mention { text, me: false } => format!("<{text}>"),
            Span::Code(code) => format!("|{code}|"),
            Span::Block { language, code } => format!("«{}:{code}»", language.unwrap_or_default()),
        })
        .collect();
    assert_eq!(shown, expected, "{text:?}");
}

fn check(text: &str, expected: &str) {
    check_among(&[], text, expected);
}

#[test]
fn control_and_bidi_characters_are_visible() {
    check("\u{1b}[31mred\u{1b}]8;;x\u{7}", "␛[31mred␛]8;;x␇");
    check("a\u{202e}b\u{2066}c\u{9b}31m", "a\u{fffd}b\u{fffd}c\u{fffd}31m");
    check("a\r\nb\rc\u{2028}d\te\0", "a\nb␍c\nd\te␀");
    check("http://a.b/\u{1b}[2J\u{202e}x", "[http://a.b/]␛[2J\u{fffd}x");
    check("`\u{1b}c`", "|␛c|");
    check("```\n\u{1b}c\u{202e}\r\n\tx\n```", "«:␛c\u{fffd}\n\tx»");
    assert_eq!(display_name("a\nb\u{1b}\tc"), "a b␛ c");
}

#[test]
fn mentions_and_code() {
    check("hi Ana, @bo and @张三", "hi {Ana}, <@bo> and @张三");
    check("请@ana看 a@ana.b", "请{@ana}看 a@ana.b");
    check("@ana-lena @ana.", "<@ana-lena> {@ana}.");
    check("`ana` https://ana/ana `", "|ana| [https://ana/ana] `");
    check("hi\n```\nlet a;\nb\n```\nana", "hi«:let a;\nb»{ana}");
    check("```rust\n@bo http://a.b `x`\n```", "«rust:@bo http://a.b `x`»");
}

#[test]
fn members_are_found_in_text_without_spaces() {
    let members = ["小明", "小明2", "Zoë", "o'brien", "ana"];
    check_among(&members, "@小明你好，问@小明2吧，@小红呢", "<@小明>你好，问<@小明2>吧，@小红呢");
    check_among(&members, "请@zoë看 x@小明 @小明", "请<@zoë>看 x@小明 <@小明>");
    check_among(&members, "@o'brien's @ana's", "<@o'brien>'s {@ana}'s");
    check_among(&members, "@小明@ana@小明2", "<@小明>{@ana}<@小明2>");
    check_among(&["ana小"], "@ana小 @ana大", "<@ana小> {@ana}大");
    let me = member("小明");
    let names = [member("小明2")];
    let members: MemberNames = names.iter().collect();
    let shown = spans("@小明2", Names { me: Some(&me), members: Some(&members) });
    assert_eq!(shown, [Span::Mention { text: "@小明2".into(), me: false }]);
}

#[test]
fn a_text_of_ones_own_mentions_others_only() {
    let shown = spans("ana and @ana", Names::default());
    let expected = [Span::Text("ana and ".into()), Span::Mention { text: "@ana".into(), me: false }];
    assert_eq!(shown, expected);
}

/// Texts that made a parser look at the same characters again and again, each for a length.
type Hostile = (&'static str, fn(usize) -> String);

const HOSTILE: &[Hostile] = &[
    ("closing brackets in a link", |n| format!("http://a/{}", ")".repeat(n))),
    ("opened and closed brackets", |n| format!("http://a/{}{}", "(".repeat(n / 2), ")".repeat(n / 2))),
    ("signs behind a link", |n| format!("http://a/{}", ".!".repeat(n / 2))),
    ("schemes without a host", |n| "http://".repeat(n / 7)),
    ("schemes in a link", |n| "http://a?".repeat(n / 9)),
    ("schemes behind brackets", |n| "http://(".repeat(n / 8)),
    ("hosts that are none", |n| format!("http://{}", "a.".repeat(n / 2))),
    ("a host in many scripts", |n| format!("http://{}", "例a".repeat(n / 2))),
    ("names before a host", |n| "http://a@".repeat(n / 9)),
    ("a link beyond its length", |n| format!("http://a/{}", "x".repeat(n))),
    ("joiners in a link", |n| format!("http://a/{}", "\u{200d}".repeat(n))),
    ("half a scheme", |n| "://".repeat(n / 3)),
    ("ats", |n| "@".repeat(n)),
    ("mentions", |n| "@ana".repeat(n / 4)),
    ("others", |n| "@bo ".repeat(n / 4)),
    ("almost a member", |n| "@小小小小小小小小小小小小小小小".repeat(n / 16)),
    ("own names", |n| "ana,".repeat(n / 4)),
    ("almost own names", |n| "an".repeat(n / 2)),
    ("words behind an at", |n| format!("@{}", "-.".repeat(n / 2))),
    ("backticks", |n| "`".repeat(n)),
    ("pairs of backticks", |n| "` ".repeat(n / 2)),
    ("fences that nothing closes", |n| "```a b\n".repeat(n / 7)),
    ("fences on one line", |n| "``` ".repeat(n / 4)),
    ("fences of all lengths", |n| {
        (1..).take_while(|k| k * k / 2 < n).map(|k| format!("{}\n", "`".repeat(k))).collect()
    }),
    ("fences of falling lengths", |n| {
        (1..).take_while(|k| k * k / 2 < n).map(|k| format!("x{}", "`".repeat(k))).rev_text()
    }),
    ("a fence and blanks", |n| format!("```\n{}\n```", " ".repeat(n))),
    ("fences and blanks", |n| "```\n   \n".repeat(n / 8)),
    ("inline blanks", |n| format!("`{}`", " ".repeat(n)).repeat(2)),
    ("escapes", |n| "\u{1b}[".repeat(n / 2)),
];

trait RevText {
    fn rev_text(self) -> String;
}

impl<I: Iterator<Item = String>> RevText for I {
    fn rev_text(self) -> String {
        let mut parts: Vec<String> = self.collect();
        parts.reverse();
        parts.concat()
    }
}

/// Twice the text takes twice the steps, whatever stands in it and however many members there are.
#[test]
fn every_parser_is_linear() {
    let me = member("ana");
    let members: Vec<MemberName> = (0..20_000).map(|number| member(&format!("小{number}"))).collect();
    let members: MemberNames = members.iter().collect();
    let names = Names { me: Some(&me), members: Some(&members) };
    for (what, text) in HOSTILE {
        let steps = |length| {
            let text = text(length);
            let steps = crate::steps::counted(|| drop(spans(&text, names)));
            assert!(steps as usize >= text.chars().count(), "{what}: every character is looked at, {steps}");
            (text.len() as f64, steps as f64)
        };
        let ((short, few), (long, many)) = (steps(4_000), steps(16_000));
        let growth = (many / few) / (long / short);
        assert!(growth < 1.25, "{what}: {few} steps for {short} bytes, {many} for {long}");
        assert!(many < long * 80.0, "{what}: {many} steps for {long} bytes");
    }
}

proptest! {
    #[test]
    fn nothing_harmful_comes_out_and_nothing_is_lost(
        text in "([a@`:/.()茶ana\\n]|http://|https://|@ana|```|\\PC|\\p{Cc}|[\u{202a}-\u{202e}\u{2066}-\u{2069}]){0,60}",
    ) {
        let me = member("ana");
        let (mut shown, mut encoded) = (String::new(), false);
        for span in spans(&text, Names { me: Some(&me), members: None }) {
            match span {
                Span::Text(text) | Span::Mention { text, .. } | Span::Code(text) => shown.push_str(&text),
                Span::Link { href, text } => {
                    prop_assert!(href.starts_with("http://") || href.starts_with("https://"));
                    prop_assert!(!text.contains(teahouse_protocol::is_invisible));
                    let host = href.split(['/', '?', '#']).nth(2).unwrap_or_default();
                    prop_assert!(!host.is_empty() && host.is_ascii() && !host.contains(['@', '%', '\\']));
                    encoded |= text.contains("xn--") || text.contains('%');
                    shown.push_str(&text);
                }
                Span::Block { language, code } => {
                    shown.push_str(&language.unwrap_or_default());
                    shown.push_str(&code);
                }
            }
        }
        let harmful = |c: char| teahouse_protocol::harmless(c) != c && c != '\n' && c != '\t';
        prop_assert!(!shown.contains(harmful), "{shown:?}");
        // Backticks go and hosts are in lower case; every other visible character of the text is still there.
        let visible = |text: &str| {
            text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>()
        };
        prop_assert!(encoded || visible(&shown) == visible(&text), "{shown:?}");
    }
}
