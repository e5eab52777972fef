use teahouse_protocol::RoomName;

use super::Brain;
use crate::outbox::{LocalId, PendingPost, PostState};
use crate::output::Change;

impl Brain {
    /// This is who posts now; `None`: nobody knows. An operation is one author's: what somebody else had sent, and what
    /// was not answered, is not sent again.
    pub(super) fn author_is(&mut self, token: Option<&str>) {
        let is_doubtful =
            |post: &PendingPost| post.may_have_arrived() && !post.rests() && post.author.as_deref() != token;
        if let Some((_, post)) = self.discarded.as_mut().filter(|(_, post)| is_doubtful(post)) {
            post.state = PostState::Unknown;
        }
        for name in self.model.rooms.keys().cloned().collect::<Vec<_>>() {
            let room = self.room_entry(&name);
            let doubtful = room.timeline.pending.iter().filter(|post| is_doubtful(post));
            let doubtful: Vec<LocalId> = doubtful.map(|post| post.local).collect();
            doubtful.into_iter().for_each(|local| self.doubt(&name, local));
        }
    }

    /// Nobody can say whether this post has arrived. Its words stay.
    pub(super) fn doubt(&mut self, name: &RoomName, local: LocalId) {
        let pending = &mut self.room_entry(name).timeline.pending;
        let Some(post) = pending.iter_mut().find(|post| post.local == local) else { return };
        post.request = None;
        post.state = PostState::Unknown;
        let post = post.clone();
        self.store_post(name, &post);
        self.change(Change::Timeline(name.clone()));
    }
}
