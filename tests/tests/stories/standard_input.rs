//! What comes through a pipe is posted as it is, or refused with its place.

use teahouse_tests::client::Client;
use teahouse_tests::process::{Finished, Process};
use teahouse_tests::server::{Server, redirected};
use teahouse_tests::tcp;
use teahouse_tests::terminal::Home;

/// Runs the client with these bytes on its standard input.
async fn fed(home: &Home, arguments: &[&str], input: &[u8]) -> Finished {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("input");
    std::fs::write(&file, input).expect("writable");
    let command = home.command(arguments);
    let mut process = Process::spawn("teahouse", &mut redirected(&command, &format!("<{}", file.display())));
    process.finish().await
}

async fn posts(client: &mut Client) -> Vec<String> {
    client.posts("lobby").await.into_iter().map(|(_, text)| text).collect()
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused_with_their_place() {
    let server = Server::start().await;
    let mut ana = tcp::enter(&server, "ana").await;
    let home = Home::new();
    let address = server.address().to_string();
    let send = ["send", "--server", &address];
    let utf16: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain("hi".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let cases: [(&[u8], &[&str]); 6] = [
        (b"\x89PNG\r\n", &["0x89", "offset 0", "iconv"]),
        (b"caf\xe9 au lait", &["0xE9", "offset 3"]),
        ("你".as_bytes().split_at(2).0, &["0xE4", "offset 0"]),
        (&utf16, &["UTF-16", "iconv"]),
        (b"a\0b", &["NUL", "offset 1"]),
        (b"\xfe\xff\0h\0i", &["UTF-16"]),
    ];
    for (input, words) in cases {
        for more in [&[][..], &["--lines"], &["-"]] {
            let finished = fed(&home, &[&send[..], more].concat(), input).await;
            assert_eq!(finished.code, Some(2), "{input:?} {more:?}: {finished:?}");
            for word in words {
                assert!(finished.stderr.contains(word), "{word} in {}", finished.stderr);
            }
        }
        let finished = fed(&home, &["chat", &address, "--name", "bo"], input).await;
        assert_eq!(finished.code, Some(2), "{input:?}: {finished:?}");
    }
    assert_eq!(posts(&mut ana).await, Vec::<String>::new(), "nothing of it is posted");

    let finished = fed(&home, &[&send[..], &["--lines"]].concat(), b"one\ntwo\nthr\xffee\nfour\n").await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(
        finished.stderr.contains("line 3") && finished.stderr.contains("offset 11"),
        "{}",
        finished.stderr
    );
    assert_eq!(posts(&mut ana).await, ["one", "two"], "what came before it is posted, and nothing after it");
}

#[tokio::test]
async fn text_is_posted_as_it_is() {
    let server = Server::start().await;
    let mut ana = tcp::enter(&server, "ana").await;
    let home = Home::new();
    let address = server.address().to_string();
    let send = ["send", "--server", &address];
    for (more, input, text) in [
        (&[][..], "\u{feff}你好\n", "你好"),
        (&["-"], "from a pipe", "from a pipe"),
        (&["--lines"], "\u{feff}\r\n\r\n一行\r\n", "一行"),
        (&["/me waves"], "", "/me waves"),
        (&["//slash"], "", "//slash"),
    ] {
        let finished = fed(&home, &[&send[..], more].concat(), input.as_bytes()).await;
        assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "{more:?}");
        assert_eq!(ana.post_event("lobby").await.1, text, "{more:?}");
    }
    let finished = fed(&home, &[&send[..], &["--action", "waves"]].concat(), b"").await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let event = ana.event("lobby", "post").await;
    assert_eq!((event["text"].as_str(), event["action"].as_bool()), (Some("waves"), Some(true)));
}

#[tokio::test]
async fn the_argument_wins_over_the_environment() {
    let server = Server::start().await;
    let home = Home::new();
    let address = server.address().to_string();
    let run = async |environment: &str, arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env("TEAHOUSE_SERVER", environment).env("TEAHOUSE_NAME", "");
        Process::spawn("teahouse", &mut command).finish().await
    };
    let tail = ["tail", "--no-follow"];
    for environment in ["127.0.0.1:1", "nonsense:::", ""] {
        for given in [&["--server", &address][..], &[&address]] {
            let finished = run(environment, &[&tail[..], given].concat()).await;
            assert_eq!(finished.code, Some(0), "{environment} {given:?}: {}", finished.stderr);
        }
    }
    assert_eq!(run(&address, &tail).await.code, Some(0));
    let finished = run("nonsense:::", &tail).await;
    assert_eq!(finished.code, Some(2), "{finished:?}");
    assert!(finished.stderr.contains("TEAHOUSE_SERVER"), "{}", finished.stderr);
    assert_eq!(run(&address, &["tail", &address, "--server", &address]).await.code, Some(2));
    assert_eq!(run("", &["send", "--server", "nonsense:::", "x"]).await.code, Some(2));
}

#[tokio::test]
async fn a_line_that_came_to_nothing_shows_in_the_exit_code() {
    let server = Server::start().await;
    let home = Home::new();
    let address = server.address().to_string();
    for (input, code) in [
        ("hi\n", 0),
        ("/dance\n", 1),
        ("/join a,b\n", 1),
        ("/history x\n", 1),
        ("/history 5\n", 0),
        ("/who\n/rooms\n/leave\n", 0),
    ] {
        let finished = fed(&home, &["chat", &address, "--name", "bo"], input.as_bytes()).await;
        assert_eq!(finished.code, Some(code), "{input:?}: {finished:?}");
    }
    let mut tail = home.run(&["tail", &address]);
    tcp::enter(&server, "ana").await.post("lobby", "words").await;
    tail.stdout.line("words", |line| line.ends_with("words")).await;
    tail.interrupt();
    assert_eq!(tail.finish().await.code, Some(130), "as shells count signals");
}
