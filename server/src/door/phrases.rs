//! What people read: events, lists and errors in words.

use std::fmt::Write;

use bytes::Bytes;
use jiff::tz::TimeZone;
use teahouse_protocol::{
    ErrorCode, ErrorReply, Event, EventKind, HistoryPage, MemberName, Members, NameError, ServerMessage,
    UnixMillis, decode_server_message,
};

pub(super) fn problem(chinese: &str, english: &str) -> Bytes {
    format!("! {chinese} · {english}\n").into()
}

/// The rule that a name or a room's name breaks.
pub(super) fn bad_name(error: &NameError) -> &'static str {
    match error {
        NameError::Length(_) => "名字要有 1 到 32 个字",
        NameError::Space => "名字里不能有空格，可以用 - 或 _",
        NameError::Invisible => "名字里有看不见的字符，请不要粘贴，直接打字",
        NameError::FirstChar(_) => "名字不能以这个字符开头",
        NameError::Reserved(_) => "名字里不能有逗号",
        NameError::LoneMark => "名字不能以附加符号开头，也不能把它放在别的文字上",
        NameError::TooManyMarks => "一个字母上的附加符号太多了",
        NameError::Unassigned => "名字里有大多数设备显示不出来的字符",
        NameError::BrokenEmoji => "名字里有不完整的表情符号",
        NameError::MixedDirections => "名字里不能混用从右往左和从左往右读的文字",
    }
}

pub(super) fn error_words(error: &ErrorReply) -> Bytes {
    if let Some(broken) = error.rule.as_deref().and_then(NameError::of_rule) {
        return problem(bad_name(&broken), &format!("a name {broken}"));
    }
    let chinese = match error.code {
        ErrorCode::HelloFirst => {
            return problem("你还没有进来，没有发出去", "you are not in yet, and this was not sent");
        }
        ErrorCode::RateLimited => "太快了，请稍等",
        ErrorCode::NameTaken => "这个名字有人用了，换一个吧",
        ErrorCode::FrameTooLong => "这一行太长了",
        ErrorCode::Busy => "服务器太忙，请稍后再试",
        ErrorCode::StorageUnavailable => "服务器现在写不了磁盘，请稍后再试",
        ErrorCode::LimitReached => "到上限了",
        ErrorCode::TimedOut => "等得太久了",
        _ => "没有成功",
    };
    problem(chinese, &error.message)
}

pub(super) fn who(members: &Members) -> String {
    let mut words = String::new();
    for member in &members.members {
        let away = if member.online { "" } else { " (不在 · away)" };
        let _ = writeln!(words, "  {}{away}", member.name);
    }
    let rest = members.total - members.members.len() as u64;
    if rest > 0 {
        let _ = writeln!(words, "  … +{rest}");
    }
    words
}

pub(super) fn history(page: &HistoryPage) -> String {
    let mut words = String::new();
    for event in &page.events {
        words.push_str(&event_line(event.at, &event.by, &event.kind));
    }
    if words.is_empty() {
        words.push_str("（还没有人说话 · nobody has spoken yet）\n");
    }
    words
}

/// An event as it goes to people, from its JSON.
pub(super) fn frame(json: &[u8]) -> Bytes {
    decode_server_message(json).map_or_else(|_| Bytes::new(), |message| push(&message))
}

/// A push that is the same for every watcher. Words say who joined and left, not who is connected.
pub(super) fn push(message: &ServerMessage) -> Bytes {
    match message {
        ServerMessage::Event(event) => event_words(event).into(),
        _ => Bytes::new(),
    }
}

pub(super) fn event_words(event: &Event) -> String {
    event_line(event.at, &event.by, &event.kind)
}

fn event_line(at: UnixMillis, by: &MemberName, kind: &EventKind) -> String {
    let time = clock(at);
    match kind {
        EventKind::Create => format!("{time} * {by} 开了这个房间 · made this room\n"),
        EventKind::Join => format!("{time} * {by} 进来了 · joined\n"),
        EventKind::Leave => format!("{time} * {by} 走了 · left\n"),
        EventKind::Post { text, action: true } => format!("{time} * {by} {}\n", harmless(text)),
        EventKind::Post { text, action: false } => format!("{time} {by}: {}\n", harmless(text)),
        EventKind::Unknown => String::new(),
    }
}

/// Why people read times of UTC, if that is not what was asked for.
pub fn time_zone_problem() -> Option<String> {
    let known = TimeZone::try_system().is_ok();
    (!known).then(|| match std::env::var("TZ") {
        Ok(name) => format!(
            "the time zone TZ={name} is not known, so times in words are those of UTC; TZ=Asia/Shanghai is such a name"
        ),
        Err(_) => "the time zone of this machine is not known, so times in words are those of UTC; the variable TZ \
                   names another, such as TZ=Asia/Shanghai"
            .into(),
    })
}

/// Hours and minutes where the server stands.
fn clock(at: UnixMillis) -> String {
    let millis = i64::try_from(at.get()).expect("times end with the year 9999");
    let Ok(timestamp) = jiff::Timestamp::from_millisecond(millis) else { return "--:--".into() };
    timestamp.to_zoned(TimeZone::system()).strftime("%H:%M").to_string()
}

/// A text that no terminal obeys. Its further lines are indented, so that they cannot pass for somebody else's.
fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push_str("\n      "),
            '\r' => {}
            '\t' => shown.push(' '),
            '\u{2028}' | '\u{2029}' => shown.push(char::REPLACEMENT_CHARACTER),
            c => shown.push(teahouse_protocol::harmless(c)),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_zones_are_known_without_the_systems_files() {
        let zones = jiff::tz::TimeZoneDatabase::bundled();
        assert!(zones.get("Asia/Shanghai").is_ok());
    }

    #[test]
    fn nothing_that_a_terminal_obeys_goes_out() {
        assert_eq!(harmless("a\u{1b}[2Jb\u{7}\r\nc\u{202e}d\u{9b}e"), "a␛[2Jb␇\n      c\u{fffd}d\u{fffd}e");
    }
}
