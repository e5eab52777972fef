//! Why the server refused something, in the reader's words. This is the only place that knows the codes: what the server
//! itself says of an error is for programs and their authors, and never on a screen.

use teahouse_protocol::{ErrorCode, RoomName};

use super::Lang;

/// Why, as a sentence. `None`: an earlier version of this program did not keep the code.
pub(crate) fn refusal(lang: Lang, code: Option<ErrorCode>, room: Option<&RoomName>) -> String {
    let room = room.map(RoomName::as_str);
    let (zh, en) = match code {
        Some(ErrorCode::NoSuchRoom) => match room {
            Some(room) => return pick!(lang, "没有房间 {room}。", "There is no room {room}."),
            None => ("没有这个房间。", "There is no such room."),
        },
        Some(ErrorCode::NotMember) => match room {
            Some(room) => {
                return pick!(
                    lang,
                    "你不在 {room} 里，先进去才能说话。",
                    "You are not in {room}; join it to write."
                );
            }
            None => ("你不在这个房间里，先进去才能说话。", "You are not in this room; join it to write."),
        },
        Some(ErrorCode::RateLimited) => (
            "一下子太多了，请过一会儿再试。",
            "That was too much at once. Please try again in a little while.",
        ),
        Some(ErrorCode::LimitReached) => (
            "服务器的上限到了，暂时不能再多。",
            "A limit of the server is reached; there is no room for more.",
        ),
        Some(ErrorCode::Busy | ErrorCode::TimedOut) => {
            ("服务器正忙，请过一会儿再试。", "The server is busy. Please try again in a little while.")
        }
        Some(ErrorCode::StorageUnavailable) => (
            "服务器的磁盘写不进去，现在只能看，不能说。请告诉管服务器的人。",
            "The server cannot write to its disk, so one can read but not write. Please tell whoever runs it.",
        ),
        Some(ErrorCode::FrameTooLong) => ("内容太长了，请分成几条。", "That is too long. Please split it."),
        Some(ErrorCode::InvalidField) => (
            "服务器的规则不允许这样的内容，请改一改。",
            "The server's rules do not allow this. Please change it.",
        ),
        Some(ErrorCode::NameTaken) => ("这个名字已经有人用了。", "This name is taken."),
        Some(ErrorCode::BadToken) => (
            "服务器不认得这个浏览器了，请重新起个名字。",
            "The server does not know this browser any more. Please choose a name again.",
        ),
        Some(ErrorCode::UnsupportedProtocol | ErrorCode::UnknownType) => (
            "这一页和服务器的版本不一样，请重新载入。",
            "This page and the server are of different versions. Please load the page again.",
        ),
        Some(
            ErrorCode::Malformed
            | ErrorCode::TooManyBadLines
            | ErrorCode::HelloFirst
            | ErrorCode::AlreadyWelcome,
        ) => (
            "这一页和服务器互相没听懂，请重新载入。",
            "This page and the server misunderstood each other. Please load the page again.",
        ),
        Some(ErrorCode::Unknown) | None => (
            "服务器没有接受，原因这一页还不认识；重新载入也许有用。",
            "The server refused, for a reason that this page does not know yet; loading it again may help.",
        ),
    };
    let text = match lang {
        Lang::Zh => zh,
        Lang::En => en,
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_words_of_both_languages_and_none_of_the_wire() {
        let room = RoomName::parse("茶").expect("a legal name");
        for code in ErrorCode::KNOWN.into_iter().chain([ErrorCode::Unknown]) {
            for room in [None, Some(&room)] {
                let (zh, en) = (refusal(Lang::Zh, Some(code), room), refusal(Lang::En, Some(code), room));
                assert!(zh.ends_with('。') && !zh.contains(|c: char| c.is_ascii_alphabetic()), "{zh}");
                assert!(en.ends_with('.') && !en.contains('_'), "{en}");
            }
        }
        assert_eq!(refusal(Lang::Zh, None, None), refusal(Lang::Zh, Some(ErrorCode::Unknown), None));
    }
}
