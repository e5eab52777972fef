use std::io::IsTerminal;

use teahouse_protocol::MemberName;

use crate::arguments::ColorChoice;
use crate::fnv::fnv;

/// Colours that are told apart on dark and on light ground, of the 256-colour palette.
const NAME_COLORS: [u8; 12] = [33, 35, 37, 67, 97, 127, 130, 133, 136, 166, 168, 172];

/// How to emphasise. Without colour nothing is emphasised, and no escape sequence is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    color: bool,
}

impl Style {
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { color: false };

    /// As the options, NO_COLOR (no-color.org) and standard output say.
    pub(crate) fn of_output(choice: ColorChoice) -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let color = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => !no_color && !dumb && std::io::stdout().is_terminal(),
        };
        Self { color }
    }

    #[cfg(test)]
    pub(crate) const COLORED: Self = Self { color: true };

    fn wrap(self, codes: &str, text: &str) -> String {
        if self.color { format!("\x1b[{codes}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// What matters less: times, dividers, who came and went.
    pub(crate) fn faint(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// What went wrong.
    pub(crate) fn alarm(self, text: &str) -> String {
        self.wrap("31", text)
    }

    /// A member's name, in the member's colour.
    pub(crate) fn name(self, name: &MemberName) -> String {
        let color = NAME_COLORS[(fnv(name.as_str()) % NAME_COLORS.len() as u64) as usize];
        self.wrap(&format!("1;38;5;{color}"), name.as_str())
    }

    /// A link.
    pub(crate) fn link(self, text: &str) -> String {
        self.wrap("4", text)
    }

    /// Somebody's name in a text.
    pub(crate) fn mention(self, text: &str, me: bool) -> String {
        self.wrap(if me { "1;7" } else { "1" }, text)
    }

    /// What stood between backticks.
    pub(crate) fn code(self, text: &str) -> String {
        self.wrap("36", text)
    }
}
