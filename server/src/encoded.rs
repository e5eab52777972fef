//! How long things are on the wire, found without encoding them.

use teahouse_protocol::{EventKind, JoinedRoom, Member, PageEvent};

/// The longest answer to anything, in bytes of its JSON and of its words.
pub(crate) const ANSWER_BYTES_MAX: usize = 56 * 1024;
/// What an event in a page has besides its author's name, its op and its text, in bytes: its fields with the longest numbers.
const EVENT_BYTES: usize = 154;
/// What a member has besides the name.
const MEMBER_BYTES: usize = 54;
/// What an op has besides its letters.
const OP_BYTES: usize = 8;
/// What a room of a welcome has besides its name.
const JOINED_ROOM_BYTES: usize = 40;

/// The longest that a text is as a JSON string or in words, without what stands around it, in bytes.
fn text_bytes(text: &str) -> usize {
    let longer = text.bytes().map(|byte| match byte {
        b'"' | b'\\' => 1,
        // `\n` in JSON; in words the next line is indented.
        b'\n' => 6,
        // `\u0001`, and some of them shorter; a picture of three bytes in words.
        0..=0x1F => 5,
        0x7F => 2,
        // The first byte of U+0080 to U+00BF, of which words show controls as U+FFFD.
        0xC2 => 1,
        _ => 0,
    });
    text.len() + longer.sum::<usize>()
}

/// The longest that an event is in a page.
pub(crate) fn event_bytes(event: &PageEvent) -> usize {
    let text = match &event.kind {
        EventKind::Post { text, .. } => text_bytes(text),
        EventKind::Create | EventKind::Join | EventKind::Leave | EventKind::Unknown => 0,
    };
    let op = event.op.as_ref().map_or(0, |op| OP_BYTES + op.as_str().len());
    EVENT_BYTES + op + text_bytes(event.by.as_str()) + text
}

/// The longest that a member is in a list.
pub(crate) fn member_bytes(member: &Member) -> usize {
    MEMBER_BYTES + text_bytes(member.name.as_str())
}

/// The longest that a room is in a welcome.
pub(crate) fn joined_room_bytes(room: &JoinedRoom) -> usize {
    JOINED_ROOM_BYTES + text_bytes(room.room.as_str())
}

/// Keeps as many of the first items as have at most so many bytes together.
pub(crate) fn truncate<T>(items: &mut Vec<T>, bytes_max: usize, bytes: impl Fn(&T) -> usize) {
    let mut sum = 0;
    let fitting = items.iter().take_while(|item| {
        sum += bytes(item);
        sum <= bytes_max
    });
    let fitting = fitting.count();
    items.truncate(fitting);
}

#[cfg(test)]
mod tests {
    use teahouse_protocol::{
        HistoryPage, MemberName, Members, OpId, RequestId, RoomName, Seq, ServerMessage, UnixMillis, UserId,
        limits,
    };

    use super::*;
    use crate::door::{Door, JsonDoor, TextDoor};

    fn encoded(message: &ServerMessage) -> usize {
        let mut doors = [
            Door::Json(JsonDoor::default()),
            Door::Text(TextDoor::new(RoomName::parse("lobby").expect("legal")).into()),
        ];
        doors.iter_mut().map(|door| door.encode(message).len()).max().expect("there are two")
    }

    fn page(text: &str) -> (usize, usize) {
        let event = PageEvent {
            seq: Seq::new(limits::INTEGER_MAX).expect("the largest"),
            at: UnixMillis::new(1),
            user: UserId::MAX,
            by: MemberName::parse("a\"b").expect("legal"),
            op: OpId::parse(&"o".repeat(limits::OP_BYTES_MAX)).ok(),
            kind: EventKind::Post { text: text.into(), action: true },
        };
        let said = event_bytes(&event);
        let page = HistoryPage {
            re: RequestId::new(1).expect("small"),
            room: RoomName::parse("lobby").expect("legal"),
            epoch: teahouse_protocol::Epoch::parse("x").expect("legal"),
            head: Seq::ZERO,
            events: vec![event; 10],
            more_before: false,
            more_after: false,
        };
        (said, encoded(&ServerMessage::History(page)) / 10)
    }

    #[test]
    fn no_event_is_longer_than_is_said() {
        let controls: String = (0..0xA0).filter_map(char::from_u32).collect();
        for text in ["a", "\"\\\"", "a\nb", "\u{1}\u{7f}\u{9b}", "茶😀", &controls, "\u{202e}\u{2028}"] {
            let text = text.repeat(100);
            let (said, is) = page(&text);
            assert!(is <= said + 20, "{text:.20?}: {is} bytes, {said} said");
            assert!(said <= is * 2 + 200, "{text:.20?}: {is} bytes, {said} said");
        }
    }

    #[test]
    fn a_list_of_members_ends_where_its_bytes_do() {
        let member = |number: u32| Member {
            user: UserId::MAX,
            name: MemberName::parse(&format!("{}{number}", "茶".repeat(26))).expect("legal"),
            online: false,
        };
        let mut members: Vec<Member> = (0..2_000).map(member).collect();
        truncate(&mut members, 50_000, member_bytes);
        let list = Members {
            re: RequestId::new(1).expect("small"),
            room: RoomName::parse("lobby").expect("legal"),
            members,
            total: 2_000,
        };
        let bytes = encoded(&ServerMessage::Members(list));
        assert!((45_000..50_200).contains(&bytes), "{bytes}");
    }
}
