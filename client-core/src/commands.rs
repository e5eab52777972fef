/// What may follow a slash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SlashCommand {
    /// `/join NAME`: join a room, or make it, and open it.
    Join,
    /// `/leave`: stop being a member of this room.
    Leave,
    /// `/me TEXT`: tell what one does.
    Me,
    /// `/name NAME`: be called something else.
    Name,
    /// `/rooms`: which rooms there are.
    Rooms,
    /// `/who`: who is in this room.
    Who,
    /// `/help`: which commands there are.
    Help,
}

impl SlashCommand {
    /// Every command, in the order of help.
    pub const ALL: [Self; 7] =
        [Self::Join, Self::Leave, Self::Me, Self::Name, Self::Rooms, Self::Who, Self::Help];

    /// As it is typed, without the slash.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Join => "join",
            Self::Leave => "leave",
            Self::Me => "me",
            Self::Name => "name",
            Self::Rooms => "rooms",
            Self::Who => "who",
            Self::Help => "help",
        }
    }

    /// What it needs, for views to say in the reader's language; `None`: nothing.
    pub const fn argument(self) -> Option<Argument> {
        match self {
            Self::Join => Some(Argument::Room),
            Self::Me => Some(Argument::Text),
            Self::Name => Some(Argument::Name),
            Self::Leave | Self::Rooms | Self::Who | Self::Help => None,
        }
    }
}

/// What a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Argument {
    /// A room.
    Room,
    /// Words.
    Text,
    /// A member's name.
    Name,
}

/// What a finished line of the composer is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// A message, as it is to be posted.
    Text(&'a str),
    /// A command with what followed it, spaces around it removed.
    Command(SlashCommand, &'a str),
    /// A slash and a word that is no command.
    Unknown(&'a str),
}

/// Reads a line. `//text` is the message `/text`.
pub(crate) fn parse(line: &str) -> Line<'_> {
    let Some(after) = line.strip_prefix('/') else { return Line::Text(line) };
    if after.starts_with('/') {
        return Line::Text(after);
    }
    let end = after.find(char::is_whitespace).unwrap_or(after.len());
    let (word, rest) = after.split_at(end);
    let command = SlashCommand::ALL.into_iter().find(|command| command.word().eq_ignore_ascii_case(word));
    match command {
        Some(command) => Line::Command(command, rest.trim()),
        None => Line::Unknown(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_messages_commands_or_mistakes() {
        use SlashCommand::*;
        for (line, expected) in [
            ("hi", Line::Text("hi")),
            (" /me", Line::Text(" /me")),
            ("//etc/passwd", Line::Text("/etc/passwd")),
            ("/join  茶馆 ", Line::Command(Join, "茶馆")),
            ("/ME waves\nagain", Line::Command(Me, "waves\nagain")),
            ("/leave", Line::Command(Leave, "")),
            ("/topic x", Line::Unknown("topic")),
            ("/", Line::Unknown("")),
            ("/ me", Line::Unknown("")),
        ] {
            assert_eq!(parse(line), expected, "{line:?}");
        }
    }
}
