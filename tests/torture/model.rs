//! Random proposals against the state and against a model of it that is too simple to be wrong.

use teahouse_protocol::{EventKind, MemberName, NameKeys, PostText, RoomName, UnixMillis};
use teahouse_server::state::{
    Action, Applied, Change, KEPT_NAME_MS, Outcome, Proposal, Rejection, RoomId, State, TokenHash, UserId,
};

use crate::run::{Run, Tally};

const NAMES: &[&str] =
    &["ana", "Ana", "аna", "bo", "ＢＯ", "茶客1", "茶客7", "茶", "teahouse", "bob0", "bobO"];
const ROOMS: &[&str] = &["lobby", "Lobby", "茶", "rust", "Rust", "b0", "bo"];

#[derive(Debug, Clone)]
struct Guest {
    id: u64,
    name: String,
    keys: NameKeys,
    keep: bool,
    token: TokenHash,
    seen_at: u64,
    rooms: Vec<u32>,
}

#[derive(Debug, Clone)]
struct Place {
    keys: NameKeys,
    /// Who did what, the first event first.
    events: Vec<(u64, &'static str)>,
}

/// Beyond so many guests some leave.
const GUESTS_MAX: usize = 40;

/// Lists, searched from the front.
#[derive(Debug, Default)]
struct Model {
    guests: Vec<Guest>,
    places: Vec<Place>,
    next: u64,
}

/// What the model says of a proposal.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Arrived(u64, String),
    Done(u32, Option<usize>),
    Unchanged,
    Taken,
    BadToken,
    Gone,
    NoRoom,
    NotMember,
}

impl Model {
    fn founded() -> Self {
        let teahouse = Guest {
            id: 0,
            name: "teahouse".into(),
            keys: name("teahouse").keys(),
            keep: true,
            token: TokenHash([0; 32]),
            seen_at: 0,
            rooms: Vec::new(),
        };
        let mut model = Self { guests: vec![teahouse], places: Vec::new(), next: 1 };
        model.make("lobby", 0);
        model
    }

    fn make(&mut self, room: &str, by: u64) -> u32 {
        let keys = room_name(room).keys();
        self.places.push(Place { keys, events: vec![(by, "create")] });
        u32::try_from(self.places.len()).expect("small")
    }

    fn place(&mut self, room: u32) -> Option<&mut Place> {
        self.places.get_mut(usize::try_from(room).ok()?.checked_sub(1)?)
    }

    fn happen(&mut self, room: u32, by: u64, what: &'static str) -> usize {
        let place = self.place(room).expect("the model made it");
        place.events.push((by, what));
        place.events.len()
    }

    fn guest(&mut self, id: u64) -> Option<&mut Guest> {
        self.guests.iter_mut().find(|guest| guest.id == id)
    }

    fn retire(&mut self, id: u64) {
        let Some(at) = self.guests.iter().position(|guest| guest.id == id) else { return };
        let mut guest = self.guests.remove(at);
        guest.rooms.sort_unstable();
        for room in guest.rooms {
            self.happen(room, id, "leave");
        }
    }

    fn apply(&mut self, at: u64, action: &Action) -> Verdict {
        match action {
            Action::Found => Verdict::Unchanged,
            Action::ArriveAsGuest { name: wanted, keep, token, replaces } => {
                let id = self.next;
                let wanted = match wanted {
                    Some(wanted) => wanted.clone(),
                    None => (id..)
                        .map(|number| name(&format!("茶客{number}")))
                        .find(|free| self.guests.iter().all(|guest| !guest.keys.are_alike(&free.keys())))
                        .expect("there are more numbers"),
                };
                let keys = wanted.keys();
                if let Some(holder) = self.guests.iter().find(|guest| guest.keys.are_alike(&keys)) {
                    // Not for somebody in no room, whose welcome may have been lost.
                    let kept = holder.keep
                        && !holder.rooms.is_empty()
                        && at.saturating_sub(holder.seen_at) < KEPT_NAME_MS;
                    if holder.id == 0 || kept || *replaces != Some(UserId(holder.id)) {
                        return Verdict::Taken;
                    }
                    self.retire(holder.id);
                }
                self.next += 1;
                let name = wanted.as_str().to_owned();
                let guest = Guest {
                    id,
                    name: name.clone(),
                    keys,
                    keep: *keep,
                    token: *token,
                    seen_at: at,
                    rooms: Vec::new(),
                };
                self.guests.push(guest);
                Verdict::Arrived(id, name)
            }
            Action::ArriveWithToken { token } => {
                match self.guests.iter_mut().find(|guest| guest.token == *token) {
                    Some(guest) => {
                        guest.seen_at = at;
                        Verdict::Arrived(guest.id, guest.name.clone())
                    }
                    None => Verdict::BadToken,
                }
            }
            Action::Depart { user } => {
                if self.guest(user.0).is_some_and(|guest| !guest.keep) {
                    self.retire(user.0);
                }
                Verdict::Unchanged
            }
            Action::Join { user, room, create } => {
                let Some(guest) = self.guest(user.0) else { return Verdict::Gone };
                let joined = guest.rooms.clone();
                let keys = room.keys();
                let found = self.places.iter().position(|place| place.keys.are_alike(&keys));
                let id = match found {
                    Some(at) => u32::try_from(at + 1).expect("small"),
                    None if *create => self.make(room.as_str(), user.0),
                    None => return Verdict::NoRoom,
                };
                if joined.contains(&id) {
                    return Verdict::Done(id, None);
                }
                self.guest(user.0).expect("found above").rooms.push(id);
                Verdict::Done(id, Some(self.happen(id, user.0, "join")))
            }
            Action::Leave { user, room } => {
                let Some(guest) = self.guest(user.0) else { return Verdict::Gone };
                let before = guest.rooms.len();
                guest.rooms.retain(|other| *other != room.0);
                if guest.rooms.len() == before {
                    return Verdict::Done(room.0, None);
                }
                Verdict::Done(room.0, Some(self.happen(room.0, user.0, "leave")))
            }
            Action::Post { user, room, .. } => match self.guest(user.0) {
                None => Verdict::Gone,
                Some(guest) if !guest.rooms.contains(&room.0) => Verdict::NotMember,
                Some(_) => Verdict::Done(room.0, Some(self.happen(room.0, user.0, "post"))),
            },
            #[expect(unreachable_patterns, reason = "later versions may know more")]
            other => panic!("the model does not know {other:?}"),
        }
    }
}

fn name(text: &str) -> MemberName {
    MemberName::parse(text).expect("a legal name")
}

fn room_name(text: &str) -> RoomName {
    RoomName::parse(text).expect("a legal name")
}

fn verdict(result: &Result<Applied, Rejection>) -> Verdict {
    match result {
        Ok(applied) => match &applied.outcome {
            Outcome::Arrived { user, name, .. } => Verdict::Arrived(user.0, name.as_str().into()),
            Outcome::Done { room, seq } => {
                Verdict::Done(room.0, seq.map(|seq| usize::try_from(seq.get()).expect("small")))
            }
            Outcome::Unchanged => Verdict::Unchanged,
        },
        Err(Rejection::NameTaken(_)) => Verdict::Taken,
        Err(Rejection::BadToken) => Verdict::BadToken,
        Err(Rejection::UserGone) => Verdict::Gone,
        Err(Rejection::NoSuchRoom(_)) => Verdict::NoRoom,
        Err(Rejection::NotMember) => Verdict::NotMember,
        Err(other) => panic!("{other:?} in so small a world"),
    }
}

fn what(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Create => "create",
        EventKind::Join => "join",
        EventKind::Leave => "leave",
        EventKind::Post { .. } => "post",
        EventKind::Unknown => "unknown",
    }
}

fn proposal(random: &mut fastrand::Rng, model: &Model, step: u64) -> Action {
    // So that the world stays small: the work at each step grows with it.
    if model.guests.len() > GUESTS_MAX {
        let guest = &model.guests[random.usize(1..model.guests.len())];
        return Action::Depart { user: UserId(guest.id) };
    }
    // Mostly users who are or were there, sometimes one who never was.
    let user = UserId(random.u64(model.next.saturating_sub(30)..=model.next));
    let room = RoomId(random.u32(0..=u32::try_from(model.places.len()).expect("small") + 1));
    match random.u8(..20) {
        0 => Action::Found,
        1..5 => {
            let name = random.u8(..5).ne(&0).then(|| name(NAMES[random.usize(..NAMES.len())]));
            let mut token = [1; 32];
            token[..8].copy_from_slice(&step.to_le_bytes());
            let holder = name.as_ref().and_then(|name| {
                let keys = name.keys();
                model.guests.iter().find(|guest| guest.keys.are_alike(&keys)).map(|guest| UserId(guest.id))
            });
            let replaces = if random.u8(..4) == 0 { Some(user) } else { holder };
            Action::ArriveAsGuest {
                keep: name.is_some() && random.bool(),
                name,
                token: TokenHash(token),
                replaces,
            }
        }
        5 => {
            let token = model.guests.get(random.usize(..=model.guests.len())).map(|guest| guest.token);
            Action::ArriveWithToken { token: token.unwrap_or(TokenHash([9; 32])) }
        }
        6..8 => Action::Depart { user },
        8..12 => {
            let name = room_name(ROOMS[random.usize(..ROOMS.len())]);
            Action::Join { user, room: name, create: random.bool() }
        }
        12..14 => Action::Leave { user, room },
        _ => {
            let text = PostText::parse(step.to_string()).expect("a legal text");
            Action::Post { user, room, op: None, text, action: random.bool() }
        }
    }
}

#[test]
fn the_state_does_what_a_simple_model_does() {
    let run = Run::begin("model");
    let mut random = run.random(1);
    let mut state = State::default();
    let founded = state.apply(Proposal { at: UnixMillis::new(0), action: Action::Found });
    founded.expect("a new log is founded");
    let mut model = Model::founded();
    let mut now = 1_000_000;
    let mut tally = Tally { cycles: run.pick(20_000, 100_000), ..Tally::default() };
    for step in 0..tally.cycles {
        now += random.u64(..1_000);
        if random.u16(..2_000) == 0 {
            now += KEPT_NAME_MS;
        }
        let action = proposal(&mut random, &model, step);
        let before = (step % 32 == 0).then(|| state.clone());
        let result = state.apply(Proposal { at: UnixMillis::new(now), action: action.clone() });
        let heads: Vec<usize> = model.places.iter().map(|place| place.events.len()).collect();
        let expected = model.apply(now, &action);
        assert_eq!(verdict(&result), expected, "step {step}: {action:?}");
        match (&result, before) {
            (Err(_), Some(before)) => assert_eq!(state, before, "step {step}: a rejection changes nothing"),
            (Ok(applied), _) => check_changes(applied, &heads, &model, step),
            _ => {}
        }
        tally.messages += result.map_or(0, |applied| applied.changes.len() as u64);
        check_invariants(&state, &model, step);
    }
    run.finish(&tally);
}

/// The changes that are to be written are the model's new events, room by room, in order.
fn check_changes(applied: &Applied, heads: &[usize], model: &Model, step: u64) {
    let mut heads = heads.to_vec();
    heads.resize(model.places.len(), 0);
    for change in &applied.changes {
        let Change::Event(event) = change else { continue };
        let at = usize::try_from(event.room.0).expect("small") - 1;
        heads[at] += 1;
        assert_eq!(event.seq.get(), heads[at] as u64, "step {step}: gapless");
        assert_eq!((event.by.0, what(&event.kind)), model.places[at].events[heads[at] - 1], "step {step}");
    }
    let expected: Vec<usize> = model.places.iter().map(|place| place.events.len()).collect();
    assert_eq!(heads, expected, "step {step}: every event of the model is written");
}

fn check_invariants(state: &State, model: &Model, step: u64) {
    assert_eq!(state.rooms().count(), model.places.len(), "step {step}");
    for ((id, room), place) in state.rooms().zip(&model.places) {
        assert_eq!(room.head.get(), place.events.len() as u64, "step {step}: {id:?}");
        let members = model.guests.iter().filter(|guest| guest.rooms.contains(&id.0)).count();
        assert_eq!(room.members, members as u64, "step {step}: {id:?}");
    }
    assert_eq!(state.users().count(), model.guests.len(), "step {step}");
    for guest in &model.guests {
        let user = state.user(UserId(guest.id)).unwrap_or_else(|| panic!("step {step}: {guest:?} is gone"));
        assert_eq!((user.name.as_str(), user.keep), (guest.name.as_str(), guest.keep), "step {step}");
        let mut rooms = guest.rooms.clone();
        rooms.sort_unstable();
        assert!(user.rooms.iter().map(|room| room.0).eq(rooms), "step {step}: {guest:?}");
    }
}
