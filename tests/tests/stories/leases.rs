//! Who is away for a moment stays who it is.

use serde_json::{Value, json};
use teahouse_tests::client::Client;
use teahouse_tests::server::Server;
use teahouse_tests::text::Text;
use teahouse_tests::{tcp, ws};

const DOORS: [Door; 2] = [Door::Tcp, Door::Ws];

#[derive(Debug, Clone, Copy)]
enum Door {
    Tcp,
    Ws,
}

async fn connect(server: &Server, door: Door) -> Client {
    match door {
        Door::Tcp => tcp::connect(server).await,
        Door::Ws => ws::connect(server).await,
    }
}

/// A guest who keeps no name enters the lobby. Gives the token.
async fn enter(client: &mut Client, name: Option<&str>) -> String {
    let auth = json!({"type": "guest", "name": name});
    let welcome = client.must("hello", json!({"protocol": 1, "auth": auth})).await;
    client.enter("lobby").await;
    welcome["token"].as_str().expect("a guest gets a token").to_owned()
}

async fn return_with(client: &mut Client, token: &str) -> Value {
    client.ask("hello", json!({"protocol": 1, "auth": {"type": "token", "token": token}})).await
}

fn word() -> Value {
    json!({"room": "lobby", "op": "the-word", "text": "一次"})
}

fn of(kind: &'static str, by: &str) -> impl Fn(&Value) -> bool {
    move |push| push["kind"] == kind && push["by"] == by
}

/// A guest says something and never hears that it was taken. Gives its token and the seq of its words.
async fn say_and_vanish(
    server: &Server,
    door: Door,
    witness: &mut Client,
    name: Option<&str>,
) -> (String, Value) {
    let mut guest = connect(server, door).await;
    let token = enter(&mut guest, name).await;
    guest.send("post", word()).await;
    let event = witness.push("the word", |push| push["kind"] == "post" && push["text"] == "一次").await;
    drop(guest);
    (token, event["seq"].clone())
}

#[tokio::test]
async fn a_word_whose_answer_was_lost_stands_once() {
    for door in DOORS {
        let server = Server::start().await;
        let mut witness = tcp::enter(&server, "witness").await;
        for name in [None, Some("ana")] {
            let (token, seq) = say_and_vanish(&server, door, &mut witness, name).await;
            let mut guest = connect(&server, door).await;
            let welcome = return_with(&mut guest, &token).await;
            assert_eq!(welcome["rooms"][0]["room"], "lobby", "{door:?}: still a member: {welcome}");
            assert_eq!(guest.must("post", word()).await["seq"], seq, "{door:?}: the first answer again");
        }
        assert_eq!(witness.posts("lobby").await.len(), 2, "{door:?}: one of each guest");
    }
}

#[tokio::test]
async fn a_restart_begins_the_lease_anew() {
    for killed in [false, true] {
        let mut server = Server::start().await;
        let mut witness = tcp::enter(&server, "witness").await;
        let (token, seq) = say_and_vanish(&server, Door::Tcp, &mut witness, None).await;
        if killed {
            server.kill().await;
        } else {
            server.stop().await;
        }
        server.start_again().await;
        let mut guest = tcp::connect(&server).await;
        assert_eq!(return_with(&mut guest, &token).await["type"], "welcome");
        assert_eq!(guest.must("post", word()).await["seq"], seq, "the first answer again");
        assert_eq!(guest.posts("lobby").await.len(), 1);
    }
}

#[tokio::test]
async fn when_the_lease_is_over_the_guest_departs_whatever_happened_meanwhile() {
    let mut server = Server::with(&["--guest-lease-ms", "300"]).await;
    let mut witness = tcp::enter(&server, "witness").await;
    let mut guest = tcp::connect(&server).await;
    let token = enter(&mut guest, Some("ana")).await;
    // Comes and goes: the first absence must not end the last one, nor the stay.
    for _ in 0..3 {
        drop(guest);
        guest = tcp::connect(&server).await;
        assert_eq!(return_with(&mut guest, &token).await["user"]["name"], "ana");
    }
    guest.must("post", word()).await;
    drop(guest);
    witness.push("ana leaving", of("leave", "ana")).await;
    let events = witness.whole_history("lobby").await;
    assert_eq!(events.iter().filter(|event| event["by"] == "ana" && event["kind"] == "leave").count(), 1);
    let mut guest = tcp::connect(&server).await;
    assert_eq!(return_with(&mut guest, &token).await["code"], "bad_token");
    guest.hello("ana").await;

    // Who was there when the server ended departs too.
    guest.enter("lobby").await;
    server.kill().await;
    server.start_again().await;
    let mut witness = tcp::connect(&server).await;
    witness.hello("witness2").await;
    witness.must("watch", json!({"room": "lobby", "after": {"epoch": "none", "seq": 0}})).await;
    loop {
        let members = witness.must("who", json!({"room": "lobby"})).await;
        if members["total"] == 0 {
            break;
        }
        witness.push("somebody leaving", |push| push["kind"] == "leave").await;
    }
}

#[tokio::test]
async fn whose_name_was_taken_meanwhile_is_the_same_under_another() {
    for door in DOORS {
        let server = Server::start().await;
        let mut witness = tcp::enter(&server, "witness").await;
        let (token, seq) = say_and_vanish(&server, door, &mut witness, Some("ana")).await;
        // Only whose end was noticed is away.
        witness.push("ana going", |push| push["type"] == "presence" && push["online"] == false).await;
        let mut newcomer = connect(&server, door).await;
        enter(&mut newcomer, Some("ana")).await;
        witness.push("ana leaving", of("leave", "ana")).await;
        let renamed = witness.push("a new name", |push| push["kind"] == "join" && push["by"] != "ana").await;
        witness.push("the other ana", of("join", "ana")).await;

        let mut guest = connect(&server, door).await;
        let welcome = return_with(&mut guest, &token).await;
        assert_eq!(welcome["user"]["name"], renamed["by"], "{welcome}");
        assert_eq!(guest.must("post", word()).await["seq"], seq, "{door:?}: the first answer again");
        newcomer.must("post", word()).await;
        let by: Vec<String> = witness.posts("lobby").await.into_iter().map(|(by, _)| by).collect();
        assert_eq!(by, ["ana", "ana"], "{door:?}: the same operation of two people is two");
        guest.post("lobby", "我还在").await;
        let (by, _) = witness.posts("lobby").await.pop().expect("just posted");
        assert_eq!(by, renamed["by"]);
    }
}

/// The guest comes back at the moment at which somebody else asks for its name.
#[tokio::test]
async fn of_two_who_come_at_once_nobody_loses_anything() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    for round in 0..30 {
        let mut guest = tcp::connect(&server).await;
        let token = enter(&mut guest, Some("ana")).await;
        let op = json!({"room": "lobby", "op": format!("op-{round}"), "text": format!("{round}")});
        let seq = guest.must("post", op.clone()).await["seq"].clone();
        let (mut back, mut newcomer) = (tcp::connect(&server).await, ws::connect(&server).await);
        drop(guest);
        let hello = json!({"protocol": 1, "auth": {"type": "guest", "name": "ana"}});
        let (returned, arrived) = tokio::join!(return_with(&mut back, &token), newcomer.ask("hello", hello));
        assert_eq!(returned["type"], "welcome", "round {round}: {returned}");
        let mut name = returned["user"]["name"].clone();
        let is_taken_over = arrived["type"] == "welcome";
        if is_taken_over && name == "ana" {
            // It was let in while the name was being given away.
            let said = back.closed().await;
            assert!(
                said.iter().any(|said| said["type"] == "goodbye" && said["reason"] == "renamed"),
                "round {round}: {said:?}"
            );
            back = tcp::connect(&server).await;
            name = return_with(&mut back, &token).await["user"]["name"].clone();
        }
        let fits =
            if is_taken_over { &arrived["user"]["name"] == "ana" } else { arrived["code"] == "name_taken" };
        assert!(fits && (name == "ana") != is_taken_over, "round {round}: {name} {arrived}");
        assert_eq!(back.must("post", op).await["seq"], seq, "round {round}: {name} {arrived}");
        back.must("sign_out", json!({})).await;
        if is_taken_over {
            newcomer.must("sign_out", json!({})).await;
        }
    }
    assert_eq!(witness.posts("lobby").await.len(), 30);
}

#[tokio::test]
async fn a_person_in_words_cannot_come_back_and_leaves_at_once() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let mut person = Text::connect(&server).await;
    person.send("/name dou\n你好\n").await;
    witness.push("the words", of("post", "dou")).await;
    drop(person);
    witness.push("dou leaving", of("leave", "dou")).await;
}

#[tokio::test]
async fn another_name_is_the_same_person() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let mut one = tcp::connect(&server).await;
    let token = enter(&mut one, Some("ana")).await;
    let mut two = ws::connect(&server).await;
    return_with(&mut two, &token).await;
    let seq = one.must("post", word()).await["seq"].clone();

    let taken = one.ask("rename", json!({"name": "Witness"})).await;
    assert_eq!((&taken["code"], &taken["field"]), (&json!("name_taken"), &json!("name")), "{taken}");
    let renamed = one.must("rename", json!({"name": "bo"})).await;
    assert_eq!(renamed["user"]["name"], "bo");
    witness.push("ana leaving", of("leave", "ana")).await;
    witness.push("bo joining", of("join", "bo")).await;
    assert_eq!(one.must("post", word()).await["seq"], seq, "an op is the person's");
    let members = witness.must("who", json!({"room": "lobby"})).await;
    let mut names: Vec<&str> =
        members["members"].as_array().expect("a list").iter().filter_map(|m| m["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["bo", "witness"], "nobody is left behind under the old name");

    // The other connection asks for nothing, and is told.
    let text = json!({"room": "lobby", "op": "later", "text": "还是我"});
    let said = two.closed().await;
    assert!(said.iter().any(|push| push["type"] == "goodbye" && push["reason"] == "renamed"), "{said:?}");
    let mut two = ws::connect(&server).await;
    assert_eq!(return_with(&mut two, &token).await["user"]["name"], "bo");
    two.must("post", text).await;
    let by: Vec<(String, String)> = witness.posts("lobby").await;
    assert_eq!(by, [("ana".into(), "一次".into()), ("bo".into(), "还是我".to_owned())], "the name of then");
    tcp::connect(&server).await.hello("ana").await;
}

#[tokio::test]
async fn who_signs_out_is_gone_at_once_on_every_connection() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let mut one = tcp::connect(&server).await;
    let auth = json!({"type": "guest", "name": "ana", "keep": true});
    let welcome = one.must("hello", json!({"protocol": 1, "auth": auth})).await;
    let token = welcome["token"].as_str().expect("a token").to_owned();
    one.enter("lobby").await;
    let mut two = ws::connect(&server).await;
    return_with(&mut two, &token).await;
    two.must("watch", json!({"room": "lobby"})).await;
    one.must("sign_out", json!({})).await;
    witness.push("ana leaving", of("leave", "ana")).await;
    // The same connection, and another one, may be somebody anew, who watches nothing yet.
    witness.post("lobby", "nobody hears").await;
    one.must("hello", json!({"protocol": 1, "auth": auth})).await;
    one.enter("lobby").await;
    witness.post("lobby", "to be heard").await;
    assert_eq!(one.post_event("lobby").await.1, "to be heard");
    // The other one asks for nothing, reads nothing of that commit or of what follows, and is told why.
    let said = two.closed().await;
    let told = |push: &Value| push["type"] == "error" && push["code"] == "bad_token";
    assert!(said.last().is_some_and(told), "{said:?}");
    assert!(!said.iter().any(|push| push["kind"] == "leave" || push["kind"] == "post"), "{said:?}");
    let mut again = tcp::connect(&server).await;
    assert_eq!(return_with(&mut again, &token).await["code"], "bad_token");
}

#[tokio::test]
async fn a_name_is_given_up_with_the_last_room() {
    let server = Server::start().await;
    let mut ana = tcp::connect(&server).await;
    let auth = json!({"type": "guest", "name": "ana", "keep": true});
    ana.must("hello", json!({"protocol": 1, "auth": auth})).await;
    ana.enter("lobby").await;
    ana.must("leave", json!({"room": "lobby"})).await;
    let mut other = tcp::connect(&server).await;
    assert_eq!(other.ask("hello", json!({"protocol": 1, "auth": auth})).await["code"], "name_taken");
    // As soon as the server has seen the end of the connection, and not a lease later.
    drop(ana);
    while other.ask("hello", json!({"protocol": 1, "auth": auth})).await["type"] == "error" {}
}
