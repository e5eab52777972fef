//! Every text of the browser client, in Chinese and English. One key, both languages beside each other: a text that
//! lacks a language does not compile.

/// Picks the language; both texts may name variables.
macro_rules! pick {
    ($lang:expr, $zh:literal, $en:literal) => {
        match $lang {
            Lang::Zh => format!($zh),
            Lang::En => format!($en),
        }
    };
}

mod phrase;
mod refusal;

pub(crate) use phrase::{Phrase, command_text, usage};

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
    YourName: "大家怎么称呼你？", "What shall we call you?";
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
    /// Lines of code, for screen readers.
    Code: "代码", "Code";
    /// Copies lines of code.
    CopyCode: "复制", "Copy";
    /// They have been copied.
    Copied: "已复制", "Copied";
    /// Label of the timeline.
    Messages: "消息", "Messages";
    /// Label of the members' panel.
    Members: "成员", "Members";
    /// Heading of those who are connected.
    OnlineNow: "在座", "Here now";
    /// Heading of those who are not.
    Away: "不在", "Away";
    /// After the user's own name.
    You: "你", "you";
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
    OutcomeUnknown: "连接断了，不知道发出去没有", "The connection broke; whether this arrived is not known";
    PostAgain: "再发一次", "Post again";
    /// Drops it.
    Discard: "丢弃", "Discard";
    /// To the newest message.
    ToLatest: "回到最新", "To the latest";
    /// Switches the theme.
    ToDark: "换成深色", "Switch to dark";
    /// Switches the theme.
    ToLight: "换成浅色", "Switch to light";
    /// Switches to the other language, in that language.
    OtherLang: "English", "中文";
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
    NotifyOff: "关闭桌面通知", "Turn off desktop notifications";
    /// Notifications.
    NotifyIsOn: "有人提到你的时候，会有桌面通知。", "Desktop notifications come when somebody mentions you.";
    /// Notifications.
    NotifyDenied: "浏览器里禁止了通知，可在地址栏的网站设置里打开。",
        "Notifications are blocked; the site settings beside the address can turn them on.";
    /// Notifications.
    NotifyInsecure: "桌面通知需要 https：请在服务器上打开 TLS。", "Desktop notifications need https: turn on TLS on the server.";
    /// Menu.
    Menu: "设置", "Settings";
    /// Signs out.
    SignOut: "退出并忘记我", "Sign out and forget me";
    /// Does nothing after all.
    Cancel: "取消", "Cancel";
    /// Changes the name.
    Change: "改名", "Change";
    /// How the page looks.
    Theme: "外观", "Appearance";
    /// Which language it speaks.
    Language: "语言", "Language";
    /// The theme.
    Light: "浅色", "Light";
    /// The theme.
    Dark: "深色", "Dark";
    /// The theme.
    AsTheSystem: "跟随系统", "As the system";
    /// The language.
    AsTheBrowser: "跟随浏览器", "As the browser";
    /// Files were dropped or pasted.
    NoFiles: "现在还不能发送文件。", "Files cannot be sent yet.";
    /// Nothing to be kept.
    StorageOff: "浏览器没有保存这一页的数据：关掉以后，名字、草稿和没发出的话都不会留下。",
        "The browser keeps no data for this page: your name, drafts and unsent messages will be gone when it closes.";
    /// Nobody knows yet what is kept.
    StorageNotYet: "浏览器还没有交出保存的数据，可能是茶馆的另一个标签页占着。你先看着，等它一回应，就可以用你的名字说话了。",
        "The browser has not handed over what it keeps; another tab of Teahouse may be holding it. You can read meanwhile, and write under your name as soon as it answers.";
    /// A later version has the data.
    StorageOutdated: "另一个标签页打开了更新的版本，这一页不再保存东西了。",
        "A newer version is open in another tab, and this one keeps nothing any more.";
    /// Loads the page again.
    Reload: "重新载入", "Reload";
    /// The open room is only read.
    OnlyReading: "你在旁听，还没进这个房间。", "You are reading along, and not in this room yet.";
    /// Becomes a member.
    JoinToWrite: "进来说话", "Join to write";
    /// Another tab has left the open room.
    LeftElsewhere: "你在另一个标签页里离开了这个房间。", "You left this room in another tab.";
    /// Becomes a member once more.
    JoinAgain: "重新进来", "Join again";
    /// The open room does not exist.
    NoSuchRoom: "没有这个房间。", "There is no such room.";
    /// Makes it.
    MakeRoom: "建一个", "Make it";
    /// Another tab has signed out.
    SignedOutElsewhere: "你在另一个标签页里退出了。", "You signed out in another tab.";
    /// A post was dropped beside another text.
    Discarded: "那条消息丢掉了。", "The message was discarded.";
    /// No room is open.
    NoRoom: "选一个房间", "Choose a room";
    /// There are none.
    NoRooms: "这里还没有房间。", "There are no rooms yet.";
    /// Behind the room's name.
    RoomMenu: "房间菜单", "Room menu";
    /// In that menu.
    CopyRoomLink: "复制房间链接", "Copy link to room";
    /// Said in passing.
    NotCopied: "浏览器不让复制，请自己选中再复制。", "The browser does not let this page copy; please select and copy it yourself.";
    /// Said in passing.
    NoSuchMessage: "这条消息不存在。", "There is no such message.";
    /// Said in passing.
    NoSuchPlace: "这个地址不指向任何地方。", "This address leads nowhere.";
    /// What the composer offers for a word.
    Offered: "补全", "Completions";
    /// Takes something back.
    Undo: "撤销", "Undo";
    /// Chooses among many rooms.
    FilterRooms: "筛选房间", "Filter rooms";
    /// Something unsent stands in a room's composer.
    Draft: "有草稿", "draft";
    /// What one can do with a message.
    MessageTools: "消息操作", "Message actions";
    /// With a message.
    CopyLink: "复制链接", "Copy link";
    /// With a message.
    CopyWords: "复制文字", "Copy text";
    /// With a message.
    Quote: "引用", "Quote";
    /// Shows the whole of a long message.
    ShowAll: "展开全部", "Show all";
    /// Under the switcher's field.
    SwitchKeys: "↑ ↓ 选择，Enter 进入", "↑ ↓ to choose, Enter to go";
    /// Storage refused.
    NoticeOutboxFull: "等待发送的消息太多了，请等一等再写；文字还在草稿里。",
        "Too many messages wait to be sent. Wait a little; the text stays in the draft.";
    /// Sends a message again that a non-member could not send.
    JoinAndSend: "进去并发送", "Join and send";
    /// Becomes a member of a room.
    Join: "进去", "Join";
    /// Needs a link.
    NoticeOffline: "这个命令需要先连上服务器。", "This command needs a connection to the server.";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_chinese(c: char) -> bool {
        ('\u{4e00}'..='\u{9fff}').contains(&c)
    }

    #[test]
    fn every_text_stands_in_both_languages() {
        for text in Text::ALL {
            let (zh, en) = (text.in_lang(Lang::Zh), text.in_lang(Lang::En));
            assert!(!zh.is_empty() && !en.is_empty(), "{text:?}");
            // The switch names each language in itself.
            if text != &Text::OtherLang {
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
}
