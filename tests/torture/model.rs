//! Random proposals against the state and against a model of it that is too simple to be wrong.

use teahouse_protocol::{EventKind, MemberName, NameKeys, PostText, RoomName, UnixMillis};
use teahouse_server::state::{
    self, Action, Address, Change, Decision, FORGOTTEN_NAME_MS, KEPT_NAME_MS, Keep, NoRecords, Outcome,
    Proposal, Rejection, RoomId, SERVER_USER, TokenHash, UNPROVEN_NAME_MS, UserId, apply,
};

use crate::run::{Run, Tally};

const NAMES: &[&str] = &[
    "ana", "Ana", "аna", "bo", "ＢＯ", "茶客1", "茶客7", "茶", "teahouse", "bob0", "bobO", "lan", "Ian",
    "ian",
];
const ROOMS: &[&str] = &["lobby", "Lobby", "茶", "rust", "Rust", "b0", "bo"];

#[derive(Debug, Clone)]
struct Guest {
    id: u64,
    name: String,
    keys: Vec<String>,
    keep: bool,
    /// Whether somebody came back with the token.
    proven: bool,
    token: TokenHash,
    seen_at: u64,
    /// Since when, and from where it was here last.
    away: Option<(u64, Option<Address>)>,
    rooms: Vec<u32>,
}

/// A room. One that is gone keeps its place, so that numbers are places.
#[derive(Debug, Clone)]
struct Place {
    name: String,
    keys: Vec<String>,
    /// Who did what under which name, the first event first.
    events: Vec<(u64, String, &'static str)>,
    gone: bool,
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
    Renamed(String),
    SignedOut,
    Unchanged,
    Taken,
    BadToken,
    Gone,
    NoRoom,
    RoomGone,
    NotMember,
}

impl Guest {
    fn kept_at(&self, at: u64) -> bool {
        let kept_ms = if self.proven { KEPT_NAME_MS } else { UNPROVEN_NAME_MS };
        // Not for somebody in no room, whose welcome may have been lost.
        self.keep && !self.rooms.is_empty() && at.saturating_sub(self.seen_at) < kept_ms
    }

    fn is_called(&mut self, wanted: &MemberName) {
        self.name = wanted.as_str().into();
        self.keys = keys(&wanted.keys());
    }
}

impl Model {
    fn founded() -> Self {
        let teahouse = Guest {
            id: 0,
            name: "teahouse".into(),
            keys: keys(&name("teahouse").keys()),
            keep: true,
            proven: true,
            token: TokenHash([0; 32]),
            seen_at: 0,
            away: None,
            rooms: Vec::new(),
        };
        let mut model = Self { guests: vec![teahouse], places: Vec::new(), next: 1 };
        model.make("lobby", 0);
        model
    }

    fn make(&mut self, room: &str, by: u64) -> u32 {
        let keys = keys(&room_name(room).keys());
        self.places.push(Place { name: room.into(), keys, events: Vec::new(), gone: false });
        let room = u32::try_from(self.places.len()).expect("small");
        self.happen(room, by, "create");
        room
    }

    fn place(&mut self, room: u32) -> Option<&mut Place> {
        let place = self.places.get_mut(usize::try_from(room).ok()?.checked_sub(1)?)?;
        (!place.gone).then_some(place)
    }

    fn happen(&mut self, room: u32, by: u64, what: &'static str) -> usize {
        let name = self.guest(by).expect("only who is there does something").name.clone();
        let place = self.place(room).expect("the model made it");
        place.events.push((by, name, what));
        place.events.len()
    }

    fn guest(&mut self, id: u64) -> Option<&mut Guest> {
        self.guests.iter_mut().find(|guest| guest.id == id)
    }

    /// Somebody who can do something: nobody acts as the server itself.
    fn actor(&mut self, id: u64) -> Option<&mut Guest> {
        self.guest(id).filter(|guest| guest.id != 0)
    }

    /// The oldest guest whose name is like this one.
    fn holder(&self, wanted: &MemberName) -> Option<&Guest> {
        self.holders(wanted, None).into_iter().next()
    }

    fn holders(&self, wanted: &MemberName, but: Option<u64>) -> Vec<&Guest> {
        let wanted = keys(&wanted.keys());
        let alike = self.guests.iter().filter(|guest| Some(guest.id) != but && alike(&guest.keys, &wanted));
        let mut alike: Vec<&Guest> = alike.collect();
        alike.sort_by_key(|guest| guest.id);
        alike
    }

    fn leave(&mut self, room: u32, id: u64) -> usize {
        self.guest(id).expect("looked up before").rooms.retain(|other| *other != room);
        let seq = self.happen(room, id, "leave");
        self.sweep(room);
        seq
    }

    /// A room goes away once it holds nobody and nobody's words.
    fn sweep(&mut self, room: u32) {
        let empty = self.guests.iter().all(|guest| !guest.rooms.contains(&room));
        let place = self.place(room).expect("the model made it");
        let written = place.events.iter().any(|(_, _, what)| *what == "post");
        place.gone = empty && !written && room != 1;
    }

    fn retire(&mut self, id: u64) {
        let Some(guest) = self.guest(id) else { return };
        let mut rooms = guest.rooms.clone();
        rooms.sort_unstable();
        for room in rooms {
            self.leave(room, id);
        }
        self.guests.retain(|guest| guest.id != id);
    }

    fn rename(&mut self, id: u64, wanted: &MemberName) {
        let mut rooms = self.guest(id).expect("looked up before").rooms.clone();
        rooms.sort_unstable();
        for room in rooms {
            self.happen(room, id, "leave");
            let old = self.guest(id).expect("looked up before").clone();
            self.guest(id).expect("looked up before").is_called(wanted);
            self.happen(room, id, "join");
            *self.guest(id).expect("looked up before") = old;
        }
        self.guest(id).expect("looked up before").is_called(wanted);
    }

    fn free_name(&self, id: u64) -> MemberName {
        let mut names = (id..).map(|number| name(&format!("茶客{number}")));
        names.find(|free| self.holder(free).is_none()).expect("there are more numbers")
    }

    /// Whether `own`, or somebody new, may have a name. Its holder loses it.
    fn take_name(&mut self, at: u64, wanted: &MemberName, own: Option<u64>, from: Address) -> bool {
        let (holder, is_another_s) = match self.holders(wanted, own)[..] {
            [] => return true,
            [holder, ref others @ ..] => (holder.clone(), !others.is_empty()),
        };
        if is_another_s {
            return false;
        }
        let Some((since, last_from)) = holder.away else { return false };
        let forgotten = holder.keep
            && !holder.proven
            && last_from == Some(from)
            && at - since >= FORGOTTEN_NAME_MS
            && holder.name == wanted.as_str();
        let found_by_the_house =
            |name: &str| name.strip_prefix("茶客").is_some_and(|number| number.parse::<u64>().is_ok());
        if !holder.keep {
            if found_by_the_house(&holder.name) {
                return false;
            }
            let other = self.free_name(holder.id);
            self.rename(holder.id, &other);
            true
        } else if forgotten || !holder.kept_at(at) {
            self.retire(holder.id);
            true
        } else {
            false
        }
    }

    fn apply(&mut self, at: u64, user: UserId, action: &Action) -> Verdict {
        match action {
            // Rooms go away as soon as they may.
            Action::Found | Action::DropEmptyRooms => Verdict::Unchanged,
            Action::Begin => {
                self.guests.iter_mut().skip(1).for_each(|guest| guest.away = Some((at, None)));
                Verdict::Unchanged
            }
            Action::Come => {
                self.guest(user.get()).into_iter().for_each(|guest| guest.away = None);
                Verdict::Unchanged
            }
            Action::Go { from } => {
                self.actor(user.get()).into_iter().for_each(|guest| guest.away = Some((at, *from)));
                Verdict::Unchanged
            }
            Action::ArriveAsGuest { name: wanted, keep, token, from } => {
                let id = self.next;
                let wanted = wanted.clone().unwrap_or_else(|| self.free_name(id));
                if !self.take_name(at, &wanted, None, *from) {
                    return Verdict::Taken;
                }
                self.next += 1;
                let name = wanted.as_str().to_owned();
                let keys = keys(&wanted.keys());
                let (keep, token, rooms) = (*keep, *token, Vec::new());
                self.guests.push(Guest {
                    id,
                    name: name.clone(),
                    keys,
                    keep,
                    proven: false,
                    token,
                    seen_at: at,
                    away: None,
                    rooms,
                });
                Verdict::Arrived(id, name)
            }
            Action::ArriveWithToken { token } => {
                match self.guests.iter_mut().find(|guest| guest.token == *token) {
                    Some(guest) => {
                        guest.seen_at = at;
                        guest.away = None;
                        guest.proven = true;
                        Verdict::Arrived(guest.id, guest.name.clone())
                    }
                    None => Verdict::BadToken,
                }
            }
            Action::Rename { name: wanted, from } => {
                let Some(guest) = self.actor(user.get()) else { return Verdict::Gone };
                if guest.name != wanted.as_str() {
                    if !self.take_name(at, wanted, Some(user.get()), *from) {
                        return Verdict::Taken;
                    }
                    self.rename(user.get(), wanted);
                }
                Verdict::Renamed(wanted.as_str().into())
            }
            Action::Depart { since } => {
                let since = since.get();
                let departs = |guest: &mut Guest| {
                    guest.away.is_some_and(|(begun, _)| begun == since) && !guest.kept_at(at)
                };
                if self.guest(user.get()).is_some_and(departs) {
                    self.retire(user.get());
                }
                Verdict::Unchanged
            }
            Action::SignOut => {
                if user.get() == 0 || self.guest(user.get()).is_none() {
                    return Verdict::Gone;
                }
                self.retire(user.get());
                Verdict::SignedOut
            }
            Action::Join { room, create } => {
                let Some(guest) = self.actor(user.get()) else { return Verdict::Gone };
                let joined = guest.rooms.clone();
                let keys = keys(&room.keys());
                let fits = |place: &Place| !place.gone && alike(&place.keys, &keys);
                let exact = |place: &Place| fits(place) && place.name == room.as_str();
                let found = self.places.iter().position(exact).or_else(|| self.places.iter().position(fits));
                let id = match found {
                    Some(at) => u32::try_from(at + 1).expect("small"),
                    None if *create => self.make(room.as_str(), user.get()),
                    None => return Verdict::NoRoom,
                };
                if joined.contains(&id) {
                    return Verdict::Done(id, None);
                }
                self.guest(user.get()).expect("found above").rooms.push(id);
                Verdict::Done(id, Some(self.happen(id, user.get(), "join")))
            }
            Action::Leave { room } => {
                let Some(guest) = self.actor(user.get()) else { return Verdict::Gone };
                let joined = guest.rooms.contains(&room.0);
                if self.place(room.0).is_none() {
                    return Verdict::RoomGone;
                }
                Verdict::Done(room.0, joined.then(|| self.leave(room.0, user.get())))
            }
            Action::Post { room, .. } => match self.actor(user.get()) {
                None => Verdict::Gone,
                Some(guest) if !guest.rooms.contains(&room.0) => Verdict::NotMember,
                Some(_) => Verdict::Done(room.0, Some(self.happen(room.0, user.get(), "post"))),
            },
        }
    }
}

fn keys(keys: &NameKeys) -> Vec<String> {
    keys.iter().map(|key| key.as_str().to_owned()).collect()
}

fn alike(one: &[String], other: &[String]) -> bool {
    one.iter().any(|key| other.contains(key))
}

fn name(text: &str) -> MemberName {
    MemberName::parse(text).expect("a legal name")
}

fn room_name(text: &str) -> RoomName {
    RoomName::parse(text).expect("a legal name")
}

fn verdict(result: &Result<Decision, Rejection>) -> Verdict {
    match result {
        Ok(applied) => match &applied.outcome {
            Outcome::Arrived { user, name } => Verdict::Arrived(user.get(), name.as_str().into()),
            Outcome::Renamed { name, .. } => Verdict::Renamed(name.as_str().into()),
            Outcome::SignedOut => Verdict::SignedOut,
            Outcome::Done { room, seq, .. } => {
                Verdict::Done(room.0, seq.map(|seq| usize::try_from(seq.get()).expect("small")))
            }
            Outcome::Unchanged => Verdict::Unchanged,
        },
        Err(Rejection::NameTaken(_)) => Verdict::Taken,
        Err(Rejection::BadToken) => Verdict::BadToken,
        Err(Rejection::UserGone) => Verdict::Gone,
        Err(Rejection::NoSuchRoom(_)) => Verdict::NoRoom,
        Err(Rejection::RoomGone) => Verdict::RoomGone,
        Err(Rejection::NotMember) => Verdict::NotMember,
        Err(other) => panic!("{other:?} in so small a world"),
    }
}

fn user_id(number: u64) -> UserId {
    UserId::new(number).expect("the model is small")
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

/// Who asks, and for what.
fn proposal(random: &mut fastrand::Rng, model: &Model, step: u64) -> (UserId, Action) {
    let departure = |guest: &Guest| {
        let since = UnixMillis::new(guest.away.map_or(0, |(since, _)| since));
        (user_id(guest.id), Action::Depart { since })
    };
    let some_guest = |random: &mut fastrand::Rng| &model.guests[random.usize(..model.guests.len())];
    // So that the world stays small: the work at each step grows with it.
    if model.guests.len() > GUESTS_MAX {
        let guest = &model.guests[random.usize(1..model.guests.len())];
        return match guest.away {
            Some(_) if random.bool() => departure(guest),
            Some(_) | None => (user_id(guest.id), Action::SignOut),
        };
    }
    // Mostly users who are or were there, sometimes one who never was.
    let user = user_id(random.u64(model.next.saturating_sub(30)..=model.next));
    let room = RoomId(random.u32(0..=u32::try_from(model.places.len()).expect("small") + 1));
    let address = |random: &mut fastrand::Rng| Address::of([192, 0, 2, random.u8(..2)].into());
    let action = match random.u8(..28) {
        0 => match random.u8(..20) {
            0 => Action::Begin,
            1..10 => Action::Found,
            _ => Action::DropEmptyRooms,
        },
        kind @ (1..5 | 20) => {
            let wanted = random.u8(..5).ne(&0).then(|| name(NAMES[random.usize(..NAMES.len())]));
            let mut token = [1; 32];
            token[..8].copy_from_slice(&step.to_le_bytes());
            let from = address(random);
            match wanted {
                Some(wanted) if kind == 20 => Action::Rename { name: wanted, from },
                name => Action::ArriveAsGuest {
                    keep: name.is_some() && random.bool(),
                    name,
                    token: TokenHash(token),
                    from,
                },
            }
        }
        21 => Action::SignOut,
        5 => {
            let token = model.guests.get(random.usize(..=model.guests.len())).map(|guest| guest.token);
            Action::ArriveWithToken { token: token.unwrap_or(TokenHash([9; 32])) }
        }
        6..8 => return departure(some_guest(random)),
        8..12 => {
            let name = room_name(ROOMS[random.usize(..ROOMS.len())]);
            Action::Join { room: name, create: random.bool() }
        }
        12..14 => Action::Leave { room },
        22..26 => {
            let from = random.u8(..4).ne(&0).then(|| address(random));
            return (user_id(some_guest(random).id), Action::Go { from });
        }
        26..28 => return (user_id(some_guest(random).id), Action::Come),
        _ => {
            let text = PostText::parse(step.to_string()).expect("a legal text");
            Action::Post { room, text, action: random.bool() }
        }
    };
    (user, action)
}

#[test]
fn the_state_does_what_a_simple_model_does() {
    let run = Run::begin("model");
    let mut random = run.random(1);
    let mut state = state::Model::default();
    let founding = Proposal::new(UnixMillis::new(0), SERVER_USER, Action::Found);
    let founded = apply(&mut state, &NoRecords, &founding);
    founded.expect("a new log is founded");
    let mut model = Model::founded();
    let mut now = 1_000_000;
    let mut tally = Tally { cycles: run.pick(20_000, 100_000), ..Tally::default() };
    for step in 0..tally.cycles {
        now += random.u64(..1_000);
        match random.u16(..2_000) {
            0 => now += KEPT_NAME_MS,
            1 => now += UNPROVEN_NAME_MS,
            _ => {}
        }
        let (by, action) = proposal(&mut random, &model, step);
        let before = (step % 32 == 0).then(|| state.clone());
        let proposal = Proposal::new(UnixMillis::new(now), by, action.clone());
        let result = apply(&mut state, &NoRecords, &proposal);
        let heads: Vec<usize> = model.places.iter().map(|place| place.events.len()).collect();
        let expected = model.apply(now, by, &action);
        assert_eq!(verdict(&result), expected, "step {step}: {by} {action:?}");
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
fn check_changes(applied: &Decision, heads: &[usize], model: &Model, step: u64) {
    let mut heads = heads.to_vec();
    heads.resize(model.places.len(), 0);
    for change in &applied.changes {
        let Change::Event(event) = change else { continue };
        let at = usize::try_from(event.room.0).expect("small") - 1;
        heads[at] += 1;
        assert_eq!(event.seq.get(), heads[at] as u64, "step {step}: gapless");
        let happened = (event.by.get(), event.by_name.to_string(), what(&event.kind));
        assert_eq!(happened, model.places[at].events[heads[at] - 1], "step {step}");
    }
    let expected: Vec<usize> = model.places.iter().map(|place| place.events.len()).collect();
    assert_eq!(heads, expected, "step {step}: every event of the model is written");
}

fn check_invariants(state: &state::Model, model: &Model, step: u64) {
    let there = || model.places.iter().zip(1..).filter(|(place, _)| !place.gone);
    assert_eq!(state.rooms().count(), there().count(), "step {step}");
    for ((id, room), (place, number)) in state.rooms().zip(there()) {
        assert_eq!((id.0, room.head.get()), (number, place.events.len() as u64), "step {step}: {id:?}");
        let members = model.guests.iter().filter(|guest| guest.rooms.contains(&id.0)).count();
        assert_eq!(room.members, members as u64, "step {step}: {id:?}");
        let written = place.events.iter().any(|(_, _, what)| *what == "post");
        assert_eq!(room.written, written, "step {step}: {id:?}");
    }
    assert_eq!(state.users().count(), model.guests.len(), "step {step}");
    for guest in &model.guests {
        let user = state.user(user_id(guest.id)).unwrap_or_else(|| panic!("step {step}: {guest:?} is gone"));
        let keep = match (guest.keep, guest.proven) {
            (false, _) => Keep::No,
            (true, false) => Keep::Asked,
            (true, true) => Keep::Proven,
        };
        assert_eq!((user.name.as_str(), user.keep), (guest.name.as_str(), keep), "step {step}");
        let away = state.away(user_id(guest.id)).map(|away| (away.since.get(), away.from));
        assert_eq!(away, guest.away, "step {step}: {guest:?}");
        let mut rooms = guest.rooms.clone();
        rooms.sort_unstable();
        assert!(user.rooms.iter().map(|room| room.0).eq(rooms), "step {step}: {guest:?}");
    }
}
