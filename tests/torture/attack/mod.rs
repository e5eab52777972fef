//! One attacker, with one connection and with a hundred: what it makes the server hold and do has a bound, and somebody
//! else is not kept waiting. `TORTURE.md` has the rows.

mod arena;
mod crowds;
mod unread;

use teahouse_protocol::{
    Command, Epoch, History, Join, Leave, Position, Post, PostText, Rooms, Seq, ServerMessage, Watch, Who,
};

use crate::link::room;
use crate::run::{Run, Tally};
use arena::{Arena, Seen};
use unread::QUESTIONS;

/// What a connection may hold whose peer never reads, in KiB: answers (64), the rest of a frame (56), what was read of the
/// peer and not decoded (64), a line that is not complete, and the connection itself.
const UNREAD_KIB: u64 = 64 + 56 + 64 + 128 + 16;
/// All tails together, in KiB.
const TAILS_KIB: u64 = 64 * 1024;
/// All replays that are kept or on their way, in KiB: 3 MiB are kept, and each lane reads one of 256 KiB, which lie there
/// twice, with what they have in JSON.
const REPLAYS_KIB: u64 = 3 * 1024 + 4 * 4 * 256;
/// The queue, in KiB, with what a proposal has besides its text, and a batch in all its forms.
const QUEUE_KIB: u64 = 32 * 1024 + 8 * 1024;
/// Comings and goings of all rooms, in KiB.
const PRESENCES_KIB: u64 = 4 * 1024;
/// What a room has, in KiB.
const ROOM_KIB: u64 = 2;
/// One and a hundred connections.
const CONNECTIONS: [usize; 2] = [1, 100];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_nobody_reads_keep_to_their_bound() {
    let run = Run::begin("attack: answers that nobody reads");
    let mut tally = Tally::default();
    let bytes_max = run.pick(1, 16) * 1024 * 1024;
    for connections in CONNECTIONS {
        let mut arena = Arena::open(&[], false).await;
        for (number, question) in QUESTIONS.iter().enumerate() {
            // A hundred ask all of it in the long run, the first thing in the short one.
            if connections == 1 || run.long || number == 0 {
                arena.look();
                let attack = unread::ask(*question, arena.host.address(), connections, bytes_max);
                let (held, seen) = arena.under(attack).await;
                tally.messages += held.len() as u64;
                let bound = UNREAD_KIB * connections as u64;
                seen.judge(&format!("{} ×{connections}", question.name), bound, &mut tally);
            }
        }
        arena.host.stop().await;
    }
    run.finish(&tally);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_kept_of_somebody_who_comes_and_goes_in_many_rooms() {
    let run = Run::begin("attack: coming and going in many rooms");
    let mut tally = Tally::default();
    let (rooms, times) = run.pick((200, 400), (1_000, 4_000));
    for connections in CONNECTIONS {
        let mut arena = Arena::open(&[], false).await;
        let (link, token) = crowds::member_of(arena.host.address(), rooms).await;
        // From now on each hello is that of somebody who was away.
        drop(link);
        arena.look();
        let attack = crowds::come_and_go(arena.host.address(), token, connections, times / connections);
        let ((), seen) = arena.under(attack).await;
        seen.judge(&format!("×{connections}"), PRESENCES_KIB, &mut tally);
        arena.host.stop().await;
    }
    run.finish(&tally);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tails_are_kept_where_somebody_watches_and_share_a_budget() {
    let run = Run::begin("attack: long posts into many rooms");
    let mut tally = Tally::default();
    let (rooms, posts) = run.pick((40, 400), (400, 6_000));
    for watched in [false, true] {
        let mut arena = Arena::open(&[], false).await;
        let (mut link, _) = crowds::member_of(arena.host.address(), rooms).await;
        let mut watcher = crowds::guest(arena.host.address()).await;
        if watched {
            crowds::watch(&mut watcher, rooms, None).await;
        }
        arena.look();
        let attack = crowds::fill(&mut link, rooms, posts);
        let ((), seen) = arena.under(attack).await;
        let bound = if watched { TAILS_KIB + UNREAD_KIB } else { 0 };
        seen.judge(if watched { "watched" } else { "unwatched" }, bound, &mut tally);
        arena.host.stop().await;
    }
    run.finish(&tally);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_posts_once_waits_for_one_batch() {
    let run = Run::begin("attack: pipelines of long posts");
    let mut tally = Tally::default();
    for connections in CONNECTIONS {
        let mut arena = Arena::open(&[], false).await;
        let before = head(&mut arena).await;
        let said = arena.said();
        let attack = crowds::pipeline(arena.host.address(), connections, run.pick(8, 256));
        let ((), seen) = arena.under(attack).await;
        tally.messages += head(&mut arena).await - before - (arena.said() - said);
        let overtaken = arena.overtaken_max();
        seen.judge(&format!("×{connections}, overtaken by {overtaken}"), QUEUE_KIB, &mut tally);
        arena.host.stop().await;
    }
    run.finish(&tally);
}

/// The lobby's last event.
async fn head(arena: &mut Arena) -> u64 {
    match arena.ask(Command::History(History { limit: Some(1), ..History::latest(room("lobby")) })).await {
        ServerMessage::History(page) => page.head.get(),
        other => panic!("{}", other.to_json()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_makes_rooms_at_a_pace() {
    // What a server takes by itself: a sixth of an hour's rooms at once.
    const ROOMS_OF_A_USER: usize = 10;
    const ROOMS_OF_AN_ADDRESS: usize = 100;
    let run = Run::begin("attack: rooms made and left");
    let mut tally = Tally::default();
    for connections in CONNECTIONS {
        let mut arena = Arena::open(&[], true).await;
        let attack = crowds::make_rooms(arena.host.address(), connections);
        let (made, seen) = arena.under(attack).await;
        let most = (connections * ROOMS_OF_A_USER).min(ROOMS_OF_AN_ADDRESS);
        // The buckets fill a little meanwhile.
        if made < most || made > most + most / 4 + 1 {
            tally.complain(format!("{connections} connections made {made} rooms, not {most}"));
        }
        tally.messages += made as u64;
        seen.judge(&format!("×{connections}, {made} rooms"), ROOM_KIB * made as u64, &mut tally);
        arena.host.stop().await;
    }
    run.finish(&tally);
}

/// What somebody insists on: a name for it, and what is asked for at each connection.
type Insistence = (&'static str, fn(usize) -> Vec<Command>);

fn asked_often(command: impl Fn(usize) -> Command) -> Vec<Command> {
    (0..40).map(command).collect()
}

fn join_lobby() -> Command {
    Command::Join(Join { room: room("lobby"), create: false })
}

const INSISTENCES: &[Insistence] = &[
    ("hellos", |_| Vec::new()),
    ("long posts", |_| {
        let text = PostText::parse("茶😀".repeat(3_900)).expect("legal");
        let post =
            |_| Command::Post(Post { room: room("lobby"), op: None, text: text.clone(), action: false });
        [join_lobby()].into_iter().chain(asked_often(post)).collect()
    }),
    ("questions", |_| {
        asked_often(|number| match number % 3 {
            0 => Command::Who(Who { room: room("lobby") }),
            1 => Command::Rooms(Rooms { after: None }),
            _ => Command::History(History::latest(room("lobby"))),
        })
    }),
    ("joins and leaves", |_| {
        asked_often(|number| match number % 2 {
            0 => join_lobby(),
            _ => Command::Leave(Leave { room: room("lobby") }),
        })
    }),
    ("rooms", |connection| {
        asked_often(|number| {
            Command::Join(Join { room: room(&format!("r{connection}-{number}")), create: true })
        })
    }),
    ("replays", |_| {
        let after = Some(Position { epoch: Epoch::parse("old").expect("legal"), seq: Seq::ZERO });
        asked_often(|_| Command::Watch(Watch { room: room("lobby"), after: after.clone() }))
    }),
];

/// What a server lets one address do by itself, asked for without end. The attacker takes the machine's time too, so the same is
/// asked of another server first, which says how much of somebody else's wait is the machine's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_insists_at_the_default_settings_disturbs_nobody() {
    let run = Run::begin("attack: insisting at the default settings");
    let mut tally = Tally::default();
    // The short form is a crowd's alone.
    for &connections in if run.long { &CONNECTIONS[..] } else { &CONNECTIONS[1..] } {
        let (mut arena, mut other) = (Arena::open(&[], true).await, Arena::open(&[], true).await);
        for (name, wishes) in INSISTENCES {
            arena.look();
            let times = run.pick(100, 2_000) / connections;
            let attack = |address| crowds::insist(address, connections, times, *wishes);
            let ((), elsewhere) = arena.under(attack(other.host.address())).await;
            let ((), seen) = arena.under(attack(arena.host.address())).await;
            let bound = UNREAD_KIB * connections as u64 + TAILS_KIB + QUEUE_KIB;
            let beside = elsewhere.p99_during();
            seen.judge(&format!("{name} ×{connections} (p99 {beside:.1?} beside)"), bound, &mut tally);
        }
        arena.host.stop().await;
        other.host.stop().await;
    }
    run.finish(&tally);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replays_take_a_lane_each_and_not_a_thread() {
    // The lanes, and those that the runtime and the test's own reads take.
    const THREADS_MAX: usize = 8;
    let run = Run::begin("attack: replays of many rooms");
    let mut tally = Tally::default();
    // More in each room than a tail holds.
    let (rooms, posts) = run.pick((50, 600), (500, 6_000));
    let mut arena = Arena::open(&[], false).await;
    let (mut link, _) = crowds::member_of(arena.host.address(), rooms).await;
    crowds::fill(&mut link, rooms, posts).await;
    for connections in CONNECTIONS {
        arena.look();
        let attack = crowds::replay(arena.host.address(), connections, rooms / connections.min(10));
        let (held, seen) = arena.under(attack).await;
        tally.messages += held.len() as u64;
        if seen.threads > THREADS_MAX {
            tally.complain(format!("×{connections}: {} threads more than before", seen.threads));
        }
        let bound = REPLAYS_KIB + UNREAD_KIB * connections as u64;
        seen.judge(&format!("×{connections}, {} threads more", seen.threads), bound, &mut tally);
    }
    arena.host.stop().await;
    run.finish(&tally);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_and_joins_of_many_disturb_nobody() {
    let run = Run::begin("attack: who, joins and leaves");
    let mut tally = Tally::default();
    let (people, times) = run.pick((100, 200), (2_000, 2_000));
    let mut arena = Arena::open(&[], false).await;
    let mut crowd = Vec::new();
    for _ in 0..people {
        let mut link = crowds::guest(arena.host.address()).await;
        link.join(&room("lobby")).await.expect("the server writes");
        crowds::watch_room(&mut link, room("lobby")).await;
        crowd.push(link);
    }
    arena.look();
    for connections in CONNECTIONS {
        let address = arena.host.address();
        let ((), seen) = arena.under(crowds::ask_who(address, connections, times / connections)).await;
        seen.judge(&format!("who ×{connections}"), UNREAD_KIB * connections as u64, &mut tally);
        let attack = crowds::join_and_leave(address, connections, times / connections);
        let ((), seen) = arena.under(attack).await;
        let bound = UNREAD_KIB * (connections + people) as u64;
        seen.judge(&format!("joins and leaves ×{connections}"), bound, &mut tally);
    }
    drop(crowd);
    arena.host.stop().await;
    run.finish(&tally);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_at_once_keeps_to_the_sum_of_all_bounds() {
    let run = Run::begin("attack: everything at once");
    let mut tally = Tally::default();
    let (rooms, posts, connections) = run.pick((40, 200, 5), (400, 4_000, 100));
    let mut arena = Arena::open(&[], false).await;
    let address = arena.host.address();
    let (mut link, token) = crowds::member_of(address, rooms).await;
    let mut watcher = crowds::guest(address).await;
    crowds::watch(&mut watcher, rooms, None).await;
    arena.look();
    let unread = async {
        let mut held = Vec::new();
        for question in QUESTIONS {
            held.push(unread::ask(*question, address, connections, run.pick(1, 16) * 1024 * 1024).await);
        }
        held
    };
    let attack = async {
        tokio::join!(
            unread,
            crowds::come_and_go(address, token, connections.min(10), posts / 10),
            crowds::fill(&mut link, rooms, posts),
            crowds::pipeline(address, connections, run.pick(16, 64)),
            crowds::ask_who(address, connections, run.pick(10, 100)),
            crowds::join_and_leave(address, connections, run.pick(4, 40)),
        )
    };
    let (held, seen): (_, Seen) = arena.under(attack).await;
    let open = (QUESTIONS.len() * connections + 4 * connections + 2) as u64;
    let bound = open * UNREAD_KIB + TAILS_KIB + REPLAYS_KIB + QUEUE_KIB + PRESENCES_KIB;
    seen.judge(&format!("{open} connections, {rooms} rooms"), bound, &mut tally);
    drop(held);
    arena.host.stop().await;
    run.finish(&tally);
}
