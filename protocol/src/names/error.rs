use crate::limits::NAME_CHARS_MAX;

/// The rule that a name or room handle breaks. Its wording is meant for people, [`NameError::rule`] for programs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No characters, or more than [`NAME_CHARS_MAX`] after NFC.
    #[error("must be 1 to {NAME_CHARS_MAX} characters long, not {0}")]
    Length(usize),
    /// White space of any kind.
    #[error("must not contain spaces; use '-' or '_' instead")]
    Space,
    /// A character that nobody can see: a control, a filler, a joiner or selector outside of what needs it.
    #[error("must not contain a character that nobody can see; type it instead of pasting it")]
    Invisible,
    /// A first character that commands and mentions need for themselves.
    #[error("must not begin with '{0}'")]
    FirstChar(char),
    /// A character that ends a name in lists and commands.
    #[error("must not contain '{0}'")]
    Reserved(char),
    /// An accent or vowel sign without a letter that it belongs to.
    #[error("must not begin with an accent, or have one on a letter of another script")]
    LoneMark,
    /// More accents on a letter than any language writes, or the same one twice.
    #[error("must not pile up accents on a letter")]
    TooManyMarks,
    /// A character that Unicode 18.0 has not assigned, or one of private use: everybody sees something else.
    #[error("must not contain a character that most devices cannot show")]
    Unassigned,
    /// Parts of emoji that do not make one together: half a flag, a joiner between two that are never joined.
    #[error("must not contain parts of emoji that do not make one together")]
    BrokenEmoji,
    /// Letters that run to the right beside letters that run to the left: what stands first depends on the reader.
    #[error("must not mix letters that are read from the right with ones that are read from the left")]
    MixedDirections,
}

impl NameError {
    /// Names the rule, for programs.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Length(_) => "length",
            Self::Space => "space",
            Self::Invisible => "invisible",
            Self::FirstChar(_) => "first_character",
            Self::Reserved(_) => "reserved",
            Self::LoneMark => "lone_mark",
            Self::TooManyMarks => "too_many_marks",
            Self::Unassigned => "unassigned",
            Self::BrokenEmoji => "broken_emoji",
            Self::MixedDirections => "mixed_directions",
        }
    }

    /// The error of that rule, for a client that shows a server's refusal in its own words. `None` for rules that it
    /// does not know, and for those that every client checks by itself.
    pub fn of_rule(rule: &str) -> Option<Self> {
        [
            Self::Invisible,
            Self::LoneMark,
            Self::TooManyMarks,
            Self::Unassigned,
            Self::BrokenEmoji,
            Self::MixedDirections,
        ]
        .into_iter()
        .find(|error| error.rule() == rule)
    }
}
