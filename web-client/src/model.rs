//! What the views read: signals that change only where the brain's model has changed.

mod keyed;

use std::collections::BTreeSet;
use std::sync::Arc;

use leptos::prelude::*;
use teahouse_client_core::{
    Change, Connection, DrawnRows, MemberNames, Model as BrainModel, NameProblem, Notice, Room, Row,
    Standing, Ticks,
};
use teahouse_protocol::{ErrorCode, MemberName, RoomName, Seq};

pub(crate) use keyed::Keyed;

use crate::clock;
use crate::database::Health;

/// The most notices shown at a time; the oldest goes first.
const NOTICES_MAX: usize = 3;

/// How the link stands, for views.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Link {
    /// The user has to choose a name.
    NeedsName(Option<NameProblem>),
    /// It is being opened.
    Connecting,
    /// It stands.
    Online,
    /// It is gone; the next attempt comes at this time.
    Waiting { retry_at: Ticks },
    /// It is gone for good: refused with this code, or the server has said goodbye.
    Stopped(Option<ErrorCode>),
}

/// A room in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RoomLine {
    /// Its handle.
    pub(crate) name: RoomName,
    /// Whether the user is a member.
    pub(crate) joined: bool,
    /// Messages not yet seen.
    pub(crate) unread: u64,
    /// Those of them that mention the user.
    pub(crate) mentions: u64,
    /// Whether something unsent stands in its composer.
    pub(crate) drafted: bool,
}

/// The open room's timeline.
#[derive(Debug, Clone, Default)]
pub(crate) struct OpenTimeline {
    /// The open room.
    pub(crate) room: Option<RoomName>,
    /// All of its rows.
    pub(crate) rows: Arc<Vec<Arc<Row>>>,
    /// Its oldest event that is loaded.
    pub(crate) first: Option<Seq>,
    /// Whether a page of history is on its way.
    pub(crate) loading_older: bool,
    /// Whether there are older events.
    pub(crate) has_older: bool,
    /// Whether its latest page has come, so that an empty room is an empty room.
    pub(crate) loaded: bool,
    /// Its last event, once events come as they happen.
    pub(crate) head: Option<Seq>,
}

/// What the composer of the open room holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct OpenDraft {
    /// The open room.
    pub(crate) room: Option<RoomName>,
    /// Its draft.
    pub(crate) text: String,
}

/// Counts over all rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    /// Messages not yet seen.
    pub(crate) unread: u64,
    /// Those of them that mention the user.
    pub(crate) mentions: u64,
}

/// How many members the open room has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct MemberCount {
    /// In all.
    pub(crate) total: u64,
    /// In the list.
    pub(crate) listed: usize,
    /// Connected, as far as the list goes.
    pub(crate) online: usize,
}

/// A notice with a number that no other one ever has: views know it by that.
pub(crate) type NumberedNotice = (u32, Notice);

/// Whether the browser keeps data for the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// It has not said yet, so that nobody knows who the user is: the page only reads.
    NotYet,
    /// As the store says.
    Settled(Health),
}

/// Everything that views read.
#[derive(Clone, Copy)]
pub(crate) struct Model {
    /// How the link stands.
    pub(crate) link: RwSignal<Link>,
    /// Whether the offline banner is due.
    pub(crate) banner: RwSignal<bool>,
    /// What the user is called.
    pub(crate) me: RwSignal<Option<MemberName>>,
    /// The open room.
    pub(crate) active: RwSignal<Option<RoomName>>,
    /// Whether the user is a member of it.
    pub(crate) active_joined: RwSignal<bool>,
    /// What the user may do in it.
    pub(crate) standing: RwSignal<Option<Standing>>,
    /// The user's rooms.
    pub(crate) rooms: Keyed<RoomName, RoomLine>,
    /// The other rooms of the server.
    pub(crate) other_rooms: Keyed<RoomName, RoomLine>,
    /// Counts over all rooms.
    pub(crate) totals: RwSignal<Totals>,
    /// The open room's timeline.
    pub(crate) timeline: RwSignal<OpenTimeline>,
    /// The open room's members who are connected.
    pub(crate) online: Keyed<MemberName, ()>,
    /// The open room's other members.
    pub(crate) away: Keyed<MemberName, ()>,
    /// The names of the open room's members, as far as they are listed.
    pub(crate) member_names: RwSignal<Arc<MemberNames>>,
    /// How many members the open room has.
    pub(crate) member_count: RwSignal<MemberCount>,
    /// The open room's draft.
    pub(crate) draft: RwSignal<OpenDraft>,
    /// What is to be said to the user.
    pub(crate) notices: RwSignal<Vec<NumberedNotice>>,
    /// Whether the browser keeps what there is to be kept.
    pub(crate) keeping: RwSignal<Keeping>,
    /// Files were dropped or pasted, and cannot be sent.
    pub(crate) files_refused: RwSignal<bool>,
    /// Why the user is not called as the settings wanted.
    pub(crate) name_refused: RwSignal<Option<NameProblem>>,
    /// How many notices there were.
    noticed: StoredValue<u32>,
    /// The rows of the room that was drawn last.
    drawn: StoredValue<(Option<RoomName>, DrawnRows)>,
}

impl Model {
    /// Before the first refresh.
    pub(crate) fn new() -> Self {
        Self {
            link: RwSignal::new(Link::Connecting),
            banner: RwSignal::new(false),
            me: RwSignal::new(None),
            active: RwSignal::new(None),
            active_joined: RwSignal::new(false),
            standing: RwSignal::new(None),
            rooms: Keyed::new(),
            other_rooms: Keyed::new(),
            totals: RwSignal::new(Totals::default()),
            timeline: RwSignal::new(OpenTimeline::default()),
            online: Keyed::new(),
            away: Keyed::new(),
            member_names: RwSignal::default(),
            member_count: RwSignal::new(MemberCount::default()),
            draft: RwSignal::new(OpenDraft::default()),
            notices: RwSignal::new(Vec::new()),
            keeping: RwSignal::new(Keeping::NotYet),
            files_refused: RwSignal::new(false),
            name_refused: RwSignal::new(None),
            noticed: StoredValue::new(0),
            drawn: StoredValue::default(),
        }
    }

    /// Takes over what has changed.
    pub(crate) fn refresh(&self, brain: &BrainModel, changed: &BTreeSet<Change>) {
        let active = brain.active();
        let switched =
            changed.contains(&Change::Active) && self.active.with_untracked(|now| now.as_ref() != active);
        if changed.contains(&Change::Connection) {
            self.refresh_link(brain.connection());
        }
        if changed.contains(&Change::Identity) {
            put(self.me, brain.me().filter(|_| !self.is_nobody()).cloned());
        }
        if changed.contains(&Change::Rooms) {
            self.refresh_rooms(brain);
        }
        put(self.active, active.cloned());
        let room = active.and_then(|name| brain.room(name));
        put(self.active_joined, room.is_some_and(Room::joined));
        put(self.standing, brain.standing());
        // A room's loading flags change along with its timeline or the link.
        let concerns = |change: fn(RoomName) -> Change| {
            switched || active.is_some_and(|name| changed.contains(&change(name.clone())))
        };
        if concerns(Change::Members) {
            self.refresh_members(room);
        }
        if concerns(Change::Timeline) || changed.contains(&Change::Identity) {
            self.refresh_timeline(room);
        }
        if concerns(Change::Draft) {
            self.draft.set(OpenDraft {
                room: active.cloned(),
                text: room.map(|room| room.draft().to_owned()).unwrap_or_default(),
            });
        }
    }

    fn refresh_link(&self, connection: &Connection) {
        put(self.banner, connection.banner_due(clock::ticks()));
        let link = match connection {
            Connection::NeedsName { problem } => Link::NeedsName(problem.clone()),
            Connection::Connecting { .. } => Link::Connecting,
            Connection::Online => Link::Online,
            Connection::Waiting { retry_at, .. } => Link::Waiting { retry_at: *retry_at },
            Connection::Stopped { code, .. } => Link::Stopped(*code),
        };
        put(self.link, link);
    }

    fn refresh_rooms(&self, brain: &BrainModel) {
        let line = |room: &Room| {
            let name = room.name().clone();
            let line = RoomLine {
                name: name.clone(),
                joined: room.joined(),
                unread: room.unread(),
                mentions: room.mentions(),
                drafted: !room.draft().is_empty(),
            };
            (name, line)
        };
        self.rooms.update(brain.rooms().filter(|room| room.joined()).map(line));
        self.other_rooms.update(brain.rooms().filter(|room| !room.joined() && !room.is_nothing()).map(line));
        put(self.totals, Totals { unread: brain.unread_total(), mentions: brain.mentions_total() });
    }

    fn refresh_members(&self, room: Option<&Room>) {
        let members = room.map(Room::members).unwrap_or_default();
        let of = |online: bool| {
            members
                .iter()
                .filter(move |member| member.online == online)
                .map(|member| (member.name.clone(), ()))
        };
        self.online.update(of(true));
        self.away.update(of(false));
        let count = MemberCount {
            total: room.map_or(0, Room::member_total),
            listed: members.len(),
            online: members.iter().filter(|member| member.online).count(),
        };
        put(self.member_count, count);
        put(self.member_names, room.map(|room| Arc::clone(room.member_names())).unwrap_or_default());
    }

    fn refresh_timeline(&self, room: Option<&Room>) {
        self.timeline.set(match room {
            None => OpenTimeline::default(),
            Some(room) => OpenTimeline {
                room: Some(room.name().clone()),
                rows: self.draw(room),
                first: room.timeline().first_seq(),
                loading_older: room.loading_older(),
                has_older: room.has_older(),
                loaded: room.watching() || !room.timeline().is_empty(),
                head: room.watching().then(|| room.head()),
            },
        });
    }

    fn draw(&self, room: &Room) -> Arc<Vec<Arc<Row>>> {
        self.drawn
            .try_update_value(|(drawn_room, drawn)| {
                if drawn_room.as_ref() != Some(room.name()) {
                    *drawn_room = Some(room.name().clone());
                    *drawn = DrawnRows::default();
                }
                Arc::new(drawn.draw(room.timeline(), clock::offset_minutes).to_vec())
            })
            .unwrap_or_default()
    }

    /// Another brain is shown from now on.
    pub(crate) fn begin(&self, keeping: Keeping) {
        put(self.keeping, keeping);
        self.drawn.set_value(Default::default());
    }

    /// How it stands with the store, where there is one.
    pub(crate) fn storage_is(&self, health: Health) {
        if self.keeping.with_untracked(|keeping| *keeping != Keeping::NotYet) {
            put(self.keeping, Keeping::Settled(health));
        }
    }

    /// Whether nobody knows yet who the user is.
    pub(crate) fn is_nobody(&self) -> bool {
        self.keeping.get_untracked() == Keeping::NotYet
    }

    /// The text that these notices were about is being changed.
    pub(crate) fn text_changes(&self) {
        if self.notices.with_untracked(|notices| notices.iter().any(|(_, notice)| notice.is_about_draft())) {
            self.notices.update(|notices| notices.retain(|(_, notice)| !notice.is_about_draft()));
        }
    }

    /// Somebody wants to send files.
    pub(crate) fn files_refused(&self) {
        self.files_refused.set(true);
    }

    /// Takes all notices away. Answers whether there was one.
    pub(crate) fn clear_notices(&self) -> bool {
        let some = self.files_refused.get_untracked() || self.notices.with_untracked(|all| !all.is_empty());
        if some {
            put(self.files_refused, false);
            self.notices.update(Vec::clear);
        }
        some
    }

    /// Shows a notice.
    pub(crate) fn notice(&self, notice: Notice) {
        let number = self.noticed.get_value().wrapping_add(1);
        self.noticed.set_value(number);
        self.notices.update(|notices| {
            notices.retain(|(_, shown)| *shown != notice);
            notices.push((number, notice));
            let surplus = notices.len().saturating_sub(NOTICES_MAX);
            notices.drain(..surplus);
        });
    }
}

/// Sets a signal where its value is another one.
pub(crate) fn put<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.try_with_untracked(|now| *now != value) == Some(true) {
        signal.set(value);
    }
}
