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
