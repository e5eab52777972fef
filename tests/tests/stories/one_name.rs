//! One person's programs share a name: none of them takes it from another, and where nothing can be kept nothing is.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use teahouse_tests::process::Process;
use teahouse_tests::server::Server;
use teahouse_tests::tcp;
use teahouse_tests::terminal::Home;

/// Every file of the client's.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.expect("readable").path();
        if path.is_dir() { files.extend(files_of(&path)) } else { files.push(path) }
    }
    files
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    files(folder)
}

#[tokio::test]
async fn several_that_take_a_new_name_at_once_are_one_person() {
    let server = Server::start().await;
    let mut witness = tcp::enter(&server, "witness").await;
    let home = Home::new();
    let address = server.address().to_string();
    for round in 0..5 {
        let name = format!("cron{round}");
        let send = |text: &str| home.run(&["send", "--server", &address, "--name", &name, text]);
        let sends: Vec<Process> = ["1", "2", "3", "4"].into_iter().map(send).collect();
        for mut send in sends {
            let finished = send.finish().await;
            assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "round {round}");
        }
        let mut heard = BTreeSet::new();
        for _ in 0..4 {
            let (by, text) = witness.post_event("lobby").await;
            assert_eq!(by, name);
            heard.insert(text);
        }
        assert_eq!(heard.len(), 4, "each once: {heard:?}");
        // The token is the one that works.
        let finished = send("later").finish().await;
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert_eq!(witness.post_event("lobby").await, (name, "later".into()));
    }
}

#[tokio::test]
async fn several_whose_token_works_no_more_are_one_person_again() {
    let home = Home::new();
    let mut addresses = BTreeSet::new();
    let mut server = Server::start().await;
    for round in 0..2 {
        let address = server.address().to_string();
        let send = |text: &str| home.run(&["send", "--server", &address, "--name", "cron", text]);
        let sends: Vec<Process> = ["1", "2", "3"].into_iter().map(send).collect();
        for mut send in sends {
            let finished = send.finish().await;
            assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""), "round {round}");
        }
        assert_eq!(send("later").finish().await.code, Some(0), "round {round}");
        addresses.insert(address);
        // All that the server knew is gone.
        server.stop().await;
        fs::remove_dir_all(server.data()).expect("nobody uses it");
        server.start_again().await;
    }
    assert_eq!(addresses.len(), 1);
}

#[tokio::test]
async fn a_name_that_is_somebody_elses_is_refused_and_nothing_is_forgotten() {
    let server = Server::start().await;
    let (ana, bo) = (Home::new(), Home::new());
    let address = server.address().to_string();
    let send = ["send", "--server", &address, "--name", "cron", "x"];
    assert_eq!(ana.run(&send).finish().await.code, Some(0));
    let refused = bo.run(&send).finish().await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("cron"), "{}", refused.stderr);
    assert_eq!(ana.run(&send).finish().await.code, Some(0), "it is still ana's");
}

#[tokio::test]
async fn a_name_is_free_again_where_its_token_cannot_be_kept() {
    let server = Server::start().await;
    let address = server.address().to_string();
    let send = ["send", "--server", &address, "--name", "runner"];
    for more in [&["--no-keep"][..], &["--state-dir", "/proc/teahouse"], &["--state-dir", "/dev/null/x"]] {
        // Two machines that are thrown away, one after the other.
        for _ in 0..2 {
            let home = Home::new();
            let finished = home.run(&[&send[..], more, &["words"]].concat()).finish().await;
            assert_eq!(finished.code, Some(0), "{more:?}: {}", finished.stderr);
            let told = finished.stderr.contains("nothing is kept");
            assert_eq!(told, more[0] == "--state-dir", "{}", finished.stderr);
            assert_eq!(files(home.path()), Vec::<PathBuf>::new(), "{more:?}");
        }
    }
    let home = Home::new();
    let mut command = home.command(&[&send[..], &["words"]].concat());
    command.env("TEAHOUSE_NO_KEEP", "1");
    assert_eq!(Process::spawn("send", &mut command).finish().await.code, Some(0));
    assert_eq!(files(home.path()), Vec::<PathBuf>::new());
    // Whoever can keep it does.
    assert_eq!(home.run(&[&send[..], &["words"]].concat()).finish().await.code, Some(0));
    let other = Home::new();
    assert_eq!(other.run(&[&send[..], &["words"]].concat()).finish().await.code, Some(1));
    // And goes on with it, when it says that nothing more is to be kept.
    assert_eq!(home.run(&[&send[..], &["--no-keep", "words"]].concat()).finish().await.code, Some(0));
}

#[tokio::test]
async fn a_damaged_file_is_kept_aside_and_said() {
    let server = Server::start().await;
    let home = Home::new();
    let address = server.address().to_string();
    let send = ["send", "--server", &address, "--name"];
    assert_eq!(home.run(&[&send[..], &["ana", "x"]].concat()).finish().await.code, Some(0));
    let kept = files(home.path()).into_iter().find(|file| file.extension().is_some_and(|end| end == "json"));
    let kept = kept.expect("the file of this name");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&kept), 0o600);
    assert_eq!(mode(kept.parent().expect("a folder")), 0o700);
    fs::write(&kept, "{\"identity\":").expect("writable");
    // The name is lost with its token, and that is said; another one works.
    let finished = home.run(&[&send[..], &["ana", "x"]].concat()).finish().await;
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let aside = kept.with_extension("damaged-1");
    assert!(finished.stderr.contains(&*aside.to_string_lossy()), "{}", finished.stderr);
    assert_eq!(fs::read_to_string(aside).expect("kept"), "{\"identity\":");
}
