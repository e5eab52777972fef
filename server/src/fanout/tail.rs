use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use teahouse_protocol::Seq;

use super::segment::Segment;
use crate::door::DoorKind;

/// A tail lets go of its oldest segment when it holds more than this, in bytes of JSON Lines.
pub(super) const TAIL_BYTES_MAX: usize = 256 * 1024;

/// A cursor points before the tail's first event; what it wants is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind;

/// The recent events of a room.
#[derive(Debug)]
pub struct Tail {
    head: Seq,
    segments: VecDeque<Arc<Segment>>,
    bytes: usize,
}

impl Tail {
    /// An empty tail of a room whose last event is `head`.
    pub fn new(head: Seq) -> Self {
        Self { head, segments: VecDeque::new(), bytes: 0 }
    }

    /// The room's last event.
    pub fn head(&self) -> Seq {
        self.head
    }

    /// Adds what a commit wrote.
    pub fn push(&mut self, segment: Segment) {
        assert_eq!(segment.first(), self.head.next(), "seqs are gapless");
        for _ in 0..segment.len() {
            self.head = self.head.next();
        }
        self.bytes += segment.weight_bytes();
        self.segments.push_back(Arc::new(segment));
        // The last segment stays however large it is: most cursors are about to read it.
        while self.bytes > TAIL_BYTES_MAX && self.segments.len() > 1 {
            let oldest = self.segments.pop_front().expect("there are two");
            self.bytes -= oldest.weight_bytes();
        }
    }

    /// Jumps to a head that was found in the log, after which every older cursor reads from there.
    pub fn reset(&mut self, head: Seq) {
        *self = Self::new(head);
    }

    /// Appends to `out` what lies after `seen`, at least one segment and then as many as stay below `bytes_max`.
    /// Answers the last seq that was appended.
    pub fn read_after(
        &self,
        seen: Seq,
        kind: DoorKind,
        bytes_max: usize,
        out: &mut VecDeque<Bytes>,
    ) -> Result<Seq, Behind> {
        if seen >= self.head {
            return Ok(seen);
        }
        let wanted = seen.next();
        let start = self.segments.partition_point(|segment| segment.first() <= wanted);
        let start = start.checked_sub(1).ok_or(Behind)?;
        let mut bytes = 0;
        let mut last = seen;
        for segment in self.segments.range(start..) {
            let skip = usize::try_from(last.next().get() - segment.first().get()).expect("within a segment");
            let frames = segment.frames(kind, skip);
            bytes += frames.len();
            out.push_back(frames);
            for _ in skip..segment.len() {
                last = last.next();
            }
            if bytes >= bytes_max {
                break;
            }
        }
        Ok(last)
    }
}

#[cfg(test)]
mod tests {
    use teahouse_protocol::{EventKind, MemberName, PageEvent, RoomName, UnixMillis};

    use super::*;
    use crate::fanout::encode_segments;

    fn seq(number: u64) -> Seq {
        Seq::new(number).expect("small")
    }

    fn event(number: u64, text: &str) -> PageEvent {
        PageEvent {
            seq: seq(number),
            at: UnixMillis::new(0),
            by: MemberName::parse("ana").expect("legal"),
            kind: EventKind::Post { text: text.into(), action: false },
        }
    }

    fn segment(numbers: std::ops::RangeInclusive<u64>, text: &str) -> Segment {
        let room = RoomName::parse("lobby").expect("legal");
        let events = numbers.map(|number| event(number, text));
        let mut segments = encode_segments(&room, events);
        assert_eq!(segments.len(), 1, "small enough for one segment");
        segments.remove(0)
    }

    /// The seqs that a JSON cursor reads after `seen`.
    fn read(tail: &Tail, seen: u64, bytes_max: usize) -> Result<Vec<u64>, Behind> {
        let mut out = VecDeque::new();
        let last = tail.read_after(seq(seen), DoorKind::Json, bytes_max, &mut out)?;
        let text: Vec<u8> = out.into_iter().flatten().collect();
        let seqs: Vec<u64> = text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| match teahouse_protocol::decode_server_message(line) {
                Ok(ServerMessage::Event(event)) => event.seq.get(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(last.get(), seqs.last().copied().unwrap_or(seen));
        Ok(seqs)
    }

    use teahouse_protocol::ServerMessage;

    #[test]
    fn a_cursor_reads_what_it_has_not_seen() {
        let mut tail = Tail::new(seq(10));
        tail.push(segment(11..=13, "a"));
        tail.push(segment(14..=14, "b"));
        assert_eq!(read(&tail, 10, usize::MAX), Ok(vec![11, 12, 13, 14]));
        assert_eq!(read(&tail, 12, usize::MAX), Ok(vec![13, 14]));
        assert_eq!(read(&tail, 13, usize::MAX), Ok(vec![14]));
        assert_eq!(read(&tail, 14, usize::MAX), Ok(vec![]));
        assert_eq!(read(&tail, 10, 1), Ok(vec![11, 12, 13]), "one segment at least");
        assert_eq!(read(&tail, 9, usize::MAX), Err(Behind));
    }

    #[test]
    fn a_tail_is_bounded_and_says_who_is_behind() {
        let mut tail = Tail::new(Seq::ZERO);
        for number in 1..=100 {
            tail.push(segment(number..=number, &"x".repeat(10_000)));
            assert!(tail.bytes <= TAIL_BYTES_MAX);
        }
        assert_eq!(read(&tail, 0, usize::MAX), Err(Behind));
        assert_eq!(read(&tail, 98, usize::MAX), Ok(vec![99, 100]));
        tail.push(segment(101..=101, &"x".repeat(TAIL_BYTES_MAX)));
        assert_eq!(tail.segments.len(), 1, "the newest stays");
        tail.reset(seq(200));
        assert_eq!(read(&tail, 199, usize::MAX), Err(Behind));
        assert_eq!(read(&tail, 200, usize::MAX), Ok(vec![]));
    }

    #[test]
    fn every_kind_of_door_gets_the_same_events() {
        let segment = segment(1..=3, &"茶".repeat(100));
        for kind in [DoorKind::Json, DoorKind::WebSocket, DoorKind::Text] {
            let all = segment.frames(kind, 0);
            let last = segment.frames(kind, 2);
            assert_eq!(all.len(), last.len() * 3, "{kind:?}");
            assert!(all.ends_with(&last));
            assert!(segment.frames(kind, 3).is_empty());
        }
    }
}
