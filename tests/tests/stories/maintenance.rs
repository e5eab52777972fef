//! Backup, verify, restore, export and import, by an administrator whose files, links and disks are as they are.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use teahouse_tests::process::{Finished, Process};
use teahouse_tests::server::{self, Server, redirected};
use teahouse_tests::tcp;
use tempfile::TempDir;

/// Everything in a folder: names, contents, and where links lead.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut contents = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        let found = match fs::read_link(&path) {
            Ok(to) => to.to_string_lossy().into_owned().into_bytes(),
            Err(_) if !path.is_file() => Vec::new(),
            Err(_) => fs::read(&path).expect("readable"),
        };
        contents.insert(path, found);
    }
    contents
}

async fn task(data: &Path, words: &[&str]) -> Finished {
    let mut process = Process::spawn(words[0], server::command(data).args(words));
    process.close_input();
    process.finish().await
}

async fn import(data: &Path, room: &str, lines: &[u8]) -> Finished {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("lines");
    fs::write(&file, lines).expect("writable");
    let mut command = server::command(data);
    command.args(["import", "--room", room]);
    Process::spawn("import", &mut redirected(&command, &format!("<{}", file.display()))).finish().await
}

async fn export(data: &Path, room: &str) -> String {
    let finished = task(data, &["export", "--room", room]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    finished.stdout
}

async fn assert_sound(path: &Path) {
    let finished = task(path, &["verify"]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
}

/// Data in which ana chatted, of a server that was killed or has stopped.
async fn used_data(killed: bool) -> (Server, PathBuf) {
    let mut server = Server::start().await;
    let mut ana = tcp::enter(&server, "ana").await;
    for number in 1..=20 {
        ana.post("lobby", &format!("第 {number} 句")).await;
    }
    if killed {
        server.kill().await
    } else {
        drop(server.stop().await)
    }
    let data = server.data();
    (server, data)
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("backup");
    (folder, file)
}

#[tokio::test]
async fn a_backup_follows_no_link_and_overwrites_nothing() {
    let server = Server::start().await;
    tcp::enter(&server, "ana").await.post("lobby", "words").await;
    let data = server.data();
    let (folder, backup) = place();
    let victim = folder.path().join("victim");
    let letter = folder.path().join("letter");
    fs::write(&victim, "somebody's database").expect("writable");
    fs::write(&letter, "somebody's letter").expect("writable");
    // What an earlier version would have written through, or removed.
    symlink(&victim, folder.path().join("backup.partial")).expect("a link");
    symlink(&victim, folder.path().join(".backup.partial")).expect("a link");
    let before = contents(folder.path());
    let to = backup.to_string_lossy().into_owned();
    let finished = task(&data, &["backup", &to]).await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let mut after = contents(folder.path());
    assert!(after.remove(&backup).is_some_and(|bytes| bytes.starts_with(b"SQLite format 3\0")));
    assert_eq!(after, before);
    assert_sound(&backup).await;

    // Places that are taken: a file, a link, a link to nowhere, a directory, a pipe, the database itself.
    let dangling = folder.path().join("dangling");
    symlink(folder.path().join("nowhere"), &dangling).expect("a link");
    let link = folder.path().join("link");
    symlink(&letter, &link).expect("a link");
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo starts").success());
    let before: Vec<_> = [&letter, &link, &dangling, &victim]
        .map(|path| fs::symlink_metadata(path).expect("there").len())
        .into();
    let database = data.join("teahouse.db");
    for (taken, word) in [
        (&letter, "is there already"),
        (&link, "is there already"),
        (&dangling, "is there already"),
        (&pipe, "is there already"),
        (&database, "is there already"),
        (&folder.path().to_owned(), "is a directory"),
        (&folder.path().join("missing/backup"), "missing"),
    ] {
        let finished = task(&data, &["backup", &taken.to_string_lossy()]).await;
        assert_eq!(finished.code, Some(1), "{taken:?}: {finished:?}");
        assert!(finished.stderr.contains(word), "{taken:?}: {}", finished.stderr);
    }
    let after: Vec<_> = [&letter, &link, &dangling, &victim]
        .map(|path| fs::symlink_metadata(path).expect("there").len())
        .into();
    assert_eq!(after, before);
    assert!(!folder.path().join("nowhere").exists());
    let left = contents(folder.path());
    assert!(
        !left.keys().any(|file| file.to_string_lossy().contains(".backup.") && !file.is_symlink()),
        "{left:?}"
    );
}

#[tokio::test]
async fn of_two_backups_to_one_file_one_is_made() {
    let server = Server::start().await;
    tcp::enter(&server, "ana").await.post("lobby", "words").await;
    let (folder, backup) = place();
    let to = backup.to_string_lossy().into_owned();
    let data = server.data();
    let words = ["backup", to.as_str()];
    let (one, two) = tokio::join!(task(&data, &words), task(&data, &words));
    let mut codes = [one.code, two.code];
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(1)], "{one:?} {two:?}");
    assert_sound(&backup).await;
    assert_eq!(contents(folder.path()).len(), 1, "and nothing else is left");
}

#[tokio::test]
async fn what_an_ended_backup_left_behind_is_named() {
    let (_server, data) = used_data(false).await;
    for name in ["backup", "备份.db", &"long".repeat(50)] {
        let (folder, _) = place();
        let backup = folder.path().join(name);
        let begin: String = name.chars().take(40).collect();
        let left = folder.path().join(format!(".{begin}.x1Y2z3.partial"));
        fs::write(&left, "half").expect("writable");
        let finished = task(&data, &["backup", &backup.to_string_lossy()]).await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert!(finished.stderr.contains(&*left.to_string_lossy()), "{name}: {}", finished.stderr);
        assert!(left.exists(), "it may be of a backup that is under way");
        assert_eq!(contents(folder.path()).len(), 2, "{name}");
    }
}

#[tokio::test]
async fn restore_takes_only_a_place_that_is_free() {
    let (_server, data) = used_data(false).await;
    let (folder, backup) = place();
    let from = backup.to_string_lossy().into_owned();
    assert_eq!(task(&data, &["backup", &from]).await.code, Some(0));
    for taken in ["teahouse.db", "teahouse.db-wal"] {
        let other = folder.path().join(taken.replace('.', "-"));
        fs::create_dir(&other).expect("writable");
        symlink(folder.path().join("nowhere"), other.join(taken)).expect("a link");
        let finished = task(&other, &["restore", &from]).await;
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(finished.stderr.contains(taken), "{}", finished.stderr);
        assert!(!folder.path().join("nowhere").exists(), "no link is followed");
        assert_eq!(contents(&other).len(), 1);
    }
    let restored = folder.path().join("restored");
    assert_eq!(task(&restored, &["restore", &from]).await.code, Some(0));
    assert_eq!(export(&restored, "lobby").await, export(&data, "lobby").await);
    // A running server's directory is not made anew.
    let server = Server::start().await;
    let finished = task(&server.data(), &["restore", &from]).await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
}

#[tokio::test]
async fn what_only_reads_changes_nothing_and_misses_nothing() {
    for killed in [true, false] {
        let (_server, data) = used_data(killed).await;
        let has_log = data.join("teahouse.db-wal").exists();
        assert_eq!(has_log, killed, "a killed server leaves its write-ahead log behind");
        let (_folder, backup) = place();
        let before = contents(&data);
        assert_sound(&data).await;
        let lines = export(&data, "lobby").await;
        assert_eq!(
            lines.lines().filter(|line| line.contains("第 ")).count(),
            20,
            "with what is in the log alone"
        );
        assert_eq!(task(&data, &["backup", &backup.to_string_lossy()]).await.code, Some(0));
        assert!(contents(&data) == before, "not a byte, not a file: killed {killed}");
        // Without its index the log is read all the same.
        if killed {
            fs::remove_file(data.join("teahouse.db-shm")).expect("it was left behind");
            let before = contents(&data);
            assert_eq!(export(&data, "lobby").await, lines);
            assert!(contents(&data) == before);
        }
        let copy = backup.with_file_name("data");
        assert_eq!(task(&copy, &["restore", &backup.to_string_lossy()]).await.code, Some(0));
        assert_eq!(export(&copy, "lobby").await, lines);
    }
}

#[tokio::test]
async fn a_backup_that_can_only_be_read_is_verified_and_restored() {
    let (_server, data) = used_data(false).await;
    let (folder, backup) = place();
    let from = backup.to_string_lossy().into_owned();
    assert_eq!(task(&data, &["backup", &from]).await.code, Some(0));
    let medium = folder.path().join("medium % ? #");
    fs::create_dir(&medium).expect("writable");
    let there = medium.join("backup");
    fs::rename(&backup, &there).expect("the same disk");
    fs::set_permissions(&there, fs::Permissions::from_mode(0o444)).expect("ours");
    fs::set_permissions(&medium, fs::Permissions::from_mode(0o555)).expect("ours");
    let before = contents(&medium);
    let from = there.to_string_lossy().into_owned();
    let finished = task(&data, &["verify", &from]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stdout.contains(&from), "{}", finished.stdout);
    let restored = folder.path().join("restored");
    assert_eq!(task(&restored, &["restore", &from]).await.code, Some(0));
    assert_sound(&restored).await;
    assert!(contents(&medium) == before);
    fs::set_permissions(&medium, fs::Permissions::from_mode(0o755)).expect("ours");

    let missing = folder.path().join("missing").to_string_lossy().into_owned();
    let finished = task(&data, &["verify", &missing]).await;
    assert!(finished.stderr.contains(&missing), "it names what was asked for: {}", finished.stderr);
}

#[tokio::test]
async fn a_write_ahead_log_without_its_database_is_never_taken_for_anothers() {
    let (_server, data) = used_data(true).await;
    fs::remove_file(data.join("teahouse.db")).expect("nobody uses it");
    let before = contents(&data);
    let mut start = Process::spawn("server", server::command(&data).args(["--listen", "127.0.0.1:0"]));
    let finished = start.finish().await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains("teahouse.db-wal"), "{}", finished.stderr);
    assert!(contents(&data) == before);
}

fn event(seq: u64, by: &str, kind: &str, text: Option<&str>) -> String {
    let mut event = json!({"type": "event", "room": "old", "seq": seq, "at": "2026-11-22T08:00:00.000Z", "user": 1, "by": by, "kind": kind});
    if let Some(text) = text {
        event["text"] = json!(text);
    }
    event.to_string()
}

#[tokio::test]
async fn an_import_obeys_the_rules_or_changes_nothing() {
    let (_server, data) = used_data(false).await;
    let create = event(1, "ana", "create", None);
    let join = event(2, "ana", "join", None);
    let post = |seq: u64, text: &str| event(seq, "ana", "post", Some(text));
    let head = |last: String| format!("{create}\n{join}\n{last}\n").into_bytes();
    let other_room = post(3, "x").replace("\"old\"", "\"other\"");
    let before = contents(&data);
    let refused: Vec<(Vec<u8>, usize, &str)> = vec![
        (head(event(3, "ana", "create", None)), 3, "made already"),
        (head(post(3, &"x".repeat(8_001))), 3, "8001 characters"),
        (head(post(3, &"x".repeat(1_100_000))), 3, "1048576 bytes"),
        ([head(String::new()), vec![b'x'; 100_000_000]].concat(), 4, "1048576 bytes"),
        (head(post(3, "")), 3, "empty"),
        (head(event(3, "ana", "post", None)), 3, "text"),
        (head(event(3, "teahouse", "post", Some("I am the server"))), 3, "teahouse"),
        (head(event(3, "Tеahouse", "join", None)), 3, "server"),
        (head(post(4, "x")), 3, "3 is due"),
        (head(post(2, "x")), 3, "3 is due"),
        (head(event(3, "ana", "dance", None)), 3, "no event"),
        (head(event(3, "a b", "join", None)), 3, "spaces"),
        (head(other_room), 3, "other"),
        (head("{\"type\":".into()), 3, "EOF"),
        (head("\u{feff}".to_owned() + &post(3, "x")), 3, "expected value"),
        (format!("{create}\n").into_bytes().into_iter().chain([0xFF, b'\n']).collect(), 2, "UTF-8"),
        (format!("{join}\n").into_bytes(), 1, "1 is due"),
        (event(1, "ana", "join", None).into_bytes(), 1, "create"),
        (b"".to_vec(), 1, "nothing"),
        (b"\n\r\n".to_vec(), 2, "nothing"),
    ];
    for (lines, line, words) in refused {
        let finished = import(&data, "new", &lines).await;
        let shown = String::from_utf8_lossy(&lines[..lines.len().min(300)]).into_owned();
        assert_eq!(finished.code, Some(1), "{shown}: {finished:?}");
        assert!(finished.stderr.contains(&format!("line {line} ")), "{shown}: {}", finished.stderr);
        assert!(finished.stderr.contains(words), "{words}: {}", finished.stderr);
        assert_sound(&data).await;
        assert!(
            task(&data, &["export", "--room", "new"]).await.code == Some(1),
            "there is no such room: {shown}"
        );
    }
    let room_there = import(&data, "Lobby", create.as_bytes()).await;
    assert_eq!(room_there.code, Some(1), "{room_there:?}");
    assert_eq!(contents(&data).keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());

    // What other programs add is passed over.
    let post = post(3, "你好\u{1}");
    let lines = format!("\u{feff}{create}\r\n\r\n{join}\r\n  \n{post}");
    let finished = import(&data, "new", lines.as_bytes()).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_sound(&data).await;
    let written = export(&data, "new").await;
    let texts: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(texts[2]["text"], "你好\u{1}");
}

/// An export as earlier versions made it. The authors of what is imported are users of their own.
fn without_numbers(export: &str) -> String {
    let lines = export.lines().map(|line| {
        let mut event: Value = serde_json::from_str(line).expect("JSON");
        event.as_object_mut().expect("an object").remove("user").expect("every event has a user");
        event.to_string() + "\n"
    });
    lines.collect()
}

#[tokio::test]
async fn a_room_goes_through_a_file_and_back() {
    let (mut server, data) = used_data(false).await;
    let lobby = export(&data, "lobby").await;
    // By the server itself is the room's beginning, and nothing else.
    assert!(lobby.lines().next().is_some_and(|line| line.contains("\"by\":\"teahouse\"")), "{lobby}");
    assert_eq!(import(&data, "copy", lobby.as_bytes()).await.code, Some(0));
    let copy = export(&data, "copy").await;
    assert_eq!(import(&data, "copy2", without_numbers(&copy).as_bytes()).await.code, Some(0));
    let again = export(&data, "copy2").await.replace("\"copy2\"", "\"copy\"");
    assert_eq!(without_numbers(&again), without_numbers(&copy), "the same again");
    let copy = copy.replace("\"copy\"", "\"lobby\"");
    let (copy, lobby) = (without_numbers(&copy), without_numbers(&lobby));
    assert!(copy.starts_with(&lobby), "and whoever was there has left");
    assert_sound(&data).await;
    server.start_again().await;
    let mut bo = tcp::connect(&server).await;
    bo.hello("bo").await;
    bo.enter("copy").await;
    bo.post("copy", "it lives").await;
    assert_eq!(bo.posts("copy").await.last(), Some(&("bo".to_owned(), "it lives".to_owned())));
    assert_eq!(server.stop().await.code, Some(0));
    assert_sound(&data).await;
}
