use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
#[cfg(not(target_arch = "wasm32"))]
use unicode_normalization::UnicodeNormalization;

use crate::limits::NAME_CHARS_MAX;

/// The rule that a name or room handle breaks. Its text is meant for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No characters, or more than [`NAME_CHARS_MAX`] after NFC.
    #[error("must be 1 to {NAME_CHARS_MAX} characters long, not {0}")]
    Length(usize),
    /// White space of any kind.
    #[error("must not contain spaces; use '-' or '_' instead")]
    Space,
    /// A control character, a bidirectional control, or a character that nobody can see.
    #[error("must not contain the invisible or control character U+{:04X}", *.0 as u32)]
    Invisible(char),
    /// A first character that commands and mentions need for themselves.
    #[error("must not begin with '{0}'")]
    FirstChar(char),
    /// A character that ends a name in lists and commands.
    #[error("must not contain '{0}'")]
    Reserved(char),
}

/// Characters that are neither white space nor visible: controls, bidirectional controls, joiners, variation
/// selectors, fillers, tags, surrogates' neighbours and noncharacters.
/// Source: Unicode `Default_Ignorable_Code_Point`, `Bidi_Control` and general category `Cc`.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
            | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFF}' | '\u{FDD0}'..='\u{FDEF}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}' | '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFF}')
        || (c as u32) & 0xFFFE == 0xFFFE
}

#[cfg(not(target_arch = "wasm32"))]
fn nfc(text: &str) -> String {
    text.nfc().collect()
}

#[cfg(target_arch = "wasm32")]
fn nfc(text: &str) -> String {
    js_sys::JsString::from(text).normalize("NFC").into()
}

fn parse(text: &str) -> Result<Box<str>, NameError> {
    // Two characters of input per character of output bound the work on hostile input; NFC never needs more than
    // that for a text that is legal afterwards.
    if text.len() > NAME_CHARS_MAX * 4 * 3 {
        return Err(NameError::Length(text.chars().count()));
    }
    let name = nfc(text);
    let length = name.chars().count();
    if !(1..=NAME_CHARS_MAX).contains(&length) {
        return Err(NameError::Length(length));
    }
    if let Some(first) = name.chars().next()
        && matches!(first, '/' | '#' | '@' | ':')
    {
        return Err(NameError::FirstChar(first));
    }
    for c in name.chars() {
        if c.is_whitespace() {
            return Err(NameError::Space);
        }
        if is_invisible(c) {
            return Err(NameError::Invisible(c));
        }
        if c == ',' {
            return Err(NameError::Reserved(c));
        }
    }
    Ok(name.into())
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Clones share the text: a server holds the same name in many places.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Brings the text to NFC and checks the rules.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                parse(text).map(|name| Self(name.into()))
            }

            /// The name in NFC, as everybody sees it.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// What two names share when a reader could take one for the other.
            #[cfg(feature = "confusables")]
            pub fn key(&self) -> NameKey {
                NameKey::of(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::parse(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

name! {
    /// What a member is called: 1 to 32 characters of any script, in NFC.
    MemberName
}

name! {
    /// The handle of a room: 1 to 32 characters of any script, in NFC, without the `#` that people write before it.
    RoomName
}

/// Equal for names that look alike or differ in case only: "Ana", "ana", and "аna" with a Cyrillic а.
#[cfg(feature = "confusables")]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameKey(Box<str>);

#[cfg(feature = "confusables")]
impl NameKey {
    /// Folds compatibility forms and case, takes the skeleton of UTS #39 section 4, and folds case once more, since
    /// skeletons contain capitals ("0" becomes "O").
    fn of(name: &str) -> Self {
        let folded: String = name.nfkc().flat_map(char::to_lowercase).nfkc().collect();
        let skeleton = unicode_security::skeleton(&folded);
        Self(skeleton.flat_map(char::to_lowercase).collect())
    }

    /// The key itself, for storage.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "calls read better")]
    fn check(text: &str, expected: Result<&str, NameError>) {
        assert_eq!(
            RoomName::parse(text).as_ref().map(RoomName::as_str),
            expected.as_ref().copied(),
            "{text:?}"
        );
    }

    #[test]
    fn names_of_any_script_are_taken() {
        for name in ["ana", "茶馆", "Зоя", "नीता", "o'brien", "a.b-c_d", "🍵", "x"] {
            check(name, Ok(name));
        }
        check(&"茶".repeat(32), Ok(&"茶".repeat(32)));
    }

    #[test]
    fn decomposed_names_become_nfc() {
        check("Jose\u{301}", Ok("Jos\u{e9}"));
    }

    #[test]
    fn broken_rules_are_named() {
        check("", Err(NameError::Length(0)));
        check(&"x".repeat(33), Err(NameError::Length(33)));
        check(&"x".repeat(100_000), Err(NameError::Length(100_000)));
        check("ana smith", Err(NameError::Space));
        check("ana\u{3000}", Err(NameError::Space));
        check("an\u{7}a", Err(NameError::Invisible('\u{7}')));
        check("an\u{202e}a", Err(NameError::Invisible('\u{202e}')));
        check("an\u{200d}a", Err(NameError::Invisible('\u{200d}')));
        check("\u{feff}ana", Err(NameError::Invisible('\u{feff}')));
        check("/quit", Err(NameError::FirstChar('/')));
        check("#lobby", Err(NameError::FirstChar('#')));
        check("a,b", Err(NameError::Reserved(',')));
    }

    #[cfg(feature = "confusables")]
    #[test]
    fn names_that_look_alike_are_one() {
        let key = |name: &str| MemberName::parse(name).expect("a legal name").key();
        assert_eq!(key("ana"), key("Ana"));
        assert_eq!(key("ana"), key("\u{430}n\u{430}"));
        assert_eq!(key("ana"), key("ａｎａ"));
        assert_eq!(key("bob0"), key("bobO"));
        assert_eq!(key("bob0"), key("bobo"));
        assert_ne!(key("ana"), key("anna"));
        assert_ne!(key("茶"), key("茶馆"));
    }
}
