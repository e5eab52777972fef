//! The model's decisions about posts, without log or disk.

use divan::Bencher;
use divan::counter::ItemsCount;
use teahouse_protocol::{MemberName, OpId, PostText, RoomName, UnixMillis};
use teahouse_server::state::{self, Action, Model, NoRecords, Outcome, Proposal, RoomId, TokenHash, UserId};

fn main() {
    divan::main();
}

const POSTS: usize = 1_024;

fn apply(model: &mut Model, action: Action) -> Outcome {
    let at = UnixMillis::new(1_795_334_400_000);
    state::apply(model, &NoRecords, &Proposal { at, action }).expect("nothing is rejected here").outcome
}

/// A lobby with so many members.
fn lobby(members: usize) -> (Model, Vec<UserId>, RoomId) {
    let mut model = Model::default();
    apply(&mut model, Action::Found);
    let mut lobby = None;
    let users = (0..members)
        .map(|number| {
            let mut token = [0; 32];
            token[..8].copy_from_slice(&(number as u64 + 1).to_be_bytes());
            let name = MemberName::parse(&format!("member{number}")).ok();
            let guest = Action::ArriveAsGuest { name, keep: false, token: TokenHash(token), away: None };
            let Outcome::Arrived { user, .. } = apply(&mut model, guest) else { panic!("a guest arrives") };
            let room = RoomName::parse("lobby").expect("legal");
            let join = Action::Join { user, room, create: false };
            let Outcome::Done { room, .. } = apply(&mut model, join) else { panic!("a guest joins") };
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
    let posts = || -> Vec<Action> {
        (0..POSTS)
            .map(|number| Action::Post {
                user: users[number % users.len()],
                room,
                op: OpId::parse(&format!("{number:016x}")).ok(),
                text: PostText::parse("x".repeat(128)).expect("legal"),
                action: false,
            })
            .collect()
    };
    bencher.counter(ItemsCount::new(POSTS)).with_inputs(posts).bench_local_values(|posts| {
        for post in posts {
            divan::black_box(apply(&mut model, post));
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
        apply(&mut model, Action::Leave { user, room });
        apply(&mut model, Action::Join { user, room: name.clone(), create: false })
    });
}
