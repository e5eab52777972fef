//! What becomes of a proposal.

mod arrive;
mod message;
mod room;

use std::collections::BTreeMap;

use teahouse_protocol::{EventKind, MemberName, OpId, Seq, UnixMillis};

use crate::state::{
    Action, Change, Decision, Deed, Model, Outcome, Proposal, Records, Rejection, RoomId, StoredEvent, User,
    UserId, permit,
};

/// Decides one proposal. Nothing is changed by that: whoever wants it so absorbs the changes and writes them.
pub fn decide(model: &Model, records: &dyn Records, proposal: &Proposal) -> Result<Decision, Rejection> {
    let mut draft = Draft::new(model, proposal.at);
    let by = proposal.by;
    let outcome = match &proposal.action {
        Action::Found => draft.found(),
        Action::DropEmptyRooms => Ok(draft.drop_empty_rooms()),
        Action::Begin => Ok(draft.begin()),
        Action::ArriveAsGuest { name, keep, token, from } => {
            draft.arrive_as_guest(name.as_ref(), *keep, *token, *from)
        }
        Action::ArriveWithToken { token } => draft.arrive_with_token(token),
        Action::Come => Ok(draft.come(by)),
        Action::Go { from } => Ok(draft.go(by, *from)),
        Action::Depart { since } => Ok(draft.depart(by, *since)),
        Action::Rename { name, from } => draft.rename(by, name, *from),
        Action::SignOut => draft.sign_out(by),
        Action::Join { room, create } => draft.join(by, room, *create),
        Action::Leave { room } => draft.leave(by, *room),
        Action::Post { room, text, action } => {
            let kind = EventKind::Post { text: text.as_str().into(), action: *action };
            draft.post(records, by, *room, kind, proposal.op.as_ref())
        }
    }?;
    Ok(Decision { outcome, changes: draft.changes })
}

/// Decides a proposal, and has the model absorb what that changes.
pub fn apply(model: &mut Model, records: &dyn Records, proposal: &Proposal) -> Result<Decision, Rejection> {
    let decision = decide(model, records, proposal)?;
    decision.changes.iter().for_each(|change| model.absorb(change));
    Ok(decision)
}

/// What is decided of a proposal so far. The model stays as it is.
struct Draft<'a> {
    model: &'a Model,
    at: UnixMillis,
    /// The last events of rooms in which something happens.
    heads: BTreeMap<RoomId, Seq>,
    changes: Vec<Change>,
}

/// Who does something in a room.
#[derive(Clone)]
struct Author {
    id: UserId,
    name: MemberName,
    renamed: bool,
}

impl Author {
    /// A user as the author of what comes.
    fn new(id: UserId, user: &User) -> Self {
        Self { id, name: user.name.clone(), renamed: user.renamed }
    }
}

impl<'a> Draft<'a> {
    fn new(model: &'a Model, at: UnixMillis) -> Self {
        Self { model, at, heads: BTreeMap::new(), changes: Vec::new() }
    }

    /// The user, if it may do this.
    fn permit(&self, deed: Deed, id: UserId, room: Option<RoomId>) -> Result<&'a User, Rejection> {
        permit(deed, self.model.standing(id, room))?;
        self.model.user(id).ok_or(Rejection::UserGone)
    }

    /// Something happens in a room, of which it may be the beginning.
    fn happen(&mut self, room: RoomId, by: Author, kind: EventKind) -> Seq {
        let before = || self.model.room(room).map_or(Seq::ZERO, |room| room.head);
        let head = self.heads.entry(room).or_insert_with(before);
        *head = head.next();
        let seq = *head;
        self.changes.push(Change::Event(event(self.at, room, seq, by, kind, None)));
        seq
    }
}

fn event(
    at: UnixMillis,
    room: RoomId,
    seq: Seq,
    by: Author,
    kind: EventKind,
    op: Option<OpId>,
) -> StoredEvent {
    let Author { id: by, name: by_name, renamed } = by;
    StoredEvent { room, seq, at, by, by_name, renamed, kind, op }
}
