use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::UserId;

/// Finds users by something that no two of them share, without keeping it a second time: a digest of it leads to the
/// few who may be meant. A tree, since people choose names, and those of a hash table could be chosen to collide.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserIndex(BTreeSet<(u64, UserId)>);

impl UserIndex {
    /// Adds a user.
    pub fn insert(&mut self, by: &impl Hash, user: UserId) {
        self.0.insert((digest(by), user));
    }

    /// Takes a user away.
    pub fn remove(&mut self, by: &impl Hash, user: UserId) {
        self.0.remove(&(digest(by), user));
    }

    /// The user who is meant, if there is one: `is` looks closely at those who may be.
    pub fn find(&self, by: &impl Hash, is: impl Fn(UserId) -> bool) -> Option<UserId> {
        self.all(by).find(|user| is(*user))
    }

    /// Those who may be meant, to be looked at closely.
    pub fn all<H: Hash>(&self, by: &H) -> impl Iterator<Item = UserId> + use<'_, H> {
        let digest = digest(by);
        self.0.range((digest, UserId::SERVER)..=(digest, UserId::MAX)).map(|(_, user)| *user)
    }
}

/// Not the hash of a `HashMap`, which differs from run to run.
fn digest(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name whose digest is that of all others.
    struct Alike;

    impl Hash for Alike {
        fn hash<H: Hasher>(&self, _: &mut H) {}
    }

    #[test]
    fn users_whose_digests_are_alike_are_told_apart() {
        let mut index = UserIndex::default();
        for id in [UserId::of(3), UserId::SERVER, UserId::MAX] {
            index.insert(&Alike, id);
        }
        index.insert(&"ana", UserId::of(4));
        for id in [UserId::SERVER, UserId::of(3), UserId::MAX] {
            assert_eq!(index.find(&Alike, |user| user == id), Some(id));
        }
        assert_eq!(index.find(&Alike, |user| user == UserId::of(4)), None);
        assert_eq!(index.find(&"ana", |_| true), Some(UserId::of(4)));
        index.remove(&Alike, UserId::of(3));
        assert_eq!(index.find(&Alike, |user| user == UserId::of(3)), None);
        assert_eq!(index.find(&"bo", |_| true), None);
    }
}
