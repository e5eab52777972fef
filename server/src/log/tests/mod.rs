mod versions;

use teahouse_protocol::{Epoch, EventKind, MemberName, OpId, PageEvent, PostText, RoomName, Seq, UnixMillis};

use super::*;
use crate::state::{
    Action, Address, Change, Decision, Keep, Made, Model, NoRecords, Outcome, Proposal, Records, SERVER_USER,
    TokenHash, UserId, Work, apply,
};

/// A directory that goes with the test.
pub(super) struct TempDir(pub(super) PathBuf);

impl TempDir {
    pub(super) fn new() -> Self {
        let mut id = [0; 8];
        getrandom::fill(&mut id).expect("the system has randomness");
        let dir = std::env::temp_dir().join(format!("teahouse-log-{:016x}", u64::from_le_bytes(id)));
        std::fs::create_dir_all(&dir).expect("the temporary directory is writable");
        Self(dir)
    }

    pub(super) fn database(&self) -> PathBuf {
        self.0.join(DATABASE_FILE)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn epoch() -> Epoch {
    Epoch::parse("k3v").expect("a legal epoch")
}

struct Room {
    log: Log,
    model: Model,
    reader: Reader,
    ana: UserId,
    lobby: crate::state::RoomId,
}

fn says(at: u64, by: UserId, action: Action) -> Proposal {
    Proposal::new(UnixMillis::new(at), by, action)
}

fn write(log: &mut Log, model: &mut Model, proposal: &Proposal) -> Outcome {
    let batch = log.begin().expect("the disk works");
    let Decision { outcome, changes } = apply(model, &batch, proposal).expect("nothing is rejected here");
    for change in &changes {
        batch.write(change).expect("the disk works");
    }
    batch.commit().expect("the disk works");
    outcome
}

/// A log whose lobby has create, join, and posts "1" to "10" at the seconds 1 to 10.
fn room(dir: &TempDir) -> Room {
    let (mut log, mut model, reader) = open(&dir.0, &epoch()).expect("a new log opens");
    write(&mut log, &mut model, &says(0, SERVER_USER, Action::Found));
    let name = Some(MemberName::parse("ana").expect("legal"));
    let guest = Action::ArriveAsGuest { name, keep: true, token: TokenHash([1; 32]), from: Address::HOUSE };
    let Outcome::Arrived { user: ana, .. } = write(&mut log, &mut model, &says(0, SERVER_USER, guest)) else {
        panic!()
    };
    let join = Action::Join { room: RoomName::parse("lobby").expect("legal"), create: false };
    let Outcome::Done { room: lobby, .. } = write(&mut log, &mut model, &says(0, ana, join)) else {
        panic!()
    };
    for number in 1..=10 {
        let text = PostText::parse(number.to_string()).expect("legal");
        let op = Some(OpId::parse(&format!("op{number}")).expect("legal"));
        let post = Action::Post { room: lobby, text, action: false };
        write(&mut log, &mut model, &Proposal { op, ..says(number * 1_000, ana, post) });
    }
    Room { log, model, reader, ana, lobby }
}

/// What finding the time of one event takes, in steps of SQLite's virtual machine.
const LOOKUP_STEPS_MAX: u64 = 10;

fn seq(number: u64) -> Seq {
    Seq::new(number).expect("small")
}

fn texts(events: &[PageEvent]) -> String {
    let text = |event: &PageEvent| match &event.kind {
        EventKind::Post { text, .. } => text.clone(),
        other => format!("{other:?}").to_lowercase(),
    };
    events.iter().map(text).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_was_committed_is_there_after_reopening() {
    let dir = TempDir::new();
    let room = room(&dir);
    let model = room.model.clone();
    drop((room.log, room.reader));
    let (_log, reopened, reader) =
        open(&dir.0, &Epoch::parse("other").expect("legal")).expect("it opens again");
    assert_eq!(reopened, model);
    assert_eq!(reader.epoch(), &epoch(), "only a new log takes the fresh epoch");
}

#[test]
fn what_was_not_committed_is_not_there() {
    let dir = TempDir::new();
    let mut room = room(&dir);
    let before = room.reader.page(room.lobby, PageQuery::Latest, 1).expect("readable");
    let text = PostText::parse("lost").expect("legal");
    let proposal = says(99, room.ana, Action::Post { room: room.lobby, text, action: false });
    let applied = apply(&mut room.model, &NoRecords, &proposal).expect("allowed");
    let batch = room.log.begin().expect("the disk works");
    batch.write(&applied.changes[0]).expect("the disk works");
    assert_eq!(room.reader.page(room.lobby, PageQuery::Latest, 1).expect("readable"), before);
    drop(batch);
    assert_eq!(room.reader.page(room.lobby, PageQuery::Latest, 1).expect("readable"), before);
    room.log.reopen().expect("it opens again");
    assert_ne!(room.model, room.log.load().expect("readable"));
    assert_eq!(room.log.holds(&applied.changes).expect("readable"), Some(false));
}

#[test]
fn an_operation_is_remembered_per_author() {
    let dir = TempDir::new();
    let mut room = room(&dir);
    let batch = room.log.begin().expect("the disk works");
    let op = OpId::parse("op3").expect("legal");
    let made = Made { work: Work::Post, room: room.lobby, seq: seq(5) };
    assert_eq!(batch.made_by(room.ana, &op), Some(made));
    assert_eq!(batch.made_by(room.ana.next(), &op), None);
}

/// Else a post whose operation cannot be looked up would stand there twice.
#[test]
fn what_was_decided_without_an_answer_is_not_committed() {
    let dir = TempDir::new();
    let mut room = room(&dir);
    let other = rusqlite::Connection::open(dir.database()).expect("a second writer");
    other.execute("DROP TABLE ops", []).expect("the disk works");
    let before = room.reader.page(room.lobby, PageQuery::Latest, 1).expect("readable");
    let batch = room.log.begin().expect("the disk works");
    let op = OpId::parse("op3").ok();
    let text = PostText::parse("3").expect("legal");
    let post = Action::Post { room: room.lobby, text, action: false };
    let proposal = Proposal { op, ..says(99, room.ana, post) };
    apply(&mut room.model, &batch, &proposal).expect("nobody says that it was there before");
    assert!(matches!(batch.commit(), Err(LogError::Sqlite(_))));
    assert_eq!(room.reader.page(room.lobby, PageQuery::Latest, 1).expect("readable"), before);
    room.log.begin().expect("the next batch is another one").commit().expect("the disk works");
}

#[test]
fn pages_of_every_kind() {
    let dir = TempDir::new();
    let room = room(&dir);
    let check = |query: PageQuery, limit: usize, expected: &str, before: bool, after: bool| {
        let page = room.reader.page(room.lobby, query, limit).expect("readable");
        assert_eq!(texts(&page.events), expected, "{query:?}");
        assert_eq!((page.more_before(), page.more_after()), (before, after), "{query:?}");
        assert_eq!(page.head, seq(12));
    };
    check(PageQuery::Latest, 3, "8 9 10", true, false);
    check(PageQuery::Latest, 100, "create join 1 2 3 4 5 6 7 8 9 10", false, false);
    check(PageQuery::Before(seq(5)), 2, "1 2", true, true);
    check(PageQuery::Before(seq(1)), 2, "", false, true);
    check(PageQuery::Before(seq(1 << 50)), 2, "9 10", true, false);
    check(PageQuery::After(seq(10)), 9, "9 10", true, false);
    check(PageQuery::After(Seq::ZERO), 2, "create join", false, true);
    check(PageQuery::After(seq(12)), 2, "", true, false);
    check(PageQuery::After(seq(1 << 50)), 2, "", true, false);
    check(PageQuery::Around(seq(7)), 4, "3 4 5 6", true, true);
    check(PageQuery::Around(seq(1)), 4, "create join 1 2", false, true);
    check(PageQuery::At(UnixMillis::new(4_500)), 2, "5 6", true, true);
    check(PageQuery::At(UnixMillis::new(99_000)), 2, "", true, false);
}

/// Writes posts, one a second, behind the head of a room that has no events yet in its log.
fn fill(dir: &TempDir, room: crate::state::RoomId, posts: u64, text: impl Fn(u64) -> String) {
    let mut database = rusqlite::Connection::open(dir.database()).expect("a second writer");
    let transaction = database.transaction().expect("the disk works");
    let mut insert = transaction
        .prepare(
            "INSERT INTO events (key, at, user, kind, text, sum, text_sum) VALUES (?1, ?2, 1, 3, ?3, ?4, ?5)",
        )
        .expect("the columns are these");
    for number in 1..=posts {
        let (key, at, text) = (row::key(room, seq(number)), number as i64 * 1_000, text(number));
        let (sum, text_sum) = (row::order_sum(key, at, 1, 3, None, None), row::text_sum(key, &text));
        insert.execute((key, at, text, sum, text_sum)).expect("the disk works");
    }
    drop(insert);
    transaction.commit().expect("the disk works");
}

/// However long the texts are and whatever they need on the wire, one event is always there, and the one that was asked
/// for.
#[test]
fn a_page_has_so_many_bytes() {
    let dir = TempDir::new();
    let reader = room(&dir).reader;
    let long = crate::state::RoomId(9);
    let pieces = ["a", "\n", "\u{1}", "茶", "\"", "😀"];
    fill(&dir, long, 60, |number| {
        let length = [7_999, 1_000, 7_999, 10, 4_000][number as usize % 5];
        format!("x{}", pieces[number as usize % pieces.len()].repeat(length))
    });
    for number in 1..=60 {
        let queries = [
            PageQuery::Before(seq(number + 1)),
            PageQuery::After(seq(number - 1)),
            PageQuery::Around(seq(number)),
        ];
        for query in queries {
            let page = reader.page(long, query, 200).expect("readable");
            let bytes: usize = page.events.iter().map(crate::encoded::event_bytes).sum();
            assert!(bytes <= PAGE_BYTES_MAX, "{query:?}: {bytes} bytes");
            assert!(page.events.iter().any(|event| event.seq == seq(number)), "{query:?}");
            assert!(page.events.windows(2).all(|pair| pair[0].seq.next() == pair[1].seq), "{query:?}");
        }
    }
}

#[test]
fn a_page_of_a_long_room_costs_what_one_of_a_short_room_does() {
    let dir = TempDir::new();
    drop(room(&dir));
    let (short, long) = ((crate::state::RoomId(7), 100), (crate::state::RoomId(8), 1_000_000));
    fill(&dir, short.0, short.1, |number| number.to_string());
    fill(&dir, long.0, long.1, |number| number.to_string());
    let mut connection = open::open_reader(&dir.database()).expect("readable");
    // Counts the instructions of SQLite's virtual machine, which do the work of every statement of the page.
    let mut steps = |(room, _): (crate::state::RoomId, u64), query: PageQuery| {
        let count = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
        let counter = std::sync::Arc::clone(&count);
        let step = move || {
            counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            false
        };
        connection.progress_handler(1, Some(step)).expect("SQLite has it");
        let page = reader::read_page(&connection, room, query, 50, reader::PAGE_BYTES_MAX).expect("readable");
        assert_eq!(page.events.len(), 50, "{query:?}");
        count.load(std::sync::atomic::Ordering::Relaxed)
    };
    let halvings = |(_, posts): (crate::state::RoomId, u64)| u64::from(posts.ilog2()) + 1;
    for (kind, extra) in [("latest", 0), ("before", 0), ("after", 0), ("around", 0), ("at", LOOKUP_STEPS_MAX)]
    {
        for part in [2, 3] {
            let query = |(_, posts): (crate::state::RoomId, u64)| match kind {
                "latest" => PageQuery::Latest,
                "before" => PageQuery::Before(seq(posts * (part - 1) / part + 10)),
                "after" => PageQuery::After(seq(posts / part - 10)),
                "around" => PageQuery::Around(seq(posts / part)),
                _ => PageQuery::At(UnixMillis::new(posts / part * 1_000)),
            };
            let (few, many) = (steps(short, query(short)), steps(long, query(long)));
            println!("{kind}: {few} steps of 100, {many} of a million");
            assert!(few > 50, "{kind}: steps are counted");
            let most = few + (halvings(long) - halvings(short)) * extra;
            assert!(many <= most, "{kind}: {many} steps, {few} in a short room, at most {most}");
        }
    }
}

#[test]
fn a_changed_row_is_reported_and_never_served() {
    let dir = TempDir::new();
    let room = room(&dir);
    let other = rusqlite::Connection::open(dir.database()).expect("a second writer");
    other
        .execute("UPDATE events SET text = 'x' WHERE key = ?1", [row::key(room.lobby, seq(6))])
        .expect("the row is there");
    let error = room.reader.page(room.lobby, PageQuery::Latest, 100).expect_err("the page holds it");
    assert!(matches!(error, LogError::Damaged { seq: found, .. } if found == seq(6)), "{error}");
    assert!(room.reader.page(room.lobby, PageQuery::Latest, 6).is_ok(), "the others are served");
}

#[test]
fn what_cannot_be_used_is_named_and_left_as_it_is() {
    let check = |damage: &dyn Fn(&mut Vec<u8>), expected: fn(&OpenError) -> bool| {
        let dir = TempDir::new();
        drop(room(&dir));
        let mut bytes = std::fs::read(dir.database()).expect("readable");
        damage(&mut bytes);
        std::fs::write(dir.database(), &bytes).expect("writable");
        let error = open(&dir.0, &epoch()).err().expect("refused");
        assert!(expected(&error), "{error}");
        assert_eq!(std::fs::read(dir.database()).expect("readable"), bytes);
    };
    check(&|bytes| bytes[60..64].copy_from_slice(&9_u32.to_be_bytes()), |error| {
        matches!(error, OpenError::Newer { found: 9, .. })
    });
    check(&|bytes| bytes[..16].fill(b'x'), |error| matches!(error, OpenError::Foreign { .. }));
    check(&|bytes| bytes.truncate(50), |error| matches!(error, OpenError::Foreign { .. }));
    check(&|bytes| bytes[4_096..].fill(0xA5), |error| matches!(error, OpenError::Corrupt { .. }));
    check(&|bytes| bytes.truncate(4_096), |error| matches!(error, OpenError::Corrupt { .. }));
}

#[test]
fn two_servers_do_not_share_a_directory() {
    let dir = TempDir::new();
    let _room = room(&dir);
    assert!(matches!(open(&dir.0, &epoch()), Err(OpenError::InUse { .. })));
}

#[test]
fn a_backup_of_a_log_in_use_is_sound_and_restores_into_a_new_life() {
    let (dir, elsewhere) = (TempDir::new(), TempDir::new());
    let mut room = room(&dir);
    let file = elsewhere.0.join("backup");
    maintenance::backup(&dir.0, &file).expect("the log is readable while it is written");
    let again = maintenance::backup(&dir.0, &file).expect_err("nothing is overwritten");
    assert!(matches!(again, maintenance::MaintenanceError::Exists(_)), "{again}");

    let text = PostText::parse("after the backup").expect("legal");
    let post = Action::Post { room: room.lobby, text, action: false };
    write(&mut room.log, &mut room.model, &says(99, room.ana, post));

    let fresh = Epoch::parse("fresh").expect("legal");
    let report = maintenance::restore(&file, &elsewhere.0, &fresh).expect("the backup is sound");
    assert_eq!((report.events, report.rooms), (12, 1));
    let other = Epoch::parse("other").expect("legal");
    let (_log, _state, reader) = open(&elsewhere.0, &other).expect("it opens");
    assert_eq!(reader.epoch(), &fresh, "old clients reset");
    assert_eq!(reader.page(room.lobby, PageQuery::Latest, 1).expect("readable").head, seq(12));
    let occupied = maintenance::restore(&file, &elsewhere.0, &fresh).expect_err("there is a database");
    assert!(matches!(occupied, maintenance::MaintenanceError::Exists(_)), "{occupied}");
}

/// So that a text can be erased for good, and what happened when and by whom is known to be true all the same.
#[test]
fn the_sum_of_the_order_says_nothing_about_the_text() {
    let sums = |text: &str| {
        let dir = TempDir::new();
        let mut room = room(&dir);
        let text = PostText::parse(text).expect("legal");
        let post = Action::Post { room: room.lobby, text, action: false };
        write(&mut room.log, &mut room.model, &says(99_000, room.ana, post));
        let database = rusqlite::Connection::open(dir.database()).expect("it opens");
        let key = [row::key(room.lobby, seq(13))];
        let sums = database.query_row("SELECT sum, text_sum FROM events WHERE key = ?1", key, |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        });
        sums.expect("the row is there")
    };
    let (one, other) = (sums("one"), sums("other"));
    assert_eq!(one.0, other.0);
    assert_ne!(one.1, other.1);
}

#[test]
fn verify_finds_what_is_wrong() {
    let check = |sql: &str, problem: &str| {
        let dir = TempDir::new();
        drop(room(&dir));
        assert!(maintenance::verify_at(&dir.0).expect("readable").is_sound());
        rusqlite::Connection::open(dir.database()).expect("it opens").execute_batch(sql).expect("as written");
        let report = maintenance::verify_at(&dir.0).expect("readable");
        assert_eq!(report.problems, [problem], "{sql}");
    };
    let key = |number: u64| row::key(crate::state::RoomId(1), seq(number));
    check(
        &format!("DELETE FROM events WHERE key = {}", key(12)),
        "1 operations point at no event of their author",
    );
    check("DELETE FROM ops WHERE op = 'op3'", "1 events have an operation that is not remembered");
    check(
        &format!("UPDATE events SET kind = 4 WHERE key = {}", key(6)),
        "lobby: event 6 of room 1 is damaged on disk",
    );
    check(
        &format!("DELETE FROM events WHERE key = {0}; DELETE FROM ops WHERE key = {0}", key(6)),
        "lobby: event 6 is missing",
    );
    check(
        &format!("UPDATE events SET text = '?' WHERE key = {}", key(6)),
        "lobby: event 6 of room 1 is damaged on disk",
    );
    check("DELETE FROM members", "user 1 joined room 1 and is no member");
    check("INSERT INTO members VALUES (0, 1)", "user 0 is a member of room 1 without having joined");
    check("UPDATE users SET retired = 1 WHERE id = 1", "the token of user 1 does not fit");
    check("INSERT INTO rooms VALUES (7, 'empty', 0, 0)", "empty: event 1 is missing");
    check("UPDATE rooms SET written = 0", "lobby: it is not true whether anybody wrote in it");
    check("UPDATE users SET renamed = 'bo' WHERE id = 1", "user 1 joined room 1 as ana and is bo now");
    check(
        &format!("UPDATE events SET name = 'bo' WHERE key = {}", key(6)),
        "lobby: event 6 of room 1 is damaged on disk",
    );
    check("INSERT INTO meta VALUES ('last_room', '8388608')", "room 8388608 has an impossible number");
    check(
        &format!(
            "INSERT INTO events VALUES ({0}, 0, 0, 0, NULL, NULL, {1}, NULL, NULL)",
            row::key(crate::state::RoomId(9), seq(1)),
            row::order_sum(row::key(crate::state::RoomId(9), seq(1)), 0, 0, 0, None, None)
        ),
        "events of room 9, which is not there",
    );
}

#[test]
fn an_exported_room_is_imported_as_it_was() {
    let dir = TempDir::new();
    drop(room(&dir));
    let name = |name: &str| RoomName::parse(name).expect("legal");
    let mut lines = Vec::new();
    assert_eq!(maintenance::export(&dir.0, &name("lobby"), &mut lines).expect("readable"), 12);
    assert_eq!(
        maintenance::import(&dir.0, &name("copy"), &lines[..]).expect("importable"),
        13,
        "and ana leaves"
    );
    let mut copied = Vec::new();
    maintenance::export(&dir.0, &name("Copy"), &mut copied).expect("readable");
    // The authors of what is imported are nobody who can come back: users of their own.
    let copied = String::from_utf8(copied).expect("JSON").replace("\"user\":2,", "\"user\":1,");
    let copied = copied.replace("\"copy\"", "\"lobby\"");
    // So their operations mean nothing any more.
    let mut lines = String::from_utf8(lines).expect("JSON");
    assert_eq!((lines.matches("\"op\"").count(), copied.matches("\"op\"").count()), (10, 0));
    for number in 1..=10 {
        lines = lines.replace(&format!("\"op\":\"op{number}\","), "");
    }
    assert!(copied.starts_with(&lines));
    assert!(maintenance::verify_at(&dir.0).expect("readable").is_sound());

    let twice = maintenance::import(&dir.0, &name("copy"), lines.as_bytes()).expect_err("the room is there");
    assert!(matches!(twice, maintenance::MaintenanceError::RoomExists(_)), "{twice}");
    let lines = lines.as_bytes();
    let gap = lines.split_inclusive(|byte| *byte == b'\n').enumerate().filter(|(index, _)| *index != 4);
    let gap: Vec<u8> = gap.flat_map(|(_, line)| line.to_vec()).collect();
    let error = maintenance::import(&dir.0, &name("other"), &gap[..]).expect_err("a line is missing");
    assert_eq!(
        error.to_string(),
        "line 5 cannot be imported: it has seq 6, and 5 is due; nothing was imported"
    );
    let report = maintenance::verify_at(&dir.0).expect("readable");
    assert_eq!((report.rooms, report.is_sound()), (2, true));
}

/// Everything that a commit of these actions of ana's makes, in the log and in the model.
fn act(room: &mut Room, actions: impl IntoIterator<Item = Action>) {
    for action in actions {
        write(&mut room.log, &mut room.model, &says(20_000, room.ana, action));
    }
}

/// The log says what the model says, and a look through it finds nothing.
fn assert_agrees(dir: &TempDir, room: &mut Room) {
    assert_eq!(room.log.load().expect("readable"), room.model);
    let report = maintenance::verify_at(&dir.0).expect("readable");
    assert!(report.is_sound(), "{:?}", report.problems);
}

#[test]
fn an_event_keeps_the_name_of_then() {
    let dir = TempDir::new();
    let mut room = room(&dir);
    let lobby = room.lobby;
    let called = |name: &str| {
        let name = MemberName::parse(name).expect("legal");
        Action::Rename { name, from: Address::HOUSE }
    };
    let post = |text: &str| {
        let text = PostText::parse(text).expect("legal");
        Action::Post { room: lobby, text, action: false }
    };
    act(&mut room, [called("bo"), post("as bo"), called("ana"), post("as ana again")]);
    assert_agrees(&dir, &mut room);
    let page = room.reader.page(lobby, PageQuery::Latest, 8).expect("readable");
    let names: Vec<(&str, String)> =
        page.events.iter().map(|event| (event.by.as_str(), texts(std::slice::from_ref(event)))).collect();
    let expected = [
        ("ana", "9"),
        ("ana", "10"),
        ("ana", "leave"),
        ("bo", "join"),
        ("bo", "as bo"),
        ("bo", "leave"),
        ("ana", "join"),
        ("ana", "as ana again"),
    ];
    assert_eq!(names, expected.map(|(name, text)| (name, text.to_owned())));
}

#[test]
fn a_room_that_went_away_leaves_nothing_but_its_number() {
    let dir = TempDir::new();
    let mut room = room(&dir);
    let join = |name: &str| Action::Join { room: RoomName::parse(name).expect("legal"), create: true };
    let leave = |number: u32| Action::Leave { room: crate::state::RoomId(number) };
    act(&mut room, [join("a"), join("b"), join("c"), leave(3), leave(4)]);
    assert_agrees(&dir, &mut room);
    let gone = room.reader.page(crate::state::RoomId(4), PageQuery::Latest, 8);
    assert!(matches!(gone, Err(LogError::NoSuchRoom)), "{gone:?}");

    drop((room.log, room.reader));
    let (log, model, reader) = open(&dir.0, &epoch()).expect("it opens again");
    assert_eq!(model, room.model, "the next number too");
    let mut room = Room { log, model, reader, ..room };
    act(&mut room, [join("d"), leave(5), leave(2), join("e")]);
    assert_agrees(&dir, &mut room);
    let rooms: Vec<u32> = room.model.rooms().map(|(id, _)| id.0).collect();
    assert_eq!(rooms, [1, 6], "numbers are given once");
    assert_ne!(room.reader.epoch_of(crate::state::RoomId(6)), room.reader.epoch_of(crate::state::RoomId(4)));

    let (file, elsewhere) = (TempDir::new(), TempDir::new());
    let backup = file.0.join("backup");
    maintenance::backup(&dir.0, &backup).expect("readable");
    maintenance::restore(&backup, &elsewhere.0, &epoch()).expect("sound");
    let mut lines = Vec::new();
    let lobby = RoomName::parse("lobby").expect("legal");
    maintenance::export(&elsewhere.0, &lobby, &mut lines).expect("readable");
    let copy = RoomName::parse("copy").expect("legal");
    maintenance::import(&elsewhere.0, &copy, &lines[..]).expect("importable");
    let (_log, model, _reader) = open(&elsewhere.0, &epoch()).expect("it opens");
    let found =
        model.rooms().map(|(id, room)| (id.0, room.name.to_string(), room.written)).collect::<Vec<_>>();
    assert_eq!(found, [(1, "lobby".into(), true), (6, "e".into(), false), (7, "copy".into(), true)]);
}

#[test]
fn the_last_room_of_all_is_one_like_the_others() {
    let dir = TempDir::new();
    let mut room = room(&dir);
    let join = |name: &str| Action::Join { room: RoomName::parse(name).expect("legal"), create: true };
    room.model.absorb(&Change::RoomRemoved { id: crate::state::RoomId(crate::state::RoomId::END - 3) });
    let [silent, last] = ["silent", "last"].map(|name| {
        let joins = says(20_000, room.ana, join(name));
        let Outcome::Done { room, .. } = write(&mut room.log, &mut room.model, &joins) else { panic!() };
        room
    });
    assert_eq!(last.0, crate::state::RoomId::END - 1);
    let text = PostText::parse("words").expect("legal");
    let post = Action::Post { room: last, text, action: false };
    act(&mut room, [post, Action::Leave { room: silent }]);
    let page = room.reader.page(last, PageQuery::Latest, 9).expect("readable");
    assert_eq!(texts(&page.events), "create join words");
    assert_agrees(&dir, &mut room);
    let mut lines = Vec::new();
    let name = RoomName::parse("last").expect("legal");
    assert_eq!(maintenance::export(&dir.0, &name, &mut lines).expect("readable"), 3);
}

#[test]
fn names_that_no_rule_allows_any_more_stay() {
    let dir = TempDir::new();
    drop(room(&dir));
    let database = rusqlite::Connection::open(dir.database()).expect("it opens");
    // Two that look alike and one that nobody could choose, for people and for rooms.
    let names = [(2, "ANA"), (3, "\u{301}a b"), (4, &*"long".repeat(20))];
    for (id, name) in names {
        let sql = "INSERT INTO users (id, name, keep, token, seen_at) VALUES (?1, ?2, 2, ?3, 0)";
        database.execute(sql, (id, name, [id as u8 + 1; 32])).expect("the columns are these");
        let sql = "INSERT INTO rooms (id, name, created_at, written) VALUES (?1, ?2, 0, 0)";
        database.execute(sql, (id, if id == 2 { "LOBBY" } else { name })).expect("the columns are these");
        let (key, join) =
            (row::key(crate::state::RoomId(id), seq(1)), row::key(crate::state::RoomId(id), seq(2)));
        for (key, kind) in [(key, 0), (join, 1)] {
            let sum = row::order_sum(key, 0, i64::from(id), kind, None, None);
            let sql = "INSERT INTO events (key, at, user, kind, text, sum) VALUES (?1, 0, ?2, ?3, NULL, ?4)";
            database.execute(sql, (key, id, kind, sum)).expect("the columns are these");
        }
        database.execute("INSERT INTO members VALUES (?1, ?1)", [id]).expect("the columns are these");
    }
    drop(database);
    let report = maintenance::verify_at(&dir.0).expect("readable");
    assert!(report.is_sound(), "{:?}", report.problems);
    let (mut log, mut model, reader) = open(&dir.0, &epoch()).expect("it opens");
    let ana = MemberName::parse("ana").expect("legal");
    assert_eq!(model.holder(&ana.keys(), None), Some(UserId::of(1)), "the older holder");
    for (id, name) in names {
        let back = Action::ArriveWithToken { token: TokenHash([id as u8 + 1; 32]) };
        let arrived = Outcome::Arrived { user: UserId::of(id), name: MemberName::stored(name) };
        assert_eq!(write(&mut log, &mut model, &says(1_000, SERVER_USER, back)), arrived);
        let text = PostText::parse("I go on").expect("legal");
        let room = crate::state::RoomId(id);
        let post = Action::Post { room, text, action: false };
        write(&mut log, &mut model, &says(1_000, UserId::of(id), post));
        let page = reader.page(room, PageQuery::Latest, 1).expect("readable");
        assert_eq!((texts(&page.events), page.events[0].by.as_str()), ("I go on".into(), name));
    }
    let mut lines = Vec::new();
    let loud = RoomName::stored("LOBBY");
    assert_eq!(maintenance::export(&dir.0, &loud, &mut lines).expect("by its own spelling"), 3);
}
