//! What must not be lost, whatever happens to link and program: it is queued, kept, sent, and sent again until it is
//! answered.

use std::collections::BTreeMap;

use teahouse_protocol::{Ack, Command, ErrorCode, ErrorReply, Join, OpId, Post, PostText, RoomName};

use super::{Asked, Brain};
use crate::input::Ticks;
use crate::limits::{BACKOFF_EARLY_FOR_MS, RETRY_AFTER_MAX_MS};
use crate::outbox::{PendingJoin, PendingPost, PostState};
use crate::output::Change;
use crate::room::Room;
use crate::store::{self, Key, StoredFailure, StoredJoin, StoredOperation, StoredPost};

impl Brain {
    /// Takes over operations that another program has left behind, but for those that are here already.
    pub(super) fn inherit(&mut self, operations: Vec<(String, String)>) {
        // In the order of their keys, they come in the order of submission.
        for (key, value) in operations.into_iter().collect::<BTreeMap<_, _>>() {
            let Some(Key::Operation(op)) = Key::parse(&key) else { continue };
            let known = |room: &Room| {
                room.timeline.pending.iter().any(|post| post.op == op)
                    || room.join.as_ref().is_some_and(|join| join.op == op)
            };
            if !self.model.rooms.values().any(known) {
                self.restore_operation(op, &value);
            }
        }
        if self.line.is_up() {
            self.author_is(self.token().as_deref());
        }
        let waiting = self.model.rooms.values().filter(|room| !room.timeline.pending.is_empty());
        self.changes.extend(waiting.map(|room| Change::Timeline(room.name.clone())));
        self.changes.insert(Change::Rooms);
        self.join_wanted();
    }

    /// Takes back what was kept. What cannot be read is dropped.
    pub(super) fn restore_operation(&mut self, op: OpId, value: &str) {
        let Some(operation) = store::decode::<StoredOperation>(value) else { return };
        self.ops.follow(&op);
        match operation {
            StoredOperation::Post(post) => self.restore_post(op, post),
            StoredOperation::Join(join) => {
                let room = self.room_entry(&join.room);
                room.wanted = true;
                room.create |= join.create;
                room.join = Some(PendingJoin { op, request: None, kept: true });
            }
        }
    }

    fn restore_post(&mut self, op: OpId, post: StoredPost) {
        let local = self.new_local();
        let author = post.author.or_else(|| self.token());
        let room = self.room_entry(&post.room);
        // What failed waits for the user, and the user may have left since.
        room.wanted |= post.failed.is_none() && !post.unknown;
        room.timeline.pending.push(PendingPost {
            local,
            text: post.text,
            action: post.action,
            at: post.at,
            state: match post.failed {
                Some(failed) => PostState::Failed {
                    code: failed.code,
                    reason: failed.reason,
                    retryable: failed.retryable,
                },
                None if post.unknown => PostState::Unknown,
                None => PostState::Queued,
            },
            op,
            request: None,
            // Only a welcome lets anything be sent, and is kept.
            tried: author.is_some(),
            author,
            user: post.user,
            landed: None,
        });
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
        self.store(&Key::Operation(post.op.clone()), Some(store::encode(&record)));
    }

    /// Queues the joining of a room. Where the user asked for it (`kept`), it outlives the program.
    pub(super) fn queue_join(&mut self, name: &RoomName, kept: bool) {
        let op = self.ops.next(self.unix, &mut self.random);
        let room = self.room_entry(name);
        let create = room.create;
        let join = room.join.get_or_insert(PendingJoin { op, request: None, kept });
        join.kept |= kept;
        if join.kept {
            let (key, record) = (Key::Operation(join.op.clone()), StoredJoin { room: name.clone(), create });
            self.store(&key, Some(store::encode(&record)));
        }
    }

    /// The user is a member, or is to be none. What is on its way is answered first.
    pub(super) fn drop_join(&mut self, name: &RoomName) {
        let room = self.model.rooms.get_mut(name).filter(|room| !room.is_joining());
        let join = room.and_then(|room| room.join.take());
        if let Some(PendingJoin { op, kept: true, .. }) = join {
            self.store(&Key::Operation(op), None);
        }
    }

    /// Joins every room that the user wants to be in and is not.
    pub(super) fn join_wanted(&mut self) {
        if !self.line.is_up() {
            return;
        }
        let missing =
            self.model.rooms.values().filter(|room| room.wanted && !room.joined && room.join.is_none());
        for name in missing.map(|room| room.name.clone()).collect::<Vec<_>>() {
            self.queue_join(&name, false);
        }
        if self.resend_at.is_none() {
            self.send_joins();
        }
    }

    /// Sends what waits, in the order of submission.
    pub(super) fn send_operations(&mut self, now: Ticks) {
        if !self.line.is_up() || self.resend_at.is_some_and(|at| now < at) {
            return;
        }
        self.send_joins();
        self.give_up_outside();
        self.send_posts(now);
    }

    fn send_joins(&mut self) {
        let rooms = self.model.rooms.values().filter(|room| room.wanted && !room.joined);
        let waits = |room: &&Room| room.join.as_ref().is_some_and(|join| join.request.is_none());
        for name in rooms.filter(waits).map(|room| room.name.clone()).collect::<Vec<_>>() {
            let room = self.room_entry(&name);
            let create = room.create;
            let Some(op) = room.join.as_ref().map(|join| join.op.clone()) else { continue };
            let command = Command::Join(Join { room: name.clone(), create });
            let id = self.ask(command, Asked::Operation { room: name.clone(), op });
            if let Some(join) = &mut self.room_entry(&name).join {
                join.request = Some(id);
            }
        }
    }

    /// Sends as many posts as the server works on at a time.
    fn send_posts(&mut self, now: Ticks) {
        // Also those whose events have come already, as long as the server has not answered.
        let is_post =
            |about: &&Asked| matches!(about, Asked::Operation { room, op } if !self.is_join(room, op));
        let in_flight = self.asked.values().filter(is_post).count();
        // What was sent behind a refused post is refused too, and then goes out again behind it.
        if self.refused.is_some() && in_flight > 0 {
            return;
        }
        let mut due = Vec::new();
        for room in self.model.rooms.values().filter(|room| room.joined) {
            let posts = room.timeline.pending.iter().filter(|post| post.waits() && post.landed.is_none());
            due.extend(posts.map(|post| (&post.op, &room.name)));
        }
        // The order of operation ids is the order of submission.
        due.sort_unstable();
        if let (Some(refused), Some((first, ..))) = (&self.refused, due.first())
            && refused != *first
        {
            // It will not come again: it was taken back, or its room is left. Only a new link goes on without it.
            return self.cut("a message that the server had refused was taken back".to_owned(), now);
        }
        due.truncate(self.limits.posts_in_flight_max.max(1).saturating_sub(in_flight));
        let due: Vec<_> = due.into_iter().map(|(op, room)| (room.clone(), op.clone())).collect();
        if !due.is_empty() {
            self.refused = None;
        }
        for (room, op) in due {
            self.send_post(&room, &op);
        }
    }

    fn send_post(&mut self, name: &RoomName, op: &OpId) {
        let author = self.token();
        let user = self.model.me.as_ref().and_then(|me| me.user);
        let Some(post) = self.find_post(name, op) else { return };
        let (local, action) = (post.local, post.action);
        let text = match PostText::parse(post.text.as_str()) {
            Ok(text) => text,
            // A restored text may break a rule, if somebody changed the store.
            Err(error) => return self.fail(name, local, ErrorCode::InvalidField, &error.to_string(), false),
        };
        let request = Post { room: name.clone(), op: Some(op.clone()), text, action };
        let id = self.ask(Command::Post(request), Asked::Operation { room: name.clone(), op: op.clone() });
        if let Some(post) = self.find_post(name, op) {
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

    /// Whether this is the joining of the room.
    fn is_join(&self, name: &RoomName, op: &OpId) -> bool {
        let join = self.model.rooms.get(name).and_then(|room| room.join.as_ref());
        join.is_some_and(|join| join.op == *op)
    }

    /// Whether this is the joining of the room, which is not on its way any more.
    fn join_answered(&mut self, name: &RoomName, op: &OpId) -> bool {
        let join = self.model.rooms.get_mut(name).and_then(|room| room.join.as_mut());
        let Some(join) = join.filter(|join| join.op == *op) else { return false };
        join.request = None;
        true
    }

    /// The server has it on disk.
    pub(super) fn operation_done(&mut self, name: &RoomName, op: &OpId, ack: &Ack) {
        self.resend_backoff.reset();
        if self.join_answered(name, op) {
            self.joined(name, ack);
        } else {
            self.acknowledged(name, op, ack);
        }
    }

    pub(super) fn operation_refused(&mut self, name: &RoomName, op: OpId, error: ErrorReply, now: Ticks) {
        let is_join = self.join_answered(name, &op);
        match (error.temporary, self.find_post(name, &op).map(|post| post.local)) {
            (true, _) => self.later(name, op, is_join, &error, now),
            (false, _) if is_join => self.join_refused(name, error),
            (false, Some(local)) => self.post_refused(name, local, &error),
            (false, None) => {}
        }
    }

    /// The server refused it for the moment: it goes out again.
    fn later(&mut self, name: &RoomName, op: OpId, is_join: bool, error: &ErrorReply, now: Ticks) {
        if !is_join {
            if let Some(post) = self.find_post(name, &op) {
                post.request = None;
                post.state = PostState::Queued;
            }
            // Also where its event has come meanwhile: the server waits for it all the same.
            self.refused.get_or_insert(op);
        }
        self.pause(error.retry_after_ms, now);
        self.change(Change::Timeline(name.clone()));
    }

    /// Sends nothing before the server is ready for it. What was sent together is refused together; one delay is enough
    /// for it, unless the server asks for a longer one.
    fn pause(&mut self, retry_after_ms: Option<u64>, now: Ticks) {
        let asked = retry_after_ms.map(|ms| now.after(ms.min(RETRY_AFTER_MAX_MS)));
        if asked.is_none() && self.resend_at.is_some() {
            return;
        }
        let at = asked.unwrap_or_else(|| {
            now.after(self.resend_backoff.next_ms(BACKOFF_EARLY_FOR_MS, &mut self.random))
        });
        self.resend_at = self.resend_at.max(Some(at));
    }
}
