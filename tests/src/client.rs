//! A client that speaks JSON, through either door.

use std::collections::VecDeque;

use serde_json::{Value, json};

use crate::wait::within;
use crate::{tcp, ws};

/// One message each way at a time, however they travel.
#[derive(Debug)]
pub(crate) enum Link {
    Tcp(tcp::Link),
    Ws(Box<ws::Link>),
}

/// A connected client. It numbers its requests, and keeps pushes until somebody asks for them.
#[derive(Debug)]
pub struct Client {
    link: Link,
    last_id: u64,
    pushes: VecDeque<Value>,
}

impl Client {
    pub(crate) fn new(link: Link) -> Self {
        Self { link, last_id: 0, pushes: VecDeque::new() }
    }

    /// Sends a text as one line or message.
    pub async fn send_text(&mut self, text: &str) {
        let sent = self.try_send_text(text).await;
        sent.unwrap_or_else(|error| panic!("cannot send {text:.80}: {error}"));
    }

    /// Sends a text to a server that may have closed already.
    pub async fn try_send_text(&mut self, text: &str) -> Result<(), String> {
        match &mut self.link {
            Link::Tcp(link) => link.send(text).await.map_err(|error| error.to_string()),
            Link::Ws(link) => link.send(text).await.map_err(|error| error.to_string()),
        }
    }

    /// Sends a request with the next number and does not wait for its reply. Returns the number.
    pub async fn send(&mut self, kind: &str, fields: Value) -> u64 {
        self.last_id += 1;
        let mut request = fields;
        request["id"] = json!(self.last_id);
        request["type"] = json!(kind);
        self.send_text(&request.to_string()).await;
        self.last_id
    }

    /// The next message of the server; `None` when it closed the connection. Each must be one that the protocol knows.
    pub async fn receive(&mut self) -> Option<Value> {
        let text = match &mut self.link {
            Link::Tcp(link) => within("the server to say something", link.receive()).await,
            Link::Ws(link) => within("the server to say something", link.receive()).await,
        }?;
        let message = teahouse_protocol::decode_server_message(text.as_bytes());
        assert!(
            !matches!(message, Err(_) | Ok(teahouse_protocol::ServerMessage::Unknown)),
            "no message of the protocol: {text} ({message:?})"
        );
        Some(serde_json::from_str(&text).expect("decoded already"))
    }

    /// Sends a request and waits for its reply, be it an error. Pushes on the way are kept.
    pub async fn ask(&mut self, kind: &str, fields: Value) -> Value {
        let id = self.send(kind, fields).await;
        self.reply(id).await
    }

    /// Waits for the reply to a request that was sent before.
    pub async fn reply(&mut self, id: u64) -> Value {
        loop {
            let message =
                self.receive().await.unwrap_or_else(|| panic!("closed before the reply to request {id}"));
            if message["re"] == id {
                return message;
            }
            assert!(message.get("re").is_none(), "a reply to another request than {id}: {message}");
            assert_ne!(message["type"], "error", "instead of the reply to request {id}: {message}");
            self.pushes.push_back(message);
        }
    }

    /// Sends a request that must succeed.
    pub async fn must(&mut self, kind: &str, fields: Value) -> Value {
        let shown = fields.to_string();
        let reply = self.ask(kind, fields).await;
        assert_ne!(reply["type"], "error", "{kind} {shown:.200}: {reply}");
        reply
    }

    /// Waits for the first push that fits. Others stay for later, in their order.
    pub async fn push(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let mut seen = 0;
        loop {
            if let Some(at) = self.pushes.iter().skip(seen).position(&fits) {
                return self.pushes.remove(seen + at).expect("just found");
            }
            seen = self.pushes.len();
            let message = self.receive().await.unwrap_or_else(|| panic!("closed while waiting for {what}"));
            assert!(message.get("re").is_none(), "a reply nobody waits for: {message}");
            assert_ne!(message["type"], "error", "while waiting for {what}: {message}");
            self.pushes.push_back(message);
        }
    }

    /// Waits for the next event of this kind in the room.
    pub async fn event(&mut self, room: &str, kind: &str) -> Value {
        self.push(&format!("an event `{kind}` in {room}"), |push| {
            push["type"] == "event" && push["room"] == room && push["kind"] == kind
        })
        .await
    }

    /// Waits for the next post in the room; its author and text.
    pub async fn post_event(&mut self, room: &str) -> (String, String) {
        let event = self.event(room, "post").await;
        author_and_text(&event)
    }

    /// Waits until the server closes; gives what it said before and nobody asked for.
    pub async fn closed(&mut self) -> Vec<Value> {
        let mut said: Vec<Value> = self.pushes.drain(..).collect();
        while let Some(message) = self.receive().await {
            said.push(message);
        }
        said
    }

    /// The code and reason of the WebSocket's close, once [`Client::closed`].
    pub fn close_code(&self) -> Option<(u16, String)> {
        match &self.link {
            Link::Tcp(_) => None,
            Link::Ws(link) => link.close_code(),
        }
    }

    /// Says hello as a guest.
    pub async fn hello(&mut self, name: &str) -> Value {
        self.must(
            "hello",
            json!({"protocol": 1, "auth": {"type": "guest", "name": name}, "client": "stories/1"}),
        )
        .await
    }

    /// Joins the room, making it where there is none, and watches it from now on.
    pub async fn enter(&mut self, room: &str) {
        self.must("join", json!({"room": room, "create": true})).await;
        self.must("watch", json!({"room": room})).await;
    }

    /// Posts; gives the seq.
    pub async fn post(&mut self, room: &str, text: &str) -> u64 {
        let ack = self.must("post", json!({"room": room, "text": text})).await;
        ack["seq"].as_u64().unwrap_or_else(|| panic!("an ack without seq: {ack}"))
    }

    /// All events of a room, from the first.
    pub async fn whole_history(&mut self, room: &str) -> Vec<Value> {
        let mut events: Vec<Value> = Vec::new();
        loop {
            let after = events.last().map_or(json!(0), |event| event["seq"].clone());
            let page = self.must("history", json!({"room": room, "after": after, "limit": 200})).await;
            events.extend(page["events"].as_array().expect("a page has events").iter().cloned());
            if page["more_after"] != json!(true) {
                return events;
            }
        }
    }

    /// Author and text of all posts of a room, from the first.
    pub async fn posts(&mut self, room: &str) -> Vec<(String, String)> {
        let events = self.whole_history(room).await;
        events.iter().filter(|event| event["kind"] == "post").map(author_and_text).collect()
    }

    /// The TCP side, for bytes that are no line.
    pub fn tcp(&mut self) -> &mut tcp::Link {
        match &mut self.link {
            Link::Tcp(link) => link,
            Link::Ws(_) => panic!("this client speaks WebSocket"),
        }
    }

    /// The WebSocket side, for messages that are no text.
    pub fn ws(&mut self) -> &mut ws::Link {
        match &mut self.link {
            Link::Tcp(_) => panic!("this client speaks TCP"),
            Link::Ws(link) => link,
        }
    }
}

/// Author and text of a post.
pub fn author_and_text(event: &Value) -> (String, String) {
    let field = |name: &str| event[name].as_str().unwrap_or_else(|| panic!("no {name}: {event}")).to_owned();
    (field("by"), field("text"))
}

/// Whether the events have the seqs 1, 2, 3, … without a gap.
pub fn assert_gapless(events: &[Value]) {
    for (event, seq) in events.iter().zip(1..) {
        assert_eq!(event["seq"], json!(seq), "{event}");
    }
}
