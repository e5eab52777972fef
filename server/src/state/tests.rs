use std::collections::BTreeMap;

use teahouse_protocol::{EventKind, NameError, OpId, PostText};

use super::*;

fn member(name: &str) -> MemberName {
    MemberName::parse(name).expect("a legal name")
}

fn room(name: &str) -> RoomName {
    RoomName::parse(name).expect("a legal name")
}

/// Where everybody is, but for those of whom a test says otherwise.
const HERE: Address = Address::HOUSE;

/// A founded model that takes proposals a second apart.
struct World {
    model: Model,
    now: u64,
}

impl World {
    fn new() -> Self {
        let mut world = Self { model: Model::default(), now: 1_000_000 };
        world.by(SERVER_USER, Action::Found).expect("a new log is founded");
        world
    }

    fn by(&mut self, user: UserId, action: Action) -> Result<Decision, Rejection> {
        self.now += 1_000;
        apply(&mut self.model, &NoRecords, &Proposal::new(UnixMillis::new(self.now), user, action))
    }

    /// Somebody new.
    fn arrive(&mut self, name: &str, keep: bool) -> Result<UserId, Rejection> {
        match self.hello(Some(name), keep, self.token())?.outcome {
            Outcome::Arrived { user, .. } => Ok(user),
            other => panic!("{other:?}"),
        }
    }

    fn hello(&mut self, name: Option<&str>, keep: bool, token: TokenHash) -> Result<Decision, Rejection> {
        let action = Action::ArriveAsGuest { name: name.map(member), keep, token, from: HERE };
        self.by(SERVER_USER, action)
    }

    fn back(&mut self, token: TokenHash) -> Result<Decision, Rejection> {
        self.by(SERVER_USER, Action::ArriveWithToken { token })
    }

    /// The last connection of a user closed.
    fn go(&mut self, user: UserId) {
        self.by(user, Action::Go { from: Some(HERE) }).expect("anybody may go");
    }

    /// A user has been away for a lease.
    fn depart(&mut self, user: UserId) -> Vec<Change> {
        self.go(user);
        let since = UnixMillis::new(self.now);
        self.by(user, Action::Depart { since }).expect("it is not refused").changes
    }

    /// A token that nobody has.
    fn token(&self) -> TokenHash {
        let mut token = [1; 32];
        token[..8].copy_from_slice(&self.now.to_le_bytes());
        TokenHash(token)
    }

    fn name_of(&self, user: UserId) -> &str {
        self.model.user(user).expect("not gone").name.as_str()
    }

    fn join(&mut self, user: UserId, name: &str, create: bool) -> Result<(RoomId, Option<Seq>), Rejection> {
        match self.by(user, Action::Join { room: room(name), create })?.outcome {
            Outcome::Done { room, seq, .. } => Ok((room, seq)),
            other => panic!("{other:?}"),
        }
    }

    fn post(&mut self, user: UserId, room: RoomId, text: &str) -> Result<u64, Rejection> {
        let text = PostText::parse(text).expect("a legal text");
        match self.by(user, Action::Post { room, text, action: false })?.outcome {
            Outcome::Done { seq: Some(seq), .. } => Ok(seq.get()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn seqs_are_gapless_in_each_room() {
    let mut world = World::new();
    let ana = world.arrive("ana", false).unwrap();
    let (lobby, joined) = world.join(ana, "lobby", false).unwrap();
    assert_eq!(joined.map(Seq::get), Some(2), "after the create event");
    let (tea, joined) = world.join(ana, "茶", true).unwrap();
    assert_eq!(joined.map(Seq::get), Some(2));
    assert_eq!(world.post(ana, lobby, "a"), Ok(3));
    assert_eq!(world.post(ana, tea, "b"), Ok(3));
    assert_eq!(world.post(ana, lobby, "c"), Ok(4));
}

#[test]
fn joining_twice_changes_nothing_and_spelling_does_not_matter() {
    let mut world = World::new();
    let ana = world.arrive("ana", false).unwrap();
    let (lobby, _) = world.join(ana, "lobby", false).unwrap();
    assert_eq!(world.join(ana, "Lobby", true), Ok((lobby, None)));
    assert_eq!(world.join(ana, "nowhere", false), Err(Rejection::NoSuchRoom(room("nowhere"))));
}

#[test]
fn only_members_post() {
    let mut world = World::new();
    let ana = world.arrive("ana", false).unwrap();
    let (lobby, _) = world.join(ana, "lobby", false).unwrap();
    world.by(ana, Action::Leave { room: lobby }).unwrap();
    let before = world.model.clone();
    assert_eq!(world.post(ana, lobby, "hello"), Err(Rejection::NotMember));
    assert_eq!(world.model, before, "a rejection changes nothing");
}

/// What happened in rooms, in words.
fn events(changes: &[Change]) -> Vec<String> {
    let words = |change: &Change| match change {
        Change::Event(StoredEvent { room, by, by_name, kind, .. }) => {
            let what = format!("{kind:?}").to_lowercase();
            Some(format!("{}: {by_name} ({}) {what}", room.0, by.get()))
        }
        _ => None,
    };
    changes.iter().filter_map(words).collect()
}

#[test]
fn a_guest_who_is_away_gives_up_its_name_and_nothing_else() {
    let mut world = World::new();
    let token = TokenHash([7; 32]);
    world.hello(Some("ana"), false, token).unwrap();
    let first = UserId::of(1);
    let (lobby, _) = world.join(first, "lobby", false).unwrap();
    let (tea, _) = world.join(first, "茶", true).unwrap();
    let before = world.model.clone();
    assert_eq!(world.arrive("Ana", false), Err(Rejection::NameTaken(member("Ana"))), "it is here");
    assert_eq!(world.model, before, "a rejection changes nothing");

    world.go(first);
    let applied = world.hello(Some("Ana"), false, world.token()).unwrap();
    let second = UserId::of(2);
    assert_eq!(applied.outcome, Outcome::Arrived { user: second, name: member("Ana") });
    assert_eq!(
        events(&applied.changes),
        ["1: ana (1) leave", "1: 茶客1 (1) join", "2: ana (1) leave", "2: 茶客1 (1) join"]
    );
    assert!(applied.changes.contains(&Change::UserRenamed { id: first, name: member("茶客1") }));
    assert_eq!([world.name_of(first), world.name_of(second)], ["茶客1", "Ana"]);
    assert_eq!(
        world.arrive("茶客1", false),
        Err(Rejection::NameTaken(member("茶客1"))),
        "it is not called something else by each hello"
    );

    let back = world.back(token).unwrap();
    assert_eq!(back.outcome, Outcome::Arrived { user: first, name: member("茶客1") });
    assert!(world.post(first, lobby, "still here").is_ok() && world.post(first, tea, "and here").is_ok());
    assert_eq!(world.model.away(first), None, "who says hello is here");
    world.go(second);
    world.by(second, Action::Come).unwrap();
    assert_eq!(world.arrive("ana", false), Err(Rejection::NameTaken(member("ana"))), "it came back");
}

#[test]
fn a_kept_name_waits_for_whoever_came_back_once() {
    let mut world = World::new();
    let lost = world.arrive("ana", true).unwrap();
    world.go(lost);
    let ana = world.arrive("ana", true).expect("a guest in no room may have lost its welcome");
    assert!(world.model.user(lost).is_none());
    world.join(ana, "lobby", false).unwrap();
    let taken = Err(Rejection::NameTaken(member("ana")));
    world.go(ana);
    assert_eq!(world.arrive("ana", false), taken);
    world.now += UNPROVEN_NAME_MS;
    assert!(world.arrive("ana", false).is_ok(), "nobody ever came back");

    let mut world = World::new();
    let token = TokenHash([7; 32]);
    world.hello(Some("ana"), true, token).unwrap();
    let ana = UserId::of(1);
    world.join(ana, "lobby", false).unwrap();
    world.back(token).unwrap();
    world.go(ana);
    world.now += UNPROVEN_NAME_MS;
    assert_eq!(world.arrive("ana", false), taken);
    world.now += KEPT_NAME_MS - UNPROVEN_NAME_MS;
    assert!(world.arrive("ana", false).is_ok());
    assert_eq!(world.join(ana, "lobby", false), Err(Rejection::UserGone));
}

#[test]
fn a_name_that_was_kept_once_and_never_asked_for_again_goes_back_to_its_address() {
    let mut world = World::new();
    let ana = world.arrive("ana", true).unwrap();
    world.join(ana, "lobby", false).unwrap();
    world.go(ana);
    let check = |world: &World, name: &str, ms: u64, from: Address| {
        let (name, token) = (Some(member(name)), TokenHash([3; 32]));
        let action = Action::ArriveAsGuest { name, keep: false, token, from };
        let proposal = Proposal::new(UnixMillis::new(world.now + ms), SERVER_USER, action);
        decide(&world.model, &NoRecords, &proposal).is_ok()
    };
    assert!(check(&world, "ana", FORGOTTEN_NAME_MS, HERE));
    assert!(!check(&world, "ana", FORGOTTEN_NAME_MS - 1, HERE), "too early");
    let elsewhere = Address::of([192, 0, 2, 7].into());
    assert!(!check(&world, "ana", FORGOTTEN_NAME_MS, elsewhere), "somebody from elsewhere");
    assert!(!check(&world, "Ana", FORGOTTEN_NAME_MS, HERE), "another spelling");
    world.by(SERVER_USER, Action::Begin).unwrap();
    assert!(!check(&world, "ana", FORGOTTEN_NAME_MS, HERE), "after a start nobody knows where it was");
    let token = world.model.user(ana).expect("here").token;
    world.back(token).unwrap();
    world.go(ana);
    assert!(
        !check(&world, "ana", KEPT_NAME_MS - 10_000, HERE),
        "who came back is not displaced by a neighbour"
    );
}

#[test]
fn another_name_is_the_same_user() {
    let mut world = World::new();
    let ana = world.arrive("ana", true).unwrap();
    let bo = world.arrive("bo", false).unwrap();
    let (tea, _) = world.join(ana, "茶", true).unwrap();
    let rename = |world: &mut World, name: &str| {
        let applied = world.by(ana, Action::Rename { name: member(name), from: HERE })?;
        Ok::<_, Rejection>(events(&applied.changes))
    };
    assert_eq!(rename(&mut world, "bo"), Err(Rejection::NameTaken(member("bo"))));
    assert_eq!(rename(&mut world, "Teahouse"), Err(Rejection::NameTaken(member("Teahouse"))));
    assert_eq!(rename(&mut world, "ana"), Ok(vec![]));
    assert_eq!(rename(&mut world, "Ana").unwrap(), ["2: ana (1) leave", "2: Ana (1) join"]);
    world.go(bo);
    assert_eq!(rename(&mut world, "BO").unwrap(), ["2: Ana (1) leave", "2: BO (1) join"], "bo was away");
    assert_eq!([world.name_of(ana), world.name_of(bo)], ["BO", "茶客2"]);
    assert!(world.post(ana, tea, "still a member").is_ok());
    let name_is_free = world.arrive("ana", false);
    assert!(name_is_free.is_ok(), "{name_is_free:?}");
}

#[test]
fn who_signs_out_is_gone_at_once_and_its_name_free() {
    let mut world = World::new();
    let ana = world.arrive("ana", true).unwrap();
    world.join(ana, "lobby", false).unwrap();
    let token = world.model.user(ana).expect("here").token;
    world.back(token).unwrap();
    let applied = world.by(ana, Action::SignOut).unwrap();
    assert_eq!(
        (applied.outcome, events(&applied.changes)),
        (Outcome::SignedOut, vec!["1: ana (1) leave".into()])
    );
    assert_eq!(world.back(token), Err(Rejection::BadToken));
    assert_eq!(world.by(ana, Action::SignOut), Err(Rejection::UserGone));
    assert_eq!(world.by(SERVER_USER, Action::SignOut), Err(Rejection::UserGone));
    assert!(world.arrive("ana", true).is_ok());
}

#[test]
fn a_room_that_nobody_wrote_in_goes_away_with_its_last_member() {
    let mut world = World::new();
    let ana = world.arrive("ana", false).unwrap();
    let bo = world.arrive("bo", false).unwrap();
    let (first, _) = world.join(ana, "茶", true).unwrap();
    world.join(bo, "茶", false).unwrap();
    let removed = |applied: Decision| applied.changes.contains(&Change::RoomRemoved { id: first });
    assert!(!removed(world.by(ana, Action::Leave { room: first }).unwrap()));
    let left = world.by(bo, Action::Leave { room: first }).unwrap();
    assert!(matches!(left.outcome, Outcome::Done { seq: Some(_), .. }));
    assert!(removed(left));
    assert_eq!(world.by(bo, Action::Leave { room: first }), Err(Rejection::RoomGone));
    assert_eq!(world.join(bo, "茶", false), Err(Rejection::NoSuchRoom(room("茶"))));

    let (second, joined) = world.join(bo, "茶", true).unwrap();
    assert_eq!((second.0, joined.map(Seq::get)), (first.0 + 1, Some(2)), "another number, another life");
    world.post(bo, second, "words stay").unwrap();
    world.depart(bo);
    assert!(world.model.room(second).is_some(), "somebody wrote here");
    assert_eq!(world.join(ana, "茶", false).map(|(room, _)| room), Ok(second));

    let (lobby, _) = world.join(ana, "lobby", false).unwrap();
    world.by(ana, Action::Leave { room: lobby }).unwrap();
    assert_eq!(lobby, LOBBY_ROOM);
    assert!(world.model.room(lobby).is_some(), "the lobby stays");
    let (third, _) = world.join(ana, "third", true).unwrap();
    assert_eq!(third.0, second.0 + 1);
    world.by(ana, Action::SignOut).unwrap();
    assert!(world.model.room(third).is_none() && world.model.room(second).is_some());
}

#[test]
fn a_new_name_does_not_empty_a_room() {
    let mut world = World::new();
    let ana = world.arrive("ana", false).unwrap();
    let (tea, _) = world.join(ana, "茶", true).unwrap();
    world.by(ana, Action::Rename { name: member("bo"), from: HERE }).unwrap();
    assert_eq!(world.model.room(tea).map(|room| room.members), Some(1));
}

#[test]
fn the_numbers_of_rooms_end() {
    let mut world = World::new();
    let ana = world.arrive("ana", false).unwrap();
    world.model.absorb(&Change::RoomRemoved { id: RoomId(RoomId::END - 2) });
    assert_eq!(world.join(ana, "last", true).map(|(room, _)| room.0), Ok(RoomId::END - 1));
    assert_eq!(world.join(ana, "one-too-many", true), Err(Rejection::TooManyRooms));
}

#[test]
fn of_stored_names_that_look_alike_the_older_holder_is_found() {
    let mut world = World::new();
    let user = |name: &str, byte: u8| User {
        name: MemberName::stored(name),
        renamed: false,
        keep: Keep::Proven,
        token: TokenHash([byte; 32]),
        seen_at: UnixMillis::new(world.now),
        rooms: RoomSet::default(),
    };
    let (older, younger) = (user("ana", 1), user("Ana", 2));
    // The order in which they are read does not matter.
    world.model.absorb(&Change::UserAdded { id: UserId::of(8), user: younger });
    world.model.absorb(&Change::UserAdded { id: UserId::of(7), user: older });
    for (id, name) in [(12, "TEA"), (11, "tea")] {
        let name = RoomName::stored(name);
        let room = Room { name, head: Seq::ZERO.next(), members: 0, written: true };
        world.model.absorb(&Change::RoomAdded { id: RoomId(id), at: UnixMillis::new(1), room });
    }
    assert_eq!(world.model.holder(&member("ANA").keys(), None), Some(UserId::of(7)));
    for (id, spelled, room) in [(8, "TEA", 12), (8, "Tea", 11), (8, "tea", 11), (7, "tea", 11)] {
        let joined = world.join(UserId::of(id), spelled, false).map(|(room, _)| room.0);
        assert_eq!(joined, Ok(room), "{id} joins {spelled}");
    }
    let back = world.back(TokenHash([2; 32])).unwrap();
    assert_eq!(back.outcome, Outcome::Arrived { user: UserId::of(8), name: MemberName::stored("Ana") });
    assert!(world.post(UserId::of(8), RoomId(12), "the younger one goes on").is_ok());
    world.by(UserId::of(7), Action::SignOut).unwrap();
    assert_eq!(world.model.holder(&member("ana").keys(), None), Some(UserId::of(8)), "the next one in line");
}

#[test]
fn nobody_takes_the_servers_name() {
    let mut world = World::new();
    world.go(SERVER_USER);
    world.by(SERVER_USER, Action::Begin).unwrap();
    world.now += KEPT_NAME_MS * 2;
    assert!(world.arrive("Teahouse", false).is_err());
}

#[test]
fn departing_leaves_the_rooms_unless_the_name_is_kept() {
    let mut world = World::new();
    let ana = world.arrive("ana", false).unwrap();
    let bo = world.arrive("bo", true).unwrap();
    world.join(ana, "lobby", false).unwrap();
    world.join(bo, "lobby", false).unwrap();
    assert!(matches!(
        &world.depart(ana)[..],
        [Change::Event(StoredEvent { kind: EventKind::Leave, .. }), Change::UserRetired { .. }]
    ));
    assert_eq!(world.depart(bo), []);
    assert!(world.model.user(bo).is_some());
    let che = world.arrive("che", true).unwrap();
    world.depart(che);
    assert!(world.model.user(che).is_none(), "who is in no room keeps no name");
    assert_eq!(world.depart(SERVER_USER), []);
}

#[test]
fn who_came_back_meanwhile_stays() {
    let mut world = World::new();
    let ana = world.arrive("ana", false).unwrap();
    let depart = |world: &mut World, since: u64| {
        let since = UnixMillis::new(since);
        world.by(ana, Action::Depart { since }).expect("it is not refused").changes
    };
    let here = world.now;
    assert_eq!(depart(&mut world, here), [], "it never went");
    world.go(ana);
    let first = world.now;
    world.by(ana, Action::Come).unwrap();
    assert_eq!(depart(&mut world, first), []);
    world.go(ana);
    let second = world.now;
    assert_eq!(depart(&mut world, first), [], "it went again, for another lease");
    assert_eq!(depart(&mut world, second), [Change::UserRetired { id: ana }]);
}

#[test]
fn a_start_begins_with_everybody_away_and_what_was_known_is_taken_over() {
    let mut world = World::new();
    let ana = world.arrive("ana", false).unwrap();
    let bo = world.arrive("bo", false).unwrap();
    world.go(bo);
    let before = world.model.clone();
    world.by(SERVER_USER, Action::Begin).unwrap();
    let begun = Some(Away { since: UnixMillis::new(world.now), from: None });
    assert_eq!([world.model.away(ana), world.model.away(bo)], [begun, begun]);
    let che = world.arrive("che", false).unwrap();
    let at = UnixMillis::new(7);
    world.model.take_presence_of(&before, at);
    assert_eq!([world.model.away(ana), world.model.away(bo)], [None, before.away(bo)]);
    assert_eq!(
        world.model.away(che),
        Some(Away { since: at, from: None }),
        "nobody was told that it is here"
    );
    assert_eq!(world.model.away(SERVER_USER), None);
}

#[test]
fn nameless_guests_get_names_of_their_own() {
    let mut world = World::new();
    world.arrive("茶客3", false).unwrap();
    for expected in ["茶客2", "茶客4"] {
        let token = TokenHash([world.now as u8; 32]);
        match world.hello(None, false, token).unwrap().outcome {
            Outcome::Arrived { name, .. } => assert_eq!(name.as_str(), expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_token_finds_its_user() {
    let mut world = World::new();
    let token = TokenHash([7; 32]);
    world.hello(Some("ana"), true, token).unwrap();
    let back = world.back(token).unwrap();
    assert!(matches!(back.outcome, Outcome::Arrived { .. }));
    assert!(matches!(back.changes[..], [Change::UserSeen { keep: Keep::Proven, .. }]));
    let other = world.back(TokenHash([8; 32]));
    assert_eq!(other, Err(Rejection::BadToken));
}

#[test]
fn names_that_look_alike_or_like_nothing_are_refused() {
    let mut world = World::new();
    let alice = world.arrive("alice", false).unwrap();
    for name in ["aIice", "ALICE", "alıce", "аlice"] {
        assert_eq!(world.arrive(name, false), Err(Rejection::NameTaken(member(name))));
        // Who takes over one name does not get past the holder of another.
        let bo = world.arrive("bo", false).unwrap();
        world.go(bo);
        assert_eq!(world.arrive(name, false), Err(Rejection::NameTaken(member(name))));
        world.depart(bo);
    }
    assert_eq!(world.arrive("\u{301}ana", false), Err(Rejection::BadMemberName(NameError::LoneMark)));
    world.join(alice, "will", true).unwrap();
    assert!(matches!(world.join(alice, "wiII", true), Ok((_, None))));
    let refused = Rejection::BadRoomName(NameError::Invisible);
    assert_eq!(world.join(alice, "a\u{2800}", true), Err(refused));
    assert_eq!(world.join(alice, "a\u{2800}", false), Err(Rejection::NoSuchRoom(room("a\u{2800}"))));
}

/// A log from before a rule: its names stay, and of two that the rule makes one the older holder has it.
#[test]
fn names_of_older_rules_stay() {
    let mut world = World::new();
    let user = |name: &str, token| User {
        name: member(name),
        renamed: false,
        keep: Keep::No,
        token: TokenHash([token; 32]),
        seen_at: UnixMillis::new(1),
        rooms: RoomSet::default(),
    };
    for (id, name) in [(10, "lan"), (11, "Ian"), (12, "\u{301}ana")] {
        world.model.absorb(&Change::UserAdded { id: UserId::of(id), user: user(name, id as u8) });
    }
    for (id, name) in [(5, "will"), (6, "wiII"), (7, "\u{301}tea")] {
        let room = Room { name: room(name), head: Seq::ZERO, members: 0, written: true };
        world.model.absorb(&Change::RoomAdded { id: RoomId(id), at: UnixMillis::new(1), room });
    }
    let outcome = world.back(TokenHash([12; 32])).unwrap().outcome;
    assert_eq!(outcome, Outcome::Arrived { user: UserId::of(12), name: member("\u{301}ana") });
    for (name, id) in [("will", 5), ("wiII", 6), ("WILL", 5), ("\u{301}tea", 7)] {
        assert_eq!(world.join(UserId::of(12), name, true).unwrap().0, RoomId(id), "{name}");
    }
    // Both holders of what is one name now are in the way, one after the other.
    assert_eq!(world.arrive("Ian", false), Err(Rejection::NameTaken(member("Ian"))));
    world.go(UserId::of(10));
    assert_eq!(world.arrive("Ian", false), Err(Rejection::NameTaken(member("Ian"))));
    world.depart(UserId::of(11));
    assert!(world.arrive("Ian", false).is_ok());
    world.depart(UserId::of(12));
    assert_eq!(world.arrive("\u{301}ana", false), Err(Rejection::BadMemberName(NameError::LoneMark)));
}

/// Operations that were seen, as the log has them.
#[derive(Default)]
struct Seen(BTreeMap<(UserId, OpId), Made>);

impl Records for Seen {
    fn made_by(&self, author: UserId, op: &OpId) -> Option<Made> {
        self.0.get(&(author, op.clone())).copied()
    }
}

#[test]
fn an_operation_is_for_one_thing_and_gets_one_answer() {
    let mut world = World::new();
    let ana = world.arrive("ana", false).unwrap();
    let bo = world.arrive("bo", false).unwrap();
    let (lobby, _) = world.join(ana, "lobby", false).unwrap();
    let (tea, _) = world.join(ana, "茶", true).unwrap();
    world.join(bo, "lobby", false).unwrap();
    let op = OpId::parse("op").expect("legal");
    let mut seen = Seen::default();
    let post = |world: &mut World, seen: &mut Seen, user: UserId, room: RoomId| {
        let text = PostText::parse("words").expect("legal");
        let (at, action) = (UnixMillis::new(world.now), Action::Post { room, text, action: false });
        let proposal = Proposal { at, by: user, op: Some(op.clone()), action };
        let decision = apply(&mut world.model, seen, &proposal)?;
        for change in &decision.changes {
            if let Change::Event(StoredEvent { room, seq, by, op: Some(op), .. }) = change {
                seen.0.insert((*by, op.clone()), Made { work: Work::Post, room: *room, seq: *seq });
            }
        }
        match decision.outcome {
            Outcome::Done { seq: Some(seq), .. } => Ok((seq.get(), decision.changes.len())),
            other => panic!("{other:?}"),
        }
    };
    let first = post(&mut world, &mut seen, ana, lobby);
    assert_eq!(first, Ok((4, 2)));
    assert_eq!(post(&mut world, &mut seen, ana, lobby), Ok((4, 0)), "the answer of then, and nothing else");
    assert_eq!(post(&mut world, &mut seen, bo, lobby), Ok((5, 1)), "somebody else's operation is another");
    let before = world.model.clone();
    assert_eq!(post(&mut world, &mut seen, ana, tea), Err(Rejection::OpReused));
    assert_eq!(world.model, before, "a rejection changes nothing");
    world.by(ana, Action::Leave { room: lobby }).unwrap();
    assert_eq!(post(&mut world, &mut seen, ana, lobby), Ok((4, 0)), "also after leaving");
}

/// A name that goes from one to another in a room that both are members of: four events, in one decision.
#[test]
fn one_decision_counts_on_in_each_room() {
    let mut world = World::new();
    let ana = world.arrive("ana", false).unwrap();
    let bo = world.arrive("bo", false).unwrap();
    for (user, room) in [(ana, "lobby"), (bo, "lobby"), (bo, "茶")] {
        world.join(user, room, true).unwrap();
    }
    world.go(bo);
    let before = world.model.clone();
    let action = Action::Rename { name: member("bo"), from: HERE };
    let proposal = Proposal::new(UnixMillis::new(world.now), ana, action);
    let decision = decide(&world.model, &NoRecords, &proposal).unwrap();
    assert_eq!(world.model, before, "to decide changes nothing");
    let seqs = decision.changes.iter().filter_map(|change| match change {
        Change::Event(event) => Some((event.room.0, event.seq.get())),
        _ => None,
    });
    assert_eq!(seqs.collect::<Vec<_>>(), [(1, 4), (1, 5), (2, 3), (2, 4), (1, 6), (1, 7)]);
    decision.changes.iter().for_each(|change| world.model.absorb(change));
    assert_eq!(world.model.room(LOBBY_ROOM).map(|room| (room.head.get(), room.members)), Some((7, 2)));
}
