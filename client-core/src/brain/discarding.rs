use super::Brain;
use crate::outbox::{LocalId, PendingPost};
use crate::output::{Change, Notice};
use crate::store::Key;

impl Brain {
    /// Drops a post, but no words: they go back to where they were typed, or can be had back.
    pub(super) fn discard(&mut self, local: LocalId) {
        let Some((name, at)) = self.locate(local) else { return };
        let room = self.room_entry(&name);
        let pending = &mut room.timeline.pending;
        // What is on its way cannot be taken back.
        if pending[at].request.is_some() || pending[at].landed.is_some() {
            return;
        }
        let post = pending.remove(at);
        let composer_is_empty = room.draft.is_empty();
        self.store(&Key::Operation(post.op.clone()), None);
        self.change(Change::Timeline(name.clone()));
        if composer_is_empty {
            self.draft(&name, as_typed(&post));
            self.change(Change::Draft(name));
        } else {
            self.discarded = Some((name, post));
            self.notice(Notice::Discarded);
        }
    }

    pub(super) fn undiscard(&mut self) {
        let Some((name, post)) = self.discarded.take() else { return };
        self.store_post(&name, &post);
        let room = self.room_entry(&name);
        room.wanted |= post.waits();
        let pending = &mut room.timeline.pending;
        // The order of operation ids is the order of submission.
        let at = pending.partition_point(|other| other.op < post.op);
        pending.insert(at, post);
        self.change(Change::Timeline(name));
        self.join_wanted();
    }
}

/// What one would have to type to post this.
fn as_typed(post: &PendingPost) -> String {
    match post {
        PendingPost { action: true, text, .. } => format!("/me {text}"),
        PendingPost { text, .. } if text.starts_with('/') => format!("/{text}"),
        PendingPost { text, .. } => text.clone(),
    }
}
