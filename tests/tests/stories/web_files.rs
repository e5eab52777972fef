//! What the server gives to a browser before the client runs.

use teahouse_tests::programs;
use teahouse_tests::server::Server;
use teahouse_tests::text::Text;

/// An HTTP answer.
struct Answer {
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.into_iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }
}

async fn get(server: &Server, path: &str, headers: &str) -> Answer {
    request(server, "GET", path, headers).await
}

async fn request(server: &Server, method: &str, path: &str, headers: &str) -> Answer {
    let mut connection = Text::connect(server).await;
    let host = server.address();
    connection
        .send(format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n"))
        .await;
    let answer = connection.received.end().await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no HTTP answer: {answer:?}"));
    Answer { head: head.to_owned(), body: body.to_owned() }
}

/// The files that a page names in `href` and `src`, and in its start script.
fn files(page: &str) -> Vec<String> {
    let named = page.split(['"', '\'']).filter(|part| part.starts_with('/') || part.starts_with("./"));
    let mut files: Vec<String> =
        named.filter(|part| part.contains('.')).map(|part| part.trim_start_matches('.').to_owned()).collect();
    files.retain(|file| [".js", ".wasm", ".css"].iter().any(|ending| file.ends_with(ending)));
    files.sort();
    files.dedup();
    files
}

#[tokio::test]
async fn the_page_and_its_files_are_there() {
    programs::assert_browser_client();
    let server = Server::start().await;
    let page = get(&server, "/", "").await;
    assert_eq!(page.status(), "200");
    assert!(page.header("content-type").starts_with("text/html"), "{}", page.head);
    assert!(page.header("cache-control").contains("no-cache"), "{}", page.head);
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let policy = page.header("content-security-policy");
    for rule in ["default-src", "script-src", "'wasm-unsafe-eval'", "frame-ancestors"] {
        assert!(policy.contains(rule), "{rule} in {policy}");
    }
    assert!(
        !policy.contains("'unsafe-inline'") || !policy.contains("script-src 'unsafe-inline'"),
        "{policy}"
    );
    assert!(!policy.contains("'unsafe-eval'"), "{policy}");

    let files = files(&page.body);
    for ending in [".js", ".wasm", ".css"] {
        assert!(files.iter().any(|file| file.ends_with(ending)), "{ending} in {files:?}");
    }
    for file in files {
        let answer = get(&server, &file, "Accept-Encoding: br, gzip\r\n").await;
        assert_eq!(answer.status(), "200", "{file}");
        let kind = match file.rsplit('.').next() {
            Some("js") => "text/javascript",
            Some("wasm") => "application/wasm",
            _ => "text/css",
        };
        assert!(answer.header("content-type").starts_with(kind), "{file}: {}", answer.head);
        assert_eq!(answer.header("content-encoding"), "br", "{file}: {}", answer.head);
        assert!(answer.header("vary").contains("accept-encoding"), "{file}: {}", answer.head);
        assert!(answer.header("cache-control").contains("immutable"), "{file}: {}", answer.head);
        let answer = get(&server, &file, "Accept-Encoding: gzip\r\n").await;
        assert_eq!(answer.header("content-encoding"), "gzip", "{file}: {}", answer.head);
        let plain = get(&server, &file, "").await;
        assert_eq!(plain.header("content-encoding"), "", "{file}: {}", plain.head);
    }
}

#[tokio::test]
async fn an_unchanged_page_is_not_sent_again() {
    programs::assert_browser_client();
    let server = Server::start().await;
    let page = get(&server, "/", "").await;
    let tag = page.header("etag");
    assert!(!tag.is_empty(), "{}", page.head);
    let again = get(&server, "/", &format!("If-None-Match: {tag}\r\n")).await;
    assert_eq!((again.status(), &*again.body), ("304", ""));
}

#[tokio::test]
async fn other_requests_get_a_clear_answer() {
    let server = Server::start().await;
    let health = get(&server, "/healthz", "").await;
    assert_eq!(health.status(), "200", "{}", health.head);
    let missing = get(&server, "/missing.js", "").await;
    assert_eq!(missing.status(), "404", "{}", missing.head);
    let head = request(&server, "HEAD", "/", "").await;
    assert_eq!((head.status(), &*head.body), ("200", ""));
    let post = request(&server, "POST", "/", "Content-Length: 0\r\n").await;
    assert_eq!(post.status(), "405", "{}", post.head);
    let outside = get(&server, "/../Cargo.toml", "").await;
    assert!(matches!(outside.status(), "400" | "404"), "{}", outside.head);
}
