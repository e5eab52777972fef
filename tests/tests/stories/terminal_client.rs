//! The terminal client in scripts and pipes.

use serde_json::{Value, json};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;
use teahouse_tests::terminal::Home;
use teahouse_tests::text::post_in_line;

fn post(by: &str, text: &str) -> Option<(String, String)> {
    Some((by.to_owned(), text.to_owned()))
}

#[tokio::test]
async fn send_takes_its_text_from_the_arguments_or_from_standard_input() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let home = Home::new();
    let address = server.address().to_string();
    let options = ["send", "--server", &address, "--name", "ana", "--room", "lobby"];

    let finished = home.run(&[&options[..], &["你好"]].concat()).finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(witness.post_event("lobby").await, ("ana".to_owned(), "你好".to_owned()));

    let mut process = home.run(&options);
    process.write("从管道来").await;
    process.close_input();
    let finished = process.finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(witness.post_event("lobby").await.1, "从管道来");
}

#[tokio::test]
async fn exit_codes_mean_something() {
    let server = Server::start().await;
    let home = Home::new();
    let address = server.address().to_string();
    let send = |address: &str, room: &str, text: &str| {
        home.run(&["send", "--server", address, "--name", "ana", "--room", room, text])
    };
    let empty = send(&address, "lobby", " ").finish().await;
    assert!(!matches!(empty.code, Some(0) | None), "{empty:?}");
    assert!(!empty.stderr.is_empty() && !empty.stderr.contains("panicked"), "{}", empty.stderr);

    let room = send(&address, "a b", "x").finish().await;
    assert!(!matches!(room.code, Some(0) | None), "{room:?}");
    assert!(room.stderr.contains("spaces"), "{}", room.stderr);

    // A port that nobody listens on: the listener is gone before the client comes.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let nobody = send(&free.to_string(), "lobby", "x").finish().await;
    assert!(!matches!(nobody.code, Some(0) | None), "{nobody:?}");
    assert!(nobody.stderr.contains(&free.to_string()), "{}", nobody.stderr);
    assert_ne!(nobody.code, room.code, "no server is another failure than bad arguments");

    let usage = home.run(&["dance"]).finish().await;
    assert_eq!(usage.code, Some(2), "{usage:?}");
}

#[tokio::test]
async fn tail_gives_json_from_where_one_wants() {
    let server = Server::start().await;
    let mut ana = tcp::enter(&server, "ana").await;
    let mut last = 0;
    for number in 1..=5 {
        last = ana.post("lobby", &format!("第 {number} 句")).await;
    }
    let home = Home::new();
    let address = server.address().to_string();
    let since = (last - 3).to_string();
    let tail = home.run(&["tail", "--server", &address, "--room", "lobby", "--json", "--since", &since]);
    tail.stdout.count(3, "event", |line| line.contains("\"post\"")).await;
    ana.post("lobby", "现在").await;
    tail.stdout.line("the live event", |line| line.contains("现在")).await;
    let events: Vec<Value> = tail
        .stdout
        .lines()
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .filter(|event: &Value| event["kind"] == "post")
        .collect();
    let texts: Vec<&str> = events.iter().filter_map(|event| event["text"].as_str()).collect();
    assert_eq!(texts, ["第 3 句", "第 4 句", "第 5 句", "现在"]);
    assert_eq!(events[0]["seq"], json!(last - 2));
}

#[tokio::test]
async fn tail_goes_on_across_a_restart() {
    let mut server = Server::start().await;
    let mut ana = tcp::enter(&server, "ana").await;
    let home = Home::new();
    let address = server.address().to_string();
    let tail = home.run(&["tail", "--server", &address, "--room", "lobby", "--since", "0"]);
    ana.post("lobby", "以前").await;
    tail.stdout.line("the first words", |line| line.ends_with("以前")).await;
    server.kill().await;
    server.start_again().await;
    tcp::enter(&server, "bo").await.post("lobby", "以后").await;
    tail.stdout.line("the words after the restart", |line| line.ends_with("以后")).await;
    let posts: Vec<_> = tail.stdout.lines().iter().filter_map(|line| post_in_line(line)).collect();
    assert_eq!(
        posts.iter().cloned().map(Some).collect::<Vec<_>>(),
        [post("ana", "以前"), post("bo", "以后")]
    );
}

#[tokio::test]
async fn chat_shows_what_was_said_before_and_takes_lines_from_a_pipe() {
    let server = Server::start().await;
    let mut ana = tcp::enter(&server, "ana").await;
    ana.post("lobby", "早来的").await;
    let home = Home::new();
    let address = server.address().to_string();
    let mut chat = home.run(&["chat", &address, "--name", "bo", "--room", "lobby"]);
    chat.stdout.line("the history", |line| post_in_line(line) == post("ana", "早来的")).await;
    chat.write("第一行\n第二行\n").await;
    chat.close_input();
    assert_eq!(ana.event("lobby", "post").await["text"], "早来的");
    assert_eq!(ana.post_event("lobby").await, ("bo".to_owned(), "第一行".to_owned()));
    assert_eq!(ana.post_event("lobby").await, ("bo".to_owned(), "第二行".to_owned()));
    let finished = chat.finish().await;
    assert_eq!(finished.code, Some(0), "the end of the input ends it: {}", finished.stderr);
}

#[tokio::test]
async fn escape_sequences_of_others_do_not_reach_the_terminal() {
    let server = Server::start().await;
    let mut ana = tcp::enter(&server, "ana").await;
    let home = Home::new();
    let address = server.address().to_string();
    let chat = home.run(&["chat", &address, "--name", "bo", "--room", "lobby"]);
    ana.push("bo joining", |push| push["kind"] == "join" && push["by"] == "bo").await;
    ana.post("lobby", "危险\u{1b}[2J\u{1b}]0;x\u{7}\u{202e}\u{9b}31m").await;
    ana.post("lobby", "之后").await;
    chat.stdout.line("the next words", |line| line.ends_with("之后")).await;
    let printed = chat.stdout.text();
    assert!(printed.contains("危险"));
    for harmful in ['\u{1b}', '\u{7}', '\u{202e}', '\u{9b}'] {
        assert!(!printed.contains(harmful), "{harmful:?} in {printed:?}");
    }
}
