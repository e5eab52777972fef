use teahouse_protocol::{MemberName, RoomName, Seq};

use crate::timeline::Timeline;

/// A member of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What everybody calls the member.
    pub name: MemberName,
    /// Whether the member is connected.
    pub online: bool,
}

/// A room as this client knows it.
#[derive(Debug)]
pub struct Room {
    name: RoomName,
    pub(crate) joined: bool,
    pub(crate) head: Seq,
    pub(crate) unread: u64,
    pub(crate) mentions: u64,
    pub(crate) members: Vec<Member>,
    pub(crate) member_total: u64,
    pub(crate) timeline: Timeline,
    pub(crate) draft: String,
    pub(crate) watching: bool,
    pub(crate) loading_older: bool,
}

impl Room {
    pub(crate) fn new(name: RoomName) -> Self {
        Self {
            name,
            joined: false,
            head: Seq::ZERO,
            unread: 0,
            mentions: 0,
            members: Vec::new(),
            member_total: 0,
            timeline: Timeline::default(),
            draft: String::new(),
            watching: false,
            loading_older: false,
        }
    }

    /// Its handle.
    pub fn name(&self) -> &RoomName {
        &self.name
    }

    /// Whether the user is a member.
    pub fn joined(&self) -> bool {
        self.joined
    }

    /// Its last event, as far as is known.
    pub fn head(&self) -> Seq {
        self.head
    }

    /// Messages of others not yet seen.
    pub fn unread(&self) -> u64 {
        self.unread
    }

    /// Those of them that mention the user.
    pub fn mentions(&self) -> u64 {
        self.mentions
    }

    /// Its members, those online first, then by name; at most [`crate::limits::MEMBERS_LISTED_MAX`].
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// How many members it has.
    pub fn member_total(&self) -> u64 {
        self.member_total
    }

    /// Its events and pending posts.
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// What stands in its composer.
    pub fn draft(&self) -> &str {
        &self.draft
    }

    /// Whether its events come as they happen.
    pub fn watching(&self) -> bool {
        self.watching
    }

    /// Whether a page of older events is on its way.
    pub fn loading_older(&self) -> bool {
        self.loading_older
    }

    /// Whether there are events before the oldest that is loaded.
    pub fn has_older(&self) -> bool {
        self.timeline.has_older()
    }
}
