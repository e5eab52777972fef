//! Names that Unicode's own data and examples take for confusable are one name, or are no names.

use teahouse_protocol::{MemberName, NameError};

const PAIRS: &str = include_str!("confusables.txt");

/// What stands around what is confused, so that it is inside a name, at its end and among digits.
const AROUND: &[(&str, &str)] = &[("x", "y"), ("x", ""), ("7", "7")];

fn read(codes: &str) -> String {
    let code = |code: &str| u32::from_str_radix(code, 16).ok().and_then(char::from_u32).expect("a code");
    codes.split_whitespace().map(code).collect()
}

fn name(text: &str) -> MemberName {
    MemberName::parse(text).unwrap_or_else(|error| panic!("{text:?}: a name {error}"))
}

/// Whether somebody can have one name while somebody else has the other.
fn can_both_be(a: &MemberName, b: &MemberName) -> bool {
    a.check_new().is_ok() && b.check_new().is_ok() && !a.keys().are_alike(&b.keys())
}

#[test]
fn five_hundred_confusable_pairs_are_one_name_each() {
    let mut told_apart = Vec::new();
    let lines: Vec<&str> = PAIRS.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines.len(), 500);
    for line in &lines {
        let (a, b) = line.split_once(" ; ").expect("two sides");
        for (before, after) in AROUND {
            let names = [a, b].map(|codes| name(&format!("{before}{}{after}", read(codes))));
            if !names[0].keys().are_alike(&names[1].keys()) {
                told_apart.push(format!("{line}: {} {}", names[0], names[1]));
            }
            // What reads the same in capitals is the same again.
            let capitals = name(&names[0].as_str().to_uppercase());
            assert!(capitals.keys().are_alike(&names[0].keys()), "{line}: {capitals}");
        }
    }
    assert!(told_apart.is_empty(), "{} are told apart:\n{}", told_apart.len(), told_apart.join("\n"));
}

/// The examples of UTS #36, sections 2 and 3.
#[test]
fn the_examples_of_unicode_are_one_name_each() {
    for (a, b) in [
        ("paypal", "p\u{430}yp\u{430}l"),
        ("top", "to\u{440}"),
        ("scope", "\u{455}\u{441}\u{43e}\u{440}\u{435}"),
        ("circle", "\u{441}ircle"),
        ("intel", "inteI"),
        ("a-b", "a\u{2010}b"),
        ("s\u{f8}s", "so\u{337}s"),
        ("s\u{f8}s", "so\u{338}s"),
        ("\u{1b6}o", "z\u{335}o"),
        ("a\u{f1}o", "an\u{342}o"),
        ("dze", "\u{2a3}e"),
        ("\u{1e79}", "u\u{303}\u{301}"),
        ("l0l", "1OI"),
        ("\u{9ea}", "8"),
        ("r\u{438}", "r\u{1d0e}"),
        ("\u{3a1}\u{391}\u{3a5}", "PAY"),
        ("ca\u{301}t", "cát"),
        ("\u{2f54}", "水"),
        ("ℌello", "hello"),
        ("ﬃ", "ffi"),
        ("x\u{2044}y", "x\u{2215}y"),
        ("rnary", "mary"),
        ("vv", "VV"),
    ] {
        assert!(!can_both_be(&name(a), &name(b)), "{a} {b}");
    }
}

/// Dots upon dots cannot be seen to be two.
#[test]
fn marks_that_are_drawn_upon_each_other_are_refused() {
    assert_eq!(name("e\u{323}\u{323}l").check_new(), Err(NameError::TooManyMarks));
    assert_eq!(name("\u{1eb9}\u{323}l").check_new(), Err(NameError::TooManyMarks));
}
