//! The commands that telnet mixes into what is typed, RFC 854 and 855. All options are refused, each once (RFC 1143);
//! what asks whether anybody listens is answered, which telnet waits for after Ctrl-C.

/// What begins a command.
const IAC: u8 = 0xFF;
const DONT: u8 = 0xFE;
const DO: u8 = 0xFD;
const WONT: u8 = 0xFC;
const WILL: u8 = 0xFB;
/// Begins the details of an option, which [`SE`] ends.
const SB: u8 = 0xFA;
const SE: u8 = 0xF0;
const ERASE_LINE: u8 = 0xF8;
const ERASE_CHARACTER: u8 = 0xF7;
const ARE_YOU_THERE: u8 = 0xF6;
const INTERRUPT: u8 = 0xF4;
const BREAK: u8 = 0xF3;
/// Ctrl-\ of the real telnet, RFC 1184.
const ABORT: u8 = 0xEE;
/// The first command there is, RFC 1184.
const COMMANDS_BEGIN: u8 = 0xEC;
/// The option that is a question: everything before it is read, RFC 860.
const TIMING_MARK: u8 = 6;

/// Details of an option are not longer than this, in bytes.
pub(super) const DETAILS_BYTES_MAX: usize = 4 * 1024;
const HERE: &[u8] = "在 · here\r\n".as_bytes();

/// What became of a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// Part of a command.
    Nothing,
    /// It was typed.
    Typed(u8),
    /// It was typed, and so was this byte, which began no command after all.
    AndTyped(u8, u8),
    /// The last character goes.
    EraseCharacter,
    /// The line that was begun goes.
    EraseLine,
    /// The details of an option do not end.
    Endless,
}

/// Reads one connection's bytes.
#[derive(Debug, Default)]
pub(super) struct Telnet {
    state: State,
    /// Which options were refused, once there was a command.
    refused: Option<Box<Refused>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Typing,
    Command,
    /// The option of DO, DONT, WILL or WONT comes next.
    Option(u8),
    /// In the details of an option, of which so many bytes came. Whether the last was [`IAC`].
    Details(usize, bool),
}

/// One bit for each option, of the peer's DO and of its WILL.
#[derive(Debug, Default)]
struct Refused {
    doing: [u128; 2],
    willing: [u128; 2],
}

impl Telnet {
    /// Takes a byte. What is to be answered goes to `answers`.
    pub(super) fn hear(&mut self, byte: u8, answers: &mut Vec<u8>) -> Heard {
        match self.state {
            State::Typing if byte == IAC => {
                self.state = State::Command;
                Heard::Nothing
            }
            State::Typing => Heard::Typed(byte),
            State::Command => self.command(byte, answers),
            State::Option(command) => {
                self.state = State::Typing;
                self.option(command, byte, answers);
                Heard::Nothing
            }
            State::Details(_, true) if byte == SE => {
                self.state = State::Typing;
                Heard::Nothing
            }
            State::Details(DETAILS_BYTES_MAX.., _) => Heard::Endless,
            State::Details(bytes, after_iac) => {
                self.state = State::Details(bytes + 1, byte == IAC && !after_iac);
                Heard::Nothing
            }
        }
    }

    /// Whether a command has begun and not ended.
    pub(super) fn is_amid(&self) -> bool {
        self.state != State::Typing
    }

    fn command(&mut self, byte: u8, answers: &mut Vec<u8>) -> Heard {
        self.state = State::Typing;
        let known = self.refused.is_some();
        match byte {
            IAC => return Heard::Typed(IAC),
            // ÿ of a text that is not UTF-8, from somebody who has shown no sign of telnet.
            ..COMMANDS_BEGIN if !known => return Heard::AndTyped(IAC, byte),
            ..COMMANDS_BEGIN => return Heard::Nothing,
            _ => self.refused.get_or_insert_default(),
        };
        match byte {
            DO | DONT | WILL | WONT => self.state = State::Option(byte),
            SB => self.state = State::Details(0, false),
            ARE_YOU_THERE if !answers.ends_with(HERE) => answers.extend_from_slice(HERE),
            ERASE_CHARACTER => return Heard::EraseCharacter,
            ERASE_LINE | INTERRUPT | BREAK | ABORT => return Heard::EraseLine,
            _ => {}
        }
        Heard::Nothing
    }

    fn option(&mut self, command: u8, option: u8, answers: &mut Vec<u8>) {
        let refused = self.refused.get_or_insert_default();
        let (half, bit) = (usize::from(option / 128), 1 << (option % 128));
        let (asked, no) = match command {
            DO if option == TIMING_MARK => {
                answers.extend_from_slice(&[IAC, WILL, TIMING_MARK]);
                return;
            }
            DO => (&mut refused.doing[half], WONT),
            WILL => (&mut refused.willing[half], DONT),
            // What is off stays off, and needs no word.
            _ => return,
        };
        if *asked & bit == 0 {
            *asked |= bit;
            answers.extend_from_slice(&[IAC, no, option]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What was typed, with `<` for an erased character and `«` for an erased line, and what is answered.
    fn check(bytes: &[u8], typed: &[u8], answers: &[u8]) {
        let mut telnet = Telnet::default();
        let (mut heard, mut answered) = (Vec::new(), Vec::new());
        for byte in bytes {
            match telnet.hear(*byte, &mut answered) {
                Heard::Nothing => {}
                Heard::Typed(byte) => heard.push(byte),
                Heard::AndTyped(one, two) => heard.extend([one, two]),
                Heard::EraseCharacter => heard.push(b'<'),
                Heard::EraseLine => heard.push(b'|'),
                Heard::Endless => heard.push(b'!'),
            }
        }
        assert_eq!((&heard[..], &answered[..]), (typed, answers), "{}", bytes.escape_ascii());
    }

    #[test]
    fn options_are_refused_once_and_the_timing_mark_is_given() {
        check(b"a\xff\xfd\x06b", b"ab", b"\xff\xfb\x06");
        check(b"\xff\xfd\x06\xff\xfd\x06", b"", b"\xff\xfb\x06\xff\xfb\x06");
        check(
            b"\xff\xfd\x01\xff\xfd\x01\xff\xfb\x01\xff\xfb\xff",
            b"",
            b"\xff\xfc\x01\xff\xfe\x01\xff\xfe\xff",
        );
        check(b"\xff\xfe\x01\xff\xfc\x01", b"", b"");
    }

    #[test]
    fn commands_are_taken_out_and_255_can_be_typed() {
        check(b"a\xff\xf1b\xff\xffc\xff\xf4d\xff\xf7", b"ab\xffc|d<", b"");
        check(b"\xff\xfa\x18\x00\xff\xffAB\n\xff\xf0x", b"x", b"");
        check(b"\xff\xf6\xff\xf6", b"", "在 · here\r\n".as_bytes());
        check(b"\xff\xf1\xffa", b"", b"");
    }

    #[test]
    fn without_a_command_255_is_a_byte_like_others() {
        check(b"\xffa\xff\xff", b"\xffa\xff", b"");
    }

    #[test]
    fn details_have_an_end() {
        let mut bytes = b"\xff\xfa\x1f".to_vec();
        bytes.resize(DETAILS_BYTES_MAX + 2, b'x');
        check(&bytes, b"", b"");
        bytes.push(b'x');
        check(&bytes, b"!", b"");
    }

    proptest! {
        #[test]
        fn a_word_of_the_peer_is_answered_by_at_most_one(bytes in proptest::collection::vec(0xF0_u8.., 0..200)) {
            let mut telnet = Telnet::default();
            let mut answers = Vec::new();
            for byte in &bytes {
                telnet.hear(*byte, &mut answers);
            }
            prop_assert!(answers.len() <= bytes.len() + HERE.len() * bytes.len() / 2);
            // Two of these at both ends come to rest.
            let (mut ours, mut theirs) = (Telnet::default(), answers);
            for _ in 0..3 {
                let mut back = Vec::new();
                for byte in &theirs {
                    ours.hear(*byte, &mut back);
                }
                theirs = back;
            }
        }
    }
}
