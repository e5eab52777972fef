use teahouse_protocol::{Ack, ErrorCode, ErrorReply, OpId, PostText, RoomName, Seq};

use super::Brain;
use crate::input::Now;
use crate::limits::{OUTBOX_BYTES_MAX, OUTBOX_POSTS_MAX};
use crate::outbox::{LocalId, PendingPost, PostState};
use crate::output::{Change, Notice};
use crate::room::Room;
use crate::store::Key;
use crate::timeline::TimelineEvent;

impl Brain {
    /// Queues a post. Says whether it was taken.
    pub(super) fn post(&mut self, name: &RoomName, text: &str, action: bool, now: Now) -> bool {
        let text = text.trim_end();
        if let Err(reason) = PostText::parse(text) {
            self.notice(Notice::BadText { reason });
            return false;
        }
        if !self.model.membership_known && self.model.active.as_ref() == Some(name) {
            // The server has not yet said where the user is; whoever writes in a room wants to be in it.
            self.room_entry(name).wanted = true;
        }
        if !self.model.room(name).is_some_and(|room| room.joined || room.wanted) {
            self.notice(Notice::NotMember { room: name.clone() });
            return false;
        }
        let rooms = || self.model.rooms.values();
        let posts = || rooms().flat_map(|room| &room.timeline.pending);
        if posts().count() >= OUTBOX_POSTS_MAX
            || posts().map(|post| post.text.len()).sum::<usize>() + text.len() > OUTBOX_BYTES_MAX
        {
            self.notice(Notice::OutboxFull);
            return false;
        }
        let post = PendingPost {
            local: self.new_local(),
            text: text.to_owned(),
            action,
            at: now.unix,
            state: PostState::Queued,
            op: self.ops.next(now.unix, &mut self.random),
            request: None,
            tried: false,
            author: self.token(),
            user: None,
            landed: None,
        };
        self.store_post(name, &post);
        self.room_entry(name).timeline.pending.push(post);
        self.change(Change::Timeline(name.clone()));
        true
    }

    pub(super) fn find_post(&mut self, name: &RoomName, op: &OpId) -> Option<&mut PendingPost> {
        let room = self.model.rooms.get_mut(name)?;
        room.timeline.pending.iter_mut().find(|post| post.op == *op)
    }

    /// The pending post that this event is: the one that was acknowledged with its seq, or whose operation it carries.
    /// That is an acknowledgement too, should the other have been lost.
    pub(super) fn take_echo(
        &mut self,
        name: &RoomName,
        event: &TimelineEvent,
        op: Option<&OpId>,
    ) -> Option<LocalId> {
        let pending = &mut self.model.rooms.get_mut(name)?.timeline.pending;
        let at = pending.iter().position(|post| {
            post.landed == Some(event.seq) || op.is_some_and(|op| post.became(event.user, op))
        })?;
        let post = pending.remove(at);
        if post.landed.is_none() {
            self.resend_backoff.reset();
            self.store(&Key::Operation(post.op), None);
        }
        Some(post.local)
    }

    pub(super) fn acknowledged(&mut self, name: &RoomName, op: &OpId, ack: &Ack) {
        let Some(room) = self.model.rooms.get_mut(name) else { return };
        let Some(at) = room.timeline.pending.iter().position(|post| post.op == *op) else { return };
        let post = &mut room.timeline.pending[at];
        let local = post.local;
        post.request = None;
        match ack.seq {
            Some(seq) if seq > room.timeline.cursor() && !room.timeline.contains(seq) => {
                let post = &mut room.timeline.pending[at];
                post.landed = Some(seq);
                post.state = PostState::Sent;
            }
            seq => {
                room.timeline.pending.remove(at);
                if let Some(event) = seq.and_then(|seq| room.timeline.event_mut(seq)) {
                    event.local = event.local.or(Some(local));
                }
            }
        }
        self.store(&Key::Operation(op.clone()), None);
        self.change(Change::Timeline(name.clone()));
    }

    /// Acknowledged posts whose events are further back than what is loaded leave the end of the timeline.
    pub(super) fn settle_landed(&mut self, name: &RoomName) {
        let timeline = &mut self.room_entry(name).timeline;
        let last = timeline.last_seq().unwrap_or(Seq::ZERO).max(timeline.cursor());
        timeline.pending.retain(|post| post.landed.is_none_or(|seq| seq > last));
    }

    /// The server will never take it.
    pub(super) fn post_refused(&mut self, name: &RoomName, local: LocalId, error: &ErrorReply) {
        let hopeless = matches!(
            error.code,
            ErrorCode::Malformed | ErrorCode::UnknownType | ErrorCode::InvalidField | ErrorCode::FrameTooLong
        );
        self.fail(name, local, error.code, &error.message, !hopeless);
        if matches!(error.code, ErrorCode::NotMember | ErrorCode::NoSuchRoom) {
            let room = self.room_entry(name);
            room.joined = false;
            room.wanted = false;
            self.change(Change::Rooms);
        }
    }

    pub(super) fn fail(
        &mut self,
        name: &RoomName,
        local: LocalId,
        code: ErrorCode,
        reason: &str,
        retryable: bool,
    ) {
        let Some(room) = self.model.rooms.get_mut(name) else { return };
        let Some(post) = room.timeline.pending.iter_mut().find(|post| post.local == local) else { return };
        post.request = None;
        post.state = PostState::Failed { code: Some(code), reason: reason.to_owned(), retryable };
        let post = post.clone();
        self.store_post(name, &post);
        self.change(Change::Timeline(name.clone()));
    }

    /// Nothing waits in a room where the user is no member and is to be none: the user may have left it elsewhere, and says
    /// what becomes of it.
    pub(super) fn give_up_outside(&mut self) {
        let outside = |room: &&Room| !room.joined && !room.wanted;
        let waits = |room: &&Room| {
            let mut pending = room.timeline.pending.iter();
            pending.any(|post| post.waits() && post.landed.is_none())
        };
        let rooms = self.model.rooms.values().filter(outside).filter(waits);
        for name in rooms.map(|room| room.name.clone()).collect::<Vec<_>>() {
            self.fail_waiting(&name, ErrorCode::NotMember, "no member of this room");
        }
    }

    /// The room of these posts cannot be joined.
    pub(super) fn fail_waiting(&mut self, name: &RoomName, code: ErrorCode, reason: &str) {
        let pending = &self.room_entry(name).timeline.pending;
        let waiting: Vec<(LocalId, bool)> = pending
            .iter()
            .filter(|post| post.waits() && post.landed.is_none())
            .map(|post| (post.local, post.may_have_arrived()))
            .collect();
        for (local, may_have_arrived) in waiting {
            if may_have_arrived {
                self.doubt(name, local);
            } else {
                self.fail(name, local, code, reason, true);
            }
        }
    }

    /// A refusal is definite, and where nothing is known the user decides: the post goes out anew, with another operation
    /// id and at the end.
    pub(super) fn retry(&mut self, local: LocalId, now: Now) {
        let Some((name, at)) = self.locate(local) else { return };
        let op = self.ops.next(now.unix, &mut self.random);
        let author = self.token();
        let room = self.room_entry(&name);
        let state = &room.timeline.pending[at].state;
        if !matches!(state, PostState::Failed { retryable: true, .. } | PostState::Unknown) {
            return;
        }
        let mut post = room.timeline.pending.remove(at);
        room.wanted = true;
        let old = std::mem::replace(&mut post.op, op);
        post.state = PostState::Queued;
        post.tried = false;
        post.author = author;
        post.user = None;
        room.timeline.pending.push(post.clone());
        self.store(&Key::Operation(old), None);
        self.store_post(&name, &post);
        self.change(Change::Timeline(name));
        self.join_wanted();
    }

    pub(super) fn locate(&self, local: LocalId) -> Option<(RoomName, usize)> {
        self.model.rooms.values().find_map(|room| {
            let at = room.timeline.pending.iter().position(|post| post.local == local)?;
            Some((room.name.clone(), at))
        })
    }
}
