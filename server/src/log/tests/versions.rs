//! Databases of earlier and of later versions.

use super::*;

/// Made by the program before names could change and rooms go away.
const VERSION_1: &[u8] = include_bytes!("../fixtures/version-1.db");

#[test]
fn a_database_of_version_1_opens_with_everything_in_it() {
    let (dir, elsewhere) = (TempDir::new(), TempDir::new());
    std::fs::write(dir.database(), VERSION_1).expect("writable");
    let report = maintenance::verify_at(&dir.database()).expect("an old backup is readable");
    assert_eq!((report.problems, report.rooms, report.events), (Vec::new(), 6, 20));
    let tea = RoomName::parse("茶").expect("legal");
    let mut lines = Vec::new();
    assert_eq!(maintenance::export(&dir.0, &tea, &mut lines).expect("readable"), 3);
    maintenance::restore(&dir.database(), &elsewhere.0, &epoch()).expect("an old backup is restored");
    let copy = RoomName::parse("copy").expect("legal");
    maintenance::import(&elsewhere.0, &copy, &lines[..]).expect("importable");

    for (dir, copies) in [(&dir, 0), (&elsewhere, 1)] {
        let (mut log, mut model, reader) = open(&dir.0, &epoch()).expect("it opens");
        crate::order::prepare(&mut log, &mut model, &crate::clock::Clock::default()).expect("the disk works");
        let rooms: Vec<String> = model.rooms().map(|(_, room)| room.name.to_string()).collect();
        let expected = ["lobby", "茶", "silent", "written-and-left", "copy"];
        assert_eq!(rooms, expected[..4 + copies], "but for the rooms that nobody is in or wrote in");
        let users: Vec<_> = model.users().map(|(_, user)| (user.name.to_string(), user.keep)).collect();
        let keeps =
            [("teahouse", Keep::Proven), ("ana", Keep::Proven), ("bo", Keep::No), ("cai", Keep::Proven)];
        assert_eq!(users, keeps.map(|(name, keep)| (name.to_owned(), keep)), "guests have a new lease");
        let page = reader.page(crate::state::RoomId(2), PageQuery::Latest, 9).expect("readable");
        assert_eq!(texts(&page.events), "create join 好茶");
        let copied = if copies == 1 { 7 } else { 6 };
        let join = Action::Join { room: RoomName::parse("new").expect("legal"), create: true };
        let joins = says(1_795_334_500_000, UserId::of(1), join);
        let Outcome::Done { room, .. } = write(&mut log, &mut model, &joins) else { panic!() };
        assert_eq!(room.0, copied + 1, "no number is given again");
        let report = maintenance::verify_at(&dir.0).expect("readable");
        assert!(report.is_sound(), "{:?}", report.problems);
    }
}

/// Made by the program before an event knew its operation, through its door: rooms, posts with and without an operation,
/// what somebody does, another name, rooms that went away, a token that was used again and one that was not, a lease, and
/// somebody who signed out.
const VERSION_2: &[u8] = include_bytes!("../fixtures/version-2.db");

/// The hash of the token that ana was given in there.
const ANA_S_TOKEN: &str = "X-EqN6KiX0fZC_kXx4TkZIzK6Egm5pXyUAonupTdM18";

#[test]
fn a_database_of_version_2_opens_with_everything_in_it() {
    let (dir, elsewhere) = (TempDir::new(), TempDir::new());
    std::fs::write(dir.database(), VERSION_2).expect("writable");
    let report = maintenance::verify_at(&dir.database()).expect("an old backup is readable");
    assert_eq!((report.problems, report.rooms, report.events), (Vec::new(), 4, 20));
    let tea = RoomName::parse("茶").expect("legal");
    let mut lines = Vec::new();
    assert_eq!(maintenance::export(&dir.0, &tea, &mut lines).expect("readable"), 9);
    maintenance::restore(&dir.database(), &elsewhere.0, &epoch()).expect("an old backup is restored");
    let version = std::fs::read(elsewhere.database()).expect("readable")[60..64].to_vec();
    assert_eq!(version, migrations::VERSION.to_be_bytes(), "and is none any more");

    for (dir, life) in [(&dir, "b64i0u9nja2f"), (&elsewhere, epoch().as_str())] {
        let (mut log, model, reader) =
            open(&dir.0, &Epoch::parse("fresh").expect("legal")).expect("it opens");
        assert_eq!(reader.epoch().as_str(), life);
        let rooms =
            model.rooms().map(|(id, room)| (id.0, room.name.to_string(), room.head.get(), room.members));
        let expected = [(1, "lobby", 5, 2), (2, "茶", 9, 2), (3, "silent", 2, 1), (5, "left", 4, 0)];
        let expected = expected.map(|(id, name, head, members)| (id, name.to_owned(), head, members));
        assert_eq!(rooms.collect::<Vec<_>>(), expected);
        let users: Vec<_> = model.users().map(|(_, user)| (user.name.as_str(), user.keep)).collect();
        let (kept, asked) = (Keep::Proven, Keep::Asked);
        assert_eq!(users, [("teahouse", kept), ("ana", kept), ("bobo", Keep::No), ("cai", asked)]);
        let token = TokenHash(
            sha2::Digest::finalize(sha2::Digest::chain_update(
                <sha2::Sha256 as sha2::Digest>::new(),
                ANA_S_TOKEN,
            ))
            .into(),
        );
        assert_eq!(model.bearer(&token).map(|(id, _)| id), Some(UserId::of(1)));

        let page = reader.page(crate::state::RoomId(2), PageQuery::Latest, 99).expect("readable");
        assert_eq!(texts(&page.events), "create join 你好 waves join bo too leave join as bobo");
        let op = |event: &PageEvent| event.op.as_ref().map(|op| op.as_str().to_owned());
        let told: Vec<_> =
            page.events.iter().map(|event| (event.user.get(), event.by.as_str(), op(event))).collect();
        let with = |op: &str| Some(op.to_owned());
        let expected = [
            (1, "ana", None),
            (1, "ana", None),
            (1, "ana", with("first")),
            (1, "ana", with("second")),
            (2, "bo", None),
            (2, "bo", with("first")),
            (2, "bo", None),
            (2, "bobo", None),
            (2, "bobo", with("renamed")),
        ];
        assert_eq!(told, expected);
        assert!(matches!(page.events[3].kind, EventKind::Post { action: true, .. }));

        let batch = log.begin().expect("the disk works");
        let made = |user: u32, op: &str| batch.made_by(UserId::of(user), &OpId::parse(op).expect("legal"));
        let post = |room: u32, at: u64| {
            Some(Made { work: Work::Post, room: crate::state::RoomId(room), seq: seq(at) })
        };
        let found = [made(1, "first"), made(2, "first"), made(3, "c.1"), made(4, "bye"), made(3, "first")];
        assert_eq!(found, [post(2, 3), post(2, 6), post(1, 5), post(5, 3), None]);
        drop(batch);
        let report = maintenance::verify_at(&dir.0).expect("readable");
        assert_eq!((report.problems, report.rooms, report.events), (Vec::new(), 4, 20));
    }
}

#[test]
fn a_migration_makes_nothing_sound_that_is_damaged() {
    let dir = TempDir::new();
    std::fs::write(dir.database(), VERSION_2).expect("writable");
    let database = rusqlite::Connection::open(dir.database()).expect("it opens");
    let key = row::key(crate::state::RoomId(2), seq(3));
    database.execute("UPDATE events SET text = '你坏' WHERE key = ?1", [key]).expect("the row is there");
    drop(database);
    let (_log, _model, reader) = open(&dir.0, &epoch()).expect("it opens");
    let error = reader.page(crate::state::RoomId(2), PageQuery::Latest, 99).expect_err("the page holds it");
    assert!(matches!(error, LogError::Damaged { seq: found, .. } if found == seq(3)), "{error}");
    let report = maintenance::verify_at(&dir.0).expect("readable");
    assert_eq!(report.problems, ["茶: event 3 of room 2 is damaged on disk"]);
}

/// An earlier program looks at the first bytes of the file and not into the write-ahead log beside it.
#[test]
fn a_database_that_was_migrated_says_so_in_its_first_bytes() {
    let dir = TempDir::new();
    std::fs::write(dir.database(), VERSION_1).expect("writable");
    let version = || std::fs::read(dir.database()).expect("readable")[60..64].to_vec();
    assert_eq!(version(), 1_u32.to_be_bytes());
    let _open = open(&dir.0, &epoch()).expect("it opens");
    assert_eq!(version(), migrations::VERSION.to_be_bytes());
}

#[test]
fn what_a_newer_program_left_in_the_write_ahead_log_is_seen() {
    let dir = TempDir::new();
    drop(room(&dir));
    let newer = rusqlite::Connection::open(dir.database()).expect("it opens");
    newer.pragma_update(None, "user_version", 9).expect("the disk works");
    assert!(header::check_header(&dir.database()).is_ok(), "it is in no first bytes");
    let is_newer = |error: &OpenError| matches!(error, OpenError::Newer { found: 9, .. });
    assert!(open(&dir.0, &epoch()).is_err_and(|error| is_newer(&error)));
    let verified = maintenance::verify_at(&dir.0).expect_err("refused");
    assert!(matches!(verified, maintenance::MaintenanceError::Open(error) if is_newer(&error)));
    let imported = maintenance::import(&dir.0, &RoomName::parse("new").expect("legal"), &b""[..]);
    let refused = imported.expect_err("refused");
    assert!(matches!(refused, maintenance::MaintenanceError::Open(error) if is_newer(&error)));
}
