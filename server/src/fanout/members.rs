use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use teahouse_protocol::MemberName;

use crate::state::UserId;

/// The members of a room, sorted when they come and not when somebody asks.
#[derive(Debug, Default)]
pub struct Members {
    names: BTreeMap<UserId, MemberName>,
    by_name: BTreeSet<(MemberName, UserId)>,
}

impl Members {
    /// Adds somebody, or gives a new name to somebody who is there.
    pub(super) fn add(&mut self, id: UserId, name: MemberName) {
        if let Some(before) = self.names.insert(id, name.clone()) {
            self.by_name.remove(&(before, id));
        }
        self.by_name.insert((name, id));
    }

    /// Takes somebody away.
    pub(super) fn remove(&mut self, id: UserId) {
        if let Some(name) = self.names.remove(&id) {
            self.by_name.remove(&(name, id));
        }
    }

    /// Whether this is a member.
    pub fn contains(&self, id: UserId) -> bool {
        self.names.contains_key(&id)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Appends at most so many members to `out`, in the order of their names, from the first after `after` on.
    pub fn next_by_name(
        &self,
        after: Option<&(MemberName, UserId)>,
        most: usize,
        out: &mut Vec<(MemberName, UserId)>,
    ) {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        out.extend(self.by_name.range((from, Bound::Unbounded)).take(most).cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> MemberName {
        MemberName::parse(text).expect("legal")
    }

    #[test]
    fn members_are_in_the_order_of_their_names_whatever_happens() {
        let mut members = Members::default();
        for (id, text) in [(1, "dou"), (2, "ana"), (3, "che"), (4, "bo")] {
            members.add(UserId::of(id), name(text));
        }
        members.add(UserId::of(1), name("eva"));
        members.remove(UserId::of(3));
        members.remove(UserId::of(9));
        let mut all = Vec::new();
        loop {
            let last = all.last().cloned();
            let before = all.len();
            members.next_by_name(last.as_ref(), 2, &mut all);
            if all.len() == before {
                break;
            }
        }
        assert_eq!(
            all,
            [(name("ana"), UserId::of(2)), (name("bo"), UserId::of(4)), (name("eva"), UserId::of(1))]
        );
        assert!(members.len() == 3 && members.contains(UserId::of(1)) && !members.contains(UserId::of(3)));
    }
}
