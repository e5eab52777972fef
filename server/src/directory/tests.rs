use teahouse_protocol::UnixMillis;

use super::*;
use crate::pace::Address;
use crate::seat::tests::Nowhere;
use crate::state::{Action, NoRecords, Proposal, TokenHash, apply};

const ANA: UserId = UserId::of(1);

/// A directory of a house with one guest, who is away.
fn directory() -> Arc<Directory> {
    let mut model = Model::default();
    let guest = Action::ArriveAsGuest {
        name: Some(MemberName::parse("ana").expect("legal")),
        keep: false,
        token: TokenHash([1; 32]),
        away: None,
    };
    for action in [Action::Found, guest] {
        apply(&mut model, &NoRecords, &Proposal { at: UnixMillis::new(1), action })
            .expect("nothing is rejected here");
    }
    let directory = Arc::new(Directory::new(Duration::from_secs(60), Clock::default()));
    directory.restore(&model, &mut Vec::new());
    directory
}

fn is_here(directory: &Directory) -> bool {
    directory.hold(ANA, None).is_none()
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

#[test]
fn who_comes_back_while_that_is_decided_waits() {
    let directory = directory();
    assert!(directory.hold(ANA, None).is_some());
    let back = || directory.connected_with(TokenHash([1; 32]), Address::HOUSE, Weak::<Nowhere>::new());
    assert!(matches!(back(), Holder::Held));
    directory.release(&[ANA]);
    assert!(matches!(back(), Holder::Here(..)));
    assert!(matches!(
        directory.connected_with(TokenHash([2; 32]), Address::HOUSE, Weak::<Nowhere>::new()),
        Holder::Nobody
    ));
    assert!(!directory.hold_to_depart(ANA));
}
