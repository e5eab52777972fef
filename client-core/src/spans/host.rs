//! The host of a link: which one it is, and how it is shown so that it can be taken for no other.

use crate::mentions::is_unspaced;
use crate::steps::step;

/// The longest host, in bytes, as DNS has it.
const HOST_BYTES_MAX: usize = 253;
/// The longest label of a host, in bytes.
const LABEL_BYTES_MAX: usize = 63;
/// What a label begins with that is encoded.
const ENCODED: &str = "xn--";

/// A host at the beginning of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Host {
    /// How many bytes of the text it takes.
    pub(super) length: usize,
    /// In ASCII, lower case.
    pub(super) ascii: String,
    /// For people: in its own script where that can be taken for no other, else as [`Host::ascii`].
    pub(super) shown: String,
}

/// Reads the host that the text begins with. `None`: there is none, or one that browsers would read as another.
pub(super) fn read(text: &str) -> Option<Host> {
    if text.starts_with('[') {
        return read_address(text);
    }
    let run = &text[..text.find(|c| !is_host_char(c)).unwrap_or(text.len())];
    run.chars().for_each(|_| step());
    let run = &run[..mixed_end(run).unwrap_or(run.len())];
    // What ends a sentence is no part of a host.
    let run = run.trim_end_matches(['.', '_']);
    let (mut ascii, mut shown) = (String::new(), String::new());
    for (index, label) in run.split('.').enumerate() {
        let lower: String = label.chars().flat_map(char::to_lowercase).collect();
        let encoded =
            if lower.is_ascii() { lower.clone() } else { format!("{ENCODED}{}", punycode(&lower)?) };
        if encoded.is_empty()
            || encoded.len() > LABEL_BYTES_MAX
            || ascii.len() + encoded.len() > HOST_BYTES_MAX
        {
            return None;
        }
        if index > 0 {
            ascii.push('.');
            shown.push('.');
        }
        shown.push_str(if looks_like_itself(&lower) { &lower } else { &encoded });
        ascii.push_str(&encoded);
    }
    if ascii.len() > HOST_BYTES_MAX || !run.starts_with(char::is_alphanumeric) {
        return None;
    }
    Some(Host { length: run.len(), ascii, shown })
}

/// An IPv6 address in brackets.
fn read_address(text: &str) -> Option<Host> {
    let end = text.bytes().take(HOST_BYTES_MAX).position(|byte| byte == b']')?;
    let inside = &text[1..end];
    inside.parse::<std::net::Ipv6Addr>().ok()?;
    let ascii = text[..=end].to_ascii_lowercase();
    Some(Host { length: end + 1, shown: ascii.clone(), ascii })
}

/// Letters and digits, but none that stand for others: browsers turn those into ASCII.
fn is_host_char(c: char) -> bool {
    match c {
        '-' | '.' | '_' => true,
        _ if c.is_ascii() => c.is_ascii_alphanumeric(),
        '\u{2100}'..='\u{218F}'
        | '\u{2460}'..='\u{24FF}'
        | '\u{3200}'..='\u{33FF}'
        | '\u{FB00}'..='\u{FB1C}'
        | '\u{FF00}'..='\u{FFEF}'
        | '\u{1D400}'..='\u{1D7FF}'
        | '\u{1F100}'..='\u{1F2FF}' => false,
        _ => c.is_alphanumeric() || is_mark(c),
    }
}

/// Vowel signs and the like of scripts that need them in words; not those of Latin, Greek and Cyrillic letters.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{0900}'..='\u{0DFF}' | '\u{0E31}'..='\u{0E4E}' | '\u{0EB1}'..='\u{0ECE}' | '\u{1000}'..='\u{109D}')
}

/// Where a host ends and a sentence goes on without a space: "example.com吧". No host ends in a word of two scripts.
fn mixed_end(run: &str) -> Option<usize> {
    let last = run.trim_end_matches('.').rfind('.').map_or(0, |at| at + 1);
    let label = &run[last..];
    let ascii = label.find(|c: char| !c.is_ascii())?;
    (ascii > 0 && label[ascii..].chars().next().is_some_and(is_unspaced)).then_some(last + ascii)
}

/// Whether a label in lower case can be shown as it is: ASCII that encodes nothing, or letters of one East Asian script that
/// look like none of another.
fn looks_like_itself(label: &str) -> bool {
    if label.is_ascii() {
        return true;
    }
    let all = |is_letter: fn(char) -> bool| {
        label.chars().all(|c| c.is_ascii_digit() || c == '-' || is_letter(c)) && label.chars().any(is_letter)
    };
    all(is_plain_han) || all(is_hangul) || all(is_plain_hiragana)
}

/// Strokes, and what katakana looks like, left out.
fn is_plain_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}')
        && !"一丨丶丿乀乁乙乚亅二八力卜厶口工夕千冫".contains(c)
}

fn is_hangul(c: char) -> bool {
    matches!(c, '\u{AC00}'..='\u{D7A3}')
}

fn is_plain_hiragana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{3096}') && !"へべぺりく".contains(c)
}

/// The label as RFC 3492 encodes it, without the prefix. `None`: it is too long.
fn punycode(label: &str) -> Option<String> {
    const BASE: u32 = 36;
    const T_MIN: u32 = 1;
    const T_MAX: u32 = 26;
    let chars: Vec<u32> = label.chars().map(u32::from).collect();
    if chars.len() > LABEL_BYTES_MAX {
        return None;
    }
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let plain = u32::try_from(out.len()).ok()?;
    if plain > 0 {
        out.push('-');
    }
    let (mut code, mut delta, mut bias, mut handled) = (128_u32, 0_u32, 72_u32, plain);
    while (handled as usize) < chars.len() {
        let next = *chars.iter().filter(|c| **c >= code).min()?;
        delta = delta.checked_add((next - code).checked_mul(handled + 1)?)?;
        code = next;
        for c in &chars {
            step();
            if *c < code {
                delta = delta.checked_add(1)?;
            }
            if *c != code {
                continue;
            }
            let mut rest = delta;
            for k in (1..).map(|round| round * BASE) {
                let threshold = k.saturating_sub(bias).clamp(T_MIN, T_MAX);
                if rest < threshold {
                    out.push(digit(rest));
                    break;
                }
                out.push(digit(threshold + (rest - threshold) % (BASE - threshold)));
                rest = (rest - threshold) / (BASE - threshold);
            }
            // Adapts the bias (section 6.1).
            let mut scaled = if handled == plain { delta / 700 } else { delta / 2 };
            scaled += scaled / (handled + 1);
            let mut rounds = 0;
            while scaled > (BASE - T_MIN) * T_MAX / 2 {
                scaled /= BASE - T_MIN;
                rounds += BASE;
            }
            bias = rounds + (BASE - T_MIN + 1) * scaled / (scaled + 38);
            (delta, handled) = (0, handled + 1);
        }
        delta = delta.checked_add(1)?;
        code += 1;
    }
    Some(out)
}

fn digit(value: u32) -> char {
    let value = (value % 36) as u8;
    char::from(if value < 26 { b'a' + value } else { b'0' + value - 26 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, length: usize, ascii: &str, shown: &str) {
        let expected = Host { length, ascii: ascii.into(), shown: shown.into() };
        assert_eq!(read(text), Some(expected), "{text:?}");
    }

    #[test]
    fn hosts_in_ascii() {
        check("example.com/x", 11, "example.com", "example.com");
        check("PayPaI.com", 10, "paypai.com", "paypai.com");
        check("a.b.", 3, "a.b", "a.b");
        check("[::1]:80", 5, "[::1]", "[::1]");
        check("xn--fsqu00a.xn--0zwm56d", 23, "xn--fsqu00a.xn--0zwm56d", "xn--fsqu00a.xn--0zwm56d");
        for text in [
            "",
            ".",
            "-a",
            "a..b",
            "/",
            "[::1",
            "[x]",
            "[::1%25eth0]",
            &"a".repeat(64),
            &"a.".repeat(130),
            "_",
            "%61",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    /// The codes are those of another implementation.
    #[test]
    fn hosts_in_other_scripts_are_encoded() {
        check("例子.测试/", "例子.测试".len(), "xn--fsqu00a.xn--0zwm56d", "例子.测试");
        check("münchen.de", "münchen.de".len(), "xn--mnchen-3ya.de", "xn--mnchen-3ya.de");
        check("раураl.com", "раураl.com".len(), "xn--l-7sba6dbr.com", "xn--l-7sba6dbr.com");
        check("аррӏе.com", "аррӏе.com".len(), "xn--80ak6aa92e.com", "xn--80ak6aa92e.com");
        check("한국.kr", "한국.kr".len(), "xn--3e0b707e.kr", "한국.kr");
        check("comノa.b", "comノa.b".len(), "xn--coma-xq4c.b", "xn--coma-xq4c.b");
        check("エロ.jp", "エロ.jp".len(), "xn--ickth.jp", "xn--ickth.jp");
        check("工口.jp", "工口.jp".len(), "xn--6ort6u.jp", "xn--6ort6u.jp");
    }

    /// Samples of RFC 3492, section 7.1.
    #[test]
    fn long_labels_are_encoded_too() {
        for (label, expected) in [
            ("ليهمابتكلموشعربي؟", "egbpdaj6bu4bxfgehfvwxn"),
            ("他们为什么不说中文", "ihqwcrb4cv8a8dqg056pqjye"),
            ("pročprostěnemluvíčesky", "proprostnemluvesky-uyb24dma41a"),
            ("3年b組金八先生", "3b-ww4c5e180e575a65lsy2b"),
            ("majiでkoiする5秒前", "majikoi5-783gue6qz075azm5e"),
        ] {
            assert_eq!(punycode(label).as_deref(), Some(expected), "{label}");
        }
    }

    #[test]
    fn a_host_ends_where_the_sentence_goes_on() {
        check("example.com吧", 11, "example.com", "example.com");
        check("localhost吧", 9, "localhost", "localhost");
        check("example.com⁄evil.org", 11, "example.com", "example.com");
        check("example.com。evil.org", 11, "example.com", "example.com");
        check(
            "www.abc中文.com",
            "www.abc中文.com".len(),
            "www.xn--abc-x68do18h.com",
            "www.xn--abc-x68do18h.com",
        );
        assert_eq!(read("ａ.com"), None);
        assert_eq!(read("𝐚.com"), None);
    }
}
