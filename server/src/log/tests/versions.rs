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
        crate::order::prepare(&mut log, &mut model).expect("the disk works");
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
        let join =
            Action::Join { user: UserId::of(1), room: RoomName::parse("new").expect("legal"), create: true };
        let Outcome::Done { room, .. } = write(&mut log, &mut model, 1_795_334_500_000, join) else {
            panic!()
        };
        assert_eq!(room.0, copied + 1, "no number is given again");
        let report = maintenance::verify_at(&dir.0).expect("readable");
        assert!(report.is_sound(), "{:?}", report.problems);
    }
}

/// An earlier program looks at the first bytes of the file and not into the write-ahead log beside it.
#[test]
fn a_database_that_was_migrated_says_so_in_its_first_bytes() {
    let dir = TempDir::new();
    std::fs::write(dir.database(), VERSION_1).expect("writable");
    let version = || std::fs::read(dir.database()).expect("readable")[60..64].to_vec();
    assert_eq!(version(), 1_u32.to_be_bytes());
    let _open = open(&dir.0, &epoch()).expect("it opens");
    assert_eq!(version(), schema::VERSION.to_be_bytes());
}

#[test]
fn what_a_newer_program_left_in_the_write_ahead_log_is_seen() {
    let dir = TempDir::new();
    drop(room(&dir));
    let newer = rusqlite::Connection::open(dir.database()).expect("it opens");
    newer.pragma_update(None, "user_version", 9).expect("the disk works");
    assert!(open::check_header(&dir.database()).is_ok(), "it is in no first bytes");
    let is_newer = |error: &OpenError| matches!(error, OpenError::Newer { found: 9, .. });
    assert!(open(&dir.0, &epoch()).is_err_and(|error| is_newer(&error)));
    let verified = maintenance::verify_at(&dir.0).expect_err("refused");
    assert!(matches!(verified, maintenance::MaintenanceError::Open(error) if is_newer(&error)));
    let imported = maintenance::import(&dir.0, &RoomName::parse("new").expect("legal"), &b""[..]);
    let refused = imported.expect_err("refused");
    assert!(matches!(refused, maintenance::MaintenanceError::Open(error) if is_newer(&error)));
}
