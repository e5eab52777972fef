//! Who is here.

use serde_json::{Value, json};
use teahouse_tests::server::Server;
use teahouse_tests::text::Text;
use teahouse_tests::{tcp, ws};

fn presence<'a>(name: &'a str, online: bool) -> impl Fn(&Value) -> bool + 'a {
    move |push| push["type"] == "presence" && push["name"] == name && push["online"] == online
}

#[tokio::test]
async fn members_are_listed_those_who_are_here_first() {
    let server = Server::start().await;
    let mut ana = tcp::enter(&server, "ana").await;
    let mut zhou = ws::connect(&server).await;
    let auth = json!({"type": "guest", "name": "周", "keep": true});
    let welcome = zhou.must("hello", json!({"protocol": 1, "auth": auth})).await;
    zhou.must("join", json!({"room": "lobby"})).await;
    let mut bo = tcp::enter(&server, "bo").await;
    ana.event("lobby", "join").await;

    let members = bo.must("who", json!({"room": "lobby"})).await;
    assert_eq!(members["total"], 3, "{members}");
    let names: Vec<&str> = members["members"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|member| member["name"].as_str())
        .collect();
    assert_eq!(names, ["ana", "bo", "周"]);

    drop(zhou);
    ana.push("周 going", presence("周", false)).await;
    let members = ana.must("who", json!({"room": "lobby"})).await;
    let list = members["members"].as_array().expect("a list");
    let away = json!({"user": welcome["user"]["id"], "name": "周", "online": false});
    assert_eq!(list.last(), Some(&away), "{members}");
    assert_eq!(members["total"], 3);
}

#[tokio::test]
async fn a_guest_who_keeps_the_name_comes_back_and_another_leaves_for_good() {
    let server = Server::with(&["--guest-lease-ms", "200"]).await;
    let mut ana = tcp::enter(&server, "ana").await;
    let mut kept = tcp::connect(&server).await;
    let auth = json!({"type": "guest", "name": "bo", "keep": true});
    let welcome = kept.must("hello", json!({"protocol": 1, "auth": auth})).await;
    kept.must("join", json!({"room": "lobby"})).await;
    ana.push("bo joining", |push| push["kind"] == "join" && push["by"] == "bo").await;
    drop(kept);
    ana.push("bo going", presence("bo", false)).await;

    let mut kept = ws::connect(&server).await;
    let auth = json!({"type": "token", "token": welcome["token"]});
    let again = kept.must("hello", json!({"protocol": 1, "auth": auth})).await;
    assert_eq!(again["user"]["name"], "bo");
    assert!(again.get("token").is_none(), "who brings a token needs none: {again}");
    ana.push("bo coming back", presence("bo", true)).await;

    let passer_by = tcp::enter(&server, "che").await;
    ana.push("che joining", |push| push["kind"] == "join" && push["by"] == "che").await;
    drop(passer_by);
    ana.push("che leaving", |push| push["kind"] == "leave" && push["by"] == "che").await;
    // The name is free again.
    tcp::connect(&server).await.hello("che").await;
}

#[tokio::test]
async fn a_token_that_is_none_is_refused() {
    let server = Server::start().await;
    let mut client = tcp::connect(&server).await;
    let auth = json!({"type": "token", "token": "nonsense"});
    let reply = client.ask("hello", json!({"protocol": 1, "auth": auth})).await;
    assert_eq!(reply["code"], "bad_token", "{reply}");
    client.hello("ana").await;
}

#[tokio::test]
async fn plain_text_has_words_for_it() {
    let server = Server::start().await;
    let mut ana = tcp::enter(&server, "ana").await;
    ana.post("lobby", "早来的").await;
    let mut text = Text::connect(&server).await;
    text.send("/name dou\n").await;
    ana.push("dou joining", |push| push["kind"] == "join" && push["by"] == "dou").await;
    text.send("/who\n").await;
    for name in ["ana", "dou"] {
        text.received.line("the members", |line| line.trim() == name).await;
    }
    text.send("/rooms\n").await;
    text.received.until("the rooms", |said| said.contains("lobby").then_some(())).await;
    text.send("/history\n").await;
    text.received.line("the history", |line| line.ends_with("ana: 早来的")).await;
    text.send("/join 品茶\n你好\n").await;
    let mut witness = tcp::connect(&server).await;
    witness.hello("witness").await;
    text.received.line("the own words", |line| line.contains("dou: 你好")).await;
    assert_eq!(witness.posts("品茶").await, [("dou".to_owned(), "你好".to_owned())]);
    text.send("/dance\n").await;
    text.received.line("a word about the command", |line| line.contains("there is no such command")).await;
    text.send("/quit\n").await;
    text.received.end().await;
    assert_eq!(witness.posts("品茶").await.len(), 1, "no command was posted");
}
