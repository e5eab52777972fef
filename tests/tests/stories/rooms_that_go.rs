//! Rooms that nobody wrote in go away with their last member.

use serde_json::json;
use teahouse_tests::client::assert_gapless;
use teahouse_tests::server::{Server, command};
use teahouse_tests::text::Text;
use teahouse_tests::{tcp, ws};

#[tokio::test]
async fn a_room_that_goes_is_gone_for_everybody() {
    let mut server = Server::start().await;
    let mut ana = tcp::connect(&server).await;
    ana.hello("ana").await;
    ana.must("join", json!({"room": "empty", "create": true})).await;
    let mut watcher = ws::connect(&server).await;
    watcher.hello("watcher").await;
    let watching = watcher.must("watch", json!({"room": "empty"})).await;
    let mut replayed = tcp::connect(&server).await;
    replayed.hello("replayed").await;
    let after = json!({"epoch": watching["epoch"], "seq": 0});
    replayed.must("watch", json!({"room": "empty", "after": after})).await;

    let left = ana.must("leave", json!({"room": "empty"})).await;
    assert_eq!((&left["room"], &left["seq"]), (&json!("empty"), &json!(3)), "{left}");
    for client in [&mut watcher, &mut replayed] {
        let gone = client.push("the end", |push| push["type"] == "gone").await;
        assert_eq!((&gone["room"], &gone["epoch"]), (&json!("empty"), &watching["epoch"]), "{gone}");
        for kind in ["history", "who", "watch", "leave", "unwatch"] {
            let reply = client.ask(kind, json!({"room": "empty"})).await;
            assert_eq!(reply["code"], "no_such_room", "{kind}: {reply}");
        }
        let post = client.ask("post", json!({"room": "empty", "text": "?"})).await;
        assert_eq!(post["code"], "no_such_room", "{post}");
    }
    let rooms = ana.must("rooms", json!({})).await;
    assert_eq!(rooms["rooms"].as_array().map(Vec::len), Some(1), "{rooms}");

    // The next one of that name is another, also after a restart.
    for restart in [false, true] {
        if restart {
            server.stop().await;
            server.start_again().await;
        }
        let mut bo = tcp::connect(&server).await;
        bo.hello("bo").await;
        let joined = bo.must("join", json!({"room": "empty", "create": true})).await;
        assert_eq!(joined["seq"], 2, "its seqs begin anew");
        let after = json!({"epoch": watching["epoch"], "seq": 2});
        let again = bo.must("watch", json!({"room": "empty", "after": after})).await;
        assert_eq!((&again["resume"], &again["reason"]), (&json!("reset"), &json!("other_epoch")), "{again}");
        let page = bo.must("history", json!({"room": "empty"})).await;
        assert_eq!(page["epoch"], again["epoch"]);
        assert_gapless(page["events"].as_array().expect("events"));
        bo.must("sign_out", json!({})).await;
    }
}

#[tokio::test]
async fn words_and_the_lobby_stay() {
    let server = Server::start().await;
    let mut ana = tcp::enter(&server, "ana").await;
    ana.enter("茶").await;
    ana.post("茶", "好茶").await;
    for room in ["lobby", "茶"] {
        ana.must("leave", json!({"room": room})).await;
    }
    let rooms = ana.must("rooms", json!({})).await;
    let names: Vec<&str> =
        rooms["rooms"].as_array().expect("a list").iter().filter_map(|room| room["room"].as_str()).collect();
    assert_eq!(names, ["lobby", "茶"]);
    assert_eq!(ana.posts("茶").await, [("ana".into(), "好茶".to_owned())]);

    // In words one only ever is in one room.
    let mut person = Text::connect(&server).await;
    person.send("/join one\n/join two\n/rooms\n").await;
    person.received.line("the list", |line| line.contains("two · 1")).await;
    let rooms = ana.must("rooms", json!({})).await;
    assert!(!rooms.to_string().contains("\"one\""), "{rooms}");
}

#[tokio::test]
async fn pages_of_rooms_go_on_where_a_room_went_away() {
    let server = Server::with(&["--unlimited"]).await;
    let mut ana = tcp::connect(&server).await;
    ana.hello("ana").await;
    for number in 0..250 {
        ana.must("join", json!({"room": format!("r{number:03}"), "create": true})).await;
    }
    let first = ana.must("rooms", json!({})).await;
    let last = first["rooms"].as_array().and_then(|rooms| rooms.last()).expect("a full page")["room"].clone();
    ana.must("leave", json!({"room": last})).await;
    let second = ana.must("rooms", json!({"after": last})).await;
    assert_eq!(second["rooms"].as_array().map(Vec::len), Some(51), "{second}");
}

#[tokio::test]
async fn gaps_in_the_numbers_of_rooms_are_sound() {
    let mut server = Server::with(&["--unlimited"]).await;
    let mut ana = tcp::connect(&server).await;
    ana.hello("ana").await;
    for round in 0..20 {
        ana.must("join", json!({"room": format!("r{round}"), "create": true})).await;
        if round % 3 == 0 {
            ana.post(&format!("r{round}"), "hier").await;
        }
        ana.must("leave", json!({"room": format!("r{round}")})).await;
    }
    ana.must("rename", json!({"name": "anna"})).await;
    server.stop().await;
    let verified = command(&server.data()).arg("verify").output().await.expect("it runs");
    assert!(verified.status.success(), "{verified:?}");
    server.start_again().await;
    let mut bo = tcp::connect(&server).await;
    bo.hello("bo").await;
    let rooms = bo.must("rooms", json!({})).await;
    assert_eq!(rooms["rooms"].as_array().map(Vec::len), Some(1 + 7), "{rooms}");
}
