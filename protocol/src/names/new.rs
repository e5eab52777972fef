use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::canonical_combining_class;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_script::{Script, UnicodeScript};

use super::NameError;
use super::emoji;
use crate::invisible::is_invisible;

/// The most marks that stand on one letter: what UTS #39 section 5.4 recommends.
const MARKS_PER_LETTER_MAX: usize = 4;

/// The canonical combining class of signs that take a vowel away.
const VIRAMA_CLASS: u8 = 9;

/// The rules for names that are given anew. The name has the shape of one.
pub(super) fn check(name: &str) -> Result<(), NameError> {
    let mut at = 0;
    // What a mark stands on, with the joiners left out.
    let mut base = None;
    while let Some(c) = name[at..].chars().next() {
        if let Some(length) = emoji::sequence_length(&name[at..]) {
            base = Some(c);
            at += length;
            continue;
        }
        let (before, after) = (&name[..at], &name[at + c.len_utf8()..]);
        let joins = matches!(c, '\u{200C}' | '\u{200D}');
        if !(joins && is_joiner_in_place(c, before, after)) {
            check_character(c, before, base)?;
        }
        if !joins && !is_mark(c) {
            base = Some(c);
        }
        at += c.len_utf8();
    }
    check_piles(name)?;
    check_direction(name)
}

fn check_character(c: char, before: &str, base: Option<char>) -> Result<(), NameError> {
    let beside_emoji = before.chars().next_back().is_some_and(|c| emoji::is_part(c) || is_emoji(c));
    if emoji::is_half_flag(c) || (emoji::is_part(c) && beside_emoji) {
        return Err(NameError::BrokenEmoji);
    }
    if is_invisible(c) {
        return Err(NameError::Invisible);
    }
    match c.general_category() {
        GeneralCategory::Unassigned | GeneralCategory::PrivateUse | GeneralCategory::Surrogate => {
            return Err(NameError::Unassigned);
        }
        GeneralCategory::Format => return Err(NameError::Invisible),
        _ => {}
    }
    if is_mark(c) && !base.is_some_and(|base| belongs_to(c, base)) {
        return Err(NameError::LoneMark);
    }
    Ok(())
}

fn is_emoji(c: char) -> bool {
    emojis::get(c.encode_utf8(&mut [0; 4])).is_some()
}

fn is_mark(c: char) -> bool {
    matches!(
        c.general_category(),
        GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark | GeneralCategory::EnclosingMark
    )
}

/// Whether a mark may stand on this character: marks that every script borrows on any, others on their own script's.
/// On another's many of them are not drawn.
fn belongs_to(mark: char, base: char) -> bool {
    matches!(mark.script(), Script::Inherited | Script::Common)
        || !mark.script_extension().intersection(base.script_extension()).is_empty()
}

/// Whether a joiner or non-joiner stands where a script needs it (UAX #31, section 2.3): after a virama, and for a
/// non-joiner also between letters of a cursive script.
fn is_joiner_in_place(joiner: char, before: &str, after: &str) -> bool {
    let letter_before = before.chars().rev().find(|c| !is_mark(*c));
    let letter_after = after.chars().find(|c| !is_mark(*c));
    let Some(first) = letter_before.filter(|c| c.is_alphabetic()) else { return false };
    let same_script = letter_after.is_some_and(|c| c.is_alphabetic() && c.script() == first.script());
    let killed = before.chars().next_back().is_some_and(|c| canonical_combining_class(c) == VIRAMA_CLASS);
    match joiner {
        '\u{200D}' => killed,
        _ => same_script && (killed || is_cursive(first.script())),
    }
}

/// Scripts whose letters join by themselves.
fn is_cursive(script: Script) -> bool {
    matches!(
        script,
        Script::Adlam
            | Script::Arabic
            | Script::Chorasmian
            | Script::Hanifi_Rohingya
            | Script::Mandaic
            | Script::Manichaean
            | Script::Mongolian
            | Script::Nko
            | Script::Old_Uyghur
            | Script::Phags_Pa
            | Script::Psalter_Pahlavi
            | Script::Sogdian
            | Script::Syriac
    )
}

/// No tower of marks, and none twice in a row, which looks like one.
fn check_piles(name: &str) -> Result<(), NameError> {
    let (mut height, mut last) = (0, None);
    for c in name.nfd() {
        let stacks =
            matches!(c.general_category(), GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark);
        // Selectors in emoji are marks by their category only.
        height = if stacks && !is_invisible(c) { height + 1 } else { 0 };
        if height > MARKS_PER_LETTER_MAX || (height > 1 && last == Some(c)) {
            return Err(NameError::TooManyMarks);
        }
        last = Some(c);
    }
    Ok(())
}

/// The part of the Bidi Rule (RFC 5893) that keeps two names from being drawn as one: a name with a letter that is read from
/// the right begins with one, has none that is read from the left, and digits of one kind.
fn check_direction(name: &str) -> Result<(), NameError> {
    let directions = || name.chars().filter_map(direction);
    let has = |wanted| directions().any(|found| found == wanted);
    let fits = if has(Direction::Right) {
        name.chars().next().and_then(direction) == Some(Direction::Right)
            && !has(Direction::Left)
            && !(has(Direction::EuropeanDigit) && has(Direction::ArabicDigit))
    } else {
        !(has(Direction::ArabicDigit) && has(Direction::Left))
    };
    if fits { Ok(()) } else { Err(NameError::MixedDirections) }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Left,
    Right,
    EuropeanDigit,
    ArabicDigit,
}

/// Where a character is read from; `None` for marks and for signs that go with their neighbours. The ranges are those to
/// which Unicode gives the bidirectional classes R and AL by default.
fn direction(c: char) -> Option<Direction> {
    if is_mark(c) {
        return None;
    }
    match c {
        '0'..='9' | '\u{6F0}'..='\u{6F9}' | '\u{FF10}'..='\u{FF19}' => Some(Direction::EuropeanDigit),
        '\u{660}'..='\u{669}'
        | '\u{66B}'..='\u{66C}'
        | '\u{10D30}'..='\u{10D39}'
        | '\u{10E60}'..='\u{10E7E}' => Some(Direction::ArabicDigit),
        '\u{590}'..='\u{8FF}'
        | '\u{FB1D}'..='\u{FDFF}'
        | '\u{FE70}'..='\u{FEFF}'
        | '\u{10800}'..='\u{10FFF}'
        | '\u{1E800}'..='\u{1EFFF}' => Some(Direction::Right),
        _ if c.is_alphanumeric() => Some(Direction::Left),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
