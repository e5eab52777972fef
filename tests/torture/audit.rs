//! The reckoning: what was acknowledged and what was seen, against the history.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use teahouse_protocol::{
    Command, Epoch, EventKind, History, PageEvent, Position, RoomName, Seq, ServerMessage,
};

use crate::link::{Broken, Link, Way};
use crate::run::Tally;
use crate::watcher::{Sight, digest};
use crate::writer::{Account, number_of};

/// All events of a room from the first on, and the epoch.
pub(crate) async fn history(address: SocketAddr, room: &RoomName) -> Result<(Epoch, Vec<PageEvent>), Broken> {
    let mut link = Link::open(address, Way::Tcp).await?;
    link.hello_as_anybody().await?;
    let mut events: Vec<PageEvent> = Vec::new();
    loop {
        let after = events.last().map_or(Seq::ZERO, |event| event.seq);
        let asked = History { after: Some(after), limit: Some(200), ..History::latest(room.clone()) };
        match link.ask(Command::History(asked)).await? {
            ServerMessage::History(page) => {
                events.extend(page.events);
                if !page.more_after {
                    return Ok((page.epoch, events));
                }
            }
            other => return Err(Broken(other.to_json())),
        }
    }
}

/// The last event of a room.
pub(crate) async fn head(address: SocketAddr, room: &RoomName) -> Position {
    let mut link = Link::open(address, Way::Tcp).await.expect("the server accepts");
    link.hello_as_anybody().await.expect("the server welcomes");
    let asked = History { limit: Some(1), ..History::latest(room.clone()) };
    match link.ask(Command::History(asked)).await.expect("the server answers") {
        ServerMessage::History(page) => Position { epoch: page.epoch, seq: page.head },
        other => panic!("{}", other.to_json()),
    }
}

/// Compares.
pub(crate) async fn audit(address: SocketAddr, accounts: &[Account], sights: &[Sight]) -> Tally {
    let mut tally = Tally::default();
    let mut rooms: BTreeMap<RoomName, Vec<PageEvent>> = BTreeMap::new();
    let named = accounts.iter().map(|account| &account.room).chain(sights.iter().map(|sight| &sight.room));
    for room in named.flatten() {
        if !rooms.contains_key(room) {
            let events = match history(address, room).await {
                Ok((_, events)) => events,
                Err(broken) => {
                    tally.complain(format!("{room} cannot be read: {}", broken.0));
                    Vec::new()
                }
            };
            rooms.insert(room.clone(), events);
        }
    }
    for (room, events) in &rooms {
        look_at_room(room, events, &mut tally);
    }
    for account in accounts {
        let events = &rooms[account.room.as_ref().expect("every writer has a room")];
        look_at_account(account, events, &mut tally);
    }
    for sight in sights {
        let events = &rooms[sight.room.as_ref().expect("every watcher has a room")];
        look_at_sight(sight, events, &mut tally);
    }
    tally
}

/// Seqs are gapless, each author's messages stand there once and in their order.
fn look_at_room(room: &RoomName, events: &[PageEvent], tally: &mut Tally) {
    for (event, expected) in events.iter().zip(1..) {
        if event.seq.get() != expected {
            tally.lost += 1;
            tally.complain(format!("{room}: {} stands where {expected} should", event.seq));
            break;
        }
    }
    let mut last: HashMap<&str, u64> = HashMap::new();
    let mut count: HashMap<(&str, u64), u64> = HashMap::new();
    for event in events {
        let EventKind::Post { text, .. } = &event.kind else { continue };
        let by = event.by.as_str();
        tally.messages += 1;
        let Some(number) = number_of(by, text) else {
            tally.lost += 1;
            tally
                .complain(format!("{room}: {} by {by} is nothing that anybody wrote: {text:.40}", event.seq));
            continue;
        };
        let times = count.entry((by, number)).or_default();
        *times += 1;
        if *times > 1 {
            tally.doubled += 1;
            tally.complain(format!(
                "{room}: {by}:{number} stands there {times} times, again at {}",
                event.seq
            ));
        } else if last.insert(by, number).is_some_and(|before| before > number) {
            tally.reordered += 1;
            tally.complain(format!("{room}: {by}:{number} comes too late, at {}", event.seq));
        }
    }
}

fn look_at_account(account: &Account, events: &[PageEvent], tally: &mut Tally) {
    account.complaints.iter().for_each(|complaint| tally.complain(complaint.clone()));
    for (number, seq) in &account.acknowledged {
        let found = usize::try_from(seq.get() - 1).ok().and_then(|at| events.get(at));
        let is_there = found.is_some_and(|event| {
            event.by.as_str() == account.name
                && matches!(&event.kind, EventKind::Post { text, .. }
                    if number_of(&account.name, text) == Some(*number))
        });
        if !is_there {
            tally.lost += 1;
            tally
                .complain(format!("{}:{number} was acknowledged as {seq}; there is {found:?}", account.name));
        }
    }
}

fn look_at_sight(sight: &Sight, events: &[PageEvent], tally: &mut Tally) {
    tally.lost += sight.lost;
    tally.doubled += sight.doubled;
    sight.complaints.iter().for_each(|complaint| tally.complain(complaint.clone()));
    for (seq, shown) in &sight.seen {
        let found = usize::try_from(seq.get() - 1).ok().and_then(|at| events.get(at));
        if found.is_none_or(|event| digest(&event.by, &event.kind) != *shown) {
            tally.lost += 1;
            tally.complain(format!("{seq} was shown as something else than {found:?}"));
        }
    }
}
