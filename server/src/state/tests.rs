use std::collections::BTreeMap;

use teahouse_protocol::{EventKind, NameError, OpId, PostText};

use super::*;

fn member(name: &str) -> MemberName {
    MemberName::parse(name).expect("a legal name")
}

fn room(name: &str) -> RoomName {
    RoomName::parse(name).expect("a legal name")
}

/// A founded model that takes proposals a second apart.
struct World {
    model: Model,
    now: u64,
}

impl World {
    fn new() -> Self {
        let mut world = Self { model: Model::default(), now: 1_000_000 };
        world.apply(Action::Found).expect("a new log is founded");
        world
    }

    fn apply(&mut self, action: Action) -> Result<Decision, Rejection> {
        self.now += 1_000;
        apply(&mut self.model, &NoRecords, &Proposal { at: UnixMillis::new(self.now), action })
    }

    /// Somebody new, of whose name's holder the proposer knows this.
    fn arrive(&mut self, name: &str, keep: bool, away: Option<Away>) -> Result<UserId, Rejection> {
        let token = self.token();
        let action = Action::ArriveAsGuest { name: Some(member(name)), keep, token, away };
        match self.apply(action)?.outcome {
            Outcome::Arrived { user, .. } => Ok(user),
            other => panic!("{other:?}"),
        }
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
        match self.apply(Action::Join { user, room: room(name), create })?.outcome {
            Outcome::Done { room, seq, .. } => Ok((room, seq)),
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
    let before = world.model.clone();
    assert_eq!(world.post(ana, lobby, "hello"), Err(Rejection::NotMember));
    assert_eq!(world.model, before, "a rejection changes nothing");
}

/// Somebody who has just gone.
fn gone(user: UserId) -> Option<Away> {
    Some(Away { user, ms: 0, same_address: false })
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
    let name = Some(member("ana"));
    world.apply(Action::ArriveAsGuest { name, keep: false, token, away: None }).unwrap();
    let first = UserId::of(1);
    let (lobby, _) = world.join(first, "lobby", false).unwrap();
    let (tea, _) = world.join(first, "茶", true).unwrap();
    let before = world.model.clone();
    assert_eq!(world.arrive("Ana", false, None), Err(Rejection::NameTaken(member("Ana"))), "it is here");
    assert_eq!(world.model, before, "a rejection changes nothing");

    let token_of_second = world.token();
    let name = Some(member("Ana"));
    let action = Action::ArriveAsGuest { name, keep: false, token: token_of_second, away: gone(first) };
    let applied = world.apply(action).unwrap();
    let second = UserId::of(2);
    assert_eq!(applied.outcome, Outcome::Arrived { user: second, name: member("Ana") });
    assert_eq!(
        events(&applied.changes),
        ["1: ana (1) leave", "1: 茶客1 (1) join", "2: ana (1) leave", "2: 茶客1 (1) join"]
    );
    assert!(applied.changes.contains(&Change::UserRenamed { id: first, name: member("茶客1") }));
    assert_eq!([world.name_of(first), world.name_of(second)], ["茶客1", "Ana"]);
    assert_eq!(
        world.arrive("茶客1", false, gone(first)),
        Err(Rejection::NameTaken(member("茶客1"))),
        "it is not called something else by each hello"
    );

    let back = world.apply(Action::ArriveWithToken { token }).unwrap();
    assert_eq!(back.outcome, Outcome::Arrived { user: first, name: member("茶客1") });
    assert!(world.post(first, lobby, "still here").is_ok() && world.post(first, tea, "and here").is_ok());
    assert_eq!(
        world.arrive("ana", false, gone(first)),
        Err(Rejection::NameTaken(member("ana"))),
        "what the proposer knew is out of date"
    );
}

#[test]
fn a_kept_name_waits_for_whoever_came_back_once() {
    let mut world = World::new();
    let lost = world.arrive("ana", true, None).unwrap();
    let ana = world.arrive("ana", true, gone(lost)).expect("a guest in no room may have lost its welcome");
    assert!(world.model.user(lost).is_none());
    world.join(ana, "lobby", false).unwrap();
    let taken = Err(Rejection::NameTaken(member("ana")));
    assert_eq!(world.arrive("ana", false, gone(ana)), taken);
    world.now += UNPROVEN_NAME_MS;
    let arrival = arrival(world.now, "ana", gone(ana));
    assert!(decide(&world.model, &NoRecords, &arrival).is_ok(), "nobody ever came back");

    let mut world = World::new();
    let token = TokenHash([7; 32]);
    let name = Some(member("ana"));
    world.apply(Action::ArriveAsGuest { name, keep: true, token, away: None }).unwrap();
    let ana = UserId::of(1);
    world.join(ana, "lobby", false).unwrap();
    world.apply(Action::ArriveWithToken { token }).unwrap();
    world.now += UNPROVEN_NAME_MS;
    assert_eq!(world.arrive("ana", false, gone(ana)), taken);
    world.now += KEPT_NAME_MS - UNPROVEN_NAME_MS;
    assert!(world.arrive("ana", false, gone(ana)).is_ok());
    assert_eq!(world.join(ana, "lobby", false), Err(Rejection::UserGone));
}

fn arrival(now: u64, name: &str, away: Option<Away>) -> Proposal {
    let action =
        Action::ArriveAsGuest { name: Some(member(name)), keep: false, token: TokenHash([3; 32]), away };
    Proposal { at: UnixMillis::new(now), action }
}

#[test]
fn a_name_that_was_kept_once_and_never_asked_for_again_goes_back_to_its_address() {
    let mut world = World::new();
    let ana = world.arrive("ana", true, None).unwrap();
    world.join(ana, "lobby", false).unwrap();
    let check = |world: &World, name: &str, ms: u64, same_address: bool| {
        let away = Some(Away { user: ana, ms, same_address });
        decide(&world.model, &NoRecords, &arrival(world.now, name, away)).is_ok()
    };
    assert!(check(&world, "ana", FORGOTTEN_NAME_MS, true));
    assert!(!check(&world, "ana", FORGOTTEN_NAME_MS - 1, true), "too early");
    assert!(!check(&world, "ana", FORGOTTEN_NAME_MS, false), "somebody from elsewhere");
    assert!(!check(&world, "Ana", FORGOTTEN_NAME_MS, true), "another spelling");
    let token = world.model.user(ana).expect("here").token;
    world.apply(Action::ArriveWithToken { token }).unwrap();
    assert!(
        !check(&world, "ana", KEPT_NAME_MS - 10_000, true),
        "who comes back is not displaced by a neighbour"
    );
}

#[test]
fn another_name_is_the_same_user() {
    let mut world = World::new();
    let ana = world.arrive("ana", true, None).unwrap();
    let bo = world.arrive("bo", false, None).unwrap();
    let (tea, _) = world.join(ana, "茶", true).unwrap();
    let mut rename = |name: &str, away: Option<Away>| {
        let applied = world.apply(Action::Rename { user: ana, name: member(name), away })?;
        Ok::<_, Rejection>(events(&applied.changes))
    };
    assert_eq!(rename("bo", None), Err(Rejection::NameTaken(member("bo"))));
    assert_eq!(rename("Teahouse", gone(SERVER_USER)), Err(Rejection::NameTaken(member("Teahouse"))));
    assert_eq!(rename("ana", None), Ok(vec![]));
    assert_eq!(rename("Ana", None).unwrap(), ["2: ana (1) leave", "2: Ana (1) join"]);
    assert_eq!(rename("BO", gone(bo)).unwrap(), ["2: Ana (1) leave", "2: BO (1) join"], "bo was away");
    assert_eq!([world.name_of(ana), world.name_of(bo)], ["BO", "茶客2"]);
    assert!(world.post(ana, tea, "still a member").is_ok());
    let name_is_free = world.arrive("ana", false, None);
    assert!(name_is_free.is_ok(), "{name_is_free:?}");
}

#[test]
fn who_signs_out_is_gone_at_once_and_its_name_free() {
    let mut world = World::new();
    let ana = world.arrive("ana", true, None).unwrap();
    world.join(ana, "lobby", false).unwrap();
    let token = world.model.user(ana).expect("here").token;
    world.apply(Action::ArriveWithToken { token }).unwrap();
    let applied = world.apply(Action::SignOut { user: ana }).unwrap();
    assert_eq!(
        (applied.outcome, events(&applied.changes)),
        (Outcome::SignedOut, vec!["1: ana (1) leave".into()])
    );
    assert_eq!(world.apply(Action::ArriveWithToken { token }), Err(Rejection::BadToken));
    assert_eq!(world.apply(Action::SignOut { user: ana }), Err(Rejection::UserGone));
    assert_eq!(world.apply(Action::SignOut { user: SERVER_USER }), Err(Rejection::UserGone));
    assert!(world.arrive("ana", true, None).is_ok());
}

#[test]
fn a_room_that_nobody_wrote_in_goes_away_with_its_last_member() {
    let mut world = World::new();
    let ana = world.arrive("ana", false, None).unwrap();
    let bo = world.arrive("bo", false, None).unwrap();
    let (first, _) = world.join(ana, "茶", true).unwrap();
    world.join(bo, "茶", false).unwrap();
    let removed = |applied: Decision| applied.changes.contains(&Change::RoomRemoved { id: first });
    assert!(!removed(world.apply(Action::Leave { user: ana, room: first }).unwrap()));
    let left = world.apply(Action::Leave { user: bo, room: first }).unwrap();
    assert!(matches!(left.outcome, Outcome::Done { seq: Some(_), .. }));
    assert!(removed(left));
    assert_eq!(world.apply(Action::Leave { user: bo, room: first }), Err(Rejection::RoomGone));
    assert_eq!(world.join(bo, "茶", false), Err(Rejection::NoSuchRoom(room("茶"))));

    let (second, joined) = world.join(bo, "茶", true).unwrap();
    assert_eq!((second.0, joined.map(Seq::get)), (first.0 + 1, Some(2)), "another number, another life");
    world.post(bo, second, "words stay").unwrap();
    world.apply(Action::Depart { user: bo }).unwrap();
    assert!(world.model.room(second).is_some(), "somebody wrote here");
    assert_eq!(world.join(ana, "茶", false).map(|(room, _)| room), Ok(second));

    let (lobby, _) = world.join(ana, "lobby", false).unwrap();
    world.apply(Action::Leave { user: ana, room: lobby }).unwrap();
    assert_eq!(lobby, LOBBY_ROOM);
    assert!(world.model.room(lobby).is_some(), "the lobby stays");
    let (third, _) = world.join(ana, "third", true).unwrap();
    assert_eq!(third.0, second.0 + 1);
    world.apply(Action::SignOut { user: ana }).unwrap();
    assert!(world.model.room(third).is_none() && world.model.room(second).is_some());
}

#[test]
fn a_new_name_does_not_empty_a_room() {
    let mut world = World::new();
    let ana = world.arrive("ana", false, None).unwrap();
    let (tea, _) = world.join(ana, "茶", true).unwrap();
    world.apply(Action::Rename { user: ana, name: member("bo"), away: None }).unwrap();
    assert_eq!(world.model.room(tea).map(|room| room.members), Some(1));
}

#[test]
fn the_numbers_of_rooms_end() {
    let mut world = World::new();
    let ana = world.arrive("ana", false, None).unwrap();
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
    let back = world.apply(Action::ArriveWithToken { token: TokenHash([2; 32]) }).unwrap();
    assert_eq!(back.outcome, Outcome::Arrived { user: UserId::of(8), name: MemberName::stored("Ana") });
    assert!(world.post(UserId::of(8), RoomId(12), "the younger one goes on").is_ok());
    world.apply(Action::SignOut { user: UserId::of(7) }).unwrap();
    assert_eq!(world.model.holder(&member("ana").keys(), None), Some(UserId::of(8)), "the next one in line");
}

#[test]
fn nobody_takes_the_servers_name() {
    let mut world = World::new();
    world.now += KEPT_NAME_MS * 2;
    assert!(world.arrive("Teahouse", false, gone(SERVER_USER)).is_err());
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
    assert!(world.model.user(bo).is_some());
    let che = world.arrive("che", true, None).unwrap();
    world.apply(Action::Depart { user: che }).unwrap();
    assert!(world.model.user(che).is_none(), "who is in no room keeps no name");
    assert!(world.apply(Action::Depart { user: SERVER_USER }).unwrap().changes.is_empty());
}

#[test]
fn nameless_guests_get_names_of_their_own() {
    let mut world = World::new();
    world.arrive("茶客3", false, None).unwrap();
    for expected in ["茶客2", "茶客4"] {
        let token = TokenHash([world.now as u8; 32]);
        let action = Action::ArriveAsGuest { name: None, keep: false, token, away: None };
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
    world.apply(Action::ArriveAsGuest { name: Some(member("ana")), keep: true, token, away: None }).unwrap();
    let back = world.apply(Action::ArriveWithToken { token }).unwrap();
    assert!(matches!(back.outcome, Outcome::Arrived { .. }));
    assert!(matches!(back.changes[..], [Change::UserSeen { keep: Keep::Proven, .. }]));
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
        assert_eq!(world.arrive(name, false, gone(bo)), Err(Rejection::NameTaken(member(name))));
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
    let outcome = world.apply(Action::ArriveWithToken { token: TokenHash([12; 32]) }).unwrap().outcome;
    assert_eq!(outcome, Outcome::Arrived { user: UserId::of(12), name: member("\u{301}ana") });
    for (name, id) in [("will", 5), ("wiII", 6), ("WILL", 5), ("\u{301}tea", 7)] {
        assert_eq!(world.join(UserId::of(12), name, true).unwrap().0, RoomId(id), "{name}");
    }
    // Both holders of what is one name now are in the way, one after the other.
    assert_eq!(world.arrive("Ian", false, None), Err(Rejection::NameTaken(member("Ian"))));
    assert_eq!(world.arrive("Ian", false, gone(UserId::of(10))), Err(Rejection::NameTaken(member("Ian"))));
    world.apply(Action::Depart { user: UserId::of(11) }).unwrap();
    assert!(world.arrive("Ian", false, gone(UserId::of(10))).is_ok());
    world.apply(Action::Depart { user: UserId::of(12) }).unwrap();
    assert_eq!(world.arrive("\u{301}ana", false, None), Err(Rejection::BadMemberName(NameError::LoneMark)));
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
    let ana = world.arrive("ana", false, None).unwrap();
    let bo = world.arrive("bo", false, None).unwrap();
    let (lobby, _) = world.join(ana, "lobby", false).unwrap();
    let (tea, _) = world.join(ana, "茶", true).unwrap();
    world.join(bo, "lobby", false).unwrap();
    let op = OpId::parse("op").expect("legal");
    let mut seen = Seen::default();
    let post = |world: &mut World, seen: &mut Seen, user: UserId, room: RoomId| {
        let text = PostText::parse("words").expect("legal");
        let action = Action::Post { user, room, op: Some(op.clone()), text, action: false };
        let decision = apply(&mut world.model, seen, &Proposal { at: UnixMillis::new(world.now), action })?;
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
    world.apply(Action::Leave { user: ana, room: lobby }).unwrap();
    assert_eq!(post(&mut world, &mut seen, ana, lobby), Ok((4, 0)), "also after leaving");
}

/// A name that goes from one to another in a room that both are members of: four events, in one decision.
#[test]
fn one_decision_counts_on_in_each_room() {
    let mut world = World::new();
    let ana = world.arrive("ana", false, None).unwrap();
    let bo = world.arrive("bo", false, None).unwrap();
    for (user, room) in [(ana, "lobby"), (bo, "lobby"), (bo, "茶")] {
        world.join(user, room, true).unwrap();
    }
    let before = world.model.clone();
    let action = Action::Rename { user: ana, name: member("bo"), away: gone(bo) };
    let proposal = Proposal { at: UnixMillis::new(world.now), action };
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
