use super::*;

fn of(dir: &Path, name: &str, address: &str) -> StateFile {
    let address = address.parse().expect("an address");
    StateFile::at(Some(dir), &address, &MemberName::parse(name).expect("a name")).expect("a place")
}

fn open(dir: &Path) -> StateFile {
    let file = of(dir, "o'阿/na", "tea.example");
    file.prepare().expect("a writable directory");
    file
}

fn write(file: &mut StateFile, key: &str, value: Option<&str>) {
    file.change(key.into(), value.map(Into::into));
    file.write().expect("a writable directory");
}

fn kept(file: &StateFile) -> Vec<(String, String)> {
    let values = file.read().expect("a file").values;
    values.into_iter().filter(|(key, _)| key != FORMAT.0).collect()
}

fn pair(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a directory");
    entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn two_programs_of_one_name_keep_each_others_values() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut one, mut two) = (open(dir.path()), open(dir.path()));
    write(&mut one, "outbox/1", Some("a"));
    write(&mut two, "outbox/2", Some("b"));
    write(&mut one, "outbox/1", None);
    assert_eq!(kept(&two), [pair("outbox/2", "b")]);
}

#[test]
fn many_writers_at_once_lose_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let dir = dir.path();
            scope.spawn(move || {
                let mut file = open(dir);
                for at in 0..10 {
                    write(&mut file, &format!("outbox/{writer}-{at}"), Some("x"));
                }
            });
        }
    });
    assert_eq!(kept(&open(dir.path())).len(), 40);
}

#[test]
fn what_another_program_wrote_meanwhile_stays() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut winner, mut loser) = (open(dir.path()), open(dir.path()));
    write(&mut winner, "identity", Some("token"));
    loser.change_own("identity".into(), None, None);
    loser.write().expect("a writable directory");
    assert_eq!(kept(&loser), [pair("identity", "token")]);
    winner.change_own("identity".into(), None, Some("token".into()));
    winner.write().expect("a writable directory");
    assert_eq!(kept(&winner), []);
}

#[cfg(unix)]
#[test]
fn only_the_user_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a directory");
    let mut file = open(&dir.path().join("deep"));
    write(&mut file, "identity", Some("secret"));
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&file.path), 0o600);
    assert_eq!(mode(&dir.path().join("deep")), 0o700);
}

#[test]
fn a_damaged_file_is_kept_aside() {
    let dir = tempfile::tempdir().expect("a directory");
    for damage in ["{", "[]", r#"{"identity":5}"#] {
        let mut file = open(dir.path());
        fs::write(&file.path, damage).expect("a writable directory");
        let stored = file.read().expect("it is put aside");
        assert!(stored.values.is_empty());
        let aside = stored.aside.expect("it is put aside");
        assert_eq!(fs::read_to_string(aside).expect("a file"), damage);
        write(&mut file, "a", Some("b"));
        assert_eq!(kept(&file), [pair("a", "b")]);
    }
    assert_eq!(names(dir.path()).iter().filter(|name| name.contains("damaged")).count(), 3);
}

#[test]
fn a_file_of_a_newer_program_is_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut file = open(dir.path());
    let newer = r#"{"format":2,"identity":{"token":"x"}}"#;
    fs::write(&file.path, newer).expect("a writable directory");
    let error = format!("{:#}", file.read().expect_err("it is newer"));
    assert!(error.contains("newer"), "{error}");
    file.change("a".into(), None);
    assert!(file.write().is_err());
    assert_eq!(fs::read_to_string(&file.path).expect("a file"), newer);
}

#[test]
fn what_a_killed_program_left_half_written_goes() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut file = open(dir.path());
    let half = dir.path().join(format!("{}Ab3.new", file.new_prefix()));
    fs::write(&half, "{\"iden").expect("a writable directory");
    write(&mut file, "a", Some("b"));
    assert!(!half.exists());
    assert_eq!(names(dir.path()).len(), 2, "the file and its lock: {:?}", names(dir.path()));
}

#[test]
fn every_name_has_a_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let long = "🍵".repeat(31);
    let one = of(dir.path(), &format!("{long}a"), "a-rather-long-name-of-a-host.tea.example");
    let two = of(dir.path(), &format!("{long}b"), "a-rather-long-name-of-a-host.tea.example");
    assert_ne!(one.path, two.path);
    for mut file in [one, two] {
        file.prepare().expect("a writable directory");
        write(&mut file, "a", Some("b"));
    }
}

#[test]
fn what_is_read_and_typed_can_wait() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut file = open(dir.path());
    file.change("read/lobby".into(), Some("1".into()));
    file.change("draft/lobby".into(), None);
    assert!(file.waits() && !file.urgent());
    file.change("outbox/1".into(), None);
    assert!(file.urgent());
}
