use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::invisible::is_invisible;
use crate::limits::TEXT_CHARS_MAX;

/// The rule that a text breaks. Its wording is meant for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing, or nothing that anybody can see: white space, invisible characters, controls.
    #[error("must not be empty")]
    Empty,
    /// More than [`TEXT_CHARS_MAX`] characters.
    #[error("must be at most {TEXT_CHARS_MAX} characters long, not {0}")]
    Long(usize),
}

/// The text of a post: 1 to 8,000 characters, at least one of which can be seen. Line breaks are part of it. Control characters
/// are kept as they are; whoever shows the text makes them harmless.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PostText(Box<str>);

impl PostText {
    /// Checks the rules.
    pub fn parse(text: impl Into<Box<str>>) -> Result<Self, TextError> {
        let text = text.into();
        if text.chars().all(|c| c.is_whitespace() || is_invisible(c)) {
            return Err(TextError::Empty);
        }
        // A text of so many bytes or fewer cannot have more characters than that.
        if text.len() > TEXT_CHARS_MAX {
            let length = text.chars().count();
            if length > TEXT_CHARS_MAX {
                return Err(TextError::Long(length));
            }
        }
        Ok(Self(text))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PostText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for PostText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_counts_characters_and_not_bytes() {
        assert!(PostText::parse("茶".repeat(TEXT_CHARS_MAX)).is_ok());
        assert_eq!(
            PostText::parse("茶".repeat(TEXT_CHARS_MAX + 1)),
            Err(TextError::Long(TEXT_CHARS_MAX + 1))
        );
    }

    #[test]
    fn nothing_to_read_is_empty() {
        for text in [
            "",
            " ",
            "\n\t",
            "\u{3000}",
            "\u{200b}",
            "\u{2800} \u{fe0f}",
            "\u{3164}",
            "\u{e0041}\u{ad}",
            "\u{7}\u{202e}",
        ] {
            assert_eq!(PostText::parse(text), Err(TextError::Empty), "{text:?}");
        }
    }

    #[test]
    fn whatever_can_be_seen_stays_with_what_cannot() {
        for text in
            [".", "\u{200b}a", "☕\u{fe0f}", "👩\u{200d}🏫", "\u{301}", "\u{378}", "\u{fffd}", "\u{1b}["]
        {
            assert_eq!(PostText::parse(text).as_ref().map(PostText::as_str), Ok(text));
        }
    }
}
