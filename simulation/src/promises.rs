use std::collections::{BTreeMap, BTreeSet};

use teahouse_protocol::{
    Command, EventKind, PageEvent, Request, RequestId, Resume, RoomName, Seq, ServerMessage, UserId,
    decode_request, decode_server_message,
};
use teahouse_server::log::PageQuery;
use teahouse_server::state::{Change, RoomId};

use crate::network::LinkId;
use crate::server::{LEASE_MS, Server};

/// What a client must be able to rely on, checked where the bytes leave the server.
#[derive(Default)]
pub(crate) struct Promises {
    links: BTreeMap<LinkId, Told>,
    /// The last event of each room that is on the disk, as far as this has heard.
    heads: BTreeMap<RoomId, Seq>,
    /// Of users who are gone: how far their rooms were before.
    gone: BTreeMap<UserId, BTreeMap<RoomId, Seq>>,
    /// Who is connected, by how many links, and since when not.
    present: BTreeMap<UserId, Presence>,
    /// Who asked to be nobody.
    signed_out: BTreeSet<UserId>,
    /// Which client got a user's number.
    clients: BTreeMap<UserId, usize>,
    /// Events that were found on the disk.
    found: BTreeMap<(RoomId, Seq), PageEvent>,
}

#[derive(Default)]
struct Presence {
    links: usize,
    last_ms: u64,
}

/// What one link was told, and asked.
struct Told {
    client: usize,
    user: Option<UserId>,
    rest: Vec<u8>,
    asked: BTreeMap<RequestId, Command>,
    watches: BTreeMap<RoomName, Watch>,
}

struct Watch {
    next: Seq,
    /// Where `caught_up` is due.
    catch_up: Option<Seq>,
}

impl Promises {
    pub(crate) fn open(&mut self, link: LinkId, client: usize) {
        let told =
            Told { client, user: None, rest: Vec::new(), asked: BTreeMap::new(), watches: BTreeMap::new() };
        self.links.insert(link, told);
    }

    /// A client sends a request.
    pub(crate) fn asked(&mut self, link: LinkId, line: &str) {
        let Request { id, command } = decode_request(line.as_bytes()).expect("clients say what is legal");
        let told = self.links.get_mut(&link).expect("it was opened");
        if matches!(command, Command::SignOut(_)) {
            self.signed_out.extend(told.user);
        }
        told.asked.insert(id, command);
    }

    /// The server has nothing to do with a link any more.
    pub(crate) fn closed(&mut self, link: LinkId, now_ms: u64) {
        let user = self.links.get_mut(&link).and_then(|told| told.user.take());
        if let Some(presence) = user.and_then(|user| self.present.get_mut(&user)) {
            presence.links = presence.links.saturating_sub(1);
            presence.last_ms = now_ms;
        }
    }

    /// The server has nothing to do until somebody says something or time passes.
    pub(crate) fn rests(&self, server: &Server) {
        for (link, told) in &self.links {
            // Whoever signed out goes on as nobody, once the answer has come.
            let signs_out = told.asked.values().any(|command| matches!(command, Command::SignOut(_)));
            let Some(user) = told.user.filter(|_| !signs_out) else { continue };
            assert!(server.knows(user) || !server.hears(*link), "{user} is gone and is heard");
        }
    }

    /// The server is back, and leases begin anew.
    pub(crate) fn restarted(&mut self, now_ms: u64) {
        self.links.values_mut().for_each(|told| told.user = None);
        self.present.values_mut().for_each(|presence| *presence = Presence { links: 0, last_ms: now_ms });
    }

    /// The disk has taken a batch.
    pub(crate) fn written(&mut self, changes: &[Change], now_ms: u64) {
        let before = self.heads.clone();
        for change in changes {
            match change {
                Change::Event(event) => {
                    self.heads.insert(event.room, event.seq);
                }
                Change::UserRetired { id } => {
                    if let Some(presence) = self.present.get(id)
                        && !self.signed_out.contains(id)
                        // The name of who is in no room is free for whoever wants it.
                        && changes.iter().any(|change| matches!(change, Change::Event(event) if event.by == *id))
                    {
                        assert_eq!(presence.links, 0, "{id} is let go while it is here");
                        assert!(
                            presence.last_ms + LEASE_MS <= now_ms,
                            "{id} is let go before its lease is over"
                        );
                    }
                    self.gone.insert(*id, before.clone());
                }
                Change::UserAdded { .. }
                | Change::UserSeen { .. }
                | Change::UserCame { .. }
                | Change::UserWent { .. }
                | Change::UserRenamed { .. }
                | Change::RoomAdded { .. }
                | Change::RoomWritten { .. }
                | Change::RoomRemoved { .. } => {}
            }
        }
    }

    /// The server lets these bytes go to a client.
    pub(crate) fn shown(&mut self, server: &Server, link: LinkId, bytes: &[u8]) {
        let told = self.links.get_mut(&link).expect("it was opened");
        told.rest.extend_from_slice(bytes);
        while let Some(end) = self.links[&link].rest.iter().position(|byte| *byte == b'\n') {
            let told = self.links.get_mut(&link).expect("as above");
            let line: Vec<u8> = told.rest.drain(..=end).collect();
            let message = decode_server_message(&line).expect("the server says what is legal");
            self.message(server, link, message);
        }
    }

    fn message(&mut self, server: &Server, link: LinkId, message: ServerMessage) {
        let told = self.links.get_mut(&link).expect("it was opened");
        let asked =
            message.re().map(|re| told.asked.remove(&re).expect("a reply was asked for, and comes once"));
        match message {
            ServerMessage::Welcome(welcome) => {
                told.user = Some(welcome.user.id);
                self.present.entry(welcome.user.id).or_default().links += 1;
                let client = *self.clients.entry(welcome.user.id).or_insert(told.client);
                assert_eq!(client, told.client, "a user's number was given twice");
            }
            ServerMessage::SignedOut(_) => {
                if let Some(presence) = told.user.take().and_then(|user| self.present.get_mut(&user)) {
                    presence.links = presence.links.saturating_sub(1);
                }
                told.watches.clear();
            }
            ServerMessage::Ack(ack) => {
                if let Some(seq) = ack.seq {
                    let author = told.user;
                    let on_disk = self.find(server, &ack.room, seq);
                    if let (Some(Command::Post(post)), Some(event)) = (asked, on_disk) {
                        assert_eq!(Some(event.user), author, "a post stands under another user");
                        assert_eq!(event.op, post.op, "an ack is for another operation");
                        match &event.kind {
                            EventKind::Post { text, .. } => assert_eq!(text, post.text.as_str()),
                            other => panic!("an ack for a post names {other:?}"),
                        }
                    }
                }
            }
            ServerMessage::Watching(watching) => {
                let Some(Command::Watch(watch)) = asked else { panic!("nobody asked to watch") };
                let (next, catch_up) = match (watching.resume, watch.after) {
                    (Resume::Replay, Some(after)) => (after.seq.next(), Some(watching.head)),
                    (Resume::Live | Resume::Reset, _) => (watching.head.next(), None),
                    (Resume::Replay, None) => panic!("a replay of everything"),
                };
                told.watches.insert(watching.room, Watch { next, catch_up });
            }
            ServerMessage::Unwatched(unwatched) => {
                told.watches.remove(&unwatched.room);
            }
            ServerMessage::Gone(gone) => {
                told.watches.remove(&gone.room).expect("a room that is watched goes");
            }
            ServerMessage::CaughtUp(caught_up) => {
                let watch = told.watches.get_mut(&caught_up.room).expect("it is watched");
                let head = watch.catch_up.take().expect("a replay ends once");
                assert!(watch.next > head, "a replay ends before it has everything");
                assert_eq!(watch.next, caught_up.head.next(), "a replay ends elsewhere than it says");
            }
            ServerMessage::Event(event) => {
                let watch = told.watches.get_mut(&event.room).expect("an event of a room that is watched");
                assert_eq!(event.seq, watch.next, "events come without holes, once each");
                watch.next = watch.next.next();
                let user = told.user.expect("nobody watches who is nobody");
                if let Some(gone) = self.gone.get(&user)
                    && let Some(room) = server.room(&event.room)
                {
                    let last = gone.get(&room.id).copied().unwrap_or(Seq::ZERO);
                    assert!(event.seq <= last, "{user} is gone and reads on");
                }
                if let Some(found) = self.find(server, &event.room, event.seq) {
                    assert_eq!(
                        found.clone().in_room(event.room.clone()),
                        event,
                        "it is not what is on the disk"
                    );
                }
            }
            ServerMessage::History(_)
            | ServerMessage::Renamed(_)
            | ServerMessage::Rooms(_)
            | ServerMessage::Members(_)
            | ServerMessage::Pong(_)
            | ServerMessage::Presence(_)
            | ServerMessage::Goodbye(_)
            | ServerMessage::Error(_)
            | ServerMessage::Unknown => {}
        }
    }

    /// An event that somebody is told of must be on the disk now. `None` where the room is gone.
    fn find(&mut self, server: &Server, room: &RoomName, seq: Seq) -> Option<&PageEvent> {
        let id = server.room(room)?.id;
        if !self.found.contains_key(&(id, seq)) {
            let before = PageQuery::Around(seq);
            let page = server.reader().page(id, before, 1).expect("the log is read");
            let event = page.events.into_iter().find(|event| event.seq == seq);
            let event = event.unwrap_or_else(|| panic!("{room} {seq} is shown before it is on the disk"));
            let head = self.heads.entry(id).or_insert(seq);
            *head = (*head).max(seq);
            self.found.insert((id, seq), event);
        }
        self.found.get(&(id, seq))
    }

    /// Which client wrote as a user.
    pub(crate) fn client_of(&self, user: UserId) -> Option<usize> {
        self.clients.get(&user).copied()
    }

    /// As how many users a client was let in.
    pub(crate) fn users_of(&self, client: usize) -> usize {
        self.clients.values().filter(|of| **of == client).count()
    }
}
