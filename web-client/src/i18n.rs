//! Every text of the browser client, in Chinese and English. One key, both languages beside each other: a text that
//! lacks a language does not compile.

use teahouse_client_core::{Argument, NameProblem, Notice, SlashCommand, display_name};
use teahouse_protocol::{NameError, TextError, limits};

use crate::calendar::Day;

/// A language of the user interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lang {
    /// Simplified Chinese.
    Zh,
    /// English.
    En,
}

impl Lang {
    /// Chinese where the reader's first language is Chinese, else English.
    pub(crate) fn of_reader(languages: &[String]) -> Self {
        let first = languages.first().map(|tag| tag.to_ascii_lowercase()).unwrap_or_default();
        if first == "zh" || first.starts_with("zh-") { Self::Zh } else { Self::En }
    }

    /// As a BCP 47 tag, for the page's `lang` and for storage.
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// Reads [`Self::tag`].
    pub(crate) fn from_tag(tag: &str) -> Option<Self> {
        [Self::Zh, Self::En].into_iter().find(|lang| lang.tag() == tag)
    }

    /// The other one.
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Zh => Self::En,
            Self::En => Self::Zh,
        }
    }
}

/// Picks the language; both texts may name variables.
macro_rules! pick {
    ($lang:expr, $zh:literal, $en:literal) => {
        match $lang {
            Lang::Zh => format!($zh),
            Lang::En => format!($en),
        }
    };
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $zh:literal, $en:literal;)*) => {
        /// A fixed text.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Text { $($(#[$doc])* $name,)* }

        impl Text {
            /// The text in a language.
            pub(crate) const fn in_lang(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((Self::$name, Lang::Zh) => $zh, (Self::$name, Lang::En) => $en,)*
                }
            }

            #[cfg(test)]
            const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

texts! {
    /// The program's name.
    Brand: "茶馆", "Teahouse";
    /// Under the name on the welcome page.
    Tagline: "自己的茶馆，自己的话。", "A place of your own to talk.";
    /// Before the name field.
    YourName: "大家怎么称呼您？", "What shall we call you?";
    /// An example of a name.
    NameExample: "例如 小龙", "for example ana";
    /// What a name may be.
    NameHint: "1 到 32 个字，任何文字都行，不含空格。", "1 to 32 characters of any script, without spaces.";
    /// Enters with the name.
    Enter: "进去坐坐", "Come in";
    /// While the first connection is made.
    Entering: "正在进门……", "Coming in…";
    /// The list of rooms.
    Rooms: "房间", "Rooms";
    /// Rooms the user is no member of.
    OtherRooms: "其他房间", "Other rooms";
    /// Opens the field for a new room.
    NewRoom: "新建房间", "New room";
    /// Label of that field.
    RoomName: "房间名", "Name of the room";
    /// Makes the room.
    Create: "建好", "Create";
    /// Opens the switcher.
    SwitchRoom: "跳到房间", "Go to room";
    /// Placeholder of the switcher.
    SwitchHint: "输入几个字来查找房间", "Type a few letters of a room";
    /// Nothing found in the switcher.
    NoRoomFound: "没有这样的房间", "There is no such room";
    /// Label of the timeline.
    Messages: "消息", "Messages";
    /// Label of the members' panel.
    Members: "成员", "Members";
    /// Heading of those who are connected.
    OnlineNow: "在座", "Here now";
    /// Heading of those who are not.
    Away: "不在", "Away";
    /// After the user's own name.
    You: "您", "you";
    /// Opens and closes the list of rooms on a small screen.
    ShowRooms: "房间列表", "List of rooms";
    /// Opens and closes the members' panel.
    ShowMembers: "成员列表", "List of members";
    /// Closes something.
    Close: "关闭", "Close";
    /// Leaves a room.
    Leave: "离开房间", "Leave room";
    /// Sends the message.
    Send: "发送", "Send";
    /// Under the composer, on wide screens.
    ComposerHint: "Enter 发送 · Shift+Enter 换行 · Tab 补全", "Enter sends · Shift+Enter breaks the line · Tab completes";
    /// State of the link.
    Online: "已连接", "Connected";
    /// State of the link.
    Connecting: "正在连接……", "Connecting…";
    /// State of the link.
    Offline: "已断开", "Disconnected";
    /// Tries at once.
    RetryNow: "立即重试", "Retry now";
    /// Writing goes on without a link.
    StillWrite: "可以继续写，连上后会自动发出。", "Keep writing: it is sent once the connection is back.";
    /// The unread line.
    NewMessages: "以下是新消息", "New";
    /// A gap in the timeline.
    Gap: "这里缺一段消息", "Some messages are missing here";
    /// Loads what is missing.
    LoadGap: "载入", "Load";
    /// Something is being loaded.
    Loading: "正在载入……", "Loading…";
    /// Nothing older.
    Beginning: "这里是房间的开头。", "This is where the room begins.";
    /// Nothing written yet.
    EmptyRoom: "还没有人说话。倒杯茶，说第一句吧。", "Nobody has spoken yet. Pour some tea and say the first word.";
    /// State of a message.
    Queued: "等待发送", "Waiting to be sent";
    /// State of a message.
    Sent: "正在发送", "Being sent";
    /// Sends again.
    Retry: "重试", "Retry";
    /// Drops it.
    Discard: "丢弃", "Discard";
    /// To the newest message.
    ToLatest: "回到最新", "To the latest";
    /// The link of a message.
    LinkToMessage: "此消息的链接", "Link to this message";
    /// Switches the theme.
    ToDark: "换成深色", "Switch to dark";
    /// Switches the theme.
    ToLight: "换成浅色", "Switch to light";
    /// Switches to the other language, in that language.
    OtherLang: "English", "中文";
    /// One character or two for the switch to the other language.
    OtherLangShort: "EN", "中";
    /// The keys.
    Keys: "快捷键", "Keys";
    /// The commands.
    Commands: "命令", "Commands";
    /// Key: sends.
    KeySend: "发送", "Send";
    /// Key: breaks the line.
    KeyNewline: "换行", "New line";
    /// Key: completes.
    KeyComplete: "补全名字、命令、房间；再按换下一个", "Complete names, commands, rooms; again for the next";
    /// Key: the switcher.
    KeySwitch: "查找并跳到房间", "Find a room and go there";
    /// Key: next room.
    KeyNext: "上一个 / 下一个房间", "Previous / next room";
    /// Key: next unread room.
    KeyNextUnread: "上一个 / 下一个有新消息的房间", "Previous / next room with new messages";
    /// Key: regions.
    KeyRegions: "在各区域间移动", "Move between regions";
    /// Key: close.
    KeyEscape: "关闭、取消；再按回到最新消息", "Close, cancel; then to the latest message";
    /// Key: help.
    KeyHelp: "显示这张表", "Show this list";
    /// Command.
    CommandJoin: "进入房间，没有就新建", "Join a room, or make it";
    /// Command.
    CommandLeave: "离开这个房间", "Leave this room";
    /// Command.
    CommandMe: "说自己在做什么", "Say what you are doing";
    /// Command.
    CommandName: "换个名字", "Change your name";
    /// Command.
    CommandRooms: "有哪些房间", "Which rooms there are";
    /// Command.
    CommandWho: "谁在这里", "Who is here";
    /// Command.
    CommandHelp: "显示帮助", "Show help";
    /// Command: how to write a slash.
    CommandEscape: "以斜杠开头的普通消息", "A message that begins with a slash";
    /// What a command needs.
    ArgumentRoom: "房间", "ROOM";
    /// What a command needs.
    ArgumentName: "名字", "NAME";
    /// What a command needs.
    ArgumentWords: "内容", "TEXT";
    /// Notifications.
    NotifyOn: "打开桌面通知", "Turn on desktop notifications";
    /// Notifications.
    NotifyIsOn: "桌面通知已打开：有人提到您时", "Desktop notifications are on, for mentions";
    /// Notifications.
    NotifyDenied: "浏览器里禁止了通知，可在地址栏的网站设置里打开。",
        "Notifications are blocked; the site settings beside the address can turn them on.";
    /// Notifications.
    NotifyInsecure: "桌面通知需要 https：请在服务器上打开 TLS。", "Desktop notifications need https: turn on TLS on the server.";
    /// Menu.
    Menu: "设置", "Settings";
    /// Signs out.
    SignOut: "退出并忘记我", "Sign out and forget me";
    /// Asks before.
    SignOutSure: "名字、草稿和未发出的消息都会从这个浏览器里删掉。",
        "Your name, drafts and unsent messages will be removed from this browser.";
    /// Nothing to be kept.
    StorageOff: "浏览器不让保存数据：关掉此页后，名字和草稿不会留下。",
        "The browser keeps no data for this page: your name and drafts will be gone when it closes.";
    /// No room is open.
    NoRoom: "从左边选一个房间，或新建一个。", "Choose a room on the left, or make one.";
    /// Storage refused.
    NoticeOutboxFull: "等待发送的消息太多了，请等一等再写；文字还在草稿里。",
        "Too many messages wait to be sent. Wait a little; the text stays in the draft.";
    /// Needs a link.
    NoticeOffline: "这个命令需要先连上服务器。", "This command needs a connection to the server.";
}

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
    /// The banner when there is no way on.
    Stopped(&'a str),
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
    /// The state of a failed message.
    Failed(&'a str),
}

impl Phrase<'_> {
    /// The text in a language.
    pub(crate) fn in_lang(&self, lang: Lang) -> String {
        match self {
            Self::MemberCount { total, online } => {
                pick!(lang, "{total} 人，{online} 人在座", "{total} members, {online} here")
            }
            Self::MoreMembers(count) => pick!(lang, "还有 {count} 人", "and {count} more"),
            Self::NewBelow(count) => pick!(lang, "{count} 条新消息", "{count} new"),
            Self::Unread(count) => pick!(lang, "{count} 条未读", "{count} unread"),
            Self::Mentions(count) => pick!(lang, "{count} 次提到您", "{count} mentions of you"),
            Self::WriteTo(room) => pick!(lang, "在 {room} 说点什么", "Write to {room}"),
            Self::RetryIn(seconds) => {
                pick!(lang, "连接断开了，{seconds} 秒后重试。", "Disconnected. Next attempt in {seconds} s.")
            }
            Self::Stopped(reason) => pick!(lang, "连接已停止：{reason}", "Stopped: {reason}"),
            Self::CameAndWent { joined, left } => came_and_went(lang, joined, left),
            Self::Created(by) => pick!(lang, "{by} 建了这个房间", "{by} made this room"),
            Self::Divider { day, today } => divider(lang, *day, *today),
            Self::Says { by, text } => pick!(lang, "{by}：{text}", "{by}: {text}"),
            Self::ManyNew(count) => pick!(lang, "{count} 条新消息", "{count} new messages"),
            Self::Mentioned { by, room } => {
                pick!(lang, "{by} 在 {room} 提到您", "{by} mentions you in {room}")
            }
            Self::NameProblem(problem) => name_problem(lang, problem),
            Self::Notice(notice) => notice_text(lang, notice),
            Self::Failed(reason) => {
                let reason = display_name(reason);
                pick!(lang, "没有发出：{reason}", "Not sent: {reason}")
            }
        }
    }
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
        NameError::Invisible(c) => {
            let code = *c as u32;
            pick!(
                lang,
                "名字里有看不见的字符（U+{code:04X}），请去掉。",
                "The name has an invisible character (U+{code:04X}); please remove it."
            )
        }
        NameError::FirstChar(c) => pick!(lang, "名字不能以“{c}”开头。", "A name does not begin with “{c}”."),
        NameError::Reserved(c) => pick!(lang, "名字里不能有“{c}”。", "A name does not contain “{c}”."),
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
        NameProblem::Refused(reason) => {
            let reason = display_name(reason);
            pick!(lang, "服务器没有接受：{reason}", "The server refused: {reason}")
        }
    }
}

fn notice_text(lang: Lang, notice: &Notice) -> String {
    match notice {
        Notice::Help => Text::Commands.in_lang(lang).to_owned(),
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
        Notice::NotMember { room } => {
            pick!(
                lang,
                "您不在 {room} 里，先进去才能说话。",
                "You are not in {room}; join it before writing."
            )
        }
        Notice::OutboxFull => Text::NoticeOutboxFull.in_lang(lang).to_owned(),
        Notice::Offline => Text::NoticeOffline.in_lang(lang).to_owned(),
        Notice::TimelineFull { room } => pick!(
            lang,
            "{room} 的消息已经载入得够多了，更早的暂时不载入。",
            "As much of {room} as fits is loaded; older messages are left out."
        ),
        Notice::Rooms { rooms } => {
            let separator = if lang == Lang::Zh { "、" } else { ", " };
            let list = rooms.iter().map(|room| format!("{} ({})", room.name, room.members));
            let list = list.collect::<Vec<_>>().join(separator);
            pick!(lang, "房间：{list}", "Rooms: {list}")
        }
        Notice::Who { room, members, total } => {
            let online: Vec<String> =
                members.iter().filter(|member| member.online).map(|member| member.name.to_string()).collect();
            let list = names(lang, &online);
            let here = online.len();
            pick!(
                lang,
                "{room}：{total} 人，{here} 人在座：{list}",
                "{room}: {total} members, {here} here: {list}"
            )
        }
        Notice::Joined { room } => pick!(lang, "您进了 {room}。", "You joined {room}."),
        Notice::Left { room } => pick!(lang, "您离开了 {room}。", "You left {room}."),
        Notice::ServerError { message, .. } => {
            let message = display_name(message);
            pick!(lang, "服务器说：{message}", "The server says: {message}")
        }
        Notice::Goodbye { message, reconnect, .. } => {
            let message = display_name(message);
            if *reconnect {
                pick!(lang, "服务器暂时告别：{message}", "The server says goodbye for now: {message}")
            } else {
                pick!(lang, "服务器告别：{message}", "The server says goodbye: {message}")
            }
        }
        // The brain may learn to say more before this program learns the words.
        other => format!("{other:?}"),
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
    use teahouse_protocol::RoomName;

    fn is_chinese(c: char) -> bool {
        ('\u{4e00}'..='\u{9fff}').contains(&c)
    }

    #[test]
    fn every_text_stands_in_both_languages() {
        for text in Text::ALL {
            let (zh, en) = (text.in_lang(Lang::Zh), text.in_lang(Lang::En));
            assert!(!zh.is_empty() && !en.is_empty(), "{text:?}");
            // The switch names each language in itself.
            if !matches!(text, Text::OtherLang | Text::OtherLangShort) {
                assert!(zh.chars().any(is_chinese), "{text:?}: {zh}");
                assert!(!en.chars().any(is_chinese), "{text:?}: {en}");
            }
        }
    }

    #[test]
    fn the_reader_is_spoken_to_in_the_first_language() {
        for (languages, expected) in [
            (&["zh-CN", "en"][..], Lang::Zh),
            (&["zh"], Lang::Zh),
            (&["zh-Hant-TW"], Lang::Zh),
            (&["en-US", "zh-CN"], Lang::En),
            (&["de"], Lang::En),
            (&["zha"], Lang::En),
            (&[], Lang::En),
        ] {
            let languages: Vec<String> = languages.iter().map(ToString::to_string).collect();
            assert_eq!(Lang::of_reader(&languages), expected, "{languages:?}");
        }
        assert_eq!(Lang::from_tag(Lang::Zh.tag()), Some(Lang::Zh));
        assert_eq!(Lang::from_tag(Lang::En.tag()), Some(Lang::En));
        assert_eq!(Lang::from_tag("fr"), None);
    }

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
    fn hostile_words_of_a_server_are_harmless() {
        let notice = Notice::UnknownCommand { command: "x\u{1b}[2J".to_owned() };
        assert!(!Phrase::Notice(&notice).in_lang(Lang::En).contains('\u{1b}'));
        let room = RoomName::parse("lobby").expect("a legal name");
        assert_eq!(Phrase::Notice(&Notice::Left { room }).in_lang(Lang::Zh), "您离开了 lobby。");
    }
}
