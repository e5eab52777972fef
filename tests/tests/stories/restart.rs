//! The server stops in the middle of a conversation and starts again.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use teahouse_tests::client::{Client, assert_gapless};
use teahouse_tests::page::Page;
use teahouse_tests::server::Server;
use teahouse_tests::terminal::Home;
use teahouse_tests::{tcp, ws};

/// How the server ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Terminated,
    Killed,
}

async fn end(server: &mut Server, how: End) {
    match how {
        End::Terminated => {
            let finished = server.stop().await;
            assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        }
        End::Killed => server.kill().await,
    }
}

/// Says hello as a guest whose name stays, and gives the token.
async fn keep(client: &mut Client, name: &str) -> String {
    let auth = json!({"type": "guest", "name": name, "keep": true});
    let welcome = client.must("hello", json!({"protocol": 1, "auth": auth})).await;
    welcome["token"].as_str().expect("a guest gets a token").to_owned()
}

async fn return_with(client: &mut Client, token: &str) -> Value {
    client.must("hello", json!({"protocol": 1, "auth": {"type": "token", "token": token}})).await
}

fn post(number: usize) -> Value {
    json!({"room": "lobby", "op": format!("op-{number}"), "text": format!("第 {number} 句")})
}

/// Writes without waiting, ends the server under it, and writes again what got no answer.
async fn nothing_is_lost_or_doubled(how: End) {
    const POSTS: usize = 200;
    let mut server = Server::start().await;
    let mut writer = tcp::connect(&server).await;
    let token = keep(&mut writer, "ana").await;
    writer.must("join", json!({"room": "lobby"})).await;
    let mut reader = ws::connect(&server).await;
    keep(&mut reader, "bo").await;
    let watching = reader.must("watch", json!({"room": "lobby"})).await;
    let epoch = watching["epoch"].clone();

    // Half of them are sent and some of those answered when the server ends.
    let mut waiting = Vec::new();
    for number in 0..POSTS / 2 {
        waiting.push((writer.send("post", post(number)).await, number));
    }
    let mut acknowledged = Vec::new();
    while acknowledged.len() < 5 {
        let message = writer.receive().await.expect("the server answers");
        if message["type"] == "ack" {
            acknowledged.push(message);
        }
    }
    let last_read = reader.event("lobby", "post").await["seq"].clone();
    end(&mut server, how).await;
    acknowledged.extend(writer.closed().await.into_iter().filter(|message| message["type"] == "ack"));
    let answered: BTreeSet<u64> = acknowledged.iter().filter_map(|ack| ack["re"].as_u64()).collect();
    server.start_again().await;

    let mut writer = tcp::connect(&server).await;
    let welcome = return_with(&mut writer, &token).await;
    assert_eq!(welcome["user"]["name"], "ana");
    assert_eq!(welcome["rooms"][0]["room"], "lobby", "still a member: {welcome}");
    // What got no answer, and the other half; also a few that did get one, as a client with a short memory would.
    let again = waiting
        .iter()
        .filter(|(id, number)| *number < 3 || !answered.contains(id))
        .map(|(_, number)| *number);
    for number in again.chain(POSTS / 2..POSTS).collect::<Vec<_>>() {
        let ack = writer.must("post", post(number)).await;
        if let Some((id, _)) = waiting.iter().find(|(_, other)| *other == number)
            && let Some(first) = acknowledged.iter().find(|ack| ack["re"] == *id)
        {
            assert_eq!(ack["seq"], first["seq"], "the first answer again");
        }
    }

    let history = writer.whole_history("lobby").await;
    assert_gapless(&history);
    let posts: Vec<&Value> = history.iter().filter(|event| event["kind"] == "post").collect();
    let texts: BTreeSet<&str> = posts.iter().filter_map(|event| event["text"].as_str()).collect();
    assert_eq!((posts.len(), texts.len()), (POSTS, POSTS), "each of them once");
    for ack in &acknowledged {
        let number = waiting.iter().find(|(id, _)| ack["re"] == *id).expect("an ack for a post").1;
        let event =
            history.iter().find(|event| event["seq"] == ack["seq"]).expect("what was acknowledged is there");
        assert_eq!(event["text"], post(number)["text"]);
    }

    // Whoever was away gets exactly what was missed.
    let mut reader = ws::connect(&server).await;
    reader.hello("che").await;
    let after = json!({"epoch": epoch, "seq": last_read});
    let watching = reader.must("watch", json!({"room": "lobby", "after": after})).await;
    assert_eq!((&watching["resume"], &watching["epoch"]), (&json!("replay"), &epoch), "{watching}");
    let caught_up = reader.push("caught_up", |push| push["type"] == "caught_up").await;
    let missed = history.iter().filter(|event| event["seq"].as_u64() > last_read.as_u64());
    for expected in missed.take_while(|event| event["seq"].as_u64() <= caught_up["head"].as_u64()) {
        let mut event = reader.push("a missed event", |push| push["type"] == "event").await;
        let fields = event.as_object_mut().expect("an object");
        fields.remove("type");
        fields.remove("room");
        assert_eq!(&event, expected);
    }
}

#[tokio::test]
async fn nothing_is_lost_when_the_server_is_told_to_stop() {
    nothing_is_lost_or_doubled(End::Terminated).await;
}

#[tokio::test]
async fn nothing_is_lost_when_the_server_is_killed() {
    nothing_is_lost_or_doubled(End::Killed).await;
}

/// People at their clients do nothing at all about it.
async fn clients_come_back_by_themselves(how: End) {
    let mut server = Server::start().await;
    let ana = Page::enter(&server, "ana").await;
    let home = Home::new();
    let address = server.address().to_string();
    let mut chen = home.run(&["chat", &address, "--name", "chen", "--room", "lobby"]);
    chen.write("chen 在停以前说\n").await;
    ana.message("chen 在停以前说").await;
    ana.say("ana 在停以前说").await;
    ana.message("ana 在停以前说").await;
    chen.stdout.line("ana's words", |line| line.ends_with("ana 在停以前说")).await;

    end(&mut server, how).await;
    ana.say("ana 在停着时说").await;
    chen.write("chen 在停着时说\n").await;
    server.start_again().await;

    ana.online().await;
    for text in ["ana 在停着时说", "chen 在停着时说"] {
        ana.message(text).await;
        chen.stdout.line(text, |line| line.ends_with(text)).await;
    }
    chen.write("chen 在停以后说\n").await;
    ana.message("chen 在停以后说").await;

    let mut witness = tcp::connect(&server).await;
    witness.hello("witness").await;
    let expected = witness.posts("lobby").await;
    assert_eq!(expected.len(), 5, "each once: {expected:?}");
    let shown: Vec<_> = ana.messages().await.into_iter().map(|message| (message.by, message.text)).collect();
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn clients_come_back_after_a_stop() {
    clients_come_back_by_themselves(End::Terminated).await;
}

#[tokio::test]
async fn clients_come_back_after_a_kill() {
    clients_come_back_by_themselves(End::Killed).await;
}

#[tokio::test]
async fn rooms_and_history_survive() {
    let mut server = Server::start().await;
    let mut ana = tcp::connect(&server).await;
    let token = keep(&mut ana, "ana").await;
    ana.enter("品茶").await;
    ana.post("品茶", "明前龙井").await;
    let before = ana.whole_history("品茶").await;
    let rooms_before = ana.must("rooms", json!({})).await["rooms"].clone();
    server.stop().await;
    server.start_again().await;

    let mut ana = tcp::connect(&server).await;
    return_with(&mut ana, &token).await;
    assert_eq!(ana.whole_history("品茶").await, before);
    assert_eq!(ana.must("rooms", json!({})).await["rooms"], rooms_before);
    ana.post("品茶", "雨前也好").await;
    assert_gapless(&ana.whole_history("品茶").await);
    // The name is kept for whoever has the token.
    let mut other = tcp::connect(&server).await;
    let reply = other.ask("hello", json!({"protocol": 1, "auth": {"type": "guest", "name": "ana"}})).await;
    assert_eq!(reply["code"], "name_taken", "{reply}");
}
