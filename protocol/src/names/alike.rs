use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

use crate::invisible::is_invisible;

/// What two names share when a reader could take one for the other.
///
/// Names are alike in two ways: they differ in case only ("Ana", "ana"), or they look the same ("ana" and "аna" with a
/// Cyrillic а, "aIice" with a capital I and "alice"). Neither way includes the other, and there is no key that merges
/// both and still tells names apart: "ν" is what "Ν" is in lower case, "Ν" looks like "N" and "ν" like "v", so "nan" and
/// "van" would be one name. Therefore a name has one or two keys, for how it reads and how it looks, and **two names
/// are alike when they share a key**. An index maps every key of a name to its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameKeys {
    read: NameKey,
    /// Where it is another one.
    seen: Option<NameKey>,
}

/// One of the [`NameKeys`] of a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameKey(Box<str>);

impl NameKey {
    /// The key itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl NameKeys {
    pub(super) fn of(name: &str) -> Self {
        let (read, seen) = match simple(name) {
            Some(keys) => keys,
            None => (settle(&fold(name)), settle(name)),
        };
        let (read, seen) = (NameKey(read.into()), NameKey(seen.into()));
        Self { seen: (seen != read).then_some(seen), read }
    }

    /// The keys, one or two.
    pub fn iter(&self) -> impl Iterator<Item = &NameKey> {
        std::iter::once(&self.read).chain(&self.seen)
    }

    /// Whether the names of these keys are alike.
    pub fn are_alike(&self, other: &Self) -> bool {
        self.iter().any(|key| other.iter().any(|theirs| key == theirs))
    }
}

/// [`settle`] of the folded name and of the name, where each character settles by itself: a server that starts looks at every
/// name, and most are in ASCII and Chinese.
fn simple(name: &str) -> Option<(String, String)> {
    static ASCII: LazyLock<Vec<String>> =
        LazyLock::new(|| ('\0'..'\u{80}').map(|c| settle(c.encode_utf8(&mut [0; 4]))).collect());
    let (mut read, mut seen) = (String::with_capacity(name.len()), String::with_capacity(name.len()));
    for c in name.chars() {
        match c {
            '!'..='~' => {
                read.push_str(&ASCII[c.to_ascii_lowercase() as usize]);
                seen.push_str(&ASCII[c as usize]);
            }
            '\u{4E00}'..='\u{9FFF}' => {
                let settled = settled_ideograph(c);
                read.push_str(&settled);
                seen.push_str(&settled);
            }
            _ => return None,
        }
    }
    Some((read, seen))
}

fn settled_ideograph(c: char) -> String {
    let mut bytes = [0; 4];
    let text: &str = c.encode_utf8(&mut bytes);
    if unicode_security::skeleton(text).eq([c]) { text.to_owned() } else { settle(text) }
}

/// How often shape and case are folded at most. Twice is enough for every single character (a test); the bound is for
/// sequences that nobody thought of.
const SETTLING_STEPS_MAX: usize = 4;

/// Folds shape and case until nothing changes any more: skeletons contain capitals ("0" becomes "O"), and what is folded
/// has a skeleton of its own ("M" becomes "m" and then "rn").
fn settle(name: &str) -> String {
    let mut settled = fold(&skeleton(name));
    for _ in 1..SETTLING_STEPS_MAX {
        let next = fold(&skeleton(&settled));
        if next == settled {
            break;
        }
        settled = next;
    }
    settled
}

/// Compatibility forms and case. By way of the capitals, since "ß", "ſ" and "ς" are lower case already.
fn fold(text: &str) -> String {
    let lower = text.nfkc().flat_map(char::to_lowercase);
    lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect()
}

/// The skeleton of UTS #39 section 4, which ends in NFD, without what draws nothing.
fn skeleton(text: &str) -> String {
    // The data of UTS #39 show some of what draws nothing as a space.
    let drawn = text.chars().filter(|c| !is_invisible(*c) && !is_stacker(*c));
    let plain: String = drawn.map(|c| letter_of_badge(c).unwrap_or(c)).collect();
    let mut shape = String::with_capacity(plain.len());
    for c in unicode_security::skeleton(&plain) {
        // A dot on a letter that has one already: "i" and the small form of "İ".
        if c != '\u{307}' || !shape.ends_with(['i', 'j']) {
            shape.push(c);
        }
    }
    shape
}

/// The letter or digit on a filled circle or square. Those on empty ones are compatibility forms.
fn letter_of_badge(c: char) -> Option<char> {
    let letter = |first: u32| char::from_u32('A' as u32 + c as u32 - first);
    let digit = |first: u32| char::from_u32('1' as u32 + c as u32 - first);
    match c {
        '\u{1F150}'..='\u{1F169}' => letter(0x1F150),
        '\u{1F170}'..='\u{1F189}' => letter(0x1F170),
        '\u{2776}'..='\u{277E}' => digit(0x2776),
        '\u{2780}'..='\u{2788}' => digit(0x2780),
        '\u{278A}'..='\u{2792}' => digit(0x278A),
        '\u{24FF}' | '\u{1F10C}' => Some('0'),
        _ => None,
    }
}

/// A sign that stacks its neighbours and is nothing by itself (`Indic_Syllabic_Category=Invisible_Stacker`).
fn is_stacker(c: char) -> bool {
    matches!(
        c,
        '\u{1039}'
            | '\u{17D2}'
            | '\u{1A60}'
            | '\u{1BAB}'
            | '\u{AAF6}'
            | '\u{10A3F}'
            | '\u{11133}'
            | '\u{113D0}'
            | '\u{1193E}'
            | '\u{11A47}'
            | '\u{11A99}'
            | '\u{11D45}'
            | '\u{11D97}'
            | '\u{11F42}'
    )
}

#[cfg(test)]
mod tests;
