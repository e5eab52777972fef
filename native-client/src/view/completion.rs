use teahouse_client_core::{Model, SlashCommand};

/// What Tab may complete.
#[derive(Debug, Default)]
pub(crate) struct Words {
    names: Vec<String>,
    rooms: Vec<String>,
}

impl Words {
    /// The names in the open room, and all rooms.
    pub(crate) fn of_model(model: &Model) -> Self {
        let names = model
            .active()
            .and_then(|name| model.room(name))
            .map(|room| room.members().iter().map(|member| member.name.to_string()).collect());
        let rooms = model.rooms().map(|room| room.name().to_string()).collect();
        Self { names: names.unwrap_or_default(), rooms }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    fn rooms(&self) -> impl Iterator<Item = &str> {
        self.rooms.iter().map(String::as_str)
    }

    #[cfg(test)]
    pub(crate) fn new(names: &[&str], rooms: &[&str]) -> Self {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Self { names: owned(names), rooms: owned(rooms) }
    }
}

/// Where the word before the cursor begins, and what it may become: commands at the start of a line, rooms after
/// `/join` or `#`, names elsewhere, with a colon when they begin the line.
pub(crate) fn completions(line: &str, words: &Words) -> (usize, Vec<String>) {
    let start = line
        .rfind(char::is_whitespace)
        .map_or(0, |at| at + line[at..].chars().next().map_or(0, char::len_utf8));
    let word = &line[start..];
    let candidates = if start == 0
        && let Some(typed) = word.strip_prefix('/')
    {
        let commands = SlashCommand::ALL.into_iter().map(SlashCommand::word);
        commands.filter(beginning(typed)).map(|word| format!("/{word} ")).collect()
    } else if let Some(typed) = word.strip_prefix('#') {
        words.rooms().filter(beginning(typed)).map(|room| format!("#{room}")).collect()
    } else if line[..start].trim_end() == "/join" {
        words.rooms().filter(beginning(word)).map(str::to_owned).collect()
    } else {
        let (at, typed) = match word.strip_prefix('@') {
            Some(typed) => ("@", typed),
            None => ("", word),
        };
        let after = if start == 0 && at.is_empty() { ": " } else { " " };
        let names = words.names().filter(|_| !word.is_empty()).filter(beginning(typed));
        names.map(|name| format!("{at}{name}{after}")).collect()
    };
    (start, candidates)
}

/// Whether a word begins with what was typed, in either case.
fn beginning(typed: &str) -> impl FnMut(&&str) -> bool + use<> {
    let typed = typed.to_lowercase();
    move |word| word.to_lowercase().starts_with(&typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tab_completes_commands_rooms_and_names() {
        let words = Words::new(&["ana", "Andy", "小明"], &["lobby", "茶馆"]);
        let check = |line: &str, start: usize, expected: &[&str]| {
            let (at, found) = completions(line, &words);
            assert_eq!(
                (at, found),
                (start, expected.iter().map(|word| (*word).to_owned()).collect()),
                "{line:?}"
            );
        };
        check("/j", 0, &["/join "]);
        check("/", 0, &["/join ", "/leave ", "/me ", "/name ", "/rooms ", "/who ", "/help "]);
        check("/join 茶", 6, &["茶馆"]);
        check("see #lo", 4, &["#lobby"]);
        check("an", 0, &["ana: ", "Andy: "]);
        check("hi @小", 3, &["@小明 "]);
        check("你好\u{3000}小", 9, &["小明 "]);
        check("", 0, &[]);
        check("x", 0, &[]);
    }
}
