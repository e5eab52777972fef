use super::*;
use crate::RoomName;

#[expect(clippy::needless_pass_by_value, reason = "calls read better")]
fn check_name(name: &str, expected: Result<(), NameError>) {
    let name = RoomName::parse(name).unwrap_or_else(|error| panic!("{name:?}: {error}"));
    assert_eq!(name.check_new(), expected, "{:?} {}", name.as_str(), name.as_str().escape_unicode());
}

#[test]
fn names_of_any_script_are_taken() {
    for name in [
        "ana",
        "茶馆",
        "小明2",
        "Зоя",
        "नीता",
        "o'brien",
        "a.b-c_d",
        "x",
        "Nguyễn",
        "さくら",
        "ガ",
        "아나",
        "சிவா",
        "สมชาย",
        "དབང་ཕྱུག",
        "မောင်",
        "ភារុណ",
        "דוד",
        "דוד5",
        "دنيا",
        "عمر٥",
        "አበበ",
        "ᐃᓄᒃ",
        "Łukasz",
        "Ærø",
        "ǃXóõ",
        "1984",
        "C++",
        "דָּוִד",
        "مُحَمَّد",
        "e\u{301}\u{323}",
    ] {
        check_name(name, Ok(()));
    }
}

#[test]
fn ordinary_emoji_are_taken() {
    for name in [
        "🍵",
        "☕",
        "☕\u{fe0f}",
        "ana☕\u{fe0f}",
        "👩\u{200d}🏫",
        "👩🏽\u{200d}🏫bo",
        "🇨🇳🇫🇷",
        "1\u{fe0f}\u{20e3}",
        "👍🏿",
        "❤\u{fe0f}\u{200d}🔥",
        "👁\u{200d}🗨",
        "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
        "דוד🙂",
    ] {
        check_name(name, Ok(()));
    }
}

#[test]
fn parts_of_emoji_are_not() {
    for name in [
        "☕\u{fe0e}",
        "🇦",
        "🇨🇳🇦",
        "🍵\u{200d}☕",
        "👩\u{200d}",
        "☕\u{fe0f}\u{fe0f}",
        "🏴\u{e0067}\u{e0062}",
        "👩\u{200d}\u{200d}🏫",
    ] {
        check_name(name, Err(NameError::BrokenEmoji));
    }
}

#[test]
fn what_nobody_can_see_is_not_taken() {
    for c in (0..=0x10_FFFF).filter_map(char::from_u32).filter(|c| is_invisible(*c)) {
        for name in [format!("ana{c}"), format!("a{c}na"), format!("{c}ana")] {
            // White space, control characters and bidirectional controls have no shape of a name.
            if let Ok(name) = RoomName::parse(&name) {
                assert!(name.check_new().is_err(), "U+{:04X}", c as u32);
            }
        }
    }
    check_name("ana\u{200d}", Err(NameError::Invisible));
    check_name("a\u{200c}na", Err(NameError::Invisible));
    check_name("1\u{fe0f}", Err(NameError::Invisible));
    check_name("\u{2800}", Err(NameError::Invisible));
    check_name("葛\u{e0100}", Err(NameError::Invisible));
    check_name("ana\u{600}", Err(NameError::Invisible));
}

#[test]
fn what_has_no_meaning_for_everybody_is_not_taken() {
    for c in ["\u{378}", "\u{e000}", "\u{2fe0}", "\u{10ffff}", "\u{f0000}", "\u{40000}", "\u{ffff}"] {
        let name = RoomName::parse(&format!("ana{c}")).unwrap();
        assert!(matches!(name.check_new(), Err(NameError::Unassigned | NameError::Invisible)), "{c:?}");
    }
    check_name("ana\u{378}", Err(NameError::Unassigned));
}

#[test]
fn joiners_stand_where_a_script_needs_them() {
    // Persian "my book", Sinhala "Sri", Hindi with an open half letter, Malayalam with a chillu.
    for name in ["نامه\u{200c}ای", "ශ\u{dca}\u{200d}රී", "क\u{94d}\u{200c}ष", "അവന\u{d4d}\u{200d}"]
    {
        check_name(name, Ok(()));
    }
    for name in
        ["نامه\u{200c}", "\u{200c}نامه", "نا\u{200c}\u{200c}مه", "نا\u{200d}مه", "क\u{200d}ष", "a\u{200c}ن"]
    {
        check_name(name, Err(NameError::Invisible));
    }
}

#[test]
fn marks_belong_to_letters() {
    check_name("\u{301}ana", Err(NameError::LoneMark));
    check_name("\u{20dd}", Err(NameError::LoneMark));
    check_name("\u{903}क", Err(NameError::LoneMark));
    check_name("ana\u{93f}", Err(NameError::LoneMark));
    check_name("ana\u{1039}", Err(NameError::LoneMark));
    check_name("a\u{301}\u{302}\u{303}\u{304}", Ok(()));
    check_name("x\u{301}\u{302}\u{303}\u{304}\u{305}", Err(NameError::TooManyMarks));
    check_name("x\u{301}\u{301}", Err(NameError::TooManyMarks));
    check_name("é\u{301}", Err(NameError::TooManyMarks));
}

#[test]
fn a_name_runs_one_way() {
    for name in ["1ד", "דana", "anaד", "-ד", "ד1٥", "a٥"] {
        check_name(name, Err(NameError::MixedDirections));
    }
    for name in ["ד1", "ד-ד", "٥-٥", "1-2"] {
        check_name(name, Ok(()));
    }
}
