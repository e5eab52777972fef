//! What README.md promises.

use teahouse_tests::programs::repository;
use teahouse_tests::python::{on_port, python};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;

/// The blocks of a document that are fenced with this language.
fn blocks(document: &str, language: &str) -> Vec<String> {
    document
        .split(&format!("```{language}\n"))
        .skip(1)
        .filter_map(|rest| rest.split_once("\n```").map(|(block, _)| format!("{block}\n")))
        .collect()
}

#[tokio::test]
async fn the_python_in_the_readme_chats() {
    let readme = std::fs::read_to_string(repository().join("README.md")).expect("there is a README.md");
    let scripts = blocks(&readme, "python");
    assert!(!scripts.is_empty(), "README.md shows a client in Python");
    for script in scripts {
        let server = Server::start().await;
        let mut witness = tcp::enter(&server, "witness").await;
        let mut process = python(&on_port(&script, server.address().port()));
        // Some scripts say something by themselves, some say what is typed.
        process.write("你好\n").await;
        let (by, text) = witness.post_event("lobby").await;
        assert_ne!(by, "witness");
        assert!(!text.is_empty());
        witness.post("lobby", "欢迎光临").await;
        process.stdout.until("the answer", |printed| printed.contains("欢迎光临").then_some(())).await;
    }
}
