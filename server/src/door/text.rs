//! Words for people: `nc`, telnet, and the tutorial's reader. Every line is a post; commands begin with a slash.

use std::collections::VecDeque;
use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use teahouse_protocol::{
    Auth, Command, ErrorCode, ErrorReply, Hello, History, Join, Leave, MemberName, PROTOCOL_VERSION, Post,
    PostText, Rename, Request, RequestId, RoomName, Rooms, ServerMessage, Unwatch, Watch, Welcome, Who,
};

use super::Inbound;
use super::foreign::{Foreign, is_binary, is_for_programs};
use super::json::frame_too_long;
use super::phrases::{bad_name, error_words, event_words, history, problem, who};
use super::sniff::{FIRST_LINE_BYTES_MAX, Guess, blank_bytes, first_line, sniff};
use super::typing::{Typed, Typing};

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
    /// The hello with which the person enters, unless it was refused.
    hello: Option<RequestId>,
    /// Where the person is, once there.
    at: Option<RoomName>,
    /// Where what is written goes: the room that was asked for last.
    room: RoomName,
    /// Joins that are not answered.
    moves: VecDeque<RequestId>,
    /// What is to be asked before anything else, because of what was answered.
    next: Vec<Command>,
    /// Whether a line has come that is not blank, which is a person's and not another protocol's.
    spoken: bool,
    /// Whether nothing more is listened to.
    over: bool,
    last_id: u64,
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
    /// The door of somebody who enters this room first.
    pub fn new(room: RoomName) -> Self {
        Self {
            typing: Typing::default(),
            hello: None,
            at: None,
            room,
            moves: VecDeque::new(),
            next: Vec::new(),
            spoken: false,
            over: false,
            last_id: 0,
        }
    }

    /// Lets the person in without waiting for a first line, for a listener that greets at once.
    pub fn enter(&mut self, inbound: &mut VecDeque<Inbound>) {
        if self.hello.is_none() {
            let auth = Auth::Guest { name: None, keep: false };
            self.hello = Some(self.ask(inbound, hello(auth)));
            let room = self.room.clone();
            self.go(room, inbound);
        }
    }

    /// Asks what follows from the answers that were encoded, before anything else.
    pub(super) fn follow_up(&mut self, inbound: &mut VecDeque<Inbound>) {
        let next = std::mem::take(&mut self.next);
        let requests: Vec<Request> = next.into_iter().map(|command| self.request(command)).collect();
        requests.into_iter().rev().for_each(|request| inbound.push_front(Inbound::Request(request)));
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
                Some(Typed::Line(line)) => self.line(&line, inbound),
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
    pub(super) fn awaits_pause(&mut self) -> bool {
        let Some(partial) = self.typing.pausing() else { return false };
        let begins = &partial[..partial.len().min(FIRST_LINE_BYTES_MAX + 1)];
        self.spoken || matches!(sniff(begins), Guess::Text | Guess::Open)
    }

    pub(super) fn paused(&mut self, inbound: &mut VecDeque<Inbound>) {
        if self.awaits_pause() {
            let line = self.typing.take_partial();
            self.line(&line, inbound);
        }
    }

    /// The peer has closed its side: what it wrote last counts as a line.
    pub(super) fn ended(&mut self, inbound: &mut VecDeque<Inbound>) {
        let line = self.typing.take_partial();
        if self.over || line.is_empty() {
            return;
        }
        match sniff(&line) {
            Guess::Begun if !self.spoken => self.turn_away(Foreign::Unfinished, inbound),
            _ => self.line(&line, inbound),
        }
    }

    fn turn_away(&mut self, foreign: Foreign, inbound: &mut VecDeque<Inbound>) {
        self.over = true;
        say(inbound, foreign.refusal());
        inbound.push_back(Inbound::Closed);
    }

    fn line(&mut self, mut line: &[u8], inbound: &mut VecDeque<Inbound>) {
        if !self.spoken {
            line = line.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(line);
            let words = &line[blank_bytes(line)..];
            if words.is_empty() {
                return self.enter(inbound);
            }
            match first_line(words, true) {
                Guess::Foreign(foreign) => return self.turn_away(foreign, inbound),
                Guess::Json | Guess::Http | Guess::Tls => {
                    return self.turn_away(Foreign::TooLate, inbound);
                }
                _ => self.spoken = true,
            }
        }
        self.enter(inbound);
        if line.iter().any(|byte| is_binary(*byte)) {
            return say(
                inbound,
                problem(
                    "这一行里有不是文字的字节，没有发出去",
                    "this line has bytes in it that are no text, and was not sent",
                ),
            );
        }
        let Ok(line) = std::str::from_utf8(line) else {
            return say(
                inbound,
                problem(
                    "这一行不是 UTF-8，没有发出去；Windows 上请先运行 chcp 65001",
                    "this line is not UTF-8 and was not sent; on Windows run chcp 65001 first",
                ),
            );
        };
        if is_for_programs(line) {
            return say(
                inbound,
                problem(
                    "这一行像是程序说的话或密码，没有发出去",
                    "this line looks like a program's request or a password, and was not sent",
                ),
            );
        }
        match parse(line) {
            Line::Nothing => {}
            Line::Say { text, action } => match PostText::parse(text) {
                Ok(text) => {
                    let room = self.room.clone();
                    self.ask(inbound, Command::Post(Post { room, op: None, text, action }));
                }
                Err(error) => {
                    say(inbound, problem("这句话没有发出去", &format!("not sent: a text {error}")));
                }
            },
            Line::Command { name, rest } => self.command(name, rest, inbound),
        }
    }

    fn command(&mut self, name: &str, rest: &str, inbound: &mut VecDeque<Inbound>) {
        match name {
            "help" => say(inbound, HELP.into()),
            "quit" => {
                self.over = true;
                say(inbound, "再见 · goodbye\n".into());
                inbound.push_back(Inbound::Closed);
            }
            "name" => match MemberName::parse(rest) {
                Ok(name) => {
                    self.ask(inbound, Command::Rename(Rename { name }));
                }
                Err(error) => say(inbound, problem(bad_name(&error), &format!("a name {error}"))),
            },
            "join" => match RoomName::parse(rest) {
                Ok(room) if self.moves.is_empty() && self.at.as_ref() == Some(&room) => {}
                Ok(room) => self.go(room, inbound),
                Err(error) => say(inbound, problem(bad_name(&error), &format!("a room's name {error}"))),
            },
            "rooms" => {
                self.ask(inbound, Command::Rooms(Rooms::default()));
            }
            "who" => {
                let room = self.room.clone();
                self.ask(inbound, Command::Who(Who { room }));
            }
            "history" => match rest.parse() {
                Ok(limit) => self.ask_history(limit, inbound),
                Err(_) if rest.is_empty() => self.ask_history(HISTORY_EVENTS, inbound),
                Err(_) => say(inbound, problem("行数要写数字：/history 20", "say how many: /history 20")),
            },
            _ => say(
                inbound,
                problem(
                    "没有这个命令，没有发出去；/help 看有哪些",
                    "there is no such command, nothing was sent; /help lists them",
                ),
            ),
        }
    }

    /// Asks for a room. What is written from now on is for that one; the old one is left when the new one has answered.
    fn go(&mut self, room: RoomName, inbound: &mut VecDeque<Inbound>) {
        self.room = room.clone();
        let id = self.ask(inbound, Command::Join(Join { room, create: true }));
        self.moves.push_back(id);
    }

    /// The first of the rooms that were asked for has answered.
    fn arrived(&mut self, room: &RoomName) {
        self.moves.pop_front();
        if self.at.as_ref() != Some(room) {
            self.next.push(Command::Watch(Watch { room: room.clone(), after: None }));
            if let Some(left) = self.at.replace(room.clone()) {
                self.next.push(Command::Unwatch(Unwatch { room: left.clone() }));
                self.next.push(Command::Leave(Leave { room: left }));
            }
        }
        self.stay();
    }

    fn refused(&mut self, error: &ErrorReply) -> Bytes {
        if error.re.is_some() && error.re == self.hello {
            // The next line tries again.
            self.hello = None;
        }
        if error.re.is_some() && error.re.as_ref() == self.moves.front() {
            self.moves.pop_front();
            self.stay();
            if error.code == ErrorCode::HelloFirst {
                // Of the hello that was said.
                return Bytes::new();
            }
        }
        error_words(error)
    }

    /// What is written is for where the person is, unless another room was asked for since.
    fn stay(&mut self) {
        if self.moves.is_empty() {
            self.moves = VecDeque::new();
            if let Some(at) = &self.at {
                self.room = at.clone();
            }
        }
    }

    fn ask_history(&mut self, limit: u32, inbound: &mut VecDeque<Inbound>) {
        let history = History { limit: Some(limit), ..History::latest(self.room.clone()) };
        self.ask(inbound, Command::History(history));
    }

    fn request(&mut self, command: Command) -> Request {
        self.last_id += 1;
        Request { id: RequestId::new(self.last_id).expect("nobody types 2^53 lines"), command }
    }

    fn ask(&mut self, inbound: &mut VecDeque<Inbound>, command: Command) -> RequestId {
        let request = self.request(command);
        let id = request.id;
        inbound.push_back(Inbound::Request(request));
        id
    }

    pub(super) fn encode(&mut self, message: &ServerMessage) -> Bytes {
        match message {
            ServerMessage::Welcome(welcome) => greeting(welcome),
            ServerMessage::Ack(ack) => {
                if self.moves.front() == Some(&ack.re) {
                    self.arrived(&ack.room);
                }
                Bytes::new()
            }
            ServerMessage::Error(error) => self.refused(error),
            ServerMessage::Watching(watching) => format!("— {} —\n", watching.room).into(),
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
                    let here = if Some(&room.room) == self.at.as_ref() { "*" } else { " " };
                    let _ = writeln!(words, "{here} {} · {} 人", room.room, room.members);
                }
                words.into()
            }
            ServerMessage::Members(members) => who(members).into(),
            ServerMessage::History(page) => history(page).into(),
            ServerMessage::Goodbye(goodbye) => {
                format!("再见，茶馆要关门了 · goodbye: {}\n", goodbye.message).into()
            }
            ServerMessage::Event(event) => event_words(event).into(),
            ServerMessage::SignedOut(_)
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

/// Says something of the door's own when its turn has come.
fn say(inbound: &mut VecDeque<Inbound>, words: Bytes) {
    inbound.push_back(Inbound::Words(words));
}

fn hello(auth: Auth) -> Command {
    Command::Hello(Hello { protocol: PROTOCOL_VERSION, auth, client: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lobby() -> RoomName {
        RoomName::parse("lobby").expect("legal")
    }

    /// What comes of what a person does, one to a line: requests, and words after a `>`.
    fn take(inbound: &mut VecDeque<Inbound>) -> Vec<String> {
        let shown = |inbound| match inbound {
            Inbound::Request(request) => request.to_json(),
            Inbound::Words(words) => format!(">{}", String::from_utf8_lossy(&words)),
            other => format!("{other:?}"),
        };
        std::mem::take(inbound).into_iter().map(shown).collect()
    }

    /// What comes of a person's bytes, after the two requests of entering.
    fn check(bytes: &[u8], expected: &[&str]) {
        let mut door = TextDoor::new(lobby());
        let (mut inbound, mut out) = (VecDeque::new(), VecDeque::new());
        door.receive(bytes, &mut inbound, &mut out);
        door.paused(&mut inbound);
        assert_eq!(take(&mut inbound)[2..], *expected);
        assert!(out.is_empty());
    }

    /// A person who is in the lobby.
    fn in_the_lobby() -> (TextDoor, VecDeque<Inbound>) {
        let (mut door, mut inbound) = (TextDoor::new(lobby()), VecDeque::new());
        door.enter(&mut inbound);
        assert_eq!(
            take(&mut inbound),
            [
                r#"{"id":1,"type":"hello","protocol":1,"auth":{"type":"guest"}}"#,
                r#"{"id":2,"type":"join","room":"lobby","create":true}"#
            ]
        );
        assert_eq!(answer(&mut door, &mut inbound, r#"{"type":"ack","re":2,"room":"lobby","seq":2}"#), "");
        assert_eq!(take(&mut inbound), [r#"{"id":3,"type":"watch","room":"lobby"}"#]);
        (door, inbound)
    }

    fn write(door: &mut TextDoor, inbound: &mut VecDeque<Inbound>, words: &str) {
        door.receive(words.as_bytes(), inbound, &mut VecDeque::new());
    }

    /// Gives an answer; what it is in words.
    fn answer(door: &mut TextDoor, inbound: &mut VecDeque<Inbound>, json: &str) -> String {
        let message = teahouse_protocol::decode_server_message(json.as_bytes()).expect("an answer");
        let words = door.encode(&message);
        door.follow_up(inbound);
        String::from_utf8(words.into()).expect("UTF-8")
    }

    #[test]
    fn lines_are_posts_and_slashes_commands() {
        check(b"\n", &[]);
        check(b"hi\r\n", &[r#"{"id":3,"type":"post","room":"lobby","text":"hi"}"#]);
        check("大家好".as_bytes(), &[r#"{"id":3,"type":"post","room":"lobby","text":"大家好"}"#]);
        check(b"//x\n", &[r#"{"id":3,"type":"post","room":"lobby","text":"/x"}"#]);
        check(b"/me waves\n", &[r#"{"id":3,"type":"post","room":"lobby","text":"waves","action":true}"#]);
        check(b"/who\n/rooms\n", &[r#"{"id":3,"type":"who","room":"lobby"}"#, r#"{"id":4,"type":"rooms"}"#]);
        check(b"/history 5\n", &[r#"{"id":3,"type":"history","room":"lobby","limit":5}"#]);
        check(b"/help\n", &[&format!(">{HELP}")]);
        check(b"/quit\n", &[">再见 · goodbye\n", "Closed"]);
    }

    #[test]
    fn moving_to_a_room_leaves_the_other_once_the_new_one_has_answered() {
        let (mut door, mut inbound) = in_the_lobby();
        write(&mut door, &mut inbound, "/join 茶\n/join 酒\nhi\n");
        assert_eq!(
            take(&mut inbound),
            [
                r#"{"id":4,"type":"join","room":"茶","create":true}"#,
                r#"{"id":5,"type":"join","room":"酒","create":true}"#,
                r#"{"id":6,"type":"post","room":"酒","text":"hi"}"#,
            ]
        );
        answer(&mut door, &mut inbound, r#"{"type":"ack","re":4,"room":"茶","seq":2}"#);
        assert_eq!(
            take(&mut inbound),
            [
                r#"{"id":7,"type":"watch","room":"茶"}"#,
                r#"{"id":8,"type":"unwatch","room":"lobby"}"#,
                r#"{"id":9,"type":"leave","room":"lobby"}"#,
            ]
        );
        write(&mut door, &mut inbound, "there?\n");
        assert_eq!(take(&mut inbound), [r#"{"id":10,"type":"post","room":"酒","text":"there?"}"#]);
        let refused =
            r#"{"type":"error","re":5,"code":"rate_limited","message":"too many","temporary":true}"#;
        assert!(answer(&mut door, &mut inbound, refused).contains("too many"));
        write(&mut door, &mut inbound, "back\n");
        assert_eq!(take(&mut inbound), [r#"{"id":11,"type":"post","room":"茶","text":"back"}"#]);
    }

    #[test]
    fn who_is_in_a_room_by_any_spelling_stays_there() {
        let (mut door, mut inbound) = in_the_lobby();
        write(&mut door, &mut inbound, "/join lobby\n");
        assert!(inbound.is_empty());
        write(&mut door, &mut inbound, "/join LOBBY\n");
        assert_eq!(take(&mut inbound).len(), 1);
        answer(&mut door, &mut inbound, r#"{"type":"ack","re":4,"room":"lobby"}"#);
        write(&mut door, &mut inbound, "hi\n");
        assert_eq!(take(&mut inbound), [r#"{"id":5,"type":"post","room":"lobby","text":"hi"}"#]);
    }

    #[test]
    fn who_is_not_let_in_is_told_once_and_tries_again_with_the_next_line() {
        let (mut door, mut inbound) = (TextDoor::new(lobby()), VecDeque::new());
        write(&mut door, &mut inbound, "hi\n");
        inbound.clear();
        let refused =
            r#"{"type":"error","re":1,"code":"rate_limited","message":"too many","temporary":true}"#;
        assert!(answer(&mut door, &mut inbound, refused).contains("too many"));
        let first = |re| {
            format!(r#"{{"type":"error","re":{re},"code":"hello_first","message":"…","temporary":false}}"#)
        };
        assert_eq!(answer(&mut door, &mut inbound, &first(2)), "");
        assert!(answer(&mut door, &mut inbound, &first(3)).contains("not sent"));
        write(&mut door, &mut inbound, "hello\n");
        assert_eq!(
            take(&mut inbound),
            [
                r#"{"id":4,"type":"hello","protocol":1,"auth":{"type":"guest"}}"#,
                r#"{"id":5,"type":"join","room":"lobby","create":true}"#,
                r#"{"id":6,"type":"post","room":"lobby","text":"hello"}"#,
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_said_and_never_posted() {
        check(
            b"/dance\n",
            &[
                ">! 没有这个命令，没有发出去；/help 看有哪些 · there is no such command, nothing was sent; /help \
             lists them\n",
            ],
        );
        check(
            b"/name a b\n",
            &[
                ">! 名字里不能有空格，可以用 - 或 _ · a name must not contain spaces; use '-' or '_' instead\n",
            ],
        );
        check(b"/join a,b\n", &[">! 名字里不能有逗号 · a room's name must not contain ','\n"]);
        check(
            b"\xc4\xe3\xba\xc3\n",
            &[
                ">! 这一行不是 UTF-8，没有发出去；Windows 上请先运行 chcp 65001 · this line is not UTF-8 and was \
             not sent; on Windows run chcp 65001 first\n",
            ],
        );
    }
}
