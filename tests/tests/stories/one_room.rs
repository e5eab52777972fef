//! Two browsers, a terminal client, Python and `nc` in one room.

use teahouse_tests::browser::Browser;
use teahouse_tests::client::assert_gapless;
use teahouse_tests::page::Page;
use teahouse_tests::python::{on_port, python};
use teahouse_tests::server::Server;
use teahouse_tests::terminal::Home;
use teahouse_tests::text::{nc, post_in_line};
use teahouse_tests::{tcp, ws};

/// What somebody makes of the tutorial's client in ten minutes: what comes is printed, what is typed is sent.
const PYTHON_CHAT: &str = "
import socket, sys, threading
Client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
Client.connect(('127.0.0.1', 2023))
def read():
    for line in Client.makefile(encoding='utf-8'):
        print(line, end='', flush=True)
threading.Thread(target=read, daemon=True).start()
for line in sys.stdin:
    Client.sendall(line.encode())
";

type Posts = Vec<(String, String)>;

fn posts_in(lines: &[String]) -> Posts {
    lines.iter().filter_map(|line| post_in_line(line)).collect()
}

#[tokio::test]
async fn everybody_reads_the_same_words_once_in_the_same_order() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let mut socket = ws::enter(&server, "socket").await;

    let (first, second) = Browser::pair().await;
    let ana = Page::open(first, &server).await;
    let bo = Page::open(second, &server).await;
    ana.choose_name("ana").await;
    bo.choose_name("bo").await;

    let home = Home::new();
    let address = server.address().to_string();
    let mut terminal = home.run(&["chat", &address, "--name", "chen", "--room", "lobby"]);
    let mut snake = python(&on_port(PYTHON_CHAT, server.address().port()));
    snake.write("/name 小蛇\n").await;
    let mut cat = nc(&server);
    cat.write("/name dou\n").await;
    for name in ["ana", "bo", "chen", "小蛇", "dou"] {
        witness.push(&format!("{name} joining"), |push| push["kind"] == "join" && push["by"] == name).await;
    }

    // All at once: whatever order comes out, it must be one.
    const ROUNDS: usize = 4;
    tokio::join!(
        async {
            for round in 0..ROUNDS {
                ana.say(&format!("ana 说 {round}")).await;
            }
        },
        async {
            for round in 0..ROUNDS {
                bo.say(&format!("bo 说 {round}")).await;
            }
        },
        async {
            for round in 0..ROUNDS {
                terminal.write(&format!("chen 说 {round}\n")).await;
            }
        },
        async {
            for round in 0..ROUNDS {
                snake.write(&format!("小蛇 说 {round}\n")).await;
            }
        },
        async {
            for round in 0..ROUNDS {
                cat.write(&format!("dou 说 {round}\n")).await;
            }
        },
        async {
            for round in 0..ROUNDS {
                socket.post("lobby", &format!("socket 说 {round}")).await;
            }
        },
    );
    let total = 6 * ROUNDS;
    let mut live: Posts = Vec::new();
    for _ in 0..total {
        live.push(witness.post_event("lobby").await);
    }
    // After it nothing may come: a word that came twice would have come before it.
    witness.post("lobby", "就这些").await;
    live.push(witness.post_event("lobby").await);

    let history = witness.whole_history("lobby").await;
    assert_gapless(&history);
    assert_eq!(witness.posts("lobby").await, live, "live and history");
    for name in ["ana", "bo", "chen", "小蛇", "dou", "socket"] {
        let said: Vec<&str> =
            live.iter().filter(|(by, _)| by == name).map(|(_, text)| text.as_str()).collect();
        let expected: Vec<String> = (0..ROUNDS).map(|round| format!("{name} 说 {round}")).collect();
        assert_eq!(said, expected, "what {name} wrote");
    }

    let mut seen = Vec::new();
    for _ in 0..live.len() {
        seen.push(socket.post_event("lobby").await);
    }
    assert_eq!(seen, live, "WebSocket");

    for (page, name) in [(&ana, "ana"), (&bo, "bo")] {
        page.message("就这些").await;
        let shown: Posts =
            page.messages().await.into_iter().map(|message| (message.by, message.text)).collect();
        assert_eq!(shown, live, "{name}'s browser");
    }
    for (process, name) in [(&snake, "Python"), (&cat, "nc")] {
        process.stdout.line("the last word", |line| line.ends_with("就这些")).await;
        assert_eq!(posts_in(&process.stdout.lines()), live, "{name}");
    }
    terminal.stdout.line("the last word", |line| line.ends_with("就这些")).await;
    assert_eq!(posts_in(&terminal.stdout.lines()), live, "the terminal client");
}
