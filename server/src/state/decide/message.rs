//! What is written in rooms.

use teahouse_protocol::{EventKind, OpId};

use super::{Author, Change, Draft, Outcome, Records, Rejection, RoomId, UserId, event};
use crate::state::{Deed, Work};

impl Draft<'_> {
    pub(super) fn post(
        &mut self,
        records: &dyn Records,
        id: UserId,
        room: RoomId,
        kind: EventKind,
        op: Option<&OpId>,
    ) -> Result<Outcome, Rejection> {
        let place = self.model.room(room);
        if let Some(made) = op.and_then(|op| records.made_by(id, op)) {
            let place = place.filter(|_| made.work == Work::Post && made.room == room);
            let name = place.ok_or(Rejection::OpReused)?.name.clone();
            return Ok(Outcome::Done { room, name, seq: Some(made.seq) });
        }
        let user = self.permit(Deed::Post, id, Some(room))?;
        let place = place.ok_or(Rejection::RoomGone)?;
        if !place.written {
            self.changes.push(Change::RoomWritten { id: room });
        }
        let seq = place.head.next();
        let posted = event(self.at, room, seq, Author::new(id, user), kind, op.cloned());
        self.changes.push(Change::Event(posted));
        Ok(Outcome::Done { room, name: place.name.clone(), seq: Some(seq) })
    }
}
