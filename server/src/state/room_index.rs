use std::collections::BTreeMap;

use smallvec::SmallVec;
use teahouse_protocol::{NameKey, RoomName};

use super::RoomId;

/// Finds rooms by their handles and whatever looks like them. Rules about names have become stricter, so a few old
/// rooms may look alike: the older one is found by every spelling but the younger one's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomIndex(BTreeMap<NameKey, SmallVec<[RoomId; 1]>>);

impl RoomIndex {
    /// Adds a room.
    pub fn insert(&mut self, name: &RoomName, room: RoomId) {
        for key in name.keys().iter() {
            let alike = self.0.entry(key.clone()).or_default();
            if let Err(place) = alike.binary_search(&room) {
                alike.insert(place, room);
            }
        }
    }

    /// Takes a room away.
    pub fn remove(&mut self, name: &RoomName, room: RoomId) {
        for key in name.keys().iter() {
            if let Some(alike) = self.0.get_mut(key) {
                alike.retain(|other| *other != room);
                if alike.is_empty() {
                    self.0.remove(key);
                }
            }
        }
    }

    /// The room that is meant, if there is one; `name_of` gives a room's handle.
    pub fn find<'a>(&self, name: &RoomName, name_of: impl Fn(RoomId) -> &'a RoomName) -> Option<RoomId> {
        let keys = name.keys();
        let alike = || keys.iter().filter_map(|key| self.0.get(key)).flatten().copied();
        alike().find(|room| name_of(*room) == name).or_else(|| alike().min())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_rooms_that_look_alike_the_older_one_is_meant() {
        let names = ["tea", "TEA", "Tea"].map(|name| RoomName::parse(name).expect("legal"));
        let name_of = |room: RoomId| &names[room.0 as usize];
        let mut index = RoomIndex::default();
        index.insert(&names[1], RoomId(1));
        index.insert(&names[0], RoomId(0));
        let find = |index: &RoomIndex, at: usize| index.find(&names[at], name_of).map(|room| room.0);
        assert_eq!([0, 1, 2].map(|at| find(&index, at)), [Some(0), Some(1), Some(0)]);
        index.remove(&names[0], RoomId(0));
        assert_eq!([0, 1, 2].map(|at| find(&index, at)), [Some(1); 3]);
        index.remove(&names[1], RoomId(1));
        assert_eq!(index, RoomIndex::default());
    }
}
