use teahouse_protocol::UnixMillis;

use super::*;
use crate::pace::Address;
use crate::seat::tests::Nowhere;
use crate::state::{Action, NoRecords, Proposal, SERVER_USER, TokenHash, apply};

const ANA: UserId = UserId::of(1);

/// A directory of a house with one guest, who is away.
fn directory() -> Arc<Directory> {
    let mut model = Model::default();
    let guest = Action::ArriveAsGuest {
        name: Some(MemberName::parse("ana").expect("legal")),
        keep: false,
        token: TokenHash([1; 32]),
        from: Address::HOUSE,
    };
    for action in [Action::Found, guest, Action::Begin] {
        let proposal = Proposal::new(UnixMillis::new(1), SERVER_USER, action);
        apply(&mut model, &NoRecords, &proposal).expect("nothing is rejected here");
    }
    let directory = Arc::new(Directory::new(Duration::from_secs(60), Clock::default()));
    directory.restore(&model, &mut Vec::new());
    directory
}

fn is_here(directory: &Directory) -> bool {
    directory.next_lease().is_none()
}

#[tokio::test]
async fn a_guest_goes_however_the_task_of_its_connection_ends() {
    let directory = directory();
    let login = directory.connected(ANA, Address::HOUSE, Weak::<Nowhere>::new());
    assert!(is_here(&directory));
    let task = tokio::spawn(async move {
        let _login = login;
        panic!("on purpose");
    });
    task.await.expect_err("it panicked");
    assert!(!is_here(&directory));
}

/// What the order is told, in words.
fn said(directory: &Directory) -> Vec<String> {
    let words = |proposal: Proposal| match proposal.action {
        Action::Come => format!("{} comes", proposal.by),
        Action::Go { from: Some(Address::HOUSE) } => format!("{} goes", proposal.by),
        other => panic!("{other:?}"),
    };
    directory.presence().into_iter().map(words).collect()
}

#[test]
fn who_comes_and_goes_is_said_once() {
    let directory = directory();
    let back = || directory.connected_with(TokenHash([1; 32]), Address::HOUSE, Weak::<Nowhere>::new());
    assert_eq!(said(&directory), [""; 0]);
    let (first, name) = back().expect("ana's token");
    assert_eq!(name.as_str(), "ana");
    let second = back().expect("a second connection");
    assert_eq!(said(&directory), ["1 comes"]);
    drop(second);
    assert_eq!(said(&directory), [""; 0], "there is one left");
    drop(first);
    let third = back();
    assert_eq!(said(&directory), ["1 comes"], "of what is over nothing is said");
    drop(third);
    assert_eq!(said(&directory), ["1 goes"]);
    directory.say_again(vec![ANA]);
    assert_eq!(said(&directory), ["1 goes"], "that could not be decided");
    let nobody = directory.connected_with(TokenHash([2; 32]), Address::HOUSE, Weak::<Nowhere>::new());
    assert!(nobody.is_none());
}

#[test]
fn a_start_is_an_absence_that_nobody_needs_to_be_told_of() {
    let directory = directory();
    directory.say_again(vec![ANA]);
    let [Proposal { by: ANA, at, action: Action::Go { from: None }, .. }] = directory.presence()[..] else {
        panic!("it is not here")
    };
    assert_eq!(at, UnixMillis::new(1), "the absence is the same");
}

/// What the commit of a join shows.
fn join(directory: &Directory, room: &str) {
    let mut model = directory.model();
    let room = teahouse_protocol::RoomName::parse(room).expect("legal");
    let join = Proposal::new(UnixMillis::new(2), ANA, Action::Join { room, create: true });
    let decision = apply(&mut model, &NoRecords, &join).expect("nothing is rejected here");
    directory.publish(decision.changes, &mut Vec::new());
}

fn told(directory: &Directory) -> Option<bool> {
    directory.coming_or_going(ANA).map(|told| told.online)
}

#[test]
fn whoever_is_seen_joining_is_not_told_of_as_here_besides() {
    let directory = directory();
    let ana = || directory.connected(ANA, Address::HOUSE, Weak::<Nowhere>::new());
    let here = ana();
    join(&directory, "lobby");
    assert_eq!(told(&directory), None, "that it joined says so");
    drop(here);
    assert_eq!(told(&directory), Some(false));
    assert_eq!(told(&directory), None);
    let _here = ana();
    join(&directory, "茶");
    assert_eq!(told(&directory), Some(true), "the lobby has seen nothing");
}

#[test]
fn whoever_is_gone_before_it_is_seen_joining_is_told_of_as_away() {
    let directory = directory();
    drop(directory.connected(ANA, Address::HOUSE, Weak::<Nowhere>::new()));
    assert_eq!(told(&directory), Some(false), "it came and was not told of");
    join(&directory, "lobby");
    assert_eq!(told(&directory), Some(false));
    assert_eq!(told(&directory), None);
}
