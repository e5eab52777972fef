use super::*;

fn check(bytes: impl AsRef<[u8]>, guess: Guess) {
    let bytes = bytes.as_ref();
    assert_eq!(sniff(bytes), guess, "{}", String::from_utf8_lossy(bytes));
}

#[test]
fn the_first_bytes_decide() {
    for (bytes, guess) in [
        ("", Guess::Blank { line_ended: false }),
        ("{", Guess::Json),
        ("{\"id\":1}", Guess::Json),
        ("G", Guess::Begun),
        ("GET", Guess::Begun),
        ("GET ", Guess::Begun),
        ("GET / HTTP/1.1", Guess::Begun),
        ("GET / HTTP/1.1\r\n", Guess::Http),
        ("POST /x?y HTTP/1.0\n", Guess::Http),
        ("GETTING", Guess::Open),
        ("hello", Guess::Open),
        ("大家好", Guess::Open),
        ("大家好\n", Guess::Text),
        ("\x16\x03\x01", Guess::Tls),
    ] {
        check(bytes, guess);
    }
    check(b"\xff", Guess::Open);
    check(b"\xff\xfb", Guess::Text);
    check(b"\xc4\xe3\xba\xc3\n", Guess::Text);
}

#[test]
fn white_space_and_byte_order_marks_come_first() {
    check(" \t", Guess::Blank { line_ended: false });
    check("\r\n \n", Guess::Blank { line_ended: true });
    check("\u{FEFF}", Guess::Blank { line_ended: false });
    check(b"\n\xef\xbb", Guess::Blank { line_ended: true });
    check("\u{FEFF}\r\n\t {", Guess::Json);
    check(" \u{FEFF} \u{FEFF}{", Guess::Json);
    check("\n\nGET / HTTP/1.1\r\n", Guess::Http);
    check("\n好\n", Guess::Text);
    check("！", Guess::Open);
}

/// What people say, most of it because it looks like something else.
const WORDS: &[&str] = &[
    "GET well soon",
    "get well soon",
    "GET /well soon",
    "HEAD over heels",
    "PUT it there",
    "post office",
    "options?",
    "TRACE",
    "connect me",
    "I love HTTP/2",
    "get ready for HTTP/2",
    "what about HTTP/1.1 ?",
    "look at http://example.org/ it is HTTP/1.1",
    "see /etc/hosts and HTTP/2",
    "USER friendly",
    "USER friendly design is key",
    "PASS me the tea",
    "PASS the tea",
    "NICK and I",
    "nick ana",
    "CAP and gown",
    "HELO?",
    "HELO there",
    "helo world.",
    "AUTH",
    "AUTHOR of this",
    "SSH is nice",
    "SSH-2.0 is old",
    "PROXY",
    "PROXY servers are nice",
    "PRI",
    "PING",
    "QUIT",
    "<3",
    "<b>hi</b>",
    "<- look",
    "*waves*",
    "*1 point",
    "[1] a footnote",
    "[[wiki]]",
    "[笑] 大家好",
    "[",
    "\"",
    "\"To be\" or not",
    "\"hello\"",
    "\"to be, or not to be",
    "42",
    "null",
    "set the table",
    "set 3 chairs",
    "stats",
    "version",
    "a001",
    "a LOGIN please",
    "Content creators",
    "RFB",
    "HTTP/1.1 is fine",
    "- a list",
    "#tea",
    "/help",
    "//x",
    "~",
    "\x1b[A",
    "tab\there",
    "head /etc/hosts",
    "get /etc/hosts please",
    "get https://example.org/",
    "GET https://example.org/",
    "https://example.org/ look",
    "http://a.example/?q=1&r=2",
    "DELETE /users/1",
    "POST /login returns 500",
    "delete *",
    "connect a:b",
    "patch 1.2 is out",
    "put: yes",
    "trace it",
    "head",
    "get",
    "mail from: grandma",
    "Helo friends:)",
    "SELECT * FROM t",
    "select * from messages where text like '%HTTP/1.1%';",
    "DELETE FROM users;",
    "ls -la",
    "$ ls | grep x > y",
    "sudo rm -rf /",
    "cd ..",
    "git commit -m \"x: y\"",
    "curl -X POST http://localhost:2023/ -d '{}'",
    "print('hello')",
    "fn main() {}",
    "#include <stdio.h>",
    "<html>",
    "</html>",
    "<a@example.org>",
    "a@example.org",
    "@ana hi",
    "help",
    "quit",
    "exit",
    "?",
    "!",
    "...",
    "……",
    ":)",
    ":-)",
    "^_^",
    "(╯°□°)╯︵ ┻━┻",
    "🍵",
    "👩‍🏫 hi",
    "* a",
    "- a",
    "- [ ] a",
    "- [x] done",
    "[x] done",
    "[ ] todo",
    "[x]",
    "[ok]",
    "[true story]",
    "[2026-11-27] notes",
    "[1, 2",
    "[a](http://b.example)",
    "> quoted",
    "# title",
    "1. first",
    "1) first",
    "**bold**",
    "`code`",
    "```",
    "| a | b |",
    "---",
    "a: b",
    "key = value",
    "to: all",
    "Subject: tea",
    "3.14",
    "-1",
    "1+1=2",
    "2026-11-27",
    "27.11.2026 20:00",
    "12:30",
    "+49 30 1234567",
    "192.168.1.1",
    "true",
    "\"",
    "\"'\"",
    "'single'",
    "“你好”",
    "「茶」",
    "《茶馆》",
    "—— 完",
    "你好！",
    "吃了吗？",
    "哈哈哈哈",
    "１２３",
    "привет",
    "مرحبا",
    "안녕",
    "e\u{301}",
    "%s",
    "\\n",
    "C:\\Users",
    "/me waves",
    "//comment",
    "a000 is taken",
    "set x to 5",
    "add 2 eggs",
    "INFO",
    "HELLO",
    "HELP",
    "NOOP",
    "USER",
    "PASS",
    "NICK",
    "CAPABILITY",
    "STARTTLS",
    "SUBSCRIBE",
    "AMQP is old",
    "RFB 3 is a version",
    "HTTP",
    "HTTP/2",
    "HTTP/3 is here",
    "JSON",
    "XML",
    "ok",
    "k",
    "c",
    "p",
    "  indented",
];

#[test]
fn words_of_people_are_words() {
    for words in WORDS {
        for ending in ["\n", "\r\n", "\r\0"] {
            check(format!("{words}{ending}"), Guess::Text);
        }
    }
}

fn openings() -> Vec<(Vec<u8>, Foreign)> {
    let named = |text: &str, name| (text.as_bytes().to_vec(), Foreign::Named(name));
    let binary = |bytes: &[u8]| (bytes.to_vec(), Foreign::Binary);
    let mut openings = vec![
        named("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "SSH"),
        named("SSH-1.99-x\n", "SSH"),
        named("EHLO mail.example.org\r\n", "SMTP"),
        named("ehlo [127.0.1.1]\r\n", "SMTP"),
        named("HELO localhost\r\n", "SMTP"),
        named("MAIL FROM:<a@example.org>\r\n", "SMTP"),
        named("AUTH TLS\r\n", "FTP / Redis"),
        named("AUTH PLAIN AGEAYg==\r\n", "SMTP / Redis"),
        named("*1\r\n$4\r\nPING\r\n", "Redis"),
        named("*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n", "Redis"),
        named("<?xml version='1.0'?><stream:stream to='x'>", "XML"),
        named("<stream:stream xmlns='jabber:client'>", "XMPP"),
        named("<!doctype html>\n", "XML"),
        named("CONNECT\naccept-version:1.2\nlogin:a\npasscode:b\n\n\0", "STOMP"),
        named("STOMP\nlogin:a\n\n\0", "STOMP"),
        named("CONNECT {\"user\":\"a\",\"pass\":\"b\"}\r\n", "NATS"),
        named("RFB 003.008\n", "VNC"),
        named("@RSYNCD: 31.0\n", "rsync"),
        named("JDWP-Handshake", "JDWP"),
        named("\x1b%-12345X@PJL INFO ID\r\n", "PJL"),
        named("Content-Length: 52\r\n\r\n{}", "LSP"),
        named("AMQP\0\0\x09\x01", "AMQP"),
        // RDP, SOCKS4, SOCKS5, MQTT, PostgreSQL, SMB, DNS over TCP, STUN, SSL 2, BitTorrent, X11, MongoDB.
        binary(b"\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0"),
        binary(b"\x04\x01\0\x50\x0a\0\0\x01user\0"),
        binary(b"\x05\x01\0"),
        binary(b"\x10\x0a\0\x04MQTT\x04\x02\0\x3c\0\0"),
        binary(b"\0\0\0\x08\x04\xd2\x16\x2f"),
        binary(b"\0\0\0\x85\xffSMB\x72\0\0\0\0"),
        binary(b"\0\x1d\xab\xcd\x01\0\0\x01\0\0\0\0\0\0\x07example"),
        binary(b"\0\x01\0\0\x21\x12\xa4\x42"),
        binary(b"\x13BitTorrent protocol"),
    ];
    for text in [
        "CAP LS 302\r\nNICK ana\r\n",
        "NICK ana\r\nUSER ana 0 * :Ana\r\n",
        "USER ana 0 * :Ana\r\n",
        "USER ana localhost example.org :Ana\r\n",
        "PASS secret\r\nNICK ana\r\n",
        "PASS :a secret of words\r\n",
    ] {
        openings.push((text.into(), Foreign::Irc));
    }
    for text in [
        "PROXY TCP4 203.0.113.9 10.0.0.1 4711 2023\r\n{}",
        "PROXY TCP6 ::1 ::1 4711 2023\r\n",
        "PROXY UNKNOWN\r\n",
    ] {
        openings.push((text.into(), Foreign::Proxy));
    }
    for text in [
        "get / HTTP/1.1\r\nCookie: a=b\r\n\r\n",
        "Get /x HTTP/1.1\r\n",
        "GET / HTTP/2.0\r\n",
        "GET /\r\n",
        "GET http://example.org/ HTTP/9.9\r\n",
        "GET / http/1.1\r\n",
        "CONNECT example.org:443 HTTP/2\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "OPTIONS rtsp://example.org/ RTSP/1.0\r\n",
        "OPTIONS sip:a@example.org SIP/2.0\r\n",
        "HTTP/1.1 200 OK\r\n",
    ] {
        openings.push((text.into(), Foreign::Http));
    }
    for text in
        ["[{\"id\":1,\"type\":\"hello\"}]\n", "[\"hello\", {\n", "[ [1,2] ]\n", "\"id\":1,\n", "\"id\" : 1"]
    {
        openings.push((text.into(), Foreign::Json));
    }
    openings
}

#[test]
fn openings_of_other_protocols_are_known() {
    for (opening, foreign) in openings() {
        check(&opening, Guess::Foreign(foreign));
        check([b"\xef\xbb\xbf\r\n ", &opening[..]].concat(), Guess::Foreign(foreign));
    }
    // These are no UTF-8 from the first byte on, as words may be too: SSL 2, and JSON in UTF-16.
    check(b"\x80\x2e\x01\x03\x01\0", Guess::Foreign(Foreign::Binary));
    check(b"\xfe\xff\0{\0\"\0i\0d", Guess::Foreign(Foreign::Binary));
    // Of these only the whole line tells, or the method is nobody's.
    for line in [
        "PROPFIND /x HTTP/1.1",
        "BREW /pot HTTP/1.1",
        "get index.html HTTP/1.0",
        "set session 0 60 5",
        "a1 LOGIN ana secret",
        "<34>1 2003-10-11T22:14:15.003Z host su - ID47 - x",
        "<a:b xmlns='x'>",
    ] {
        assert!(matches!(sniff(format!("{line}\r\n").as_bytes()), Guess::Foreign(_)), "{line}");
    }
}

#[test]
fn a_pause_makes_no_line_of_what_another_protocol_begins_with() {
    let requests = [
        "GET / HTTP/1.1\r\n",
        "POST /x HTTP/1.0\n",
        "DELETE http://a/ HTTP/1.1\r\n",
        "CONNECT a.b:1 HTTP/1.1\n",
    ];
    let openings = openings().into_iter().map(|(opening, _)| opening);
    for opening in openings.chain(requests.iter().map(|request| request.as_bytes().to_vec())) {
        let mut sure = None;
        for end in 0..=opening.len() {
            let guess = sniff(&opening[..end]);
            assert!(
                !matches!(guess, Guess::Open | Guess::Text),
                "{}: {guess:?}",
                opening[..end].escape_ascii()
            );
            assert!(sure.is_none_or(|sure| sure == guess), "{}: {guess:?}", opening[..end].escape_ascii());
            sure = sure.or(guess.is_sure().then_some(guess));
        }
    }
}

#[test]
fn what_looks_like_json_stays_what_it_is() {
    check("[]", Guess::Begun);
    check("[] is empty\n", Guess::Text);
    check("\"id\":", Guess::Foreign(Foreign::Json));
    check("\"id\":\x01", Guess::Foreign(Foreign::Json));
}

#[test]
fn a_first_line_has_an_end() {
    let long = "x".repeat(FIRST_LINE_BYTES_MAX);
    check(format!("GET /{long}"), Guess::Http);
    check(format!("NICK {long}"), Guess::Foreign(Foreign::Unfinished));
    check(&long, Guess::Open);
    check(format!("{long} {long}"), Guess::Open);
}
