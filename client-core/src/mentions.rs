use std::collections::BTreeSet;
use std::ops::{Bound, Range};

use teahouse_protocol::MemberName;
use teahouse_protocol::limits::NAME_CHARS_MAX;

use crate::spans::Names;
use crate::steps::step;

/// The names of a room's members, for finding the one that a text goes on with. Case does not count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberNames {
    folded: BTreeSet<Box<str>>,
}

impl<'a> FromIterator<&'a MemberName> for MemberNames {
    fn from_iter<I: IntoIterator<Item = &'a MemberName>>(names: I) -> Self {
        Self { folded: names.into_iter().map(|name| folded(name).into()).collect() }
    }
}

fn folded(name: &MemberName) -> String {
    name.as_str().chars().flat_map(char::to_lowercase).collect()
}

impl MemberNames {
    /// Adds a member.
    pub fn insert(&mut self, name: &MemberName) {
        self.folded.insert(folded(name).into());
    }

    /// Takes a member away.
    pub fn remove(&mut self, name: &MemberName) {
        self.folded.remove(folded(name).as_str());
    }

    /// How many bytes the longest name takes that the text begins with and that may end there.
    fn longest_at(&self, text: &str) -> Option<usize> {
        let mut begin = String::new();
        let mut longest = None;
        for (at, c) in text.char_indices().take(NAME_CHARS_MAX) {
            step();
            begin.extend(c.to_lowercase());
            // The first name from here on either is this, or begins with it, or no name does.
            let from = (Bound::Included(begin.as_str()), Bound::Unbounded);
            let Some(next) = self.folded.range::<str, _>(from).next() else { break };
            if **next == *begin && ends_freely(&text[at + c.len_utf8()..], c) {
                longest = Some(at + c.len_utf8());
            }
            if !next.starts_with(begin.as_str()) {
                break;
            }
        }
        longest
    }
}

/// Whether the character belongs to a script that is written without spaces between words (or, as Korean, with
/// particles right after a name), so that a name may stand next to it without any boundary.
pub(crate) fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1100}'..='\u{11FF}' | '\u{1780}'..='\u{17FF}'
        | '\u{2E80}'..='\u{2FDF}' | '\u{3005}'..='\u{3007}' | '\u{3021}'..='\u{3029}' | '\u{3038}'..='\u{303C}'
        | '\u{3040}'..='\u{30FF}' | '\u{3100}'..='\u{318F}' | '\u{31A0}'..='\u{31BF}' | '\u{31F0}'..='\u{31FF}'
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{A960}'..='\u{A97F}' | '\u{AC00}'..='\u{D7FF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{FF66}'..='\u{FF9F}' | '\u{20000}'..='\u{3FFFF}')
}

/// Whether the character is part of a word of a script that has spaces between words.
pub(crate) fn is_spaced_word(c: char) -> bool {
    (c.is_alphanumeric() || c == '_') && !is_unspaced(c)
}

/// Where a text names somebody, in the order of the text, an `@` before the name included, and whether that is the user.
///
/// The user is named by `@name` or by the bare name of two characters or more; others by `@` and their name, of which the
/// longest counts, or a word of a script with spaces, where it is plain without a list of members how far the name goes.
pub(crate) fn named(text: &str, names: Names<'_>) -> Vec<(Range<usize>, bool)> {
    let mut mine = names.me.map(|me| mention_ranges(text, me)).unwrap_or_default().into_iter().peekable();
    let mut found: Vec<(Range<usize>, bool)> = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find('@').map(|at| at + from) {
        while let Some(own) = mine.next_if(|own| own.start < at) {
            found.push((own, true));
        }
        let done = found.last().map_or(0, |(range, _)| range.end);
        from = at + 1;
        let in_word = at > done && text[..at].chars().next_back().is_some_and(is_spaced_word);
        if at < done || in_word {
            continue;
        }
        let rest = &text[from..];
        let member = names.members.and_then(|members| members.longest_at(rest));
        let own = mine.peek().filter(|own| own.start == at).map(|own| own.end - from);
        let Some(length) = [member, word_length(rest), own].into_iter().flatten().max() else { continue };
        let range = at..from + length;
        // The user's own name gives way to a longer one that begins with it.
        let is_me = mine.peek().is_some_and(|own| *own == range);
        while mine.next_if(|own| own.start < range.end).is_some() {}
        from = range.end;
        found.push((range, is_me));
    }
    found.extend(mine.map(|own| (own, true)));
    found
}

/// How many bytes at the beginning make a word of a script with spaces that can be a name.
fn word_length(text: &str) -> Option<usize> {
    let word = &text[..text.find(|c| !is_spaced_word(c) && !matches!(c, '-' | '.')).unwrap_or(text.len())];
    word.chars().for_each(|_| step());
    let word = word.trim_end_matches(['-', '.']);
    word.starts_with(is_spaced_word).then_some(word.len())
}

/// Whether the text mentions this member: `@name`, or the bare name of two characters or more. Case does not count.
pub(crate) fn mentions(text: &str, name: &MemberName) -> bool {
    !mention_ranges(text, name).is_empty()
}

/// Where the text mentions this member, in bytes, an `@` before the name included. Every message is looked through, so
/// nothing is allocated where nobody is mentioned.
pub(crate) fn mention_ranges(text: &str, name: &MemberName) -> Vec<Range<usize>> {
    let name = name.as_str();
    let mut ends = name.chars();
    let (Some(first), last) = (ends.next(), ends.next_back()) else { return Vec::new() };
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        step();
        let marked = text[..at].ends_with('@');
        let begin = if marked { at - 1 } else { at };
        let length = length_of(name, &text[at..]).filter(|length| {
            (marked || last.is_some())
                && starts_freely(&text[..begin], if marked { 'a' } else { first })
                && ends_freely(&text[at + length..], last.unwrap_or(first))
        });
        match length {
            Some(length) => {
                found.push(begin..at + length);
                at += length;
            }
            None => at += c.len_utf8(),
        }
    }
    found
}

/// How many bytes the name takes at the beginning of a text.
fn length_of(name: &str, text: &str) -> Option<usize> {
    let mut chars = text.chars();
    for n in name.chars() {
        step();
        if !equal_folded(chars.next()?, n) {
            return None;
        }
    }
    Some(text.len() - chars.as_str().len())
}

fn equal_folded(a: char, b: char) -> bool {
    match (a.is_ascii(), b.is_ascii()) {
        (true, true) => a.eq_ignore_ascii_case(&b),
        _ => a == b || a.to_lowercase().eq(b.to_lowercase()),
    }
}

/// Whether a mention whose first character is `own` may begin after this.
fn starts_freely(before: &str, own: char) -> bool {
    !is_spaced_word(own) || !before.chars().next_back().is_some_and(is_spaced_word)
}

/// Whether a mention whose last character is `own` may end before this. "ana" is neither in "anabel" nor in "ana-lena" or
/// "ana.example", which may be names themselves.
fn ends_freely(after: &str, own: char) -> bool {
    if !is_spaced_word(own) {
        return true;
    }
    let mut after = after.chars();
    match after.next() {
        Some(c) if is_spaced_word(c) => false,
        Some('-' | '.') => !after.next().is_some_and(is_spaced_word),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str, expected: &[&str]) {
        let name = MemberName::parse(name).expect("a legal name");
        let found: Vec<&str> = mention_ranges(text, &name).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, expected, "{name} in {text:?}");
    }

    #[test]
    fn names_with_spaces_around_need_word_boundaries() {
        check("ana", "ana", &["ana"]);
        check("ana", "hi Ana, and @ANA!", &["Ana", "@ANA"]);
        check("ana", "ana's", &["ana"]);
        check("ana", "banana anabel ana_b ana-lena ana.example x@ana", &[]);
        check("ana", "see ana. And ana-", &["ana", "ana"]);
        check("зоя", "Привет, Зоя!", &["Зоя"]);
        check("x", "x @x", &["@x"]);
    }

    #[test]
    fn chinese_text_has_no_boundaries() {
        check("小明", "请小明看一下", &["小明"]);
        check("小明", "@小明你好", &["@小明"]);
        check("明", "明天@明来吗", &["@明"]);
        check("ana", "请ana看一下，ana！", &["ana", "ana"]);
        check("ana", "你好@ana你好", &["@ana"]);
        check("小明2", "问小明2吧，不是小明23", &["小明2"]);
        check("아나", "아나에게", &["아나"]);
        check("さくら", "さくらさん", &["さくら"]);
    }

    #[test]
    fn case_that_changes_the_length_is_no_trouble() {
        check("straße", "STRASSE straße", &["straße"]);
        check("İx", "İx", &["İx"]);
    }
}
