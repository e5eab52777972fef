//! What an administrator does where the disk is full or cannot be written.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use teahouse_tests::process::{Finished, Process};
use teahouse_tests::server::{self, redirected};

use crate::disk::Disk;
use crate::host::{Host, Spec};
use crate::run::{Run, Tally};

/// What every program says of a disk without room.
const NO_ROOM: &str = "No space left on device";
const READ_ONLY: &str = "Read-only file system";

async fn task(data: &Path, words: &[&str]) -> Finished {
    Process::spawn(words[0], server::command(data).args(words)).finish().await
}

/// A start that must not work. Gives what it said.
async fn refused(data: &Path) -> String {
    let finished = task(data, &["--listen", "127.0.0.1:0"]).await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let said = finished.stderr.trim().to_owned();
    assert!(!said.contains("I/O error"), "in the words of people: {said}");
    assert!(said.contains(&*data.to_string_lossy()), "it names the directory: {said}");
    said
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).expect("readable").map(|entry| entry.expect("readable").path());
    entries.map(|path| (path.clone(), fs::read(&path).expect("readable"))).collect()
}

/// A disk with the data of a server that was killed, so that its write-ahead log is full of what the database lacks.
async fn used_disk() -> Disk {
    let disk = Disk::new();
    let mut host = Host::start(&disk.data(), Spec::default()).await;
    host.kill().await;
    disk
}

fn done(run: &Run) {
    run.finish(&Tally { cycles: 1, ..Tally::default() });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_on_a_full_disk_says_that_it_is_full() {
    let run = Run::begin("start on a full disk");
    // From nothing at all to nearly enough, for a first start and for a later one.
    for free in [0, 4_096, 20_000, 60_000] {
        let disk = Disk::new();
        disk.leave_free(Some(free));
        assert!(refused(&disk.data()).await.contains(NO_ROOM), "{free} bytes are free");
        disk.leave_free(None);
        Host::start(&disk.data(), Spec::default()).await.stop().await;
    }
    for free in [0, 4_096] {
        let disk = used_disk().await;
        // The index of the write-ahead log is made anew at a start.
        fs::remove_file(disk.data().join("teahouse.db-shm")).expect("it was left behind");
        disk.leave_free(Some(free));
        assert!(refused(&disk.data()).await.contains(NO_ROOM), "{free} bytes are free");
        disk.leave_free(None);
        Host::start(&disk.data(), Spec::default()).await.stop().await;
    }
    done(&run);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_reads_works_on_a_medium_that_cannot_be_written() {
    let run = Run::begin("administration of a read-only disk");
    let disk = used_disk().await;
    let data = disk.data();
    let before = contents(&data);
    disk.set_read_only(true);
    assert!(refused(&data).await.contains(READ_ONLY));
    let verified = task(&data, &["verify"]).await;
    assert_eq!(verified.code, Some(0), "{verified:?}");
    let exported = task(&data, &["export", "--room", "lobby"]).await;
    assert_eq!(exported.code, Some(0), "{exported:?}");
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let backup = elsewhere.path().join("backup").to_string_lossy().into_owned();
    let made = task(&data, &["backup", &backup]).await;
    assert_eq!(made.code, Some(0), "{made:?}");
    let restored = elsewhere.path().join("data");
    let finished = task(&restored, &["restore", &backup]).await;
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert_eq!(task(&restored, &["export", "--room", "lobby"]).await.stdout, exported.stdout);
    // What has to write says what it cannot write.
    for words in [&["restore", &backup][..], &["import", "--room", "new"]] {
        let mut command = server::command(&data.join("deeper"));
        if words[0] == "import" {
            command = server::command(&data);
        }
        let finished =
            Process::spawn(words[0], &mut redirected(command.args(words), "</dev/null")).finish().await;
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(finished.stderr.contains(READ_ONLY), "{}", finished.stderr);
    }
    assert!(contents(&data) == before, "nothing is changed");
    disk.set_read_only(false);
    Host::start(&data, Spec::default()).await.stop().await;
    done(&run);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_finds_no_room_leaves_nothing_behind() {
    let run = Run::begin("backup to a full disk");
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let data = elsewhere.path().join("data");
    Host::start(&data, Spec::default()).await.stop().await;
    let good = elsewhere.path().join("backup").to_string_lossy().into_owned();
    assert_eq!(task(&data, &["backup", &good]).await.code, Some(0));
    for free in [0, 4_096, 20_000] {
        let disk = Disk::new();
        disk.leave_free(Some(free));
        let before = contents(disk.path());
        let backup = disk.path().join("backup").to_string_lossy().into_owned();
        let finished = task(&data, &["backup", &backup]).await;
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(finished.stderr.contains(NO_ROOM), "{free}: {}", finished.stderr);
        assert!(contents(disk.path()) == before, "{free}: nothing is left");
        let finished = task(disk.path(), &["restore", &good]).await;
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(finished.stderr.contains(NO_ROOM), "{free}: {}", finished.stderr);
        disk.leave_free(None);
        assert_eq!(task(disk.path(), &["restore", &good]).await.code, Some(0), "and it works when there is");
    }
    done(&run);
}
