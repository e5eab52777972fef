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
            // A request of HTTP/0.9, which has this method alone. `head /etc/hosts` is what somebody typed.
            (true, true) if method == b"GET" && target.starts_with(b"/") => Guess::Foreign(Foreign::Http),
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
mod tests;
