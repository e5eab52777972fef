//! Tab completion in the composer: names, commands and rooms; Tab again takes the next.

/// What can be completed. All without their marks (`@`, `#`, `/`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidates<'a> {
    /// Names of the room's members, the likelier first.
    pub(crate) names: &'a [String],
    /// Names of rooms.
    pub(crate) rooms: &'a [String],
    /// Words of commands.
    pub(crate) commands: &'a [&'a str],
}

/// A completion that stands in the field, so that the next Tab goes on from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Completion {
    /// The whole text.
    pub(crate) text: String,
    /// Where the caret stands, in bytes of `text`.
    pub(crate) caret: usize,
    /// Where the completed word begins, in bytes.
    start: usize,
    /// What stood after the caret.
    tail: String,
    /// What can stand there, with marks and endings.
    choices: Vec<String>,
    /// Which of them does.
    chosen: usize,
}

/// Completes the word that ends at `caret` (in bytes; at a character's boundary). `last` is the completion that an
/// earlier Tab made: if it still stands there untouched, the next choice takes its place. `None`: nothing fits.
pub(crate) fn complete(
    text: &str,
    caret: usize,
    last: Option<Completion>,
    candidates: Candidates<'_>,
) -> Option<Completion> {
    if let Some(last) = last
        && last.text == text
        && last.caret == caret
    {
        let chosen = (last.chosen + 1) % last.choices.len();
        return Some(place(text, last.start, last.tail, last.choices, chosen));
    }
    let head = text.get(..caret)?;
    let choices = choices(head, candidates)?;
    Some(place(text, choices.0, text[caret..].to_owned(), choices.1, 0))
}

/// What can stand in the place of the word that ends at `caret`, the likelier first, once its mark says what it is to be:
/// a command, a member, a room. Nothing when it stands there already.
pub(crate) fn offered(text: &str, caret: usize, candidates: Candidates<'_>) -> Vec<String> {
    let Some(head) = text.get(..caret) else { return Vec::new() };
    let word = head.rsplit(char::is_whitespace).next().unwrap_or_default();
    let marked = word.contains('@') || word.starts_with('#') || (word.starts_with('/') && word == head);
    if !marked || text[caret..].chars().next().is_some_and(char::is_alphanumeric) {
        return Vec::new();
    }
    let offered = choices(head, candidates).map_or_else(Vec::new, |(_, choices)| choices);
    if offered.iter().all(|choice| choice.trim_end() == word) { Vec::new() } else { offered }
}

/// Puts one of those into its place.
pub(crate) fn take(
    text: &str,
    caret: usize,
    candidates: Candidates<'_>,
    chosen: usize,
) -> Option<Completion> {
    let (start, choices) = choices(text.get(..caret)?, candidates)?;
    let chosen = chosen.min(choices.len() - 1);
    Some(place(text, start, text[caret..].to_owned(), choices, chosen))
}

fn place(text: &str, start: usize, tail: String, choices: Vec<String>, chosen: usize) -> Completion {
    let mut new = text[..start].to_owned();
    new.push_str(&choices[chosen]);
    let caret = new.len();
    new.push_str(&tail);
    Completion { text: new, caret, start, tail, choices, chosen }
}

/// Where the word begins, and what can stand in its place.
fn choices(head: &str, candidates: Candidates<'_>) -> Option<(usize, Vec<String>)> {
    let start = head
        .rfind(char::is_whitespace)
        .map_or(0, |at| at + head[at..].chars().next().map_or(0, char::len_utf8));
    let word = &head[start..];
    let found: Vec<String> = if let Some(command) = word.strip_prefix('/').filter(|_| start == 0) {
        let fits = |candidate: &&&str| begins(candidate, command);
        candidates.commands.iter().filter(fits).map(|command| format!("/{command} ")).collect()
    } else if head.starts_with("/join ") && start > 0 {
        matching(candidates.rooms, word.strip_prefix('#').unwrap_or(word), |room| room.to_owned())
    } else if let Some(at) = word.rfind('@') {
        // Chinese runs on without spaces, so a mention may begin inside a word: "你好@小".
        let found = matching(candidates.names, &word[at + 1..], |name| format!("@{name} "));
        return (!found.is_empty()).then_some((start + at, found));
    } else if let Some(room) = word.strip_prefix('#') {
        matching(candidates.rooms, room, |room| format!("#{room} "))
    } else if word.is_empty() {
        Vec::new()
    } else {
        let ending = if start == 0 { ": " } else { " " };
        matching(candidates.names, word, |name| format!("{name}{ending}"))
    };
    (!found.is_empty()).then_some((start, found))
}

fn matching(candidates: &[String], word: &str, finish: impl Fn(&str) -> String) -> Vec<String> {
    candidates.iter().filter(|candidate| begins(candidate, word)).map(|candidate| finish(candidate)).collect()
}

/// Whether `candidate` begins with `word`, whatever the case.
pub(crate) fn begins(candidate: &str, word: &str) -> bool {
    let mut rest = candidate.chars().flat_map(char::to_lowercase);
    word.chars().flat_map(char::to_lowercase).all(|c| rest.next() == Some(c))
}

/// The place in bytes of a caret that the browser counts in UTF-16 units. Inside a character: before it.
pub(crate) fn bytes_from_utf16(text: &str, units: usize) -> usize {
    let mut seen = 0;
    for (at, c) in text.char_indices() {
        if seen + c.len_utf16() > units {
            return at;
        }
        seen += c.len_utf16();
    }
    text.len()
}

/// The reverse of [`bytes_from_utf16`].
pub(crate) fn utf16_from_bytes(text: &str, bytes: usize) -> usize {
    text.char_indices().take_while(|(at, _)| *at < bytes).map(|(_, c)| c.len_utf16()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_offers_what_can_stand_there() {
        let names = ["小明", "ana", "anna"].map(String::from);
        let rooms = ["lobby", "茶"].map(String::from);
        let candidates = Candidates { names: &names, rooms: &rooms, commands: &["join", "me"] };
        for (text, expected) in [
            ("@", &["@小明 ", "@ana ", "@anna "][..]),
            ("你好@小", &["@小明 "]),
            ("hi @an", &["@ana ", "@anna "]),
            ("看 #", &["#lobby ", "#茶 "]),
            ("/", &["/join ", "/me "]),
            ("/me", &[]),
            ("@小明", &[]),
            ("an", &[]),
            ("a /m", &[]),
            ("x@y.org", &[]),
            ("", &[]),
        ] {
            assert_eq!(offered(text, text.len(), candidates), expected, "{text}");
        }
        assert_eq!(offered("@an a", 3, candidates), ["@ana ", "@anna "]);
        assert_eq!(offered("@ana", 3, candidates), [""; 0], "in the middle of a word");
        let taken = take("hi @an!", 6, candidates, 1).expect("there are two");
        assert_eq!((taken.text.as_str(), taken.caret), ("hi @anna !", 9));
    }

    fn tab(text: &str, last: Option<Completion>) -> Option<Completion> {
        let names = ["ana", "Anton", "小龙", "小李", "bo"].map(String::from);
        let rooms = ["lobby", "茶道", "tea"].map(String::from);
        let candidates = Candidates { names: &names, rooms: &rooms, commands: &["join", "leave", "me"] };
        let caret = text.find('|').expect("the text shows its caret");
        let text = text.replace('|', "");
        complete(&text, caret, last, candidates)
    }

    fn check(text: &str, expected: &str) {
        let shown = tab(text, None).map(|done| {
            let mut shown = done.text;
            shown.insert(done.caret, '|');
            shown
        });
        assert_eq!(shown.as_deref().unwrap_or("nothing"), expected, "{text:?}");
    }

    #[test]
    fn names_commands_and_rooms() {
        check("an|", "ana: |");
        check("hello AN|", "hello ana |");
        check("@an|", "@ana |");
        check("你好@小|", "你好@小龙 |");
        check("你好 小李|，喝茶", "你好 小李 |，喝茶");
        check("/j|", "/join |");
        check("x /j|", "nothing");
        check("/join t|", "/join tea|");
        check("/join #茶|", "/join 茶道|");
        check("see #lo|", "see #lobby |");
        check("@|", "@ana |");
        check("|", "nothing");
        check("hello |", "nothing");
        check("zzz|", "nothing");
        check("🍵 b|", "🍵 bo |");
    }

    #[test]
    fn again_takes_the_next_and_comes_round() {
        let first = tab("hi @an| there", None).expect("a completion");
        assert_eq!(first.text, "hi @ana  there");
        let again = |last: &Completion| {
            let mut shown = last.text.clone();
            shown.insert(last.caret, '|');
            tab(&shown, Some(last.clone())).expect("a completion")
        };
        let second = again(&first);
        assert_eq!(second.text, "hi @Anton  there");
        assert_eq!(again(&second).text, first.text);
    }

    #[test]
    fn typing_in_between_starts_anew() {
        let first = tab("@an|", None).expect("a completion");
        assert_eq!(tab("@ana bo|", Some(first)).expect("a completion").text, "@ana bo ");
    }

    #[test]
    fn carets_are_counted_both_ways() {
        let text = "a茶🍵b";
        for (units, bytes) in [(0, 0), (1, 1), (2, 4), (4, 8), (5, 9)] {
            assert_eq!(bytes_from_utf16(text, units), bytes);
            assert_eq!(utf16_from_bytes(text, bytes), units);
        }
        assert_eq!(bytes_from_utf16(text, 3), 4, "inside the pair: before it");
        assert_eq!(bytes_from_utf16(text, 99), 9);
    }
}
