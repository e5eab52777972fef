use smallvec::SmallVec;

use super::RoomId;

/// The rooms of one user, in order. Most users are in a few rooms, which lie right here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomSet(SmallVec<[RoomId; 4]>);

impl RoomSet {
    /// Adds a room. Answers whether it was not there before.
    pub fn insert(&mut self, room: RoomId) -> bool {
        match self.0.binary_search(&room) {
            Ok(_) => false,
            Err(place) => {
                self.0.insert(place, room);
                true
            }
        }
    }

    /// Takes a room away. Answers whether it was there.
    pub fn remove(&mut self, room: RoomId) -> bool {
        let found = self.0.binary_search(&room);
        if let Ok(place) = found {
            self.0.remove(place);
        }
        found.is_ok()
    }

    /// Whether a room is here.
    pub fn contains(&self, room: RoomId) -> bool {
        self.0.binary_search(&room).is_ok()
    }

    /// The rooms in order.
    pub fn iter(&self) -> impl Iterator<Item = RoomId> {
        self.0.iter().copied()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_keeps_each_room_once_and_in_order() {
        let mut rooms = RoomSet::default();
        for id in [5, 1, 9, 1, 3, 7, 5] {
            rooms.insert(RoomId(id));
        }
        assert!(!rooms.insert(RoomId(9)) && rooms.remove(RoomId(3)) && !rooms.remove(RoomId(3)));
        assert_eq!(rooms.iter().map(|room| room.0).collect::<Vec<_>>(), [1, 5, 7, 9]);
        assert!(rooms.contains(RoomId(7)) && !rooms.contains(RoomId(3)));
    }
}
