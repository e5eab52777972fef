//! What was said is for those who were there: other accounts of the machine cannot read it from the disk.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use teahouse_tests::process::Process;
use teahouse_tests::server::{self, Server};
use teahouse_tests::tcp;
use tokio::process::Command;

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

/// The modes of everything in a folder.
fn modes(folder: &Path) -> BTreeMap<String, u32> {
    let entries = fs::read_dir(folder).expect("readable").map(|entry| entry.expect("readable"));
    entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), mode(&entry.path()))).collect()
}

fn assert_private(data: &Path) {
    assert_eq!(mode(data), 0o700);
    let modes = modes(data);
    assert!(modes.contains_key("teahouse.db"), "{modes:?}");
    for (file, mode) in modes {
        assert_eq!(mode, 0o600, "{file}");
    }
}

/// A server whose umask is another one.
async fn with_umask(umask: &str, data: &Path) -> Process {
    let server = server::command(data);
    let server = server.as_std();
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"]).arg(server.get_program());
    shell.args(server.get_args()).args(["--listen", "127.0.0.1:0"]);
    let process = Process::spawn("server", &mut shell);
    process.stdout.line("its address", |line| line.starts_with("listening on")).await;
    process
}

#[tokio::test]
async fn new_data_is_private_whatever_the_umask() {
    for umask in ["000", "022", "077", "777"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = folder.path().join("deep").join("data");
        let mut server = with_umask(umask, &data).await;
        assert_private(&data);
        server.terminate();
        assert_eq!(server.exit().await.code(), Some(0), "{umask}");
        let mut again = with_umask(umask, &data).await;
        assert_private(&data);
        again.kill();
        again.exit().await;
        assert_private(&data);

        let backup = folder.path().join("backup");
        let mut command = server::command(&data);
        let finished = Process::spawn("backup", command.arg("backup").arg(&backup)).finish().await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert_eq!(mode(&backup), 0o600);
        let restored = folder.path().join("restored");
        let mut command = server::command(&restored);
        let finished = Process::spawn("restore", command.arg("restore").arg(&backup)).finish().await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert_private(&restored);
    }
}

#[tokio::test]
async fn data_that_others_could_read_is_made_private_and_the_log_says_so() {
    let mut server = Server::start().await;
    tcp::enter(&server, "ana").await.post("lobby", "unter uns").await;
    server.kill().await;
    let data = server.data();
    set_mode(&data, 0o755);
    for file in modes(&data).keys() {
        set_mode(&data.join(file), 0o644);
    }
    server.start_again().await;
    assert_private(&data);
    for what in ["data (mode 0755)", "teahouse.db (mode 0644)", "teahouse.db-wal (mode 0644)"] {
        server.wait_for_log(what, |line| line.contains("WARN") && line.contains(what)).await;
    }
    tcp::enter(&server, "bo").await;
    server.stop().await;
    server.start_again().await;
    let log = server.stop().await.stderr;
    assert!(!log.contains("others"), "it is said once: {log}");
}

#[tokio::test]
async fn a_directory_with_other_things_in_it_stays_as_it_is() {
    let mut server = Server::start().await;
    server.stop().await;
    let data = server.data();
    fs::write(data.join("letter"), "not Teahouse's").expect("writable");
    for (file, mode) in [("letter", 0o644), ("teahouse.db", 0o644)] {
        set_mode(&data.join(file), mode);
    }
    set_mode(&data, 0o755);
    server.start_again().await;
    server.wait_for_log("a word about it", |line| line.contains("holds other things")).await;
    assert_eq!((mode(&data), mode(&data.join("letter"))), (0o755, 0o644));
    assert_eq!(mode(&data.join("teahouse.db")), 0o600);
}
