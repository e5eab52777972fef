//! What must be true when everything has come to rest.

use std::collections::BTreeMap;

use teahouse_client_core::{Connection, Entry, PostState, TimelineKind};
use teahouse_protocol::{EventKind, PageEvent, Seq};
use teahouse_server::log::PageQuery;

use super::{World, lobby};

impl World {
    /// The whole log of the lobby.
    fn log(&self) -> Vec<PageEvent> {
        let server = self.server.as_ref().expect("it is back by now");
        let room = server.room(&lobby()).expect("the lobby is always there").id;
        let mut events: Vec<PageEvent> = Vec::new();
        loop {
            let after = events.last().map_or(Seq::ZERO, |event| event.seq);
            let page = server.reader().page(room, PageQuery::After(after), 200).expect("the log is read");
            if page.events.is_empty() {
                return events;
            }
            events.extend(page.events);
        }
    }

    pub(crate) fn check(&self) {
        let log = self.log();
        for (at, event) in log.iter().enumerate() {
            assert_eq!(event.seq.get(), at as u64 + 1, "seqs are gapless");
        }
        self.check_posts(&log);
        for (at, client) in self.clients.iter().enumerate() {
            let model = client.brain.model();
            assert_eq!(*model.connection(), Connection::Online, "client {at}");
            let room = model.room(&lobby()).unwrap_or_else(|| panic!("client {at} has no lobby"));
            let shown: Vec<(u64, TimelineKind)> = room
                .timeline()
                .entries()
                .filter_map(|entry| match entry {
                    Entry::Event(event) => Some((event.seq.get(), event.kind.clone())),
                    Entry::Gap(gap) => panic!("client {at} has {gap:?}"),
                    // Of these nobody knows whether they were heard.
                    Entry::Pending(post) if post.state == PostState::Unknown => None,
                    Entry::Pending(post) => panic!("client {at} still has {post:?}"),
                })
                .collect();
            let written: Vec<(u64, TimelineKind)> =
                log.iter().map(|event| (event.seq.get(), event.kind.clone().into())).collect();
            assert_eq!(shown, written, "client {at}");
        }
    }

    /// Nothing stands twice, or under somebody else, or out of order, and whoever was one person all along lost nothing.
    fn check_posts(&self, log: &[PageEvent]) {
        let mut last: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
        for event in log {
            let EventKind::Post { text, .. } = &event.kind else { continue };
            let (client, number) = text.split_once(" says ").expect("as it was written");
            let client: usize = client.parse().expect("a client");
            let number: u64 = number.parse().expect("a number");
            let author = self.promises.client_of(event.user);
            assert!(
                author.is_none_or(|author| author == client),
                "{text:?} stands under a user of client {author:?}"
            );
            let (before, count) = last.entry(client).or_default();
            assert!(*count == 0 || *before < number, "{text:?} stands twice or too late");
            (*before, *count) = (number, *count + 1);
        }
        for (at, client) in self.clients.iter().enumerate() {
            if self.promises.users_of(at) == 1 && !client.forgot {
                let stands = last.get(&at).map_or(0, |(_, count)| *count);
                assert_eq!(stands, client.submitted, "client {at} lost something");
            }
        }
    }
}
