//! Texts with something in them: counts, names, days, notices.

use teahouse_client_core::{Argument, NameProblem, Notice, SlashCommand, display_name};
use teahouse_protocol::{ErrorCode, NameError, RoomName, TextError, limits};

use super::refusal::refusal;
use super::{Lang, Text};
use crate::calendar::Day;

/// A text with something in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Phrase<'a> {
    /// Members in all and connected.
    MemberCount { total: u64, online: usize },
    /// Some members are not listed.
    MoreMembers(u64),
    /// "N new ↓".
    NewBelow(u64),
    /// How many unread messages a room has.
    Unread(u64),
    /// How many mentions a room has.
    Mentions(u64),
    /// Placeholder of the composer.
    WriteTo(&'a str),
    /// The banner while waiting, in seconds.
    RetryIn(u64),
    /// The banner when there is no way on: what the server refused, or nothing when it said goodbye for good.
    Stopped(Option<ErrorCode>),
    /// Who came and went.
    CameAndWent { joined: &'a [String], left: &'a [String] },
    /// Who made the room.
    Created(&'a str),
    /// A divider; `today` is the current day's number.
    Divider { day: Day, today: i64 },
    /// For screen readers.
    Says { by: &'a str, text: &'a str },
    /// Several new messages, for screen readers.
    ManyNew(usize),
    /// The title of a notification.
    Mentioned { by: &'a str, room: &'a str },
    /// What was wrong with a name.
    NameProblem(&'a NameProblem),
    /// What a notice says.
    Notice(&'a Notice),
    /// Asks before signing out.
    SignOutSure { name: &'a str, unsent: usize, online: bool },
    /// The state of a failed message.
    Failed { code: Option<ErrorCode>, room: Option<&'a RoomName> },
    /// Shows all lines of code.
    AllLines(usize),
    /// Makes the room of this name.
    CreateNamed(&'a str),
    /// The user has left this room.
    Left(&'a str),
    /// Opens the list of so many other rooms.
    Browse(u64),
    /// Mentions in rooms that are out of sight.
    MentionsBeyond(u64),
    /// More rooms than a list has room for.
    MoreRooms(u64),
}

impl Phrase<'_> {
    /// The text in a language.
    pub(crate) fn in_lang(&self, lang: Lang) -> String {
        match self {
            Self::MemberCount { total, online } => {
                let members = plural(*total, "member", "members");
                pick!(lang, "{total} 人，{online} 人在座", "{total} {members}, {online} here")
            }
            Self::MoreMembers(count) => pick!(lang, "还有 {count} 人", "and {count} more"),
            Self::NewBelow(count) => pick!(lang, "{count} 条新消息", "{count} new"),
            Self::AllLines(count) => pick!(lang, "显示全部 {count} 行", "Show all {count} lines"),
            Self::Unread(count) => pick!(lang, "{count} 条未读", "{count} unread"),
            Self::Mentions(count) => {
                let mentions = plural(*count, "mention", "mentions");
                pick!(lang, "{count} 次提到你", "{count} {mentions} of you")
            }
            Self::WriteTo(room) => pick!(lang, "在 {room} 说点什么", "Write to {room}"),
            Self::RetryIn(seconds) => {
                pick!(lang, "连接断开了，{seconds} 秒后重试。", "Disconnected. Next attempt in {seconds} s.")
            }
            Self::Stopped(Some(code)) => refusal(lang, Some(*code), None),
            Self::Stopped(None) => pick!(
                lang,
                "服务器已经告别，不会再自动连接。",
                "The server has said goodbye; this page does not connect again by itself."
            ),
            Self::CameAndWent { joined, left } => came_and_went(lang, joined, left),
            Self::Created(by) => pick!(lang, "{by} 建了这个房间", "{by} made this room"),
            Self::Divider { day, today } => divider(lang, *day, *today),
            Self::Says { by, text } => pick!(lang, "{by}：{text}", "{by}: {text}"),
            Self::ManyNew(count) => {
                let messages = plural(*count as u64, "message", "messages");
                pick!(lang, "{count} 条新消息", "{count} new {messages}")
            }
            Self::Mentioned { by, room } => {
                pick!(lang, "{by} 在 {room} 提到你", "{by} mentions you in {room}")
            }
            Self::NameProblem(problem) => name_problem(lang, problem),
            Self::Notice(notice) => notice_text(lang, notice),
            Self::SignOutSure { name, unsent, online } => sign_out_sure(lang, name, *unsent, *online),
            Self::Failed { code, room } => {
                let reason = refusal(lang, *code, *room);
                pick!(lang, "没有发出：{reason}", "Not sent: {reason}")
            }
            Self::Left(room) => pick!(lang, "你离开了 {room}。", "You left {room}."),
            Self::Browse(count) => {
                let rooms = plural(*count, "room", "rooms");
                pick!(lang, "其他 {count} 个房间", "Browse {count} {rooms}")
            }
            Self::MentionsBeyond(count) => {
                let mentions = plural(*count, "mention", "mentions");
                pick!(lang, "{count} 次提到你", "{count} {mentions}")
            }
            Self::MoreRooms(count) => pick!(lang, "还有 {count} 个", "{count} more"),
            Self::CreateNamed(room) => pick!(lang, "新建“{room}”", "New room “{room}”"),
        }
    }
}

/// The form of an English word that goes with a count. Chinese has one form for all.
fn plural(count: u64, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}

/// The most names that one line spells out.
const NAMES_SPELLED_MAX: usize = 4;

fn names(lang: Lang, names: &[String]) -> String {
    let separator = match lang {
        Lang::Zh => "、",
        Lang::En => ", ",
    };
    let spelled =
        names.iter().take(NAMES_SPELLED_MAX).map(String::as_str).collect::<Vec<_>>().join(separator);
    match names.len().saturating_sub(NAMES_SPELLED_MAX) {
        0 => spelled,
        _ if lang == Lang::Zh => format!("{spelled} 等 {} 人", names.len()),
        more => format!("{spelled} and {more} more"),
    }
}

fn came_and_went(lang: Lang, joined: &[String], left: &[String]) -> String {
    let (came, went) = (names(lang, joined), names(lang, left));
    match (joined.is_empty(), left.is_empty()) {
        (false, true) => pick!(lang, "{came} 来了", "{came} joined"),
        (true, false) => pick!(lang, "{went} 走了", "{went} left"),
        (false, false) => pick!(lang, "{came} 来了，{went} 走了", "{came} joined, {went} left"),
        (true, true) => pick!(lang, "有人来了又走", "Some came and went"),
    }
}

fn divider(lang: Lang, day: Day, today: i64) -> String {
    let Day { year, month, day: date, weekday } = day;
    let index = (weekday.clamp(1, 7) - 1) as usize;
    let weekday = match lang {
        Lang::Zh => ["星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"][index],
        Lang::En => ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"][index],
    };
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let name = MONTHS[(month.clamp(1, 12) - 1) as usize];
    match today - day.number() {
        0 => pick!(lang, "今天 · {month}月{date}日", "Today · {date} {name}"),
        1 => pick!(lang, "昨天 · {month}月{date}日", "Yesterday · {date} {name}"),
        ago if (0..300).contains(&ago) => {
            pick!(lang, "{month}月{date}日 {weekday}", "{weekday}, {date} {name}")
        }
        _ => pick!(lang, "{year}年{month}月{date}日 {weekday}", "{weekday}, {date} {name} {year}"),
    }
}

fn sign_out_sure(lang: Lang, name: &str, unsent: usize, online: bool) -> String {
    let lost = match (lang, unsent) {
        (Lang::Zh, 0) => "草稿会从这个浏览器里删掉。".to_owned(),
        (Lang::Zh, _) => format!("草稿和 {unsent} 条没发出的消息会从这个浏览器里删掉。"),
        (Lang::En, 0) => "Your drafts will be removed from this browser.".to_owned(),
        (Lang::En, 1) => "Your drafts and 1 unsent message will be removed from this browser.".to_owned(),
        (Lang::En, _) => {
            format!("Your drafts and {unsent} unsent messages will be removed from this browser.")
        }
    };
    let name_after = match (lang, online) {
        (Lang::Zh, true) => "你会离开所有房间，名字就空出来了。",
        (Lang::Zh, false) => "现在没有连接，等这个浏览器再连上，名字才空出来。",
        (Lang::En, true) => "You leave every room, and the name is free again.",
        (Lang::En, false) => {
            "There is no connection now, so the name is free once this browser has one again."
        }
    };
    match lang {
        Lang::Zh => format!("{name}，要退出吗？{lost}{name_after}"),
        Lang::En => format!("Sign out, {name}? {lost} {name_after}"),
    }
}

fn name_rule(lang: Lang, rule: &NameError) -> String {
    let max = limits::NAME_CHARS_MAX;
    match rule {
        NameError::Length(0) => pick!(lang, "请写一个名字。", "Please write a name."),
        NameError::Length(length) => pick!(
            lang,
            "名字最多 {max} 个字，现在有 {length} 个。",
            "A name has at most {max} characters; this one has {length}."
        ),
        NameError::Space => {
            pick!(lang, "名字里不能有空格，可以用 - 或 _。", "A name has no spaces; use - or _ instead.")
        }
        NameError::Invisible => pick!(
            lang,
            "名字里有看不见的字符。请不要粘贴，直接打字。",
            "The name has a character that nobody can see. Please type it instead of pasting it."
        ),
        NameError::FirstChar(c) => pick!(lang, "名字不能以“{c}”开头。", "A name does not begin with “{c}”."),
        NameError::Reserved(c) => pick!(lang, "名字里不能有“{c}”。", "A name does not contain “{c}”."),
        NameError::LoneMark => pick!(
            lang,
            "名字不能以附加符号开头，也不能把它放在别的文字上。",
            "A name does not begin with an accent, and has none on a letter of another script."
        ),
        NameError::TooManyMarks => {
            pick!(lang, "一个字母上的附加符号太多了。", "There are too many accents on a letter.")
        }
        NameError::Unassigned => pick!(
            lang,
            "名字里有大多数设备显示不出来的字符。",
            "The name has a character that most devices cannot show."
        ),
        NameError::BrokenEmoji => {
            pick!(
                lang,
                "名字里有不完整的表情符号。",
                "The name has parts of emoji that do not make one together."
            )
        }
        NameError::MixedDirections => pick!(
            lang,
            "名字里不能混用从右往左和从左往右读的文字。",
            "A name does not mix letters that are read from the right with ones that are read from the left."
        ),
    }
}

fn name_problem(lang: Lang, problem: &NameProblem) -> String {
    match problem {
        NameProblem::Taken(name) => pick!(
            lang,
            "“{name}”已经有人用了，或者太像别人的名字，请换一个。",
            "“{name}” is taken, or looks too much like somebody else's name. Please choose another."
        ),
        NameProblem::Rule(rule) => name_rule(lang, rule),
        NameProblem::Refused(_) => pick!(
            lang,
            "服务器不接受这个名字，请换一个。",
            "The server does not take this name. Please choose another."
        ),
    }
}

fn notice_text(lang: Lang, notice: &Notice) -> String {
    match notice {
        Notice::UnknownCommand { command } => {
            let command = display_name(command);
            pick!(
                lang,
                "没有 /{command} 这个命令，所以没有发出。/help 列出所有命令；要发送以斜杠开头的话，请写两个斜杠。",
                "There is no command /{command}, so nothing was sent. /help lists them; begin with // to send a slash."
            )
        }
        Notice::Usage { command } => {
            let usage = usage(lang, *command);
            pick!(lang, "请这样写：{usage}", "Write it like this: {usage}")
        }
        Notice::BadName { reason } => name_rule(lang, reason),
        Notice::BadText { reason: TextError::Empty } => {
            pick!(lang, "还没有写内容。", "There is nothing to send.")
        }
        Notice::BadText { reason: TextError::Long(length) } => {
            let max = limits::TEXT_CHARS_MAX;
            pick!(
                lang,
                "一条消息最多 {max} 个字，现在有 {length} 个，请分成几条。",
                "A message has at most {max} characters; this one has {length}. Please split it."
            )
        }
        Notice::NameTaken { name } => name_problem(lang, &NameProblem::Taken(name.clone())),
        Notice::NotMember { room } => refusal(lang, Some(ErrorCode::NotMember), Some(room)),
        Notice::OutboxFull => Text::NoticeOutboxFull.in_lang(lang).to_owned(),
        Notice::Offline => Text::NoticeOffline.in_lang(lang).to_owned(),
        Notice::TimelineFull { room } => pick!(
            lang,
            "{room} 的消息已经载入得够多了，更早的暂时不载入。",
            "As much of {room} as fits is loaded; older messages are left out."
        ),
        Notice::Who { room, members, total } => {
            let online: Vec<String> =
                members.iter().filter(|member| member.online).map(|member| member.name.to_string()).collect();
            let list = names(lang, &online);
            let (here, word) = (online.len(), plural(*total, "member", "members"));
            pick!(
                lang,
                "{room}：{total} 人，{here} 人在座：{list}",
                "{room}: {total} {word}, {here} here: {list}"
            )
        }
        Notice::SignedOutElsewhere => Text::SignedOutElsewhere.in_lang(lang).to_owned(),
        Notice::Discarded => Text::Discarded.in_lang(lang).to_owned(),
        Notice::Renamed { from, to } => pick!(lang, "{from} 现在叫 {to}。", "{from} is now {to}."),
        Notice::ServerError { room, code, .. } => refusal(lang, Some(*code), room.as_ref()),
        Notice::Goodbye { reconnect: false, .. } => Phrase::Stopped(None).in_lang(lang),
        // What is shown in another way than in words (`App::start`), and what the brain may learn to say before this program
        // learns the words.
        _ => refusal(lang, None, None),
    }
}

/// How a command is written, in the reader's language: `/join ROOM`.
pub(crate) fn usage(lang: Lang, command: SlashCommand) -> String {
    let argument = command.argument().map(|argument| match argument {
        Argument::Room => Text::ArgumentRoom,
        Argument::Text => Text::ArgumentWords,
        Argument::Name => Text::ArgumentName,
    });
    match argument {
        Some(argument) => format!("/{} {}", command.word(), argument.in_lang(lang)),
        None => format!("/{}", command.word()),
    }
}

/// What a command does.
pub(crate) fn command_text(command: SlashCommand) -> Text {
    match command {
        SlashCommand::Join => Text::CommandJoin,
        SlashCommand::Leave => Text::CommandLeave,
        SlashCommand::Me => Text::CommandMe,
        SlashCommand::Name => Text::CommandName,
        SlashCommand::Rooms => Text::CommandRooms,
        SlashCommand::Who => Text::CommandWho,
        SlashCommand::Help => Text::CommandHelp,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn membership_lines() {
        let few = ["ana", "bo"].map(String::from);
        let many = ["a", "b", "c", "d", "e", "f"].map(String::from);
        let line =
            |lang, joined: &[String], left: &[String]| Phrase::CameAndWent { joined, left }.in_lang(lang);
        assert_eq!(line(Lang::Zh, &few, &[]), "ana、bo 来了");
        assert_eq!(line(Lang::En, &many, &few), "a, b, c, d and 2 more joined, ana, bo left");
        assert_eq!(line(Lang::Zh, &many, &[]), "a、b、c、d 等 6 人 来了");
        assert_eq!(line(Lang::En, &[], &[]), "Some came and went");
    }

    #[test]
    fn dividers() {
        let day = Day { year: 2026, month: 11, day: 22, weekday: 7 };
        let shown = |lang, ago: i64| Phrase::Divider { day, today: day.number() + ago }.in_lang(lang);
        assert_eq!(shown(Lang::Zh, 0), "今天 · 11月22日");
        assert_eq!(shown(Lang::En, 1), "Yesterday · 22 November");
        assert_eq!(shown(Lang::Zh, 5), "11月22日 星期日");
        assert_eq!(shown(Lang::En, 400), "Sunday, 22 November 2026");
    }

    #[test]
    fn counts_of_one_are_singular_in_english() {
        for (phrase, one, many) in [
            (Phrase::Mentions as fn(u64) -> Phrase<'static>, "1 mention of you", "2 mentions of you"),
            (Phrase::MoreMembers, "and 1 more", "and 2 more"),
            (|total| Phrase::MemberCount { total, online: 1 }, "1 member, 1 here", "2 members, 1 here"),
            (|count| Phrase::ManyNew(count as usize), "1 new message", "2 new messages"),
        ] {
            assert_eq!((phrase(1).in_lang(Lang::En), phrase(2).in_lang(Lang::En)), (one.into(), many.into()));
        }
    }

    #[test]
    fn hostile_words_of_a_server_are_harmless() {
        let notice = Notice::UnknownCommand { command: "x\u{1b}[2J".to_owned() };
        assert!(!Phrase::Notice(&notice).in_lang(Lang::En).contains('\u{1b}'));
    }
}
