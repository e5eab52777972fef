//! Behind proxies: whose pages may connect, and whom a proxy speaks for.

use serde_json::json;
use teahouse_tests::process::Process;
use teahouse_tests::server::{Server, command};
use teahouse_tests::text::Text;
use teahouse_tests::{tcp, ws};
use tokio_tungstenite::tungstenite::Error;

/// Status and body of the answer to a request with these lines in its head.
async fn ask(server: &Server, request: &str) -> (String, String) {
    let mut connection = Text::connect(server).await;
    connection.send(format!("{request}\r\nConnection: close\r\n\r\n")).await;
    let answer = connection.received.end().await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP answer: {answer:?}"));
    (head.split(' ').nth(1).unwrap_or_default().to_owned(), body.to_owned())
}

/// The status with which a handshake is refused, and the reason; `None` where it is not.
async fn handshake(server: &Server, headers: &[(&'static str, &str)]) -> Option<(u16, String)> {
    match ws::try_connect(server, headers).await {
        Ok(_) => None,
        Err(error) => match *error {
            Error::Http(answer) => {
                let body = answer.body().clone().unwrap_or_default();
                Some((answer.status().as_u16(), String::from_utf8_lossy(&body).into_owned()))
            }
            error => panic!("{headers:?}: {error}"),
        },
    }
}

#[tokio::test]
async fn a_site_that_points_its_name_here_may_not_connect() {
    let server = Server::with(&["--allow-origin", "https://tea.example, http://chat:80/"]).await;
    let port = server.address().port();
    for name in ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example"] {
        let (host, origin) = (format!("{name}:{port}"), format!("http://{name}:{port}"));
        let (status, reason) =
            handshake(&server, &[("host", &host), ("origin", &origin)]).await.expect("refused");
        assert_eq!(status, 403);
        assert!(reason.contains("--allow-origin") && reason.contains(&origin), "{reason}");
        let (status, body) = ask(&server, &format!("GET / HTTP/1.1\r\nHost: {host}")).await;
        assert_eq!(status, "403");
        assert!(body.contains("--allow-origin"), "{body}");
    }
    for name in [
        "localhost",
        "LOCALHOST",
        "tea.localhost",
        "127.0.0.1",
        "[::1]",
        "192.168.7.7",
        "tea.example",
        "chat",
    ] {
        let (host, origin) = (format!("{name}:{port}"), format!("http://{name}:{port}"));
        assert_eq!(handshake(&server, &[("host", &host), ("origin", &origin)]).await, None, "{name}");
        let (status, _) = ask(&server, &format!("GET / HTTP/1.1\r\nHost: {host}")).await;
        assert_eq!(status, "200", "{name}");
    }
    // Another machine asks whether it is well, under whatever name.
    assert_eq!(ask(&server, "GET /healthz HTTP/1.1\r\nHost: pod-7").await.0, "200");
    // Programs are no pages.
    assert_eq!(handshake(&server, &[("host", "tea.lan")]).await, None);
}

#[tokio::test]
async fn origins_behind_a_proxy_are_compared_by_what_they_mean() {
    let server = Server::with(&["--allow-origin", "https://chat:443"]).await;
    for (headers, may) in [
        (&[("host", "chat:443"), ("origin", "https://chat")][..], true),
        (&[("host", "upstream"), ("origin", "https://chat")], true),
        (&[("host", "chat"), ("origin", "https://chat:8443")], true),
        (
            &[
                ("host", "upstream"),
                ("x-forwarded-host", "inner, chat:8443"),
                ("origin", "https://chat:8443"),
            ],
            true,
        ),
        (&[("host", "upstream"), ("origin", "https://chat:8443")], false),
        (&[("host", "upstream"), ("origin", "http://chat")], false),
        (&[("host", "chat:443"), ("origin", "http://chat:2023")], false),
    ] {
        assert_eq!(handshake(&server, headers).await.is_none(), may, "{headers:?}");
    }
}

#[tokio::test]
async fn a_request_has_one_host() {
    let server = Server::start().await;
    let host = server.address();
    for (request, expected) in [
        ("GET / HTTP/1.1".to_owned(), "400"),
        (format!("GET / HTTP/1.1\r\nHost: {host}\r\nHost: {host}"), "400"),
        (format!("GET / HTTP/1.1\r\nHost: {host}, {host}"), "400"),
        ("GET / HTTP/1.1\r\nHost: a b".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost:".to_owned(), "400"),
        ("GET /healthz HTTP/1.1\r\nHost: a/b".to_owned(), "400"),
        ("GET / HTTP/1.1\r\nHost: a@b".to_owned(), "400"),
        (format!("GET / HTTP/1.1\r\nHost: {host}"), "200"),
        ("GET / HTTP/1.0".to_owned(), "200"),
    ] {
        assert_eq!(ask(&server, &request).await.0, expected, "{request}");
    }
    // What two servers in a row may cut differently is answered once, or not at all.
    let mut smuggler = Text::connect(&server).await;
    let hidden = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    smuggler
        .send(format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
            hidden.len() + 5
        ))
        .await;
    smuggler.finish().await;
    let answers = smuggler.received.end().await;
    assert!(!answers.contains("\r\n\r\nok"), "{answers}");
}

#[tokio::test]
async fn what_a_trusted_proxy_says_of_its_clients_is_believed() {
    let server = Server::with(&["--trusted-proxy", "127.0.0.1/32, ::1"]).await;
    let mut witness = tcp::enter(&server, "witness").await;
    let version_2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb\0\x71\x09\x0a\0\0\x01\x12\x67\x07\xe7";
    let version_1 = b"PROXY TCP6 2001:db8::9 ::1 4711 2023\r\n";
    for (header, client) in [(&version_2[..], "203.0.113.9:4711"), (version_1, "[2001:db8::9]:4711")] {
        for size in [1, header.len()] {
            let mut person = Text::connect(&server).await;
            for part in header.chunks(size) {
                person.send(part).await;
            }
            person.send("好\n").await;
            assert_eq!(witness.post_event("lobby").await.1, "好");
            server
                .wait_for_log("the client's address", |line| line.contains(&format!("{client} is 茶客")))
                .await;
        }
        let mut program = Text::connect(&server).await;
        let hello = r#"{"id":1,"type":"hello","protocol":1,"auth":{"type":"guest"}}"#;
        program.send([header, hello.as_bytes(), b"\n"].concat()).await;
        program.received.line("a welcome", |line| line.contains("welcome")).await;
        let mut browser = Text::connect(&server).await;
        browser.send([header, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"].concat()).await;
        browser.received.until("ok", |text| text.ends_with("ok\n").then_some(())).await;
    }
    // A proxy that speaks for itself, or does not say for whom, is served.
    for header in [&b"PROXY UNKNOWN\r\n"[..], b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"] {
        let mut person = Text::connect(&server).await;
        person.send([header, "无名\n".as_bytes()].concat()).await;
        assert_eq!(witness.post_event("lobby").await.1, "无名");
    }
    for header in [
        &b"PROXY TCP4 nonsense\r\n"[..],
        b"\r\n\r\n\0\r\nQUIT\n\x11\x11\0\x0c",
        &[b"PROXY TCP4 ", &[b'1'; 200][..]].concat(),
    ] {
        let mut peer = Text::connect(&server).await;
        peer.send([header, b"hi\n"].concat()).await;
        peer.received.end().await;
    }
    let headers = [("x-forwarded-for", "6.6.6.6, 203.0.113.77, ::1"), ("host", "localhost")];
    let mut page = ws::try_connect(&server, &headers).await.expect("let in");
    page.hello("页面").await;
    server
        .wait_for_log("the client's address", |line| {
            line.contains("203.0.113.77:") && line.ends_with("is 页面")
        })
        .await;
    assert_eq!(witness.posts("lobby").await.len(), 6, "nothing else was posted");
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_have_a_pace_each() {
    let server = Server::with(&[
        "--trusted-proxy",
        "127.0.0.1",
        "--address-posts-per-second",
        "1",
        "--posts-per-second",
        "0",
    ])
    .await;
    // Until it is refused.
    let mut first = ws::try_connect(&server, &[("x-forwarded-for", "203.0.113.1")]).await.expect("let in");
    first.hello("first").await;
    first.enter("lobby").await;
    while first.ask("post", json!({"room": "lobby", "text": "快"})).await["type"] != "error" {}
    let mut other = ws::try_connect(&server, &[("x-forwarded-for", "203.0.113.2")]).await.expect("let in");
    other.hello("other").await;
    other.enter("lobby").await;
    other.post("lobby", "慢").await;
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_have_a_pace_of_pages_each() {
    let server =
        Server::with(&["--trusted-proxy", "127.0.0.1", "--address-answer-kib-per-second", "1"]).await;
    let status = async |client: &str| {
        ask(&server, &format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: {client}")).await.0
    };
    // Until it has to wait.
    while status("203.0.113.1").await == "200" {}
    assert_eq!(status("6.6.6.6, 203.0.113.1").await, "429", "what it says of itself changes nothing");
    assert_eq!(status("203.0.113.2").await, "200");
}

#[tokio::test]
async fn a_header_that_is_cut_off_ends_the_connection() {
    let server = Server::with(&["--trusted-proxy", "127.0.0.1", "--handshake-timeout-ms", "86400000"]).await;
    for header in [&b"PROXY TCP4 203.0"[..], b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xcb"] {
        let mut peer = Text::connect(&server).await;
        peer.send(header).await;
        peer.finish().await;
        assert_eq!(peer.received.end().await, "");
    }
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_have_a_number_of_connections_each() {
    let server = Server::with(&["--trusted-proxy", "127.0.0.1", "--address-connections-max", "2"]).await;
    let mut others = Vec::new();
    for client in ["203.0.113.1", "203.0.113.2", "203.0.113.3"] {
        for _ in 0..2 {
            others.push(ws::try_connect(&server, &[("x-forwarded-for", client)]).await.expect("let in"));
        }
    }
    let headers = [("x-forwarded-for", "203.0.113.1")];
    let (status, reason) = handshake(&server, &headers).await.expect("the third of this client");
    assert!(status == 503 && reason.contains("2 connections of your address"), "{status} {reason}");
    let mut person = Text::connect(&server).await;
    person.send("PROXY TCP4 203.0.113.1 10.0.0.1 4711 2023\r\nhi\n").await;
    let said = person.received.end().await;
    assert!(said.contains("2 connections of your address"), "{said}");
    // Whoever goes makes room.
    drop(others);
    server.wait_for_logs(8, "the ends", |line| line.contains(" left")).await;
    ws::try_connect(&server, &headers).await.expect("let in again");
}

#[tokio::test]
async fn what_anybody_else_says_of_its_clients_is_not() {
    let server = Server::start().await;
    let mut page = ws::try_connect(&server, &[("x-forwarded-for", "203.0.113.77")]).await.expect("let in");
    page.hello("页面").await;
    let line = server.wait_for_log("the page", |line| line.ends_with("is 页面")).await;
    assert!(line.contains("127.0.0.1:"), "{line}");
}

#[tokio::test]
async fn options_that_make_no_sense_are_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    for (option, variable, value, why) in [
        ("--allow-origin", "TEAHOUSE_ALLOW_ORIGIN", "chat.example.org", "scheme"),
        ("--allow-origin", "TEAHOUSE_ALLOW_ORIGIN", "https://x/chat", "path"),
        ("--allow-origin", "TEAHOUSE_ALLOW_ORIGIN", "https://a.example, nonsense", "nonsense"),
        ("--trusted-proxy", "TEAHOUSE_TRUSTED_PROXY", "10.0.0.0/33", "10.0.0.0/33"),
        ("--trusted-proxy", "TEAHOUSE_TRUSTED_PROXY", "proxy.local", "proxy.local"),
        ("--listen", "TEAHOUSE_LISTEN", "nonsense", "nonsense"),
        ("--handshake-timeout-ms", "TEAHOUSE_HANDSHAKE_TIMEOUT_MS", "0", "between 1"),
        ("--silent-timeout-ms", "TEAHOUSE_SILENT_TIMEOUT_MS", "18446744073709551615", "between 1"),
        ("--posts-per-second", "TEAHOUSE_POSTS_PER_SECOND", "many", "many"),
    ] {
        let finished = Process::spawn("server", command(&data).args([option, value])).finish().await;
        assert!(finished.code.is_some_and(|code| code != 0), "{option} {value}");
        assert!(finished.stderr.contains(option) && finished.stderr.contains(why), "{}", finished.stderr);
        let finished = Process::spawn("server", command(&data).env(variable, value)).finish().await;
        assert!(finished.code.is_some_and(|code| code != 0), "{variable} {value}");
        assert!(finished.stderr.contains(variable) && finished.stderr.contains(why), "{}", finished.stderr);
        let key = option.trim_start_matches('-').replace('-', "_");
        let file = folder.path().join("teahouse.toml");
        let in_file = match value.parse::<u64>() {
            Ok(number) if number <= i64::MAX as u64 => format!("{key} = {number}"),
            Ok(_) => format!("{key} = {}", i64::MAX),
            Err(_) if key.ends_with("second") => format!("{key} = {value:?}"),
            Err(_) => format!("{key} = [{value:?}]"),
        };
        std::fs::write(&file, in_file).expect("writable");
        let finished = Process::spawn("server", command(&data).arg("--config").arg(&file)).finish().await;
        assert!(finished.code.is_some_and(|code| code != 0), "{key}");
        assert!(
            finished.stderr.contains(&key) && finished.stderr.contains("teahouse.toml"),
            "{}",
            finished.stderr
        );
    }
}
