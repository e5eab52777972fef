use teahouse_protocol::RoomName;

use super::Brain;
use crate::outbox::{LocalId, PostState};
use crate::output::Change;
use crate::store::Key;

impl Brain {
    /// The server welcomed somebody. An operation is one author's: what somebody else had sent, and what was not answered,
    /// is not sent again.
    pub(super) fn author_is(&mut self, token: Option<&str>) {
        if self.author.as_deref().is_some_and(|author| Some(author) != token) {
            self.doubt_posts();
        }
        self.author = token.map(str::to_owned);
    }

    /// The user who sent what is not answered is gone, and nobody can ask for the answer any more.
    pub(super) fn doubt_posts(&mut self) {
        self.author = None;
        for name in self.model.rooms.keys().cloned().collect::<Vec<_>>() {
            let room = self.room_entry(&name);
            // They are in the room's log, as everybody sees.
            let seen: Vec<_> = room.echoed.drain(..).map(|post| post.op).collect();
            let doubtful = room.timeline.pending.iter().filter(|post| post.may_have_arrived());
            let doubtful: Vec<LocalId> = doubtful.map(|post| post.local).collect();
            seen.into_iter().for_each(|op| self.store(&Key::Post(op), None));
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
