//! The model's decisions about posts, without log or disk.

use divan::Bencher;
use divan::counter::ItemsCount;
use teahouse_protocol::{MemberName, OpId, PostText, RoomName, UnixMillis};
use teahouse_server::state::{
    self, Action, Address, Model, NoRecords, Outcome, Proposal, RoomId, SERVER_USER, TokenHash, UserId,
};

fn main() {
    divan::main();
}

const POSTS: usize = 1_024;

const AT: UnixMillis = UnixMillis::new(1_795_334_400_000);

fn apply(model: &mut Model, by: UserId, action: Action) -> Outcome {
    decide(model, &Proposal::new(AT, by, action))
}

fn decide(model: &mut Model, proposal: &Proposal) -> Outcome {
    state::apply(model, &NoRecords, proposal).expect("nothing is rejected here").outcome
}

/// A lobby with so many members.
fn lobby(members: usize) -> (Model, Vec<UserId>, RoomId) {
    let mut model = Model::default();
    apply(&mut model, SERVER_USER, Action::Found);
    let mut lobby = None;
    let users = (0..members)
        .map(|number| {
            let mut token = [0; 32];
            token[..8].copy_from_slice(&(number as u64 + 1).to_be_bytes());
            let name = MemberName::parse(&format!("member{number}")).ok();
            let (token, from) = (TokenHash(token), Address::HOUSE);
            let guest = Action::ArriveAsGuest { name, keep: false, token, from };
            let Outcome::Arrived { user, .. } = apply(&mut model, SERVER_USER, guest) else {
                panic!("a guest arrives")
            };
            let room = RoomName::parse("lobby").expect("legal");
            let join = Action::Join { room, create: false };
            let Outcome::Done { room, .. } = apply(&mut model, user, join) else { panic!("a guest joins") };
            lobby = Some(room);
            user
        })
        .collect();
    (model, users, lobby.expect("somebody joined"))
}

/// 1,024 posts of 128 bytes by members in turn.
#[divan::bench(args = [10, 1_000, 10_000])]
fn apply_posts_in_a_room_of(bencher: Bencher<'_, '_>, members: usize) {
    let (mut model, users, room) = lobby(members);
    let posts = || -> Vec<Proposal> {
        (0..POSTS)
            .map(|number| {
                let text = PostText::parse("x".repeat(128)).expect("legal");
                let op = OpId::parse(&format!("{number:016x}")).ok();
                let action = Action::Post { room, text, action: false };
                Proposal { at: AT, by: users[number % users.len()], op, action }
            })
            .collect()
    };
    bencher.counter(ItemsCount::new(POSTS)).with_inputs(posts).bench_local_values(|posts| {
        for post in posts {
            divan::black_box(decide(&mut model, &post));
        }
    });
}

/// A room of which everybody goes and comes.
#[divan::bench]
fn join_and_leave_a_room_of_1000(bencher: Bencher<'_, '_>) {
    let (mut model, users, room) = lobby(1_000);
    let name = RoomName::parse("lobby").expect("legal");
    bencher.counter(ItemsCount::new(2_usize)).bench_local(|| {
        let user = users[users.len() / 2];
        apply(&mut model, user, Action::Leave { room });
        apply(&mut model, user, Action::Join { room: name.clone(), create: false })
    });
}
