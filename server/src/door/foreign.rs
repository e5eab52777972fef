//! Openings of protocols that this server does not speak. They are told apart by shapes that nobody's words have; what
//! has such a shape is answered with one line, and nothing of it is posted.

use bytes::Bytes;
use serde::de::IgnoredAny;

use super::shape::Piece::{self, Digits, End, Is, Machine, Rest, Says, Word};
use super::shape::{Fit, fit};

/// What a connection seems to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// A protocol with a name, in words.
    Named(&'static str),
    /// IRC, which may get a door of its own.
    Irc,
    /// HTTP, or what is built like it, that is not HTTP/1.0 or HTTP/1.1.
    Http,
    /// JSON that is no object on one line of its own.
    Json,
    /// The header of a proxy that is not trusted.
    Proxy,
    /// Bytes that are no text.
    Binary,
    /// What this server speaks, on a connection that is in words already.
    TooLate,
    /// Less than one line, of which it cannot be told what it is.
    Unfinished,
}

/// Shapes of first lines, each with the protocol whose clients begin so.
const SHAPES: &[(Foreign, &[Piece])] = &[
    (Foreign::Named("SSH"), &[Is("SSH-"), Digits, Is("."), Digits, Is("-"), Rest]),
    (Foreign::Proxy, &[Is("PROXY TCP4 "), Rest]),
    (Foreign::Proxy, &[Is("PROXY TCP6 "), Rest]),
    (Foreign::Proxy, &[Is("PROXY UNKNOWN"), Rest]),
    (Foreign::Irc, &[Is("CAP LS"), Rest]),
    (Foreign::Irc, &[Is("CAP REQ "), Rest]),
    (Foreign::Irc, &[Is("CAP END"), End]),
    (Foreign::Irc, &[Is("NICK "), Word, End]),
    (Foreign::Irc, &[Is("PASS "), Word, End]),
    (Foreign::Irc, &[Is("PASS :"), Rest]),
    (Foreign::Irc, &[Is("PASS "), Word, Is(" "), Digits, Is(" "), Rest]),
    (Foreign::Irc, &[Is("USER "), Word, Is(" "), Word, Is(" "), Word, Is(" :"), Rest]),
    (Foreign::Irc, &[Is("USER "), Word, Is(" "), Digits, Is(" * "), Rest]),
    (Foreign::Irc, &[Is("WEBIRC "), Rest]),
    (Foreign::Named("SMTP"), &[Says("EHLO"), End]),
    (Foreign::Named("SMTP"), &[Says("EHLO "), Word, End]),
    (Foreign::Named("LMTP"), &[Says("LHLO "), Word, End]),
    (Foreign::Named("SMTP"), &[Says("HELO "), Machine, End]),
    (Foreign::Named("SMTP"), &[Says("MAIL FROM:<"), Rest]),
    (Foreign::Named("FTP / Redis"), &[Is("AUTH "), Word, End]),
    (Foreign::Named("SMTP / Redis"), &[Is("AUTH "), Word, Is(" "), Word, End]),
    (Foreign::Named("Redis"), &[Is("*"), Digits, End]),
    (Foreign::Named("Redis"), &[Is("HELLO "), Digits, Is(" AUTH "), Rest]),
    (Foreign::Named("XML"), &[Is("<?xml"), Rest]),
    (Foreign::Named("XML"), &[Says("<!DOCTYPE "), Rest]),
    (Foreign::Named("XMPP"), &[Is("<stream:"), Rest]),
    (Foreign::Named("XML"), &[Is("<policy-file-request"), Rest]),
    (Foreign::Named("STOMP"), &[Is("CONNECT"), End]),
    (Foreign::Named("STOMP"), &[Is("STOMP"), End]),
    (Foreign::Named("NATS"), &[Is("CONNECT {"), Rest]),
    (Foreign::Named("AMQP"), &[Is("AMQP\0"), Rest]),
    (Foreign::Named("VNC"), &[Is("RFB "), Digits, Is("."), Digits, End]),
    (Foreign::Named("rsync"), &[Is("@RSYNCD:"), Rest]),
    (Foreign::Named("JDWP"), &[Is("JDWP-Handshake"), Rest]),
    (Foreign::Named("PJL"), &[Is("\x1b%-12345X"), Rest]),
    (Foreign::Http, &[Is("HTTP/"), Digits, Is("."), Digits, Is(" "), Digits, Rest]),
    (Foreign::Named("LSP"), &[Says("Content-Length:"), Rest]),
];

/// The same for lines whose beginnings are words that anybody may say: only the whole line tells.
const WHOLE_SHAPES: &[(Foreign, &[Piece])] = &[
    (
        Foreign::Named("memcached"),
        &[Is("set "), Word, Is(" "), Digits, Is(" "), Digits, Is(" "), Digits, Rest],
    ),
    (
        Foreign::Named("memcached"),
        &[Is("add "), Word, Is(" "), Digits, Is(" "), Digits, Is(" "), Digits, Rest],
    ),
    (Foreign::Named("IMAP"), &[Word, Is(" LOGIN "), Word, Is(" "), Word, End]),
    (Foreign::Named("IMAP"), &[Word, Is(" CAPABILITY"), End]),
    (Foreign::Named("POP3"), &[Is("APOP "), Word, Is(" "), Word, End]),
    (Foreign::Named("syslog"), &[Is("<"), Digits, Is(">1 "), Digits, Is("-"), Rest]),
    (Foreign::Named("HTTP"), &[Says("Content-Type: "), Word, Rest]),
];

/// Whether nobody types this byte: a control character that no key of a line of words stands for.
pub(super) fn is_binary(byte: u8) -> bool {
    matches!(byte, 0..=6 | 0x0E..=0x1A | 0x1C..=0x1F)
}

/// How a first line, without white space before it and its ending, fits the protocols that are known.
pub(super) fn fit_foreign(line: &[u8], complete: bool) -> (Fit, Foreign) {
    let mut begun = (Fit::No, Foreign::Unfinished);
    for (foreign, shape) in SHAPES {
        match fit(shape, line, complete) {
            Fit::Yes => return (Fit::Yes, *foreign),
            Fit::Begun => begun.0 = Fit::Begun,
            Fit::No => {}
        }
    }
    match fit_json(line, complete) {
        Fit::Yes => return (Fit::Yes, Foreign::Json),
        Fit::Begun => begun.0 = Fit::Begun,
        Fit::No => {}
    }
    let binary = line.iter().position(|byte| is_binary(*byte));
    // What follows a command of telnet may belong to it.
    let is_command = |pair: &[u8]| matches!(pair, [0xFF, 0xF0..=0xFE]);
    if binary.is_some_and(|at| !line[..at].windows(2).any(is_command)) {
        return (Fit::Yes, Foreign::Binary);
    }
    if complete {
        let whole = WHOLE_SHAPES.iter().find(|(_, shape)| fit(shape, line, true) == Fit::Yes);
        if let Some((foreign, _)) = whole {
            return (Fit::Yes, *foreign);
        }
        if line.starts_with(b"<") && line.windows(7).any(|window| window == b" xmlns=") {
            return (Fit::Yes, Foreign::Named("XML"));
        }
    }
    begun
}

/// JSON that is a list or the inside of an object: what a program says that does not know this protocol. `[1] is a
/// footnote` and `"so they said"` are words.
fn fit_json(line: &[u8], complete: bool) -> Fit {
    let whole = || serde_json::from_slice::<IgnoredAny>(line);
    match line.first() {
        Some(b'[') => {
            let inside = line[1..].trim_ascii_start();
            match inside.first() {
                Some(b'{' | b'"') => Fit::Yes,
                None if complete => Fit::No,
                None => Fit::Begun,
                Some(_) => match whole() {
                    // `[1] is a footnote` may become of it.
                    Ok(_) if !complete => Fit::Begun,
                    Ok(_) => Fit::Yes,
                    Err(error) if error.is_eof() && complete => Fit::No,
                    Err(error) if error.is_eof() => Fit::Begun,
                    Err(_) => Fit::No,
                },
            }
        }
        Some(b'"') => {
            let mut values = serde_json::Deserializer::from_slice(line).into_iter::<IgnoredAny>();
            let text = values.next();
            let rest = line.get(values.byte_offset()..).unwrap_or_default().trim_ascii_start();
            match text {
                // `"id":1, …`: the inside of an object.
                Some(Ok(_)) if rest.starts_with(b":") => Fit::Yes,
                Some(Ok(_)) if rest.is_empty() && !complete => Fit::Begun,
                Some(Err(error)) if error.is_eof() && !complete => Fit::Begun,
                _ => Fit::No,
            }
        }
        _ => Fit::No,
    }
}

impl Foreign {
    /// The last words to such a peer.
    pub fn refusal(self) -> Bytes {
        let line = match self {
            Self::Named(name) => format!(
                "! 这像是 {name}，这里不说这种协议；什么也没有发出去 · this looks like {name}, which is not spoken \
                 here; nothing was posted\n"
            ),
            Self::Irc => "! 这像是 IRC，这里现在还不说 IRC；什么也没有发出去。用 nc 直接写字就行，/name 换名字 · this looks \
                 like IRC, which is not spoken here yet; nothing was posted. In nc just write, /name changes your \
                 name\n"
                .into(),
            Self::Http => "! 这里只说 HTTP/1.0 和 HTTP/1.1；什么也没有发出去 · only HTTP/1.0 and HTTP/1.1 are spoken \
                 here; nothing was posted\n"
                .into(),
            Self::Json => "! 这里的 JSON 是每行一个以 { 开头的对象；什么也没有发出去 · JSON here is one object per line, \
                 which begins with {; nothing was posted\n"
                .into(),
            Self::Proxy => "! 这个代理没有列在 --trusted-proxy 里；什么也没有发出去 · this proxy is not among those of \
                 --trusted-proxy; nothing was posted\n"
                .into(),
            Self::Binary => "! 这不是文字，也不是这里说的协议；什么也没有发出去 · this is neither text nor a protocol that \
                 is spoken here; nothing was posted\n"
                .into(),
            Self::TooLate => "! 这条连接只说文字；给程序的 JSON 和 HTTP 要在新连接里第一个来；什么也没有发出去 · this \
                 connection is for words; JSON and HTTP come first on a new one; nothing was posted\n"
                .into(),
            Self::Unfinished => "! 这像是别的协议的开头，没有发出去；要说话请写完一行，按回车 · not posted, since it looks \
                 like the beginning of another protocol; to say it, end the line with Enter\n"
                .into(),
        };
        match self {
            Self::Http => format!(
                "HTTP/1.1 501 Not Implemented\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\
                 content-length: {}\r\n\r\n{line}",
                line.len()
            )
            .into(),
            _ => line.into(),
        }
    }
}

impl std::fmt::Display for Foreign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Named(name) => name,
            Self::Irc => "IRC",
            Self::Http => "another HTTP",
            Self::Json => "other JSON",
            Self::Proxy => "an untrusted proxy's header",
            Self::Binary => "a binary protocol",
            Self::TooLate => "another door's protocol, too late",
            Self::Unfinished => "the beginning of a protocol",
        })
    }
}

/// Whether a line of words is what a program says to a server, with a secret in it or not: a request of this protocol,
/// the token of one, or a password of IRC and FTP.
pub(super) fn is_for_programs(line: &str) -> bool {
    let has = |name: &str| line.contains(name);
    let request = line.trim_start().starts_with('{') && has("\"type\"") && has("\"id\"");
    let token = has("\"auth\"") && has("\"token\"");
    request || token || fit(&[Is("PASS "), Word, End], line.trim_end().as_bytes(), true) == Fit::Yes
}
