//! The ways between clients and the server.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use teahouse_client_core::Input;
use teahouse_protocol::ServerMessage;

use super::{Happening, NAMES, STORMY_MS, World};
use crate::network::LinkId;
use crate::pipe::Pipe;

/// Who is behind a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Brain,
    Tab,
    Script(usize),
}

/// Both ends of a link.
pub(super) struct Link {
    pub(super) client: usize,
    pub(super) kind: Kind,
    pub(super) up_free_ms: u64,
    pub(super) down_free_ms: u64,
    /// It looks open and nothing passes.
    pub(super) swallows: bool,
    /// The server's end, once it is open.
    pub(super) pipe: Option<Pipe>,
    pub(super) rest: Vec<u8>,
}

impl World {
    /// What the server has sent is on its way, and may be held against it.
    pub(super) fn carry_sent(&mut self) {
        let Some(server) = &self.server else { return };
        for (id, link) in &mut self.links {
            let Some(pipe) = &link.pipe else { continue };
            let sent = pipe.take_sent();
            if sent.is_empty() {
                continue;
            }
            self.promises.shown(server, *id, &sent);
            if !link.swallows {
                let delay = self.dice.below(200);
                link.down_free_ms = link.down_free_ms.max(self.now_ms + delay);
                self.network.send(link.down_free_ms, Happening::ToClient(*id, sent));
            }
        }
    }

    pub(super) fn opened(&mut self, id: LinkId) {
        let room = 256 + usize::try_from(self.dice.below(8_192)).expect("small");
        let (Some(server), Some(link)) = (&mut self.server, self.links.get_mut(&id)) else {
            return self.client_loses(id);
        };
        let pipe = Pipe::new(room);
        let host = u8::try_from(link.client).expect("few");
        let peer = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, host)), 1);
        server.open(id, peer, pipe.clone());
        link.pipe = Some(pipe);
        let (client, kind) = (link.client, link.kind);
        self.promises.open(id, client);
        if let Kind::Script(name) = kind {
            let name = NAMES[name];
            let hello = format!(
                r#"{{"id":1,"type":"hello","protocol":1,"auth":{{"type":"guest","name":"{name}"}}}}"#
            );
            self.send(id, hello);
            self.send(id, r#"{"id":2,"type":"join","room":"lobby"}"#.into());
            for number in 0..3 {
                let post = r#""type":"post","room":"lobby""#;
                let (re, text) = (number + 3, format!("{client} says {number}"));
                self.send(id, format!(r#"{{"id":{re},{post},"op":"op-{number}","text":"{text}"}}"#));
            }
            let leaves = self.now_ms + 1_000 + self.dice.below(5_000);
            self.network.send(leaves, Happening::Notices(id));
        } else if kind == Kind::Tab {
            let token = self.clients[client].token.clone().unwrap_or_default();
            let hello = format!(
                r#"{{"id":1,"type":"hello","protocol":1,"auth":{{"type":"token","token":"{token}"}}}}"#
            );
            self.send(id, hello);
            self.send(id, r#"{"id":2,"type":"watch","room":"lobby"}"#.into());
        } else if self.clients[client].link == Some(id) {
            self.input(client, Input::LinkOpened);
        }
    }

    /// Bytes come out of a link.
    pub(super) fn arrive(&mut self, id: LinkId, bytes: &[u8]) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if let Some(pipe) = &link.pipe {
            pipe.drained(bytes.len());
        }
        link.rest.extend_from_slice(bytes);
        while let Some(link) = self.links.get_mut(&id)
            && let Some(end) = link.rest.iter().position(|byte| *byte == b'\n')
        {
            let line: Vec<u8> = link.rest.drain(..=end).collect();
            let line = String::from_utf8(line).expect("the server says UTF-8");
            let (client, kind) = (link.client, link.kind);
            if kind == Kind::Brain && self.clients[client].link == Some(id) {
                if let Ok(ServerMessage::Welcome(welcome)) =
                    teahouse_protocol::decode_server_message(line.trim_end().as_bytes())
                {
                    self.clients[client].token = welcome.token.or(self.clients[client].token.take());
                }
                self.input(client, Input::Received(line.trim_end().into()));
            }
        }
    }

    /// The client notices; what it has sent may still arrive, and the server notices later.
    pub(super) fn client_loses(&mut self, id: LinkId) {
        self.cut(id);
        if let Some(at) = self.clients.iter().position(|client| client.link == Some(id)) {
            self.clients[at].link = None;
            self.input(at, Input::LinkClosed { reason: "cut".into() });
        }
    }

    pub(super) fn cut(&mut self, id: LinkId) {
        let notices = self.now_ms + self.dice.below(400);
        self.network.send(notices, Happening::Notices(id));
    }

    pub(super) fn send(&mut self, id: LinkId, line: String) {
        let delay = self.dice.below(200);
        self.promises.asked(id, &line);
        let Some(link) = self.links.get_mut(&id).filter(|link| !link.swallows) else { return };
        link.up_free_ms = link.up_free_ms.max(self.now_ms + delay);
        self.network.send(link.up_free_ms, Happening::ToServer(id, line));
    }

    pub(super) fn open_link(&mut self, client: usize, kind: Kind) -> LinkId {
        self.last_link += 1;
        let id = LinkId(self.last_link);
        let opens = self.now_ms + self.dice.below(200);
        self.links.insert(
            id,
            Link {
                client,
                kind,
                up_free_ms: opens,
                down_free_ms: opens,
                swallows: false,
                pipe: None,
                rest: Vec::new(),
            },
        );
        let offline = kind == Kind::Brain && self.now_ms < self.clients[client].offline_until_ms;
        let fails = offline || (self.now_ms < STORMY_MS && self.dice.one_in(6));
        self.network.send(opens, if fails { Happening::Refused(id) } else { Happening::Opened(id) });
        id
    }
}
