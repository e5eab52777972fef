//! Two connections of one author race with the same operation ids.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use teahouse_protocol::{Ack, Auth, Command, OpId, Post, PostText, RoomName, Seq, ServerMessage};
use tempfile::TempDir;

use crate::audit::audit;
use crate::host::{Host, Spec};
use crate::link::{Link, Way, kept, room};
use crate::run::{Run, Tally};

/// So many posts of a connection are on their way at a time.
const WINDOW: u64 = 64;

/// Posts all numbers through a connection of its own; gives the seq of each.
async fn post_all(
    address: SocketAddr,
    way: Way,
    token: String,
    room: RoomName,
    posts: u64,
) -> BTreeMap<u64, Seq> {
    let mut link = Link::open(address, way).await.expect("the server accepts");
    link.hello(Auth::Token { token }).await.expect("the server welcomes");
    let mut seqs = BTreeMap::new();
    let mut sent = 0;
    while (seqs.len() as u64) < posts {
        while sent < posts && sent - (seqs.len() as u64) < WINDOW {
            sent += 1;
            let post = Post {
                room: room.clone(),
                op: Some(OpId::parse(&format!("twin-{sent}")).expect("a legal op")),
                text: PostText::parse(format!("twin:{sent}")).expect("a legal text"),
                action: false,
            };
            link.send(Command::Post(post)).await.expect("the connection lives");
        }
        match link.receive_soon().await.expect("the connection lives") {
            // Answers come in the order of requests.
            ServerMessage::Ack(Ack { seq: Some(seq), .. }) => {
                seqs.insert(seqs.len() as u64 + 1, seq);
            }
            other => panic!("{}", other.to_json()),
        }
    }
    seqs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_op_from_two_connections_is_one_event() {
    let run = Run::begin("twins");
    let posts = run.pick(2_000, 20_000);
    let folder = TempDir::new().expect("a temporary folder");
    let mut host = Host::start(&folder.path().join("data"), Spec::default()).await;
    let mut first = Link::open(host.address(), Way::Tcp).await.expect("the server accepts");
    let Ok(ServerMessage::Welcome(welcome)) = first.hello(kept("twin")).await else { panic!("no welcome") };
    let token = welcome.token.expect("a guest gets a token");
    let lobby = room("lobby");
    first.join(&lobby).await.expect("the server writes");

    let racing = |way| tokio::spawn(post_all(host.address(), way, token.clone(), lobby.clone(), posts));
    let (one, other) = tokio::join!(racing(Way::Tcp), racing(Way::Ws));
    let (one, other) = (one.expect("no task panics"), other.expect("no task panics"));
    let mut tally = Tally { cycles: posts, ..Tally::default() };
    for (number, seq) in &one {
        if other.get(number) != Some(seq) {
            tally.doubled += 1;
            tally.complain(format!("{number} was acknowledged as {seq} and as {:?}", other.get(number)));
        }
    }
    let account = crate::writer::Account {
        name: "twin".into(),
        room: Some(lobby),
        acknowledged: one,
        written: posts,
        ..Default::default()
    };
    tally.add(audit(host.address(), &[account], &[]).await);
    if tally.messages != posts {
        tally.complain(format!("{} messages of {posts}", tally.messages));
    }
    drop(first);
    host.stop().await;
    run.finish(&tally);
}
