//! `trunk serve` as somebody who works on the browser client runs it.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use teahouse_tests::browser::Browser;
use teahouse_tests::page::{Page, testid};
use teahouse_tests::process::Process;
use teahouse_tests::programs::{build_browser_client_for_development, repository};
use teahouse_tests::server::Server;
use teahouse_tests::tcp;
use tokio::process::Command;

/// The settings of the repository with another server behind them and another place for what is built.
fn settings(server: SocketAddr, folder: &Path) -> PathBuf {
    let mut text = std::fs::read_to_string(repository().join("Trunk.toml")).expect("there is a Trunk.toml");
    assert!(text.contains("127.0.0.1:2023"), "the proxy goes to the default port");
    text = text.replace("127.0.0.1:2023", &server.to_string());
    text = text.replace("\"target/web-dev\"", &format!("{:?}", folder.join("dist")));
    // Paths count from the folder of the settings.
    for path in ["index.html", "web-client", "client-core", "protocol"] {
        text = text.replace(&format!("{path:?}"), &format!("{:?}", repository().join(path)));
    }
    let file = folder.join("Trunk.toml");
    std::fs::write(&file, text).expect("a temporary folder can be written");
    file
}

#[tokio::test]
async fn trunk_serve_shows_the_client_and_reaches_the_server() {
    build_browser_client_for_development();
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let browser = Browser::start().await;
    // trunk takes no port 0: a port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
    // Inside the repository: trunk runs cargo in the folder of its settings, which must find those in `.cargo`.
    let target = repository().join("target");
    std::fs::create_dir_all(&target).expect("the repository can be written");
    let folder = tempfile::tempdir_in(target).expect("a temporary folder");
    let trunk = Process::spawn(
        "trunk",
        Command::new("trunk")
            .current_dir(repository())
            .args(["serve", "--port", &port.to_string(), "--config"])
            .arg(settings(server.address(), folder.path()))
            .env("TRUNK_OFFLINE", "true")
            .env("TRUNK_SKIP_VERSION_CHECK", "true")
            .env_remove("NO_COLOR"),
    );
    let address = format!("http://127.0.0.1:{port}/");
    trunk.stdout.until("its address", |log| log.contains(&address).then_some(())).await;
    browser.open(&address).await;
    let page = Page { browser };
    page.browser.element(&testid("name-input")).await;
    page.choose_name("ana").await;
    page.say("从开发页来").await;
    assert_eq!(witness.post_event("lobby").await, ("ana".to_owned(), "从开发页来".to_owned()));
    page.message("从开发页来").await;
}
