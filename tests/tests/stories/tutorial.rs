//! The reader of the tutorial "Python Socket TCP", with the client as it stands there.

use serde_json::json;
use teahouse_tests::python::{on_port, python};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;

/// As printed in the tutorial.
const CLIENT: &str = "\
import socket
Client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
Client_address = (('127.0.0.1', 2023))
Client.connect(Client_address)
";

/// The two lines that its reader adds.
const WORDS: &str = "\
Client.send('大家好'.encode())
print(Client.recv(4096).decode())
";

/// The peer's address in a line of the log, if it is none of those known.
fn stranger(line: &str, known: &[String]) -> Option<String> {
    let start = line.find("127.0.0.1:")?;
    let digits = line[start + "127.0.0.1:".len()..].bytes().take_while(u8::is_ascii_digit).count();
    let address = line[start..start + "127.0.0.1:".len() + digits].to_owned();
    (!known.contains(&address)).then_some(address)
}

#[tokio::test]
async fn the_client_as_it_stands_comes_and_goes() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let known = [server.address().to_string(), witness.tcp().local().to_string()];
    let before = witness.whole_history("lobby").await;

    let finished = python(&on_port(CLIENT, server.address().port())).finish().await;
    assert_eq!((finished.code, &*finished.stderr), (Some(0), ""));

    let came = server.wait_for_log("the stranger coming", |line| stranger(line, &known).is_some()).await;
    let address = stranger(&came, &known).expect("found in this line");
    let lines =
        server.wait_for_logs(2, "the stranger coming and going", |line| line.contains(&address)).await;
    assert_eq!(lines.len(), 2, "one line for coming and one for going: {lines:?}");
    assert_ne!(lines[0], lines[1]);

    assert_eq!(witness.whole_history("lobby").await, before, "nothing else happens");
    let members = witness.must("who", json!({"room": "lobby"})).await;
    assert_eq!(members["members"], json!([{"user": 1, "name": "witness", "online": true}]));
}

#[tokio::test]
async fn two_more_lines_make_it_chat() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;

    let script = on_port(&format!("{CLIENT}{WORDS}"), server.address().port());
    let finished = python(&script).finish().await;
    assert_eq!((finished.code, &*finished.stderr), (Some(0), ""));

    let (by, text) = witness.post_event("lobby").await;
    assert_eq!(text, "大家好");
    assert_ne!(by, "witness");
    let greeting = finished.stdout;
    assert!(greeting.contains(&by), "the greeting says which name the guest has: {greeting}");
    assert!(greeting.contains("/help"), "the greeting says how to go on: {greeting}");
    witness.push("the guest leaving", |push| push["kind"] == "leave" && push["by"] == by.as_str()).await;
}
