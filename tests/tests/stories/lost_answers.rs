//! The real client behind a link that is cut at the worst moment: each of its words stands in the room once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use teahouse_tests::client::Client;
use teahouse_tests::server::Server;
use teahouse_tests::tcp;
use teahouse_tests::terminal::Home;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Where the first link is cut. What is cut off is not passed on.
#[derive(Debug, Clone, Copy)]
enum Cut {
    /// Before the welcome: the server has let somebody in who will never know.
    Welcome,
    /// Before anything that the client sends once it has joined.
    Posts,
    /// Before this acknowledgement, counted from 1, or before the event that says as much; the first is that of the join.
    Ack(usize),
}

/// A proxy that cuts its first link, and lets the next ones through once the gate is open.
struct Cutter {
    address: SocketAddr,
    gate: watch::Sender<bool>,
    _tasks: JoinSet<()>,
}

impl Cutter {
    async fn start(server: SocketAddr, cut: Cut, open: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let (gate, _) = watch::channel(open);
        let mut passes = gate.subscribe();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let (client, _) = listener.accept().await.expect("a client");
            carry(client, server, Some(cut)).await;
            let mut links = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                if passes.wait_for(|open| *open).await.is_err() {
                    return;
                }
                links.spawn(carry(client, server, None));
            }
        });
        Self { address, gate, _tasks: tasks }
    }

    fn open(&self) {
        self.gate.send_replace(true);
    }
}

async fn carry(client: TcpStream, server: SocketAddr, cut: Option<Cut>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let joined = Arc::new(AtomicBool::new(false));
    let (hears, tells) = (Arc::clone(&joined), joined);
    let up = async move {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_client.read(&mut bytes).await {
            if matches!(cut, Some(Cut::Posts)) && hears.load(Ordering::Acquire) {
                return;
            }
            if to_server.write_all(&bytes[..length]).await.is_err() {
                return;
            }
        }
    };
    let down = async move {
        let (mut bytes, mut said) = (vec![0; 64 * 1024], Vec::new());
        while let Ok(length @ 1..) = from_server.read(&mut bytes).await {
            said.extend_from_slice(&bytes[..length]);
            // Frames of a server are not masked, so both kinds of link are readable.
            let said = String::from_utf8_lossy(&said);
            let count = |what: &str| said.matches(what).count();
            let acks = count(r#""type":"ack""#);
            let events = said.split(r#""type":"event""#).skip(1);
            let kinds = events.filter_map(|event| event.split(r#""kind":""#).nth(1));
            let words = kinds.filter(|kind| kind.starts_with("post")).count();
            match cut {
                Some(Cut::Welcome) if count(r#""type":"welcome""#) > 0 => return,
                Some(Cut::Ack(number)) if acks.max(1 + words) >= number && acks + words > 0 => return,
                _ => {}
            }
            tells.store(acks > 0, Ordering::Release);
            if to_client.write_all(&bytes[..length]).await.is_err() {
                return;
            }
        }
    };
    // One direction's end is the link's.
    tokio::select! {
        () = up => {}
        () = down => {}
    }
}

fn addresses(cutter: &Cutter) -> [String; 2] {
    [cutter.address.to_string(), format!("ws://{}/ws", cutter.address)]
}

async fn texts(witness: &mut Client) -> Vec<String> {
    witness.posts("lobby").await.into_iter().map(|(_, text)| text).collect()
}

fn is_post(push: &Value) -> bool {
    push["kind"] == "post"
}

#[tokio::test]
async fn wherever_the_link_is_cut_a_word_stands_once() {
    for cut in [Cut::Welcome, Cut::Posts, Cut::Ack(1), Cut::Ack(2)] {
        for way in 0..2 {
            for name in [&["--name", "cron", "--no-keep"][..], &[]] {
                let server = Server::start().await;
                let cutter = Cutter::start(server.address(), cut, true).await;
                let address = &addresses(&cutter)[way];
                let home = Home::new();
                let arguments = [&["send", "--server", address][..], name, &["编译好了"]].concat();
                let finished = home.run(&arguments).finish().await;
                // Who never heard the welcome has no token for the name, which its first connection may still hold.
                let unlucky = matches!(cut, Cut::Welcome) && !name.is_empty() && finished.code == Some(1);
                let mut witness = tcp::connect(&server).await;
                witness.hello("witness").await;
                let texts = texts(&mut witness).await;
                let shown = format!("{cut:?} {address} {name:?}: {finished:?}");
                if unlucky {
                    assert_eq!(texts, Vec::<String>::new(), "{shown}");
                } else {
                    assert_eq!((finished.code, texts), (Some(0), vec!["编译好了".into()]), "{shown}");
                }
            }
        }
    }
}

#[tokio::test]
async fn neither_a_restart_nor_a_name_that_went_to_somebody_else_doubles_a_word() {
    for restart in [true, false] {
        let mut server = Server::start().await;
        let mut witness = tcp::enter(&server, "witness").await;
        let cutter = Cutter::start(server.address(), Cut::Ack(2), false).await;
        let (address, home) = (cutter.address.to_string(), Home::new());
        let mut process = home.run(&[
            "send",
            "--server",
            &address,
            "--name",
            "cron",
            "--no-keep",
            "--timeout",
            "30",
            "一次",
        ]);
        witness.push("the word", is_post).await;
        if restart {
            server.kill().await;
            server.start_again().await;
        } else {
            // It is still called cron until the server sees that its link is gone.
            let mut other = tcp::connect(&server).await;
            let hello = json!({"protocol": 1, "auth": {"type": "guest", "name": "cron"}});
            while other.ask("hello", hello.clone()).await["type"] == "error" {}
        }
        cutter.open();
        let finished = process.finish().await;
        assert_eq!(finished.code, Some(0), "{restart}: {finished:?}");
        let mut witness = tcp::connect(&server).await;
        witness.hello("witness2").await;
        assert_eq!(texts(&mut witness).await, ["一次"], "{restart}");
    }
}

#[tokio::test]
async fn when_the_lease_is_over_send_says_that_it_does_not_know() {
    let server = Server::with(&["--guest-lease-ms", "100"]).await;
    let mut witness = tcp::enter(&server, "witness").await;
    for way in 0..2 {
        let cutter = Cutter::start(server.address(), Cut::Ack(2), false).await;
        let (address, home) = (&addresses(&cutter)[way], Home::new());
        let mut process = home.run(&["send", "--server", address, "--timeout", "30", "一次"]);
        let event = witness.push("the word", is_post).await;
        witness.push("the guest leaving", |push| push["kind"] == "leave" && push["by"] == event["by"]).await;
        cutter.open();
        let finished = process.finish().await;
        assert_eq!(finished.code, Some(5), "{finished:?}");
        assert!(finished.stderr.contains("not known") && finished.stderr.contains("一次"), "{finished:?}");
        assert_eq!(texts(&mut witness).await.len(), way + 1, "nothing is posted on a guess");
    }
}

#[tokio::test]
async fn of_many_lines_each_stands_once_or_is_said_to_be_unknown() {
    for lease in ["60000", "100"] {
        let server = Server::with(&["--guest-lease-ms", lease]).await;
        let mut witness = tcp::enter(&server, "witness").await;
        let cutter = Cutter::start(server.address(), Cut::Ack(8), false).await;
        let (address, home) = (cutter.address.to_string(), Home::new());
        let mut process = home.run(&["send", "--server", &address, "--timeout", "30", "--lines"]);
        let lines: Vec<String> = (0..20).map(|number| format!("line-{number:02}.")).collect();
        process.write(&format!("{}\n", lines.join("\n"))).await;
        process.close_input();
        let event = witness.push("a line", is_post).await;
        if lease == "100" {
            witness
                .push("the guest leaving", |push| push["kind"] == "leave" && push["by"] == event["by"])
                .await;
        }
        cutter.open();
        let finished = process.finish().await;
        let texts = texts(&mut witness).await;
        for line in &lines {
            let times = texts.iter().filter(|text| *text == line).count();
            let unknown = finished.stderr.contains(line.as_str());
            assert!(times == 1 || (times == 0 && unknown), "{lease}: {line} {times} times: {finished:?}");
        }
        let code = if lease == "100" { Some(5) } else { Some(0) };
        assert_eq!(finished.code, code, "{lease}: {finished:?}");
    }
}
