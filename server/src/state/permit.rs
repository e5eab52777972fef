//! Who may do what: asked by [`super::decide`] before something is written, and by whoever reads for somebody.

use super::Rejection;

/// How somebody stands to the house, and to the room where it is about one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Holds no name, or none any more.
    Nobody,
    /// Holds a name, and is no member of the room.
    Visitor,
    /// Is a member of the room.
    Member,
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Be called something else.
    Rename,
    /// Be nobody.
    SignOut,
    /// List the rooms.
    ListRooms,
    /// Become a member.
    Join,
    /// Be a member no more.
    Leave,
    /// Write.
    Post,
    /// See events as they happen, and those that were missed.
    Watch,
    /// Read what was written before.
    ReadHistory,
    /// List the members.
    ListMembers,
}

/// The table.
pub fn permit(deed: Deed, standing: Standing) -> Result<(), Rejection> {
    match (standing, deed) {
        (Standing::Nobody, _) => Err(Rejection::UserGone),
        (Standing::Visitor, Deed::Post) => Err(Rejection::NotMember),
        (
            Standing::Visitor,
            Deed::Rename
            | Deed::SignOut
            | Deed::ListRooms
            | Deed::Join
            | Deed::Leave
            | Deed::Watch
            | Deed::ReadHistory
            | Deed::ListMembers,
        )
        | (Standing::Member, _) => Ok(()),
    }
}

/// Which events of a room somebody may read. Whoever reads for somebody asks for it, and looks at what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// All of them, those to come included, for as long as the reader holds a name.
    Whole,
}

impl Sight {
    /// What somebody sees who stands so.
    pub fn of(deed: Deed, standing: Standing) -> Result<Self, Rejection> {
        permit(deed, standing).map(|()| Self::Whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_nobody_may_nothing_and_only_members_post() {
        let deeds = [
            Deed::Rename,
            Deed::SignOut,
            Deed::ListRooms,
            Deed::Join,
            Deed::Leave,
            Deed::Post,
            Deed::Watch,
            Deed::ReadHistory,
            Deed::ListMembers,
        ];
        for deed in deeds {
            assert_eq!(permit(deed, Standing::Nobody), Err(Rejection::UserGone), "{deed:?}");
            assert_eq!(permit(deed, Standing::Member), Ok(()), "{deed:?}");
            assert_eq!(permit(deed, Standing::Visitor).is_err(), deed == Deed::Post, "{deed:?}");
        }
    }
}
