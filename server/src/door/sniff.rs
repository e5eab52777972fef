/// Which door the first bytes of a connection ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guess {
    /// It takes more bytes to tell.
    Unsure,
    /// `{`.
    Json,
    /// A method of HTTP and a space.
    Http,
    /// A TLS record of the type handshake.
    Tls,
    /// Anything else.
    Text,
}

/// The methods of RFC 9110, PATCH of RFC 5789, and the preface of HTTP/2, RFC 9113.
const METHODS: [&[u8]; 10] = [
    b"GET ",
    b"HEAD ",
    b"POST ",
    b"PUT ",
    b"DELETE ",
    b"OPTIONS ",
    b"PATCH ",
    b"TRACE ",
    b"CONNECT ",
    b"PRI ",
];

/// The first byte of a TLS record that carries a handshake, RFC 8446 section 5.1.
const TLS_HANDSHAKE: u8 = 0x16;

/// Guesses from the bytes that have come so far.
pub fn sniff(bytes: &[u8]) -> Guess {
    match bytes.first() {
        None => Guess::Unsure,
        Some(b'{') => Guess::Json,
        Some(&TLS_HANDSHAKE) => Guess::Tls,
        Some(_) if METHODS.iter().any(|method| bytes.starts_with(method)) => Guess::Http,
        Some(_) if METHODS.iter().any(|method| method.starts_with(bytes)) => Guess::Unsure,
        Some(_) => Guess::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_decide() {
        for (bytes, guess) in [
            (&b""[..], Guess::Unsure),
            (b"{", Guess::Json),
            (b"{\"id\":1}", Guess::Json),
            (b"G", Guess::Unsure),
            (b"GET", Guess::Unsure),
            (b"GET ", Guess::Http),
            (b"GET / HTTP/1.1\r\n", Guess::Http),
            (b"POST /", Guess::Http),
            (b"HEAD ", Guess::Http),
            (b"PRI * HTTP/2.0", Guess::Http),
            (b"GETTING", Guess::Text),
            (b"get /", Guess::Text),
            (b"hello", Guess::Text),
            (b"\n", Guess::Text),
            ("大家好".as_bytes(), Guess::Text),
            (b"\x16\x03\x01", Guess::Tls),
            (b"\x00", Guess::Text),
        ] {
            assert_eq!(sniff(bytes), guess, "{:?}", String::from_utf8_lossy(bytes));
        }
    }
}
