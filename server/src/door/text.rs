//! Words for people: `nc`, telnet, and the tutorial's reader. Every line is a post; commands begin with a slash.

use std::collections::VecDeque;
use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use teahouse_protocol::{
    Auth, Command, Hello, History, Join, Leave, MemberName, PROTOCOL_VERSION, Post, PostText, Rename,
    Request, RequestId, RoomName, Rooms, ServerMessage, Unwatch, Watch, Welcome, Who,
};

use super::Inbound;
use super::foreign::{Foreign, is_binary, is_for_programs};
use super::json::frame_too_long;
use super::phrases::{bad_name, error_words, event_words, history, problem, who};
use super::sniff::{Guess, blank_bytes, first_line, sniff};
use super::typing::{Typed, Typing};
use crate::state::LOBBY;

/// Bytes without a line ending count as a line after so long a pause: a beginner's `send()` ends no lines.
pub const PAUSE: Duration = Duration::from_millis(300);

/// How many events `/history` shows when it is not told.
const HISTORY_EVENTS: u32 = 20;

const HELP: &str = "\
/name 名字      换名字 · change your name
/join 房间      换到别的房间，没有就新开 · move to a room, made if there is none
/rooms          有哪些房间 · which rooms there are
/who            谁在这里 · who is here
/history [行数] 看以前说过的话 · read what was said before
/me 动作        说说你在做什么 · say what you are doing
/quit           离开 · leave
//文字          发出以 / 开头的话 · say something that begins with a slash
";

/// A person's connection.
#[derive(Debug)]
pub struct TextDoor {
    typing: Typing,
    room: RoomName,
    /// Whether the first line has come, with which the person enters.
    entered: bool,
    /// Whether a line has come that is not blank, which is a person's and not another protocol's.
    spoken: bool,
    /// Whether the greeting has been said.
    greeted: bool,
    /// What is said about the first lines, until the greeting has been said.
    held: Vec<Bytes>,
    /// Whether nothing more is listened to.
    over: bool,
    next_id: u64,
}

impl Default for TextDoor {
    fn default() -> Self {
        let room = RoomName::parse(LOBBY).expect("a constant that follows the rules");
        Self {
            typing: Typing::default(),
            room,
            entered: false,
            spoken: false,
            greeted: false,
            held: Vec::new(),
            over: false,
            next_id: 0,
        }
    }
}

/// What a line asks of the door.
enum Line<'a> {
    Nothing,
    Say { text: &'a str, action: bool },
    Command { name: &'a str, rest: &'a str },
}

fn parse(line: &str) -> Line<'_> {
    let Some(command) = line.strip_prefix('/') else {
        return if line.trim().is_empty() { Line::Nothing } else { Line::Say { text: line, action: false } };
    };
    if command.starts_with('/') {
        return Line::Say { text: command, action: false };
    }
    let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    match (name, rest.trim()) {
        ("me", text) if !text.is_empty() => Line::Say { text, action: true },
        (name, rest) => Line::Command { name, rest },
    }
}

impl TextDoor {
    /// Lets the person in without waiting for a first line, for a listener that greets at once.
    pub fn enter(&mut self, inbound: &mut VecDeque<Inbound>) {
        if std::mem::replace(&mut self.entered, true) {
            return;
        }
        let auth = Auth::Guest { name: None, keep: false };
        self.ask(inbound, hello(auth));
        let room = self.room.clone();
        self.ask(inbound, Command::Join(Join { room: room.clone(), create: true }));
        self.ask(inbound, Command::Watch(Watch { room, after: None }));
    }

    pub(super) fn receive(
        &mut self,
        mut bytes: &[u8],
        inbound: &mut VecDeque<Inbound>,
        out: &mut VecDeque<Bytes>,
    ) {
        let mut answers = Vec::new();
        while !self.over {
            match self.typing.next_line(&mut bytes, &mut answers) {
                Some(Typed::Line(line)) => self.line(&line, inbound, out),
                Some(Typed::TooLong) => {
                    self.over = true;
                    inbound.push_back(Inbound::Fatal(frame_too_long("line")));
                }
                None => break,
            }
        }
        if !answers.is_empty() {
            out.push_back(answers.into());
        }
    }

    /// Whether a pause ends the line that was begun.
    pub(super) fn awaits_pause(&self) -> bool {
        let Some(partial) = self.typing.pausing() else { return false };
        self.spoken || matches!(sniff(partial), Guess::Text | Guess::Open)
    }

    pub(super) fn paused(&mut self, inbound: &mut VecDeque<Inbound>, out: &mut VecDeque<Bytes>) {
        if self.awaits_pause() {
            let line = self.typing.take_partial();
            self.line(&line, inbound, out);
        }
    }

    /// The peer has closed its side: what it wrote last counts as a line.
    pub(super) fn ended(&mut self, inbound: &mut VecDeque<Inbound>, out: &mut VecDeque<Bytes>) {
        let line = self.typing.take_partial();
        if self.over || line.is_empty() {
            return;
        }
        match sniff(&line) {
            Guess::Begun if !self.spoken => self.turn_away(Foreign::Unfinished, inbound, out),
            _ => self.line(&line, inbound, out),
        }
    }

    fn turn_away(&mut self, foreign: Foreign, inbound: &mut VecDeque<Inbound>, out: &mut VecDeque<Bytes>) {
        self.over = true;
        out.push_back(foreign.refusal());
        inbound.push_back(Inbound::Closed);
    }

    /// Says something of the door's own, behind the greeting.
    fn say(&mut self, out: &mut VecDeque<Bytes>, words: Bytes) {
        if self.greeted { out.push_back(words) } else { self.held.push(words) }
    }

    fn line(&mut self, mut line: &[u8], inbound: &mut VecDeque<Inbound>, out: &mut VecDeque<Bytes>) {
        if !self.spoken {
            line = line.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(line);
            let words = &line[blank_bytes(line)..];
            if words.is_empty() {
                return self.enter(inbound);
            }
            match first_line(words, true) {
                Guess::Foreign(foreign) => return self.turn_away(foreign, inbound, out),
                Guess::Json | Guess::Http | Guess::Tls => {
                    return self.turn_away(Foreign::TooLate, inbound, out);
                }
                _ => self.spoken = true,
            }
        }
        self.enter(inbound);
        if line.iter().any(|byte| is_binary(*byte)) {
            self.say(
                out,
                problem(
                    "这一行里有不是文字的字节，没有发出去",
                    "this line has bytes in it that are no text, and was not sent",
                ),
            );
            return;
        }
        let Ok(line) = std::str::from_utf8(line) else {
            self.say(
                out,
                problem(
                    "这一行不是 UTF-8，没有发出去；Windows 上请先运行 chcp 65001",
                    "this line is not UTF-8 and was not sent; on Windows run chcp 65001 first",
                ),
            );
            return;
        };
        if is_for_programs(line) {
            self.say(
                out,
                problem(
                    "这一行像是程序说的话或密码，没有发出去",
                    "this line looks like a program's request or a password, and was not sent",
                ),
            );
            return;
        }
        match parse(line) {
            Line::Nothing => {}
            Line::Say { text, action } => match PostText::parse(text) {
                Ok(text) => {
                    let room = self.room.clone();
                    self.ask(inbound, Command::Post(Post { room, op: None, text, action }));
                }
                Err(error) => {
                    self.say(out, problem("这句话没有发出去", &format!("not sent: a text {error}")));
                }
            },
            Line::Command { name, rest } => self.command(name, rest, inbound, out),
        }
    }

    fn command(
        &mut self,
        name: &str,
        rest: &str,
        inbound: &mut VecDeque<Inbound>,
        out: &mut VecDeque<Bytes>,
    ) {
        match name {
            "help" => self.say(out, HELP.into()),
            "quit" => {
                self.over = true;
                self.say(out, "再见 · goodbye\n".into());
                inbound.push_back(Inbound::Closed);
            }
            "name" => match MemberName::parse(rest) {
                Ok(name) => self.ask(inbound, Command::Rename(Rename { name })),
                Err(error) => self.say(out, problem(bad_name(&error), &format!("a name {error}"))),
            },
            // Whoever is refused a new room must not have left the old one, so its name is looked at here.
            "join" => match RoomName::parse(rest).and_then(|room| room.check_new().map(|()| room)) {
                Ok(room) if room == self.room => {}
                Ok(room) => {
                    let left = std::mem::replace(&mut self.room, room.clone());
                    self.ask(inbound, Command::Join(Join { room: room.clone(), create: true }));
                    self.ask(inbound, Command::Watch(Watch { room, after: None }));
                    self.ask(inbound, Command::Unwatch(Unwatch { room: left.clone() }));
                    self.ask(inbound, Command::Leave(Leave { room: left }));
                }
                Err(error) => self.say(out, problem(bad_name(&error), &format!("a room's name {error}"))),
            },
            "rooms" => self.ask(inbound, Command::Rooms(Rooms::default())),
            "who" => {
                let room = self.room.clone();
                self.ask(inbound, Command::Who(Who { room }));
            }
            "history" => match rest.parse() {
                Ok(limit) => self.ask_history(limit, inbound),
                Err(_) if rest.is_empty() => self.ask_history(HISTORY_EVENTS, inbound),
                Err(_) => self.say(out, problem("行数要写数字：/history 20", "say how many: /history 20")),
            },
            _ => self.say(
                out,
                problem(
                    "没有这个命令，没有发出去；/help 看有哪些",
                    "there is no such command, nothing was sent; /help lists them",
                ),
            ),
        }
    }

    fn ask_history(&mut self, limit: u32, inbound: &mut VecDeque<Inbound>) {
        let history = History { limit: Some(limit), ..History::latest(self.room.clone()) };
        self.ask(inbound, Command::History(history));
    }

    fn ask(&mut self, inbound: &mut VecDeque<Inbound>, command: Command) {
        self.next_id += 1;
        let id = RequestId::new(self.next_id).expect("nobody types 2^53 lines");
        inbound.push_back(Inbound::Request(Request { id, command }));
    }

    pub(super) fn encode(&mut self, message: &ServerMessage) -> Bytes {
        let words = self.words(message);
        self.greeted |= matches!(message, ServerMessage::Welcome(_));
        // Where there is an error instead of a greeting, nothing is waited for either.
        if self.held.is_empty() || !matches!(message, ServerMessage::Welcome(_) | ServerMessage::Error(_)) {
            return words;
        }
        [words].into_iter().chain(std::mem::take(&mut self.held)).flatten().collect()
    }

    fn words(&mut self, message: &ServerMessage) -> Bytes {
        match message {
            ServerMessage::Welcome(welcome) => greeting(welcome),
            ServerMessage::Watching(watching) => {
                self.room = watching.room.clone();
                format!("— {} —\n", watching.room).into()
            }
            ServerMessage::Renamed(renamed) => {
                let name = &renamed.user.name;
                format!("现在你叫 {name} · you are {name} now\n").into()
            }
            ServerMessage::Gone(gone) => {
                let room = &gone.room;
                format!("— {room} 没有了：没人说过话，人也都走了 · {room} is gone: nobody had written in it, and everybody left —\n").into()
            }
            ServerMessage::Rooms(list) => {
                let mut words = String::new();
                for room in &list.rooms {
                    let here = if room.room == self.room { "*" } else { " " };
                    let _ = writeln!(words, "{here} {} · {} 人", room.room, room.members);
                }
                words.into()
            }
            ServerMessage::Members(members) => who(members).into(),
            ServerMessage::History(page) => history(page).into(),
            ServerMessage::Error(error) => error_words(error),
            ServerMessage::Goodbye(goodbye) => {
                format!("再见，茶馆要关门了 · goodbye: {}\n", goodbye.message).into()
            }
            ServerMessage::Event(event) => event_words(event).into(),
            ServerMessage::Ack(_)
            | ServerMessage::SignedOut(_)
            | ServerMessage::Unwatched(_)
            | ServerMessage::Pong(_)
            | ServerMessage::CaughtUp(_)
            | ServerMessage::Presence(_)
            | ServerMessage::Unknown => Bytes::new(),
        }
    }
}

fn greeting(welcome: &Welcome) -> Bytes {
    let name = &welcome.user.name;
    format!(
        "欢迎来到茶馆！你叫 {name}。写一行就是说一句话，/help 看命令。\n\
         Welcome to Teahouse! You are {name}. Every line is a message; /help lists the commands.\n"
    )
    .into()
}

fn hello(auth: Auth) -> Command {
    Command::Hello(Hello { protocol: PROTOCOL_VERSION, auth, client: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a person's bytes ask for, after the three requests of entering, and what the door says at once.
    fn check(bytes: &[u8], requests: &[&str], words: &str) {
        let mut door = TextDoor::default();
        let (mut inbound, mut out) = (VecDeque::new(), VecDeque::new());
        door.receive(bytes, &mut inbound, &mut out);
        door.paused(&mut inbound, &mut out);
        let asked: Vec<String> = inbound
            .into_iter()
            .map(|inbound| match inbound {
                Inbound::Request(request) => request.to_json(),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(asked.get(3..).unwrap_or_default(), requests);
        assert_eq!(String::from_utf8(out.into_iter().chain(door.held).flatten().collect()).unwrap(), words);
    }

    #[test]
    fn lines_are_posts_and_slashes_commands() {
        check(b"\n", &[], "");
        check(b"hi\r\n", &[r#"{"id":4,"type":"post","room":"lobby","text":"hi"}"#], "");
        check("大家好".as_bytes(), &[r#"{"id":4,"type":"post","room":"lobby","text":"大家好"}"#], "");
        check(b"//x\n", &[r#"{"id":4,"type":"post","room":"lobby","text":"/x"}"#], "");
        check(b"/me waves\n", &[r#"{"id":4,"type":"post","room":"lobby","text":"waves","action":true}"#], "");
        check(
            b"/who\n/rooms\n",
            &[r#"{"id":4,"type":"who","room":"lobby"}"#, r#"{"id":5,"type":"rooms"}"#],
            "",
        );
        check(b"/history 5\n", &[r#"{"id":4,"type":"history","room":"lobby","limit":5}"#], "");
        check(b"/help\n", &[], HELP);
        check(b"/quit\n", &["Closed"], "再见 · goodbye\n");
    }

    #[test]
    fn moving_to_a_room_leaves_the_other() {
        check(
            "/join 茶\nhi\n".as_bytes(),
            &[
                r#"{"id":4,"type":"join","room":"茶","create":true}"#,
                r#"{"id":5,"type":"watch","room":"茶"}"#,
                r#"{"id":6,"type":"unwatch","room":"lobby"}"#,
                r#"{"id":7,"type":"leave","room":"lobby"}"#,
                r#"{"id":8,"type":"post","room":"茶","text":"hi"}"#,
            ],
            "",
        );
    }

    #[test]
    fn what_is_wrong_is_said_and_never_posted() {
        check(
            b"/dance\n",
            &[],
            "! 没有这个命令，没有发出去；/help 看有哪些 · there is no such command, nothing was sent; /help \
             lists them\n",
        );
        check(
            b"/name a b\n",
            &[],
            "! 名字里不能有空格，可以用 - 或 _ · a name must not contain spaces; use '-' or '_' instead\n",
        );
        // Nothing is asked for, so the person stays where they are.
        check(
            "/join \u{301}茶\n".as_bytes(),
            &[],
            "! 名字不能以附加符号开头，也不能把它放在别的文字上 · a room's name must not begin with an accent, or have one on a \
             letter of another script\n",
        );
        check(
            b"\xc4\xe3\xba\xc3\n",
            &[],
            "! 这一行不是 UTF-8，没有发出去；Windows 上请先运行 chcp 65001 · this line is not UTF-8 and was \
             not sent; on Windows run chcp 65001 first\n",
        );
    }
}
