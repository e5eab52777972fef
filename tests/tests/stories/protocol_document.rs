//! The transcripts of PROTOCOL.md.

use teahouse_tests::programs::repository;
use teahouse_tests::server::Server;
use teahouse_tests::transcript::{parse, replay};

#[tokio::test]
async fn the_transcripts_of_the_protocol_are_what_happens() {
    let document = std::fs::read_to_string(repository().join("PROTOCOL.md")).expect("there is a PROTOCOL.md");
    let transcripts = parse(&document).unwrap_or_else(|error| panic!("PROTOCOL.md, {error}"));
    assert!(!transcripts.is_empty(), "PROTOCOL.md shows a conversation");
    for lines in transcripts {
        let server = Server::start().await;
        replay(&server, &lines).await;
    }
}
