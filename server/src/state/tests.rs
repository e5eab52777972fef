use teahouse_protocol::{NameError, PostText};

use super::*;

fn member(name: &str) -> MemberName {
    MemberName::parse(name).expect("a legal name")
}

fn room(name: &str) -> RoomName {
    RoomName::parse(name).expect("a legal name")
}

/// A founded state that takes proposals a second apart.
struct World {
    state: State,
    now: u64,
}

impl World {
    fn new() -> Self {
        let mut world = Self { state: State::default(), now: 1_000_000 };
        world.apply(Action::Found).expect("a new log is founded");
        world
    }

    fn apply(&mut self, action: Action) -> Result<Applied, Rejection> {
        self.now += 1_000;
        self.state.apply(Proposal { at: UnixMillis::new(self.now), action })
    }

    fn arrive(&mut self, name: &str, keep: bool, replaces: Option<UserId>) -> Result<UserId, Rejection> {
        let token = TokenHash([(self.now / 1_000 % 251) as u8; 32]);
        let action = Action::ArriveAsGuest { name: Some(member(name)), keep, token, replaces };
        match self.apply(action)?.outcome {
            Outcome::Arrived { user, .. } => Ok(user),
            other => panic!("{other:?}"),
        }
    }

    fn join(&mut self, user: UserId, name: &str, create: bool) -> Result<(RoomId, Option<Seq>), Rejection> {
        match self.apply(Action::Join { user, room: room(name), create })?.outcome {
            Outcome::Done { room, seq } => Ok((room, seq)),
            other => panic!("{other:?}"),
        }
    }

    fn post(&mut self, user: UserId, room: RoomId, text: &str) -> Result<u64, Rejection> {
        let text = PostText::parse(text).expect("a legal text");
        match self.apply(Action::Post { user, room, op: None, text, action: false })?.outcome {
            Outcome::Done { seq: Some(seq), .. } => Ok(seq.get()),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn seqs_are_gapless_in_each_room() {
    let mut world = World::new();
    let ana = world.arrive("ana", false, None).unwrap();
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
    let ana = world.arrive("ana", false, None).unwrap();
    let (lobby, _) = world.join(ana, "lobby", false).unwrap();
    assert_eq!(world.join(ana, "Lobby", true), Ok((lobby, None)));
    assert_eq!(world.join(ana, "nowhere", false), Err(Rejection::NoSuchRoom(room("nowhere"))));
}

#[test]
fn only_members_post() {
    let mut world = World::new();
    let ana = world.arrive("ana", false, None).unwrap();
    let (lobby, _) = world.join(ana, "lobby", false).unwrap();
    world.apply(Action::Leave { user: ana, room: lobby }).unwrap();
    let before = world.state.clone();
    assert_eq!(world.post(ana, lobby, "hello"), Err(Rejection::NotMember));
    assert_eq!(world.state, before, "a rejection changes nothing");
}

#[test]
fn a_name_is_taken_while_its_holder_is_not_known_to_be_away() {
    let mut world = World::new();
    let first = world.arrive("ana", false, None).unwrap();
    assert_eq!(world.arrive("Ana", false, None), Err(Rejection::NameTaken(member("Ana"))));
    let second = world.arrive("Ana", false, Some(first)).unwrap();
    assert_ne!(first, second);
    assert_eq!(world.join(first, "lobby", false), Err(Rejection::UserGone));
    assert_eq!(
        world.arrive("ana", false, Some(first)),
        Err(Rejection::NameTaken(member("ana"))),
        "what the proposer knew is out of date"
    );
}

#[test]
fn a_kept_name_waits_thirty_days() {
    let mut world = World::new();
    let lost = world.arrive("ana", true, None).unwrap();
    let ana = world.arrive("ana", true, Some(lost)).expect("a guest in no room may have lost its welcome");
    world.join(ana, "lobby", false).unwrap();
    assert_eq!(world.arrive("ana", false, Some(ana)), Err(Rejection::NameTaken(member("ana"))));
    world.now += KEPT_NAME_MS;
    assert!(world.arrive("ana", false, Some(ana)).is_ok());
}

#[test]
fn nobody_takes_the_servers_name() {
    let mut world = World::new();
    world.now += KEPT_NAME_MS * 2;
    assert!(world.arrive("Teahouse", false, Some(SERVER_USER)).is_err());
}

#[test]
fn departing_leaves_the_rooms_unless_the_name_is_kept() {
    let mut world = World::new();
    let ana = world.arrive("ana", false, None).unwrap();
    let bo = world.arrive("bo", true, None).unwrap();
    world.join(ana, "lobby", false).unwrap();
    world.join(bo, "lobby", false).unwrap();
    let changes = world.apply(Action::Depart { user: ana }).unwrap().changes;
    assert!(matches!(
        &changes[..],
        [Change::Event(StoredEvent { kind: EventKind::Leave, .. }), Change::UserRetired { .. }]
    ));
    assert!(world.apply(Action::Depart { user: bo }).unwrap().changes.is_empty());
    assert!(world.state.user(bo).is_some());
}

#[test]
fn nameless_guests_get_names_of_their_own() {
    let mut world = World::new();
    world.arrive("茶客3", false, None).unwrap();
    for expected in ["茶客2", "茶客4"] {
        let token = TokenHash([world.now as u8; 32]);
        let action = Action::ArriveAsGuest { name: None, keep: false, token, replaces: None };
        match world.apply(action).unwrap().outcome {
            Outcome::Arrived { name, .. } => assert_eq!(name.as_str(), expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_token_finds_its_user() {
    let mut world = World::new();
    let token = TokenHash([7; 32]);
    world
        .apply(Action::ArriveAsGuest { name: Some(member("ana")), keep: true, token, replaces: None })
        .unwrap();
    let back = world.apply(Action::ArriveWithToken { token }).unwrap();
    assert!(matches!(back.outcome, Outcome::Arrived { keep: true, .. }));
    let other = world.apply(Action::ArriveWithToken { token: TokenHash([8; 32]) });
    assert_eq!(other, Err(Rejection::BadToken));
}

#[test]
fn names_that_look_alike_or_like_nothing_are_refused() {
    let mut world = World::new();
    let alice = world.arrive("alice", false, None).unwrap();
    for name in ["aIice", "ALICE", "alıce", "аlice"] {
        assert_eq!(world.arrive(name, false, None), Err(Rejection::NameTaken(member(name))));
        // Who takes over one name does not get past the holder of another.
        let bo = world.arrive("bo", false, None).unwrap();
        assert_eq!(world.arrive(name, false, Some(bo)), Err(Rejection::NameTaken(member(name))));
        world.apply(Action::Depart { user: bo }).unwrap();
    }
    assert_eq!(world.arrive("\u{301}ana", false, None), Err(Rejection::BadMemberName(NameError::LoneMark)));
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
        keep: false,
        token: TokenHash([token; 32]),
        seen_at: UnixMillis::new(1),
        rooms: RoomSet::default(),
    };
    for (id, name) in [(10, "lan"), (11, "Ian"), (12, "\u{301}ana")] {
        world.state.restore_user(UserId(id), user(name, id as u8));
    }
    for (id, name) in [(5, "will"), (6, "wiII"), (7, "\u{301}tea")] {
        let made = Room { name: room(name), head: Seq::ZERO, members: 0 };
        world.state.restore_room(RoomId(id), made);
    }
    world.state.restore_next_user(13);
    let outcome = world.apply(Action::ArriveWithToken { token: TokenHash([12; 32]) }).unwrap().outcome;
    assert_eq!(outcome, Outcome::Arrived { user: UserId(12), name: member("\u{301}ana"), keep: false });
    for (name, id) in [("will", 5), ("wiII", 6), ("WILL", 5), ("\u{301}tea", 7)] {
        assert_eq!(world.join(UserId(12), name, true).unwrap().0, RoomId(id), "{name}");
    }
    // Both holders of what is one name now are in the way, one after the other.
    assert_eq!(world.arrive("Ian", false, None), Err(Rejection::NameTaken(member("Ian"))));
    assert_eq!(world.arrive("Ian", false, Some(UserId(10))), Err(Rejection::NameTaken(member("Ian"))));
    world.apply(Action::Depart { user: UserId(11) }).unwrap();
    assert!(world.arrive("Ian", false, Some(UserId(10))).is_ok());
    world.apply(Action::Depart { user: UserId(12) }).unwrap();
    assert_eq!(world.arrive("\u{301}ana", false, None), Err(Rejection::BadMemberName(NameError::LoneMark)));
}
