//! Whoever wants more than a share: of the queue, of rooms, of what is told and read.

use std::net::SocketAddr;

use teahouse_protocol::{
    Auth, Command, Hello, Join, Leave, PROTOCOL_VERSION, Position, Post, PostText, RoomName, Seq,
    ServerMessage, Watch, Who,
};
use tokio::task::JoinSet;

use super::arena::{ATTACKER, connect};
use crate::link::{Link, kept, room};

/// A guest of the attacker's address.
pub(super) async fn guest(address: SocketAddr) -> Link {
    let mut link = Link::over(connect(ATTACKER, address).await);
    link.hello_as_anybody().await.expect("the server welcomes");
    link
}

pub(super) fn numbered(number: usize) -> RoomName {
    room(&format!("room{number}"))
}

/// Somebody who is in so many rooms, and the token to come back with.
pub(super) async fn member_of(address: SocketAddr, rooms: usize) -> (Link, String) {
    let mut link = Link::over(connect(ATTACKER, address).await);
    let ServerMessage::Welcome(welcome) = link.hello(kept("everywhere")).await.expect("it answers") else {
        panic!("no welcome")
    };
    for number in 0..rooms {
        link.join(&numbered(number)).await.expect("the server writes");
    }
    (link, welcome.token.expect("a new guest"))
}

/// Comes and goes, again and again.
pub(super) async fn come_and_go(address: SocketAddr, token: String, connections: usize, times: usize) {
    let mut coming = JoinSet::new();
    for _ in 0..connections {
        let token = token.clone();
        coming.spawn(async move {
            for _ in 0..times {
                let mut link = Link::over(connect(ATTACKER, address).await);
                let auth = Auth::Token { token: token.clone() };
                let hello = Hello { protocol: PROTOCOL_VERSION, auth, client: None };
                link.ask(Command::Hello(hello)).await.expect("the server answers");
            }
        });
    }
    coming.join_all().await;
}

/// Long posts into many rooms, one after the other.
pub(super) async fn fill(link: &mut Link, rooms: usize, posts: usize) {
    for number in 0..posts {
        let text = PostText::parse(format!("{number} {}", "茶😀".repeat(3_900))).expect("legal");
        let post = Post { room: numbered(number % rooms), op: None, text, action: false };
        match link.ask(Command::Post(post)).await.expect("the connection lives") {
            ServerMessage::Ack(_) => {}
            other => panic!("{}", other.to_json()),
        }
    }
}

/// Watches so many rooms, and never reads on.
pub(super) async fn watch(link: &mut Link, rooms: usize, after: Option<Seq>) {
    for number in 0..rooms {
        let name = numbered(number);
        let ServerMessage::Watching(watching) =
            link.ask(Command::Watch(Watch { room: name.clone(), after: None })).await.expect("it answers")
        else {
            panic!("no answer")
        };
        if let Some(seq) = after {
            let after = Some(Position { epoch: watching.epoch, seq });
            link.send(Command::Watch(Watch { room: name, after })).await.expect("the server reads");
        }
    }
}

/// Asks for all of so many rooms on each of so many connections, and reads none of it. Gives the connections.
pub(super) async fn replay(address: SocketAddr, connections: usize, rooms: usize) -> Vec<Link> {
    let mut watching = JoinSet::new();
    for _ in 0..connections {
        watching.spawn(async move {
            let mut link = guest(address).await;
            watch(&mut link, rooms, Some(Seq::ZERO)).await;
            link
        });
    }
    watching.join_all().await
}

/// Watches one room.
pub(super) async fn watch_room(link: &mut Link, room: RoomName) {
    match link.ask(Command::Watch(Watch { room, after: None })).await.expect("the server answers") {
        ServerMessage::Watching(_) => {}
        other => panic!("{}", other.to_json()),
    }
}

/// Pipelines as many long posts as may be at work, on each of so many connections.
pub(super) async fn pipeline(address: SocketAddr, connections: usize, posts: usize) {
    let mut posting = JoinSet::new();
    for _ in 0..connections {
        posting.spawn(async move {
            let mut link = guest(address).await;
            link.join(&room("lobby")).await.expect("the server writes");
            let text = PostText::parse("茶😀".repeat(3_900)).expect("legal");
            for _ in 0..posts {
                let post = Post { room: room("lobby"), op: None, text: text.clone(), action: false };
                link.send(Command::Post(post)).await.expect("the server reads on");
            }
            for _ in 0..posts {
                // Some may be refused as too many; all are answered.
                link.receive().await.expect("all are answered");
            }
        });
    }
    posting.join_all().await;
}

/// Makes and leaves rooms as long as the server lets it. Gives how many were made.
pub(super) async fn make_rooms(address: SocketAddr, connections: usize) -> usize {
    let mut making = JoinSet::new();
    for connection in 0..connections {
        making.spawn(async move {
            let mut link = guest(address).await;
            let mut made = 0;
            loop {
                let name = room(&format!("r{connection}-{made}"));
                let join = Join { room: name.clone(), create: true };
                match link.ask(Command::Join(join)).await.expect("the connection lives") {
                    ServerMessage::Ack(_) => made += 1,
                    ServerMessage::Error(error) if error.temporary && error.retry_after_ms.is_some() => {
                        return made;
                    }
                    other => panic!("{}", other.to_json()),
                }
                link.ask(Command::Leave(Leave { room: name })).await.expect("the connection lives");
            }
        });
    }
    making.join_all().await.into_iter().sum()
}

/// Asks who is there, again and again, and reads it.
pub(super) async fn ask_who(address: SocketAddr, connections: usize, times: usize) {
    let mut asking = JoinSet::new();
    for _ in 0..connections {
        asking.spawn(async move {
            let mut link = guest(address).await;
            for _ in 0..times {
                link.ask(Command::Who(Who { room: room("lobby") })).await.expect("the server answers");
            }
        });
    }
    asking.join_all().await;
}

/// Joins and leaves a room, again and again.
pub(super) async fn join_and_leave(address: SocketAddr, connections: usize, times: usize) {
    let mut joining = JoinSet::new();
    for _ in 0..connections {
        joining.spawn(async move {
            let mut link = guest(address).await;
            for _ in 0..times {
                link.join(&room("lobby")).await.expect("the server writes");
                link.ask(Command::Leave(Leave { room: room("lobby") })).await.expect("it answers");
            }
        });
    }
    joining.join_all().await;
}

/// Connects so many times, says hello, asks for what `wishes` says, and takes whatever the answers are, refusals too.
pub(super) async fn insist(
    address: SocketAddr,
    connections: usize,
    times: usize,
    wishes: fn(usize) -> Vec<Command>,
) {
    let mut insisting = JoinSet::new();
    for connection in 0..connections {
        insisting.spawn(async move {
            for time in 0..times {
                let mut link = Link::over(connect(ATTACKER, address).await);
                let _refused = link.hello_as_anybody().await;
                for wish in wishes(connection * times + time) {
                    if link.ask(wish).await.is_err() {
                        break;
                    }
                }
            }
        });
    }
    insisting.join_all().await;
}
