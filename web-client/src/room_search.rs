//! Which rooms somebody means who types a few letters.

use teahouse_protocol::RoomName;

use crate::pinyin;

/// How well a name fits, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// It begins with what was typed.
    Begins,
    /// It has it somewhere.
    Contains,
    /// The first letters of its characters' pinyin have it: `pc` for 品茶.
    Initials,
    /// Its letters are among the name's, in their order: `grtea` for green-tea.
    Scattered,
}

/// What was typed, as names are compared with it.
pub(crate) fn folded(typed: &str) -> String {
    typed.trim().trim_start_matches('#').to_lowercase()
}

/// How well a name fits a [`folded`] word. `initials` gives the name's in pinyin and is asked only where that may help.
pub(crate) fn fit(name: &str, word: &str, initials: impl Fn(&str) -> String) -> Option<Fit> {
    let name = name.to_lowercase();
    match name.find(word) {
        Some(0) => Some(Fit::Begins),
        Some(_) => Some(Fit::Contains),
        None if word.is_ascii() && !name.is_ascii() && initials(&name).contains(word) => Some(Fit::Initials),
        None => is_scattered(word, &name).then_some(Fit::Scattered),
    }
}

/// Whether a room fits what was typed so well that it stays in a list that keeps its order.
pub(crate) fn fits(name: &RoomName, typed: &str) -> bool {
    fit(name.as_str(), &folded(typed), pinyin::initials).is_some_and(|fit| fit < Fit::Scattered)
}

fn is_scattered(word: &str, name: &str) -> bool {
    let mut letters = name.chars();
    word.chars().all(|wanted| letters.any(|letter| letter == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_by_their_beginning_middle_initials_and_letters() {
        let initials = |name: &str| name.replace('品', "p").replace('茶', "c");
        for (name, typed, expected) in [
            ("lobby", "", Some(Fit::Begins)),
            ("Tea", "#tE", Some(Fit::Begins)),
            ("green-tea", "tea", Some(Fit::Contains)),
            ("green-tea", "grt", Some(Fit::Scattered)),
            ("green-tea", "atr", None),
            ("品茶", "茶", Some(Fit::Contains)),
            ("品茶", "pc", Some(Fit::Initials)),
            ("品茶-2", "c-2", Some(Fit::Initials)),
            ("品茶", "cp", None),
            ("品红茶", "品茶", Some(Fit::Scattered)),
        ] {
            assert_eq!(fit(name, &folded(typed), initials), expected, "{typed} in {name}");
        }
    }
}
