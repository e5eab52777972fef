use super::foreign::{Foreign, fit_foreign};
use super::shape::Fit;

/// Which door the first bytes of a connection ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guess {
    /// Nothing but white space and byte order marks so far.
    Blank {
        /// Whether a line has ended.
        line_ended: bool,
    },
    /// The beginning of something that is not for people. No pause makes it a line.
    Begun,
    /// The beginning of a line that is for people unless it goes on as something else. A pause ends it.
    Open,
    /// `{`.
    Json,
    /// The first line of a request of HTTP/1.0 or HTTP/1.1.
    Http,
    /// A TLS record of the type handshake.
    Tls,
    /// Something that this server does not speak.
    Foreign(Foreign),
    /// Words of a person.
    Text,
}

impl Guess {
    /// Whether nothing that follows will change it.
    pub fn is_sure(self) -> bool {
        !matches!(self, Self::Blank { .. } | Self::Begun | Self::Open)
    }
}

/// A first line that is longer is no beginning of anything that this server speaks, in bytes.
pub const FIRST_LINE_BYTES_MAX: usize = 16 * 1024;

/// The methods of RFC 9110, and PATCH of RFC 5789.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT"];

/// What ends the first line of a request of HTTP and of protocols that are built like it.
const VERSIONS: [&str; 5] = ["HTTP/", "RTSP/", "SIP/", "ICAP/", "ICE/"];

/// The first byte of a TLS record that carries a handshake, RFC 8446 section 5.1.
const TLS_HANDSHAKE: u8 = 0x16;
/// The byte that begins a command of telnet, and the commands, RFC 854.
const IAC: u8 = 0xFF;
const TELNET_COMMANDS: std::ops::RangeInclusive<u8> = 0xF0..=0xFE;

const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();

/// Guesses from the bytes that have come so far.
pub fn sniff(bytes: &[u8]) -> Guess {
    let blank = blank_bytes(bytes);
    let rest = &bytes[blank..];
    let line_ended = bytes[..blank].iter().any(|byte| matches!(byte, b'\r' | b'\n'));
    if rest.is_empty() || (rest.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(rest)) {
        return Guess::Blank { line_ended };
    }
    match rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        Some(end) => first_line(&rest[..end], true),
        None if rest.len() > FIRST_LINE_BYTES_MAX => endless(rest),
        None => first_line(rest, false),
    }
}

/// What becomes of a first line that is longer than any that this server reads as a whole.
fn endless(line: &[u8]) -> Guess {
    match first_line(line, false) {
        Guess::Begun => unfinished(line),
        guess => guess,
    }
}

/// What becomes of a beginning that nothing follows: half a request of HTTP is answered as HTTP answers it.
pub fn unfinished(bytes: &[u8]) -> Guess {
    let line = &bytes[blank_bytes(bytes)..];
    let is_request = METHODS
        .iter()
        .any(|method| line.strip_prefix(method.as_bytes()).is_some_and(|rest| rest.starts_with(b" /")));
    if is_request { Guess::Http } else { Guess::Foreign(Foreign::Unfinished) }
}

/// How many bytes of white space and byte order marks come first.
pub fn blank_bytes(bytes: &[u8]) -> usize {
    let mut blank = 0;
    loop {
        let rest = &bytes[blank..];
        if rest.starts_with(BYTE_ORDER_MARK) {
            blank += BYTE_ORDER_MARK.len();
        } else if matches!(rest.first(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            blank += 1;
        } else {
            return blank;
        }
    }
}

/// Guesses from the first line that is not blank, without its ending. `complete`: it has ended.
pub(super) fn first_line(line: &[u8], complete: bool) -> Guess {
    match line {
        [b'{', ..] => return Guess::Json,
        [TLS_HANDSHAKE, ..] => return Guess::Tls,
        [IAC] if !complete => return Guess::Open,
        [IAC, command, ..] if TELNET_COMMANDS.contains(command) => return Guess::Text,
        _ => {}
    }
    let line = if complete { line.trim_ascii_end() } else { line };
    let (foreign, name) = fit_foreign(line, complete);
    if foreign == Fit::Yes {
        return Guess::Foreign(name);
    }
    let http = request_line(line, complete);
    match (http, foreign) {
        (Guess::Text | Guess::Open, Fit::Begun) => Guess::Begun,
        // Some shapes are told from words at the end of the line only.
        (Guess::Text, _) if !complete => Guess::Open,
        (http, _) => http,
    }
}

/// Guesses whether a line begins a request of HTTP: `token SP target SP HTTP/…`.
fn request_line(line: &[u8], complete: bool) -> Guess {
    let undecided = if complete { Guess::Text } else { Guess::Open };
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let mut words = line.splitn(2, |byte| *byte == b' ');
    let method = words.next().unwrap_or_default();
    if method.is_empty() || !method.iter().all(is_token) {
        return Guess::Text;
    }
    let Some(rest) = words.next() else {
        let prefix = |known: &&str| {
            let length = method.len();
            known.len() >= length && known.as_bytes()[..length].eq_ignore_ascii_case(method)
        };
        let begins = METHODS.iter().chain(&["PRI"]).any(prefix);
        return if begins && !complete { Guess::Begun } else { undecided };
    };
    let is_known = METHODS.iter().chain(&["PRI"]).any(|known| method.eq_ignore_ascii_case(known.as_bytes()));
    // A method that is none of these still begins a request where nobody's words would.
    let is_likely = is_known || method.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'-');
    let rest = rest.trim_ascii_start();
    let (target, version) = match rest.iter().rposition(|byte| *byte == b' ') {
        Some(space) => (&rest[..space], Some(&rest[space + 1..])),
        None => (rest, None),
    };
    let is_one_word = !target.contains(&b' ');
    let is_target = is_target(method, target) && (is_known || is_one_word);
    let Some(version) = version else {
        return match (is_target, complete) {
            (true, false) if is_likely => Guess::Begun,
            // A request of HTTP/0.9.
            (true, true) if is_known => Guess::Foreign(Foreign::Http),
            (false, false) if is_known && may_become_target(method, target) => Guess::Begun,
            _ => undecided,
        };
    };
    match (version_fit(version, complete), is_target) {
        (Fit::Yes, true) => {
            let ours = METHODS.iter().any(|known| method == known.as_bytes())
                && matches!(version, b"HTTP/1.0" | b"HTTP/1.1")
                && is_one_word;
            if ours { Guess::Http } else { Guess::Foreign(Foreign::Http) }
        }
        // No target, and yet nobody's words: `get index.html HTTP/1.0`.
        (Fit::Yes, false) if is_known && is_one_word && version.contains(&b'.') => {
            Guess::Foreign(Foreign::Http)
        }
        (Fit::Begun, true) if is_likely => Guess::Begun,
        _ => undecided,
    }
}

fn is_target(method: &[u8], target: &[u8]) -> bool {
    let first = target.split(|byte| *byte == b' ').next().unwrap_or_default();
    let has = |part: &[u8]| first.windows(part.len()).any(|window| window == part);
    target.starts_with(b"/")
        || target == b"*"
        || has(b"://")
        || [&b"sip:"[..], b"sips:"].iter().any(|scheme| target.starts_with(scheme))
        || (method.eq_ignore_ascii_case(b"CONNECT") && has(b":"))
}

/// Whether a word that is no target yet is the beginning of one, or of nothing.
fn may_become_target(method: &[u8], target: &[u8]) -> bool {
    let schemes = [&b"http://"[..], b"https://", b"rtsp://", b"sip:", b"sips:"];
    method == b"CONNECT" || schemes.iter().any(|scheme| scheme.starts_with(target))
}

/// How a word fits `HTTP/1.1` and its relatives.
fn version_fit(word: &[u8], complete: bool) -> Fit {
    let mut best = Fit::No;
    for name in VERSIONS {
        let length = name.len().min(word.len());
        if !name.as_bytes()[..length].eq_ignore_ascii_case(&word[..length]) {
            continue;
        }
        let numbers = &word[length..];
        let mut parts = numbers.split(|byte| *byte == b'.');
        let is_number = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
        if !parts.clone().take(2).all(is_number) || parts.clone().count() > 2 {
            continue;
        }
        let whole = length == name.len() && parts.all(|part| !part.is_empty());
        best = match (complete, whole) {
            (true, true) => return Fit::Yes,
            (true, false) => best,
            (false, _) => Fit::Begun,
        };
    }
    best
}

#[cfg(test)]
mod tests {
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
        for text in [
            "[{\"id\":1,\"type\":\"hello\"}]\n",
            "[\"hello\", {\n",
            "[ [1,2] ]\n",
            "\"hello\"\n",
            "\"id\":1,\n",
            "\"id\" : 1",
        ] {
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
                assert!(
                    sure.is_none_or(|sure| sure == guess),
                    "{}: {guess:?}",
                    opening[..end].escape_ascii()
                );
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
}
