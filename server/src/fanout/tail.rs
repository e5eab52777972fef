use std::collections::VecDeque;
use std::sync::Arc;

use teahouse_protocol::Seq;

use super::news::News;
use super::segment::Segment;
use crate::door::Framing;

/// A tail lets go of its oldest segment when it holds more than this, in bytes of JSON Lines and what each segment needs. All that
/// four connections may have at work has room in it, a thousand events of 270 bytes: what is more, those read from the log for
/// whom the herald was not yet there.
pub(super) const TAIL_BYTES_MAX: usize = 384 * 1024;

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
        self.head = self.head.plus(segment.len());
        self.bytes += segment.weight_bytes();
        self.segments.push_back(Arc::new(segment));
        // The last segment stays however large it is: most cursors are about to read it.
        while self.bytes > TAIL_BYTES_MAX && self.segments.len() > 1 {
            let oldest = self.segments.pop_front().expect("there are two");
            self.bytes -= oldest.weight_bytes();
        }
    }

    /// How many bytes of JSON Lines lie after a cursor, whole segments counted.
    pub(super) fn bytes_after(&self, seen: Seq) -> usize {
        self.segments
            .iter()
            .rev()
            .take_while(|segment| segment.first() > seen)
            .map(|segment| segment.weight_bytes())
            .sum()
    }

    /// Lets go of all segments; what they hold is read from the log from now on.
    pub(super) fn let_go(&mut self) {
        *self = Self::new(self.head);
    }

    /// Moves the head past what a commit wrote while nobody watched. Nothing is kept.
    pub(super) fn pass(&mut self, events: usize) {
        *self = Self::new(self.head.plus(events));
    }

    /// Jumps to a head that was found in the log, after which every older cursor reads from there.
    pub fn reset(&mut self, head: Seq) {
        *self = Self::new(head);
    }

    /// What lies after `seen`, as much as one write takes. There is something, or the cursor is at the head.
    pub fn news(&self, framing: Framing, seen: Seq) -> Result<News, Behind> {
        if seen >= self.head {
            return Ok(News::none(framing, seen));
        }
        let begun = |segment: &Arc<Segment>| segment.first() <= seen.next();
        // Most cursors lack the last segment alone; to search would be to touch memory that nobody else has touched for long.
        let begun = match self.segments.back() {
            Some(last) if begun(last) => self.segments.len(),
            _ => self.segments.partition_point(begun),
        };
        let start = begun.checked_sub(1).ok_or(Behind)?;
        News::gather(self.segments.range(start..), framing, seen).ok_or(Behind)
    }
}

#[cfg(test)]
mod tests {
    use std::io::IoSlice;

    use teahouse_protocol::{EventKind, MemberName, PageEvent, RoomName, ServerMessage, UnixMillis, UserId};

    use super::*;
    use crate::fanout::{Held, encode_segments};

    fn seq(number: u64) -> Seq {
        Seq::new(number).expect("small")
    }

    fn event(number: u64, text: &str) -> PageEvent {
        PageEvent {
            seq: seq(number),
            at: UnixMillis::new(0),
            user: UserId::of(1),
            by: MemberName::parse("ana").expect("legal"),
            op: None,
            kind: EventKind::Post { text: text.into(), action: false },
        }
    }

    fn segment(numbers: std::ops::RangeInclusive<u64>, text: &str) -> Segment {
        let room = RoomName::parse("lobby").expect("legal");
        let events = numbers.map(|number| event(number, text));
        let mut segments = encode_segments(&room, events, &Held::default());
        assert_eq!(segments.len(), 1, "small enough for one segment");
        segments.remove(0)
    }

    /// The bytes of some news.
    fn bytes(news: &News) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); News::PIECES_MAX];
        let used = news.slices(&mut slices);
        slices[..used].iter().flat_map(|slice| slice.iter().copied()).collect()
    }

    /// The seqs that a JSON cursor reads after `seen`.
    fn read(tail: &Tail, seen: u64) -> Result<Vec<u64>, Behind> {
        let news = tail.news(Framing::Json, seq(seen))?;
        let text = bytes(&news);
        assert_eq!(text.len(), news.bytes());
        let seqs: Vec<u64> = text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| match teahouse_protocol::decode_server_message(line) {
                Ok(ServerMessage::Event(event)) => event.seq.get(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(news.last().get(), seqs.last().copied().unwrap_or(seen));
        Ok(seqs)
    }

    #[test]
    fn a_cursor_reads_what_it_has_not_seen() {
        let mut tail = Tail::new(seq(10));
        tail.push(segment(11..=13, "a"));
        tail.push(segment(14..=14, "b"));
        assert_eq!(read(&tail, 10), Ok(vec![11, 12, 13, 14]));
        assert_eq!(read(&tail, 12), Ok(vec![13, 14]));
        assert_eq!(read(&tail, 13), Ok(vec![14]));
        assert_eq!(read(&tail, 14), Ok(vec![]));
        assert_eq!(read(&tail, 9), Err(Behind));
    }

    #[test]
    fn a_write_takes_only_so_many_pieces() {
        let mut tail = Tail::new(Seq::ZERO);
        for number in 1..=100 {
            tail.push(segment(number..=number, "a"));
        }
        let first = tail.news(Framing::Json, Seq::ZERO).expect("nothing was let go");
        assert_eq!(first.last().get(), News::PIECES_MAX as u64);
        assert_eq!(read(&tail, first.last().get()).expect("the rest").last(), Some(&100));
    }

    /// Wherever a write ends, what was begun is finished from memory and the rest is read again.
    #[test]
    fn a_write_may_end_anywhere() {
        let mut tail = Tail::new(seq(10));
        tail.push(segment(11..=13, "ab"));
        tail.push(segment(14..=15, "c"));
        for framing in Framing::ALL {
            for seen in 10..15 {
                let news = tail.news(framing, seq(seen)).expect("in the tail");
                let all = bytes(&news);
                for written in 0..=all.len() {
                    let (begun, rest) = news.begun(written);
                    let after = tail.news(framing, begun).expect("in the tail");
                    let read = [&all[..written], &rest[..], &bytes(&after)[..]].concat();
                    assert_eq!(read, all, "{framing:?} after {seen}, {written} written");
                }
            }
        }
    }

    #[test]
    fn a_tail_is_bounded_and_says_who_is_behind() {
        let mut tail = Tail::new(Seq::ZERO);
        for number in 1..=100 {
            tail.push(segment(number..=number, &"x".repeat(10_000)));
            assert!(tail.bytes <= TAIL_BYTES_MAX);
        }
        assert_eq!(read(&tail, 0), Err(Behind));
        assert_eq!(read(&tail, 98), Ok(vec![99, 100]));
        tail.push(segment(101..=101, &"x".repeat(TAIL_BYTES_MAX)));
        assert_eq!(tail.segments.len(), 1, "the newest stays");
        tail.reset(seq(200));
        assert_eq!(read(&tail, 199), Err(Behind));
        assert_eq!(read(&tail, 200), Ok(vec![]));
    }

    #[test]
    fn every_kind_of_door_gets_the_same_events() {
        let segment = segment(1..=3, &"茶".repeat(100));
        for framing in Framing::ALL {
            let all = segment.frames(framing, 0);
            let last = segment.frames(framing, 2);
            assert_eq!(all.len(), last.len() * 3, "{framing:?}");
            assert!(all.ends_with(&last));
            assert!(segment.frames(framing, 3).is_empty());
        }
    }
}
