//! Shapes of first lines: patterns that know whether what has come so far fits, may still fit, or never will.

/// How far a line fits a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// Whatever comes, it will not.
    No,
    /// So far; more has to come.
    Begun,
    /// Whatever comes, it does.
    Yes,
}

/// A piece of a shape.
#[derive(Debug, Clone, Copy)]
pub(super) enum Piece {
    /// These bytes.
    Is(&'static str),
    /// These letters, large or small.
    Says(&'static str),
    /// One or more bytes that are no space.
    Word,
    /// One or more digits.
    Digits,
    /// A name or address of a machine: with a dot or colon inside, in brackets, or `localhost`.
    Machine,
    /// The end of the line.
    End,
    /// Anything, nothing too.
    Rest,
}

/// How a line fits a shape. `complete`: nothing more will come before its end.
pub(super) fn fit(shape: &[Piece], line: &[u8], complete: bool) -> Fit {
    let mut rest = line;
    for piece in shape {
        let short = if complete { Fit::No } else { Fit::Begun };
        let taken = match piece {
            Piece::Is(text) | Piece::Says(text) => {
                let length = text.len().min(rest.len());
                let (wanted, found) = (&text.as_bytes()[..length], &rest[..length]);
                let same = match piece {
                    Piece::Is(_) => wanted == found,
                    _ => wanted.eq_ignore_ascii_case(found),
                };
                match same {
                    false => return Fit::No,
                    true if length < text.len() => return short,
                    true => length,
                }
            }
            Piece::Word | Piece::Digits | Piece::Machine => {
                let length = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
                let length = match piece {
                    Piece::Digits => rest.iter().take_while(|byte| byte.is_ascii_digit()).count(),
                    _ => length,
                };
                let ended = complete || length < rest.len();
                match piece {
                    _ if !ended => return Fit::Begun,
                    _ if length == 0 => return Fit::No,
                    Piece::Machine if !is_machine(&rest[..length]) => return Fit::No,
                    _ => length,
                }
            }
            Piece::End if rest.is_empty() => return if complete { Fit::Yes } else { Fit::Begun },
            Piece::End => return Fit::No,
            Piece::Rest => return Fit::Yes,
        };
        rest = &rest[taken..];
    }
    Fit::Yes
}

fn is_machine(word: &[u8]) -> bool {
    let inside = word.get(1..word.len() - 1).unwrap_or_default();
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(byte);
    word.eq_ignore_ascii_case(b"localhost")
        || word.starts_with(b"[")
        || (word.iter().all(legal) && inside.iter().any(|byte| b".:".contains(byte)))
}

#[cfg(test)]
mod tests {
    use super::Piece::{Digits, End, Is, Machine, Rest, Says, Word};
    use super::*;

    fn check(shape: &[Piece], line: &str, so_far: Fit, complete: Fit) {
        assert_eq!(fit(shape, line.as_bytes(), false), so_far, "{line} …");
        assert_eq!(fit(shape, line.as_bytes(), true), complete, "{line}");
    }

    #[test]
    fn a_shape_fits_once_it_cannot_fail() {
        let shape = [Is("NICK "), Word, End];
        check(&shape, "", Fit::Begun, Fit::No);
        check(&shape, "NI", Fit::Begun, Fit::No);
        check(&shape, "NICK ana", Fit::Begun, Fit::Yes);
        check(&shape, "NICK ana is here", Fit::No, Fit::No);
        check(&shape, "nick ana", Fit::No, Fit::No);
        let shape = [Says("helo "), Machine, End];
        check(&shape, "HELO there", Fit::Begun, Fit::No);
        check(&shape, "HELO there.", Fit::Begun, Fit::No);
        check(&shape, "Helo a.example", Fit::Begun, Fit::Yes);
        let shape = [Is("SSH-"), Digits, Is("."), Rest];
        check(&shape, "SSH-2", Fit::Begun, Fit::No);
        check(&shape, "SSH-2.", Fit::Yes, Fit::Yes);
        check(&shape, "SSH-x", Fit::No, Fit::No);
    }
}
