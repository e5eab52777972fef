use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
#[cfg(not(target_arch = "wasm32"))]
use unicode_normalization::UnicodeNormalization;

use crate::limits::NAME_CHARS_MAX;

#[cfg(feature = "name-rules")]
mod alike;
#[cfg(feature = "name-rules")]
mod emoji;
mod error;
#[cfg(feature = "name-rules")]
mod new;

#[cfg(feature = "name-rules")]
pub use alike::{NameKey, NameKeys};
pub use error::NameError;

#[cfg(not(target_arch = "wasm32"))]
fn nfc(text: &str) -> String {
    text.nfc().collect()
}

#[cfg(target_arch = "wasm32")]
fn nfc(text: &str) -> String {
    js_sys::JsString::from(text).normalize("NFC").into()
}

/// The shape of a name: what has been true of every name since the first version, so that any name that was ever
/// given can be said.
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
        if c.is_control() || is_bidi_control(c) {
            return Err(NameError::Invisible);
        }
        if c == ',' {
            return Err(NameError::Reserved(c));
        }
    }
    Ok(name.into())
}

/// Unicode's `Bidi_Control`.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{061C}' | '\u{200E}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// A value of this type has the shape of a name. Whether it may be given to somebody new is a question of
        /// its own (`check_new`, with the feature `name-rules`): names that were given under older rules stay.
        ///
        /// Clones share the text: a server holds the same name in many places.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Brings the text to NFC and checks the shape: length, white space, control characters, `,`, and what a
            /// name begins with.
            pub fn parse(text: &str) -> Result<Self, NameError> {
                parse(text).map(|name| Self(name.into()))
            }

            /// A name as it was stored, which was checked before it was. For what the server's own log holds only.
            pub fn stored(name: impl Into<Arc<str>>) -> Self {
                Self(name.into())
            }

            /// The name in NFC, as everybody sees it.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether the name may be given to somebody, or to a room, that does not have it yet.
            #[cfg(feature = "name-rules")]
            pub fn check_new(&self) -> Result<(), NameError> {
                new::check(&self.0)
            }

            /// What two names share when a reader could take one for the other.
            #[cfg(feature = "name-rules")]
            pub fn keys(&self) -> NameKeys {
                NameKeys::of(&self.0)
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
    fn names_of_any_script_have_the_shape() {
        for name in ["ana", "茶馆", "Зоя", "नीता", "o'brien", "a.b-c_d", "🍵", "x", "☕\u{fe0f}"]
        {
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
        check("an\u{7}a", Err(NameError::Invisible));
        check("an\u{202e}a", Err(NameError::Invisible));
        check("/quit", Err(NameError::FirstChar('/')));
        check("#lobby", Err(NameError::FirstChar('#')));
        check("a,b", Err(NameError::Reserved(',')));
    }

    /// Names that the first version gave away, and that nobody gets any more.
    #[test]
    fn names_of_older_rules_can_be_said() {
        for name in ["\u{301}ana", "ana\u{378}", "1\u{5d0}", "\u{1039}", "\u{1d159}", "\u{1f1e6}"] {
            check(name, Ok(name));
        }
    }

    /// A client that shows a server's refusal in its own words knows the rule by its name.
    #[test]
    fn rules_have_names() {
        assert_eq!(NameError::of_rule(NameError::LoneMark.rule()), Some(NameError::LoneMark));
        assert_eq!(NameError::of_rule("length"), None);
        assert_eq!(NameError::of_rule("phase_of_the_moon"), None);
    }
}
