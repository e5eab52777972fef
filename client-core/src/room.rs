use std::sync::Arc;

use teahouse_protocol::{MemberName, RoomName, Seq, UserId};

use crate::limits::MEMBERS_LISTED_MAX;
use crate::mentions::MemberNames;
use crate::outbox::{PendingJoin, PostState};
use crate::reading::Reading;
use crate::timeline::Timeline;

/// A member of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// What everybody calls the member.
    pub name: MemberName,
    /// Whether the member is connected.
    pub online: bool,
}

/// What a user is in a room without being a member of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outside {
    /// Nothing yet: the user may read it, and join it.
    Reader,
    /// A member until another program of the user's left it.
    Left,
    /// Nothing: there is no such room.
    Missing,
}

/// A room as this client knows it.
#[derive(Debug)]
pub struct Room {
    pub(crate) name: RoomName,
    /// The server said that the user is a member.
    pub(crate) joined: bool,
    /// The user is to be a member: it is joined again where the server has forgotten that.
    pub(crate) wanted: bool,
    /// Whether joining may make it.
    pub(crate) create: bool,
    /// The user asked for it and is to hear when it is done.
    pub(crate) announce: bool,
    /// The `join` that waits or is on its way.
    pub(crate) join: Option<PendingJoin>,
    /// A `leave` is on its way.
    pub(crate) leaving: bool,
    /// What the user is there while no member.
    pub(crate) outside: Outside,
    /// The event up to which `joined` tells the truth: an older `leave` of the user is history.
    pub(crate) joined_at: Seq,
    /// It stands in the server's list.
    pub(crate) listed: bool,
    pub(crate) head: Seq,
    pub(crate) members: Vec<Member>,
    /// Those of `members`. Shared with views, which see that it changed by its address.
    member_names: Arc<MemberNames>,
    /// Whether `members` came from the server.
    pub(crate) members_known: bool,
    pub(crate) member_total: u64,
    pub(crate) timeline: Timeline,
    pub(crate) draft: String,
    /// The draft was typed in this program, and is no copy of what another one keeps.
    pub(crate) draft_is_own: bool,
    /// A `watch` is on its way.
    pub(crate) watch_asked: bool,
    pub(crate) watching: bool,
    /// Up to here events are a replay of what was missed.
    pub(crate) replay_to: Option<Seq>,
    /// After which event one was missing when the room was last watched anew for that.
    pub(crate) hole_after: Option<Seq>,
    pub(crate) reading: Reading,
    /// The event to be shown, which is to be read once that is possible.
    pub(crate) show: Option<Seq>,
}

impl Room {
    pub(crate) fn new(name: RoomName) -> Self {
        Self {
            name,
            joined: false,
            wanted: false,
            create: false,
            announce: false,
            join: None,
            leaving: false,
            outside: Outside::Reader,
            joined_at: Seq::ZERO,
            listed: false,
            head: Seq::ZERO,
            members: Vec::new(),
            member_names: Arc::default(),
            members_known: false,
            member_total: 0,
            timeline: Timeline::default(),
            draft: String::new(),
            draft_is_own: false,
            watch_asked: false,
            watching: false,
            replay_to: None,
            hole_after: None,
            reading: Reading::default(),
            show: None,
        }
    }

    /// The link is gone, and with it everything that was asked.
    pub(crate) fn unlink(&mut self) {
        if let Some(join) = &mut self.join {
            join.request = None;
        }
        self.leaving = false;
        if self.outside == Outside::Missing {
            self.outside = Outside::Reader;
        }
        self.watch_asked = false;
        self.watching = false;
        self.replay_to = None;
        self.hole_after = None;
        self.timeline.loading = None;
        for post in &mut self.timeline.pending {
            post.request = None;
            if post.state == PostState::Sent && post.landed.is_none() {
                post.state = PostState::Queued;
            }
        }
    }

    /// Its seqs mean something else now. What was acknowledged belongs to the old log; what was not is posted to the
    /// new one.
    pub(crate) fn forget_log(&mut self) {
        self.show = None;
        self.timeline.forget_log();
        let pending = &mut self.timeline.pending;
        pending.retain(|post| post.landed.is_none());
    }

    /// Whether a `join` is on its way.
    pub(crate) fn is_joining(&self) -> bool {
        self.join.as_ref().is_some_and(|join| join.request.is_some())
    }

    /// Whether it is neither watched nor about to be.
    pub(crate) fn is_unwatched(&self) -> bool {
        !self.watching && !self.watch_asked
    }

    /// Whether something of the user's would be lost with it.
    pub(crate) fn holds_words(&self) -> bool {
        !self.timeline.pending.is_empty() || !self.draft.is_empty()
    }

    /// Somebody became a member, or came online.
    pub(crate) fn member_came(&mut self, user: UserId, name: &MemberName) {
        if !self.members_known {
            return;
        }
        match self.members.iter_mut().find(|member| member.user == user) {
            Some(member) => member.online = true,
            None => {
                self.member_total += 1;
                if self.members.len() < MEMBERS_LISTED_MAX {
                    Arc::make_mut(&mut self.member_names).insert(name);
                    self.members.push(Member { user, name: name.clone(), online: true });
                }
            }
        }
        self.sort_members();
    }

    /// Somebody is a member no more.
    pub(crate) fn member_left(&mut self, user: UserId) {
        if let Some(at) = self.members.iter().position(|member| member.user == user) {
            let member = self.members.remove(at);
            Arc::make_mut(&mut self.member_names).remove(&member.name);
            self.member_total = self.member_total.saturating_sub(1);
        }
    }

    /// These are the members, as far as they are listed.
    pub(crate) fn set_members(&mut self, members: Vec<Member>) {
        let names: MemberNames = members.iter().map(|member| &member.name).collect();
        if *self.member_names != names {
            self.member_names = Arc::new(names);
        }
        self.members = members;
    }

    /// Whether this changed anything.
    pub(crate) fn presence(&mut self, user: UserId, online: bool) -> bool {
        let Some(member) = self.members.iter_mut().find(|member| member.user == user) else { return false };
        let changed = member.online != online;
        member.online = online;
        self.sort_members();
        changed
    }

    fn sort_members(&mut self) {
        self.members.sort_by(|a, b| b.online.cmp(&a.online).then_with(|| a.name.cmp(&b.name)));
    }

    /// Its handle.
    pub fn name(&self) -> &RoomName {
        &self.name
    }

    /// Whether the server has said that there is no such room, and no words of the user's wait in it.
    pub fn is_nothing(&self) -> bool {
        self.outside == Outside::Missing && !self.joined && !self.holds_words()
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
        self.reading.unread
    }

    /// Those of them that mention the user.
    pub fn mentions(&self) -> u64 {
        self.reading.mentions
    }

    /// Its members, those online first, then by name; at most [`crate::limits::MEMBERS_LISTED_MAX`].
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The names of [`Room::members`], for showing texts. Another value only when they change.
    pub fn member_names(&self) -> &Arc<MemberNames> {
        &self.member_names
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

    /// Whether a page of history is on its way.
    pub fn loading_older(&self) -> bool {
        self.timeline.loading.is_some()
    }

    /// Whether there are events before the oldest that is loaded.
    pub fn has_older(&self) -> bool {
        self.timeline.has_older()
    }
}
