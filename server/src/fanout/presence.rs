use std::collections::VecDeque;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use teahouse_protocol::{MemberName, Presence, RoomName, ServerMessage};

use super::feed::Feed;
use crate::door::Framing;
use crate::state::UserId;

/// So many comings and goings of a room wait for its watchers; older ones are dropped.
pub(super) const PRESENCES_PER_ROOM_MAX: usize = 64;
/// So many comings and goings wait in all rooms together; older ones are dropped.
const PRESENCES_MAX: usize = 16_384;
/// Comings and goings of one watched room, which take no seq and may be dropped. One for each person: the last.
#[derive(Debug, Default)]
pub(super) struct Presences {
    next: u64,
    recent: VecDeque<Noted>,
}

#[derive(Debug)]
struct Noted {
    number: u64,
    user: UserId,
    name: MemberName,
    online: bool,
}

impl Presences {
    /// The number of the next coming or going.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Notes that a member came or went, and forgets what was known of the same person. Answers the number.
    pub(super) fn note(&mut self, user: UserId, name: MemberName, online: bool) -> u64 {
        self.recent.retain(|noted| noted.user != user);
        if self.recent.len() >= PRESENCES_PER_ROOM_MAX {
            self.recent.pop_front();
        }
        let number = self.next;
        self.recent.push_back(Noted { number, user, name, online });
        self.next += 1;
        number
    }

    /// Forgets everything up to a number.
    pub(super) fn forget(&mut self, number: u64) {
        while self.recent.front().is_some_and(|noted| noted.number <= number) {
            self.recent.pop_front();
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.recent.len()
    }

    /// Forgets everything and gives back its memory.
    pub(super) fn clear(&mut self) {
        self.recent = VecDeque::new();
    }

    /// Appends what is there from number `from` on, framed; answers the next number.
    pub(super) fn read(
        &self,
        room: &RoomName,
        from: u64,
        framing: Framing,
        out: &mut VecDeque<Bytes>,
    ) -> u64 {
        let first = self.recent.partition_point(|noted| noted.number < from);
        for Noted { user, name, online, .. } in self.recent.range(first..) {
            let presence = Presence { room: room.clone(), user: *user, name: name.clone(), online: *online };
            let message = ServerMessage::Presence(presence);
            out.extend(framing.push(&message));
        }
        self.next
    }
}

/// What waits in all rooms together, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Kept(VecDeque<(Weak<Feed>, u64)>);

impl Kept {
    /// A room has noted a coming or going.
    pub(crate) fn keep(&mut self, room: &Arc<Feed>, number: u64) {
        if self.0.len() >= PRESENCES_MAX
            && let Some((room, number)) = self.0.pop_front()
            && let Some(room) = room.upgrade()
        {
            room.forget_presences(number);
        }
        self.0.push_back((Arc::downgrade(room), number));
    }
}

#[cfg(test)]
mod tests {
    use teahouse_protocol::Seq;

    use super::*;
    use crate::fanout::Tails;
    use crate::state::RoomId;

    fn name(number: u64) -> MemberName {
        MemberName::parse(&format!("guest{number}")).expect("legal")
    }

    fn read(presences: &Presences, from: u64) -> (Vec<String>, u64) {
        let mut out = VecDeque::new();
        let room = RoomName::parse("lobby").expect("legal");
        let next = presences.read(&room, from, Framing::Json, &mut out);
        (out.into_iter().map(|line| String::from_utf8(line.to_vec()).expect("UTF-8")).collect(), next)
    }

    #[test]
    fn only_the_last_of_each_person_is_kept() {
        let mut presences = Presences::default();
        for round in 0..100 {
            presences.note(UserId::of(1), name(1), round % 2 == 0);
            presences.note(UserId::of(2), name(2), true);
        }
        let (lines, next) = read(&presences, 0);
        assert_eq!(next, 200);
        assert_eq!(lines.len(), 2);
        assert!(lines[0].contains("guest1") && lines[0].contains("false"), "{lines:?}");
        assert_eq!(read(&presences, 199).0.len(), 1, "a cursor reads what it has not seen");
        assert_eq!(read(&presences, 200).0.len(), 0);
    }

    #[test]
    fn a_room_keeps_so_many_and_all_rooms_together_too() {
        let tails = Arc::new(Tails::default());
        let rooms: Vec<Arc<Feed>> = (0..1_000)
            .map(|id| {
                let name = RoomName::parse(&format!("room{id}")).expect("legal");
                Arc::new(Feed::new(RoomId(id), name, Seq::ZERO, Arc::clone(&tails)))
            })
            .collect();
        assert!(
            !rooms[0].note_presence(UserId::of(0), &name(0), true, &mut Kept::default()),
            "nobody watches"
        );
        rooms.iter().for_each(|room| room.pretend_watched());
        let mut kept = Kept::default();
        for user in 0..200 {
            for room in &rooms {
                assert!(room.note_presence(UserId::of(user), &name(user.into()), true, &mut kept));
            }
        }
        let held: usize = rooms.iter().map(|room| room.presences_held()).sum();
        assert!(held <= PRESENCES_MAX, "{held}");
        assert!(rooms.iter().all(|room| room.presences_held() <= PRESENCES_PER_ROOM_MAX));
    }
}
