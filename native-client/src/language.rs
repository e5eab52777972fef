use teahouse_client_core::{Argument, Connection, NameProblem, Notice, SlashCommand, Ticks, display_name};
use teahouse_protocol::{ErrorCode, MemberName, NameError, RoomName, TextError};

use crate::input::BadInput;

/// So many names of those who came or went stand in a line; of more, the others are counted.
const NAMES_MAX: usize = 8;

/// The language that the program speaks to its user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Chinese,
}

impl Language {
    /// As the locale says: the first of LC_ALL, LC_MESSAGES and LANG that is set.
    pub(crate) fn of_environment() -> Self {
        Self::of_locale(|variable| std::env::var(variable).ok())
    }

    fn of_locale(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set).unwrap_or_default();
        if locale.to_ascii_lowercase().starts_with("zh") { Self::Chinese } else { Self::English }
    }

    /// The one of two texts that is in this language.
    pub(crate) fn pick<'a>(self, english: &'a str, chinese: &'a str) -> &'a str {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }

    fn say(self, english: String, chinese: String) -> String {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }

    /// Members who came and went.
    pub(crate) fn members(self, joined: &[MemberName], left: &[MemberName]) -> String {
        let list = |names: &[MemberName]| {
            let shown = if names.len() > NAMES_MAX { &names[..NAMES_MAX - 1] } else { names };
            let mut list = shown.iter().map(MemberName::as_str).collect::<Vec<_>>().join(", ");
            let rest = names.len() - shown.len();
            if rest > 0 {
                list.push_str(&self.say(format!(" and {rest} more"), format!(" 等 {} 人", names.len())));
            }
            list
        };
        let mut parts = Vec::new();
        if !joined.is_empty() {
            parts.push(self.say(format!("{} joined", list(joined)), format!("{} 来了", list(joined))));
        }
        if !left.is_empty() {
            parts.push(self.say(format!("{} left", list(left)), format!("{} 走了", list(left))));
        }
        parts.join(self.pick("; ", "；"))
    }

    /// Somebody made the room.
    pub(crate) fn created(self, by: &MemberName) -> String {
        self.say(format!("{by} made this room"), format!("{by} 建了这个房间"))
    }

    /// How the link stands.
    pub(crate) fn connection(self, connection: &Connection, now: Ticks) -> String {
        match connection {
            Connection::NeedsName { problem } => match problem {
                Some(problem) => self.name_problem(problem),
                None => self.pick("a name is needed: --name NAME", "需要一个名字：--name 名字").into(),
            },
            Connection::Connecting { .. } => self.pick("connecting…", "正在连接……").into(),
            Connection::Online => self.pick("connected", "已连接").into(),
            Connection::Waiting { retry_at, reason, .. } => {
                let reason = display_name(reason);
                let seconds = retry_at.0.saturating_sub(now.0).div_ceil(1_000);
                self.say(
                    format!("offline: {reason}; trying again in {seconds} s"),
                    format!("已断开：{reason}；{seconds} 秒后重试"),
                )
            }
            Connection::Stopped { reason, .. } => {
                let reason = display_name(reason);
                self.say(format!("the server refused: {reason}"), format!("服务器拒绝：{reason}"))
            }
        }
    }

    /// Why another name is needed.
    pub(crate) fn name_problem(self, problem: &NameProblem) -> String {
        match problem {
            NameProblem::Taken(name) => self.name_taken(name),
            NameProblem::Rule(reason) => self.bad_name(reason),
            NameProblem::Refused(words) => {
                let words = display_name(words);
                self.say(
                    format!("the server refused the name: {words}"),
                    format!("服务器不接受这个名字：{words}"),
                )
            }
        }
    }

    fn name_taken(self, name: &MemberName) -> String {
        self.say(
            format!("the name {name}, or one that looks like it, is taken; choose another"),
            format!("名字 {name}（或看起来一样的名字）已有人用，请换一个"),
        )
    }

    fn bad_name(self, reason: &NameError) -> String {
        let chinese = match reason {
            NameError::Length(length) => format!("名字要有 1 到 32 个字符，不能是 {length} 个"),
            NameError::Space => "名字里不能有空格，可用 - 或 _".into(),
            NameError::Invisible => "名字里不能有看不见的字符，请不要粘贴，直接打字".into(),
            NameError::FirstChar(c) => format!("名字不能以 {c} 开头"),
            NameError::Reserved(c) => format!("名字里不能有 {c}"),
            NameError::LoneMark => "名字不能以附加符号开头，也不能把它放在别的文字上".into(),
            NameError::TooManyMarks => "一个字母上的附加符号太多了".into(),
            NameError::Unassigned => "名字里有大多数设备显示不出来的字符".into(),
            NameError::BrokenEmoji => "名字里有不完整的表情符号".into(),
            NameError::MixedDirections => "名字里不能混用从右往左和从左往右读的文字".into(),
        };
        self.say(format!("a name {reason}"), chinese)
    }

    /// Why standard input cannot be posted.
    pub(crate) fn bad_input(self, bad: &BadInput) -> String {
        match bad {
            BadInput::NotUtf8 { byte, offset, line } => self.say(
                format!(
                    "standard input is not UTF-8: byte 0x{byte:02X} at offset {offset}, in line {line}; that was not \
                     sent. Convert it first, for example with: iconv -f GB18030 -t UTF-8"
                ),
                format!(
                    "标准输入不是 UTF-8：第 {line} 行，偏移 {offset} 处的字节 0x{byte:02X}；这些没有发出。\
                     请先转换，例如 iconv -f GB18030 -t UTF-8"
                ),
            ),
            BadInput::Encoded(encoding) => self.say(
                format!(
                    "standard input is {encoding}; nothing was sent. Convert it first: iconv -f {encoding} -t UTF-8"
                ),
                format!("标准输入是 {encoding}，没有发出。请先转换：iconv -f {encoding} -t UTF-8"),
            ),
            BadInput::Nul { offset, line } => self.say(
                format!(
                    "standard input is no text: a NUL byte at offset {offset}, in line {line}; that was not sent. If it \
                     is UTF-16, convert it first: iconv -f UTF-16 -t UTF-8"
                ),
                format!(
                    "标准输入不是文字：第 {line} 行，偏移 {offset} 处有 NUL 字节；这些没有发出。\
                     如果是 UTF-16，请先转换：iconv -f UTF-16 -t UTF-8"
                ),
            ),
            BadInput::Long => self.say(
                "standard input is longer than a message can be; nothing was sent. --lines sends each line by itself".into(),
                "标准输入比一条消息能有的还长，没有发出。用 --lines 可以逐行发送".into(),
            ),
            BadInput::LongLine(reason, line) => self.say(
                format!("line {line} of standard input was not sent: {reason}"),
                format!("标准输入第 {line} 行太长（最多 {} 字节），没有发出", reason.bytes_max),
            ),
        }
    }

    /// Nothing can be kept for the next time.
    pub(crate) fn nothing_kept(self, reason: &str) -> String {
        self.say(
            format!("nothing is kept for the next time, and the name is free again when this ends: {reason}"),
            format!("什么也存不下来，结束以后名字就空出来了：{reason}"),
        )
    }

    /// Something could not be kept.
    pub(crate) fn not_kept(self, reason: &str) -> String {
        self.say(
            format!("what is not sent yet may be lost when this ends: {reason}"),
            format!("还没发出的消息在结束时可能会丢：{reason}"),
        )
    }

    /// What was kept is damaged.
    pub(crate) fn put_aside(self, file: &std::path::Path) -> String {
        let file = file.display();
        self.say(
            format!("what was kept here is damaged; it is in {file}, and this begins anew"),
            format!("存下来的文件坏了，放到了 {file}，现在重新开始"),
        )
    }

    /// So many messages wait for the next time.
    pub(crate) fn kept(self, messages: usize) -> String {
        let english = if messages == 1 {
            "one message is kept and sent next time".into()
        } else {
            format!("{messages} messages are kept and sent next time")
        };
        self.say(english, format!("{messages} 条消息已保存，下次发送"))
    }

    /// Why a text cannot be posted.
    pub(crate) fn bad_text(self, reason: &TextError) -> String {
        let chinese = match reason {
            TextError::Empty => "消息不能为空".into(),
            TextError::Long(length) => format!("消息最多 8000 个字符，这一条有 {length} 个"),
        };
        self.say(format!("a message {reason}"), chinese)
    }

    fn usage(self, command: SlashCommand) -> String {
        let argument = match command.argument() {
            Some(Argument::Room) => self.pick(" ROOM", " 房间"),
            Some(Argument::Name) => self.pick(" NAME", " 名字"),
            Some(Argument::Text) => self.pick(" TEXT", " 文字"),
            None => "",
        };
        format!("/{}{argument}", command.word())
    }

    fn meaning(self, command: SlashCommand) -> &'static str {
        match command {
            SlashCommand::Join => self.pick("join a room, or make it, and open it", "进入房间，没有就新建"),
            SlashCommand::Leave => self.pick("leave this room", "离开这个房间"),
            SlashCommand::Me => self.pick("tell what you do", "描述动作"),
            SlashCommand::Name => self.pick("be called something else", "改名"),
            SlashCommand::Rooms => self.pick("list the rooms", "列出房间"),
            SlashCommand::Who => self.pick("list who is in this room", "列出房间里的人"),
            SlashCommand::Help => self.pick("list the commands", "列出命令"),
        }
    }

    /// What the brain has to say, in lines.
    pub(crate) fn notice(self, notice: &Notice) -> Vec<String> {
        let line = match notice {
            Notice::Help => {
                let mut lines: Vec<String> = SlashCommand::ALL
                    .into_iter()
                    .map(|command| format!("{}  {}", self.usage(command), self.meaning(command)))
                    .collect();
                lines.push(self.pick("//text  posts /text", "//文字  发送 /文字").into());
                lines.push(
                    self.pick("/history N, PgUp  shows older messages", "/history 条数，PgUp  看更早的消息")
                        .into(),
                );
                lines.push(self.pick("Ctrl+D  quits", "Ctrl+D  退出").into());
                return lines;
            }
            Notice::UnknownCommand { command } => {
                let command = display_name(command);
                self.say(
                    format!("there is no command /{command}; /help lists them; //{command} posts /{command}"),
                    format!("没有命令 /{command}；/help 列出命令；//{command} 会发送 /{command}"),
                )
            }
            Notice::Usage { command } => {
                let usage = self.usage(*command);
                self.say(format!("write {usage}"), format!("用法：{usage}"))
            }
            Notice::BadName { reason } => self.bad_name(reason),
            Notice::BadText { reason } => self.bad_text(reason),
            Notice::NameTaken { name } => self.name_taken(name),
            Notice::NotMember { room } => self.say(
                format!("you are not in #{room}; /join {room}"),
                format!("你不在 #{room}；/join {room}"),
            ),
            Notice::OutboxFull => self
                .pick("too many messages wait to be sent; try again later", "等待发送的消息太多，请稍后再试")
                .into(),
            Notice::Offline => self.pick("not connected; try again later", "没有连接，请稍后再试").into(),
            Notice::TimelineFull { room } => {
                self.say(format!("no more of #{room} can be loaded"), format!("#{room} 不能再加载更多"))
            }
            Notice::Rooms { rooms } => {
                let line = |room: &teahouse_client_core::RoomSummary| {
                    let mark = if room.joined { "*" } else { " " };
                    format!("{mark} #{} ({})", room.name, room.members)
                };
                return rooms.iter().map(line).collect();
            }
            Notice::Who { room, members, total } => {
                let name = |member: &teahouse_client_core::Member| {
                    let away = if member.online { "" } else { self.pick(" (away)", "（离开）") };
                    format!("{}{away}", member.name)
                };
                let names = members.iter().map(name).collect::<Vec<_>>().join(", ");
                format!("#{room} ({total}): {names}")
            }
            Notice::Joined { room } => self.say(format!("you joined #{room}"), format!("你进入了 #{room}")),
            Notice::Left { room } => self.say(format!("you left #{room}"), format!("你离开了 #{room}")),
            Notice::ServerError { code, message, .. } => match self.refusal(*code) {
                Some(words) => words.into(),
                None => {
                    let message = display_name(message);
                    self.say(format!("the server refused: {message}"), format!("服务器拒绝：{message}"))
                }
            },
            Notice::Goodbye { message, .. } => {
                let message = display_name(message);
                self.say(format!("the server says goodbye: {message}"), format!("服务器告别：{message}"))
            }
            _ => return Vec::new(),
        };
        vec![line]
    }

    /// What the codes mean that people meet; of the others the server's words say more.
    fn refusal(self, code: ErrorCode) -> Option<&'static str> {
        Some(match code {
            ErrorCode::NoSuchRoom => self.pick(
                "there is no such room; --create or /join makes it",
                "没有这个房间；用 --create 或 /join 新建",
            ),
            ErrorCode::NotMember => {
                self.pick("you are not in that room; /join it first", "你不在那个房间里；先 /join")
            }
            ErrorCode::RateLimited => self.pick("too fast; wait a second", "太快了，等一秒再说"),
            ErrorCode::Busy => {
                self.pick("the server has too much to do; try again in a moment", "服务器太忙，过一会儿再试")
            }
            ErrorCode::StorageUnavailable => {
                self.pick("the server cannot write to its disk at the moment", "服务器的磁盘现在写不进去")
            }
            _ => return None,
        })
    }

    /// A post that the server refused.
    pub(crate) fn not_sent(self, code: Option<ErrorCode>, reason: &str, text: &str) -> String {
        let (reason, text) = (display_name(reason), display_name(text));
        let reason = code.and_then(|code| self.refusal(code)).unwrap_or(&reason);
        self.say(format!("not sent ({reason}): {text}"), format!("没有发出（{reason}）：{text}"))
    }

    /// A post of which nobody can say whether it is in the room.
    pub(crate) fn unknown(self, text: &str) -> String {
        let text = display_name(text);
        self.say(
            format!("sent, but whether it arrived is not known; look before posting it again: {text}"),
            format!("发出去了，但不知道到了没有；再发之前请先看一看：{text}"),
        )
    }

    /// A post that waits for the link.
    pub(crate) fn queued(self, text: &str) -> String {
        let text = display_name(text);
        self.say(format!("will be sent when connected: {text}"), format!("连接后发送：{text}"))
    }

    /// A room that is not open has something new.
    pub(crate) fn news(self, room: &RoomName) -> String {
        self.say(format!("#{room} has new messages; /join {room}"), format!("#{room} 有新消息；/join {room}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_decides() {
        let check = |set: &[(&str, &str)], expected| {
            let value =
                |name: &str| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(Language::of_locale(value), expected, "{set:?}");
        };
        check(&[], Language::English);
        check(&[("LANG", "zh_CN.UTF-8")], Language::Chinese);
        check(&[("LC_ALL", "en_US.UTF-8"), ("LANG", "zh_CN.UTF-8")], Language::English);
        check(&[("LC_ALL", ""), ("LC_MESSAGES", "zh_TW"), ("LANG", "C")], Language::Chinese);
    }

    #[test]
    fn foreign_words_are_harmless_in_notices() {
        for language in [Language::English, Language::Chinese] {
            let command = "\u{1b}[2J".to_owned();
            for line in language.notice(&Notice::UnknownCommand { command }) {
                assert!(!line.contains('\u{1b}'), "{line:?}");
            }
            assert!(!language.not_sent(None, "\u{1b}c", "\u{7}").contains(char::is_control));
        }
    }

    #[test]
    fn a_crowd_is_counted() {
        let crowd: Vec<MemberName> =
            (1..=9).map(|number| MemberName::parse(&format!("g{number}")).expect("a name")).collect();
        let members = |language: Language, count: usize| language.members(&crowd[..count], &[]);
        assert_eq!(members(Language::English, 8), "g1, g2, g3, g4, g5, g6, g7, g8 joined");
        assert_eq!(members(Language::English, 9), "g1, g2, g3, g4, g5, g6, g7 and 2 more joined");
        assert_eq!(members(Language::Chinese, 9), "g1, g2, g3, g4, g5, g6, g7 等 9 人 来了");
    }

    #[test]
    fn one_is_one() {
        assert_eq!(Language::English.kept(1), "one message is kept and sent next time");
        assert_eq!(Language::English.kept(2), "2 messages are kept and sent next time");
    }

    #[test]
    fn help_lists_every_command() {
        let lines = Language::Chinese.notice(&Notice::Help);
        assert_eq!(lines[0], "/join 房间  进入房间，没有就新建");
        assert_eq!(lines.len(), SlashCommand::ALL.len() + 3);
    }
}
