//! A server that cannot start says why in one sentence, and leaves the data alone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use teahouse_tests::process::Process;
use teahouse_tests::python::python;
use teahouse_tests::server::{Server, command};
use teahouse_tests::tcp;

/// Every file below a folder with what is in it.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    if folder.is_file() {
        files.insert(folder.to_owned(), fs::read(folder).expect("readable"));
    }
    for entry in fs::read_dir(folder).into_iter().flatten() {
        files.extend(contents(&entry.expect("readable").path()));
    }
    files
}

/// Starts a server that must not start. Gives what it said.
async fn refused(data: &Path, listen: &str, folder: &Path) -> String {
    let before = contents(folder);
    let mut process = Process::spawn("server", command(data).args(["--listen", listen]));
    let finished = process.finish().await;
    assert_ne!(finished.code, Some(0), "{}", finished.stderr);
    assert!(finished.code.is_some(), "it ended by a signal");
    assert!(!finished.stdout.contains("listening on"), "{}", finished.stdout);
    let said = finished.stderr.trim().to_owned();
    assert!(!said.contains("panicked") && !said.contains("RUST_BACKTRACE"), "{said}");
    let errors = said.lines().filter(|line| !line.trim().is_empty()).count();
    assert_eq!(errors, 1, "one sentence: {said}");
    let after = contents(folder);
    for (file, bytes) in &before {
        assert!(after.get(file) == Some(bytes), "{} is untouched", file.display());
    }
    // SQLite may leave the empty files behind that it opens beside a database.
    for file in after.keys().filter(|file| !before.contains_key(*file)) {
        let name = file.to_string_lossy();
        assert!(name.ends_with("-wal") || name.ends_with("-shm") || name.ends_with(".lock"), "{name} is new");
    }
    said
}

/// A data folder in which somebody has chatted.
async fn used_data() -> (Server, PathBuf) {
    let mut server = Server::start().await;
    tcp::enter(&server, "ana").await.post("lobby", "留下").await;
    assert_eq!(server.stop().await.code, Some(0));
    let data = server.data();
    (server, data)
}

fn database(data: &Path) -> PathBuf {
    let files = contents(data);
    let is_database =
        |(file, bytes): (&PathBuf, &Vec<u8>)| bytes.starts_with(b"SQLite format 3\0").then(|| file.clone());
    files.iter().find_map(is_database).unwrap_or_else(|| panic!("no database in {files:?}"))
}

#[tokio::test]
async fn a_port_in_use() {
    let (_server, data) = used_data().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let said = refused(&data, &address, &data).await;
    assert!(said.contains(&address), "{said}");
    assert!(said.contains("in use"), "{said}");
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    fs::write(&file, "words").expect("writable");
    for data in [file.clone(), file.join("below")] {
        let said = refused(&data, "127.0.0.1:0", folder.path()).await;
        assert!(said.contains(&*data.to_string_lossy()), "it names the folder: {said}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_data_folder_that_cannot_be_written() {
    // Root may write anywhere but here.
    let data = Path::new("/proc/teahouse");
    let said = refused(data, "127.0.0.1:0", data).await;
    assert!(said.contains("/proc/teahouse"), "{said}");
}

#[tokio::test]
async fn data_of_a_newer_version() {
    let (_server, data) = used_data().await;
    let file = database(&data);
    let script = format!(
        "import sqlite3\n\
         with sqlite3.connect({file:?}) as db:\n    \
         db.execute('PRAGMA journal_mode = DELETE')\n    \
         db.execute('PRAGMA user_version = 9999')\n"
    );
    let finished = python(&script).finish().await;
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let said = refused(&data, "127.0.0.1:0", &data).await;
    assert!(said.contains("newer"), "{said}");
}

#[tokio::test]
async fn a_database_that_is_none() {
    let (_server, data) = used_data().await;
    let file = database(&data);
    let length = fs::read(&file).expect("readable").len();
    fs::write(&file, "茶".repeat(length / 3)).expect("writable");
    let said = refused(&data, "127.0.0.1:0", &data).await;
    assert!(said.contains(&*file.to_string_lossy()), "it names the file: {said}");
}

#[tokio::test]
async fn a_database_with_torn_pages() {
    let (_server, data) = used_data().await;
    let file = database(&data);
    let mut bytes = fs::read(&file).expect("readable");
    // The header stays, so that only looking inside shows it.
    for byte in &mut bytes[200..] {
        *byte ^= 0xA5;
    }
    fs::write(&file, bytes).expect("writable");
    let said = refused(&data, "127.0.0.1:0", &data).await;
    assert!(said.contains(&*file.to_string_lossy()), "it names the file: {said}");
}

#[tokio::test]
async fn options_that_make_no_sense() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut process =
        Process::spawn("server", command(&folder.path().join("data")).args(["--listen", "nonsense"]));
    let finished = process.finish().await;
    assert_ne!(finished.code, Some(0));
    assert!(finished.stderr.contains("nonsense"), "{}", finished.stderr);
}

#[tokio::test]
async fn a_time_zone_that_is_not_known_is_told_of() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let start = |zone: &str| {
        Process::spawn("server", command(&data).args(["--listen", "127.0.0.1:0"]).env("TZ", zone))
    };
    let mut lost = start("Nowhere/Land");
    lost.stderr
        .line("a word about it", |line| line.contains("TZ=Nowhere/Land") && line.contains("UTC"))
        .await;
    lost.terminate();
    lost.exit().await;
    let mut known = start("Asia/Shanghai");
    known.stdout.line("its address", |line| line.starts_with("listening on ")).await;
    known.terminate();
    let said = known.finish().await.stderr;
    assert!(!said.contains("TZ="), "{said}");
}
