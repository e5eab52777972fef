use super::*;
use crate::MemberName;

fn are_alike(a: &str, b: &str) -> bool {
    let keys =
        |name: &str| MemberName::parse(name).unwrap_or_else(|error| panic!("{name:?}: {error}")).keys();
    keys(a).are_alike(&keys(b))
}

#[test]
fn names_that_look_alike_are_one() {
    for (a, b) in [
        ("ana", "Ana"),
        ("ana", "\u{430}n\u{430}"),
        ("ana", "ａｎａ"),
        ("ana", "𝐚𝓷𝖆"),
        ("ana", "ⓐⓝⓐ"),
        ("ana", "🅐🅽🅰"),
        ("ana1", "ana❶"),
        ("bob0", "bobO"),
        ("bob0", "bobo"),
        ("alice", "aIice"),
        ("alice", "a1ice"),
        ("Alice", "aIice"),
        ("ALICE", "aIice"),
        ("will", "wiII"),
        ("will", "WiIl"),
        ("bernie", "bemie"),
        ("ANA", "АΝА"),
        ("strasse", "Straße"),
        ("STRASSE", "straẞe"),
        ("σας", "ΣΑΣ"),
        ("sam", "ſam"),
        ("ibrahim", "İbrahim"),
        ("ibrahim", "ıbrahim"),
        ("☕", "☕\u{fe0f}"),
        ("👩\u{200d}🏫", "👩🏫"),
        ("1\u{fe0f}\u{20e3}", "1\u{20e3}"),
        ("نامه\u{200c}ای", "نامهای"),
        ("José", "Jose\u{301}"),
        ("ﬁn", "fin"),
        ("茶客1", "茶客l"),
        ("o'brien", "o’brien"),
        ("a-b", "a‐b"),
        ("\u{301}ana", "\u{341}ana"),
    ] {
        assert!(are_alike(a, b), "{a} {b}: {:?} {:?}", NameKeys::of(a), NameKeys::of(b));
    }
}

#[test]
fn names_that_do_not_are_two() {
    for (a, b) in [
        ("ana", "anna"),
        ("茶", "茶馆"),
        ("nan", "van"),
        ("lan", "dan"),
        ("al", "ai"),
        ("小明", "小朋"),
        ("Зоя", "зоа"),
        ("🇨🇳", "🇫🇷"),
        ("👍", "👎"),
        ("mary", "mayr"),
        ("e", "é"),
    ] {
        assert!(!are_alike(a, b), "{a} {b}: {:?} {:?}", NameKeys::of(a), NameKeys::of(b));
    }
}

#[test]
fn keys_are_settled() {
    // Ideographs have no case, and private use has nothing.
    for c in ('\0'..'\u{3400}').chain('\u{A000}'..'\u{AC00}').chain('\u{F900}'..'\u{20000}') {
        let key = settle(c.encode_utf8(&mut [0; 4]));
        assert_eq!(settle(&key), key, "U+{:04X}", c as u32);
    }
}

/// The quick way has the results of the other.
#[test]
fn simple_names_have_the_keys_of_any() {
    let check = |name: &str| {
        assert_eq!(simple(name), Some((settle(&fold(name)), settle(name))), "{name:?}");
    };
    for a in '!'..='~' {
        for b in '!'..='~' {
            check(&format!("{a}{b}茶{b}"));
        }
    }
    for c in '\u{4E00}'..='\u{9FFF}' {
        check(&format!("小{c}I"));
    }
    for name in ["é", "a\u{301}", "ａ", "а", "\u{3400}", "☕"] {
        assert_eq!(simple(name), None);
    }
}

/// What fonts ignore cannot keep names apart.
#[test]
fn nothing_invisible_is_in_a_key() {
    for c in (0..=0x10_FFFF).filter_map(char::from_u32).filter(|c| is_invisible(*c)) {
        assert_eq!(settle(&format!("a{c}b")), "ab", "U+{:04X}", c as u32);
    }
}
