use std::collections::BTreeMap;

use teahouse_protocol::{Ack, Command, ErrorCode, ErrorReply, OpId, Post, PostText, RoomName, Seq};

use super::{Asked, Brain};
use crate::input::{Now, Ticks};
use crate::limits::{BACKOFF_EARLY_FOR_MS, OUTBOX_BYTES_MAX, OUTBOX_POSTS_MAX, RETRY_AFTER_MAX_MS};
use crate::outbox::{LocalId, PendingPost, PostState};
use crate::output::{Change, Notice};
use crate::room::Room;
use crate::store::{self, Key, StoredFailure, StoredPost};
use crate::timeline::TimelineEvent;

impl Brain {
    /// Takes over posts that another program has left behind, but for those that are here already.
    pub(super) fn inherit(&mut self, posts: Vec<(String, String)>) {
        // In the order of their keys, posts come in the order of submission.
        for (key, value) in posts.into_iter().collect::<BTreeMap<_, _>>() {
            let Some(Key::Post(op)) = Key::parse(&key) else { continue };
            let known = |room: &Room| room.timeline.pending.iter().any(|post| post.op == op);
            if !self.model.rooms.values().any(known) {
                self.restore(Key::Post(op), &value);
            }
        }
        if self.link.is_up() {
            self.author_is(self.token().as_deref());
        }
        let waiting = self.model.rooms.values().filter(|room| !room.timeline.pending.is_empty());
        self.changes.extend(waiting.map(|room| Change::Timeline(room.name.clone())));
        self.changes.insert(Change::Rooms);
        self.join_wanted();
    }

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

    pub(super) fn store_post(&mut self, room: &RoomName, post: &PendingPost) {
        let failed = match &post.state {
            PostState::Failed { code, reason, retryable } => {
                Some(StoredFailure { code: *code, reason: reason.clone(), retryable: *retryable })
            }
            PostState::Queued | PostState::Sent | PostState::Unknown => None,
        };
        let record = StoredPost {
            room: room.clone(),
            text: post.text.clone(),
            action: post.action,
            at: post.at,
            failed,
            unknown: post.state == PostState::Unknown,
            author: post.author.clone(),
            user: post.user,
        };
        self.store(&Key::Post(post.op.clone()), Some(store::encode(&record)));
    }

    /// Sends what waits, in the order of submission, as far as the server works on posts at a time.
    pub(super) fn send_posts(&mut self, now: Ticks) {
        if !self.link.is_up() || self.resend_at.is_some_and(|at| now < at) {
            return;
        }
        self.give_up_outside();
        let in_flight = self.asked.values().filter(|asked| matches!(asked, Asked::Post { .. })).count();
        // What was sent behind a refused post is refused too, and then goes out again behind it.
        if self.refused.is_some() && in_flight > 0 {
            return;
        }
        let mut due = Vec::new();
        for room in self.model.rooms.values().filter(|room| room.joined) {
            let posts = room.timeline.pending.iter().filter(|post| post.waits() && post.landed.is_none());
            due.extend(posts.map(|post| (&post.op, &room.name, post.local)));
        }
        // The order of operation ids is the order of submission.
        due.sort_unstable();
        if let (Some(refused), Some((first, ..))) = (&self.refused, due.first())
            && refused != *first
        {
            // It will not come again: it was taken back, or its room is left. Only a new link goes on without it.
            return self.cut("a message that the server had refused was taken back", now);
        }
        due.truncate(self.limits.posts_in_flight_max.max(1).saturating_sub(in_flight));
        let due: Vec<_> = due.into_iter().map(|(_, room, local)| (room.clone(), local)).collect();
        if !due.is_empty() {
            self.refused = None;
        }
        for (room, local) in due {
            self.send_post(&room, local);
        }
    }

    fn send_post(&mut self, name: &RoomName, local: LocalId) {
        let (request, op) = {
            let Some(post) = self.find_post(name, local) else { return };
            let op = post.op.clone();
            let text = PostText::parse(post.text.as_str());
            let request = Post {
                room: name.clone(),
                op: Some(op.clone()),
                // A restored text may break a rule, if somebody changed the store.
                text: match text {
                    Ok(text) => text,
                    Err(error) => {
                        let reason = error.to_string();
                        return self.fail(name, local, ErrorCode::InvalidField, &reason, false);
                    }
                },
                action: post.action,
            };
            (request, op)
        };
        let id = self.ask(Command::Post(request), Asked::Post { room: name.clone(), local, op });
        let author = self.token();
        let user = self.model.me.as_ref().and_then(|me| me.user);
        if let Some(post) = self.find_post(name, local) {
            post.request = Some(id);
            post.tried = true;
            post.state = PostState::Sent;
            if (&post.author, post.user) != (&author, user) {
                (post.author, post.user) = (author, user);
                let post = post.clone();
                self.store_post(name, &post);
            }
        }
        self.change(Change::Timeline(name.clone()));
    }

    fn find_post(&mut self, name: &RoomName, local: LocalId) -> Option<&mut PendingPost> {
        let room = self.model.rooms.get_mut(name)?;
        room.timeline.pending.iter_mut().find(|post| post.local == local)
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
            self.store(&Key::Post(post.op), None);
        }
        Some(post.local)
    }

    pub(super) fn acknowledged(&mut self, name: &RoomName, local: LocalId, ack: &Ack) {
        self.resend_backoff.reset();
        let Some(room) = self.model.rooms.get_mut(name) else { return };
        let Some(at) = room.timeline.pending.iter().position(|post| post.local == local) else { return };
        let post = &mut room.timeline.pending[at];
        let op = post.op.clone();
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
        self.store(&Key::Post(op), None);
        self.change(Change::Timeline(name.clone()));
    }

    /// Acknowledged posts whose events are further back than what is loaded leave the end of the timeline.
    pub(super) fn settle_landed(&mut self, name: &RoomName) {
        let timeline = &mut self.room_entry(name).timeline;
        let last = timeline.last_seq().unwrap_or(Seq::ZERO).max(timeline.cursor());
        timeline.pending.retain(|post| post.landed.is_none_or(|seq| seq > last));
    }

    pub(super) fn post_refused(
        &mut self,
        name: &RoomName,
        local: LocalId,
        op: OpId,
        error: &ErrorReply,
        now: Ticks,
    ) {
        if error.temporary {
            if let Some(post) = self.find_post(name, local) {
                post.request = None;
                post.state = PostState::Queued;
            }
            // Also where its event has come meanwhile: the server waits for it all the same.
            self.refused.get_or_insert(op);
            self.pause_posts(error.retry_after_ms, now);
            return self.change(Change::Timeline(name.clone()));
        }
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

    /// Sends no post before the server is ready for it. Those sent together are refused together; one delay is enough
    /// for them, unless the server asks for a longer one.
    pub(super) fn pause_posts(&mut self, retry_after_ms: Option<u64>, now: Ticks) {
        let asked = retry_after_ms.map(|ms| now.after(ms.min(RETRY_AFTER_MAX_MS)));
        if asked.is_none() && self.resend_at.is_some() {
            return;
        }
        let at = asked.unwrap_or_else(|| {
            now.after(self.resend_backoff.next_ms(BACKOFF_EARLY_FOR_MS, &mut self.random))
        });
        self.resend_at = self.resend_at.max(Some(at));
    }

    fn fail(&mut self, name: &RoomName, local: LocalId, code: ErrorCode, reason: &str, retryable: bool) {
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
    fn give_up_outside(&mut self) {
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
        self.store(&Key::Post(old), None);
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
