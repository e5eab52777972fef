//! The line at the foot of a real terminal.

use teahouse_tests::process::Process;
use teahouse_tests::server::Server;
use teahouse_tests::tcp;
use teahouse_tests::terminal::Home;

const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";
const PAGE_UP: &str = "\u{1b}[5~";

async fn shows(chat: &Process, words: &str) {
    chat.stdout.until(words, |screen| screen.contains(words).then_some(())).await;
}

/// Waits until these words have come so many times.
async fn shows_again(chat: &Process, words: &str, times: usize) {
    chat.stdout.until(words, |screen| (screen.matches(words).count() >= times).then_some(())).await;
}

#[tokio::test]
async fn the_prompt_says_where_and_who_one_is() {
    let mut server = Server::start().await;
    let home = Home::new();
    let address = server.address().to_string();
    let mut chat = home.run_in_terminal(&["chat", &address, "--name", "ana"]);
    shows(&chat, "#lobby ana> ").await;
    chat.write("/join 茶馆\r").await;
    shows(&chat, "#茶馆 ana> ").await;
    server.kill().await;
    shows(&chat, "#茶馆 offline> ").await;
    chat.write(CTRL_D).await;
    assert_eq!(chat.exit().await.code(), Some(0));
}

#[tokio::test]
async fn a_typed_line_is_kept_however_the_chat_ends() {
    let server = Server::start().await;
    let home = Home::new();
    let address = server.address().to_string();
    let chat = || home.run_in_terminal(&["chat", &address, "--name", "ana"]);
    let mut first = chat();
    shows(&first, "#lobby ana> ").await;
    first.write("half a thought").await;
    shows(&first, "half a thought").await;
    // The first clears the line, the second quits.
    first.write(CTRL_C).await;
    shows(&first, "Ctrl+C again quits").await;
    first.write(CTRL_C).await;
    assert_eq!(first.exit().await.code(), Some(130));

    let mut second = chat();
    shows(&second, "half a thought").await;
    second.write(", and more").await;
    shows(&second, "half a thought, and more").await;
    second.terminate();
    second.exit().await;

    let mut third = chat();
    shows(&third, "half a thought, and more").await;
    third.write("\r").await;
    shows(&third, "ana\u{1b}").await;
    third.write(CTRL_D).await;
    assert_eq!(third.exit().await.code(), Some(0));
    let mut witness = tcp::connect(&server).await;
    witness.hello("witness").await;
    assert_eq!(witness.posts("lobby").await, [("ana".to_owned(), "half a thought, and more".to_owned())]);

    // What was sent is no draft any more.
    let mut fourth = chat();
    shows(&fourth, "#lobby ana> ").await;
    fourth.write("x").await;
    shows(&fourth, "#lobby ana> x").await;
    fourth.write(CTRL_C).await;
    fourth.write("y\u{7f}").await;
    fourth.write(CTRL_D).await;
    assert_eq!(fourth.exit().await.code(), Some(0));
}

#[tokio::test]
async fn older_messages_are_shown_when_they_are_asked_for() {
    let server = Server::start().await;
    let mut ana = tcp::enter(&server, "ana").await;
    for number in 1..=120 {
        ana.post("lobby", &format!("message {number}.")).await;
    }
    let home = Home::new();
    let address = server.address().to_string();
    let mut chat = home.run_in_terminal(&["chat", &address, "--name", "bo"]);
    shows(&chat, "message 120.").await;
    chat.write("/history 50\r").await;
    shows(&chat, "── #lobby now ──").await;
    let screen = chat.stdout.text();
    let earlier = screen.split("── #lobby earlier ──").nth(1).expect("the older ones");
    let numbers: Vec<u32> =
        earlier.split("message ").skip(1).filter_map(|rest| rest.split('.').next()?.parse().ok()).collect();
    let last = *numbers.last().expect("some");
    assert_eq!(numbers, (last - 49..=last).collect::<Vec<_>>(), "in order, each once");
    let shown_first = screen.split("message ").nth(1).and_then(|rest| rest.split('.').next()?.parse().ok());
    assert_eq!(shown_first, Some(last + 1), "up to what stood there before");

    chat.write(PAGE_UP).await;
    shows_again(&chat, "── #lobby now ──", 2).await;
    chat.write("/history 1000\r").await;
    shows_again(&chat, "── #lobby now ──", 3).await;
    assert_eq!(chat.stdout.text().matches("message 1.").count(), 1);
    chat.write("/history\r").await;
    shows(&chat, "there is nothing before this").await;
    chat.write(CTRL_D).await;
    assert_eq!(chat.exit().await.code(), Some(0));
}
