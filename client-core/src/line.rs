use teahouse_protocol::limits::PING_AFTER_MS;
use teahouse_protocol::{Auth, Command, Hello, PROTOCOL_VERSION, Ping, Request, RequestId};

use crate::backoff::Backoff;
use crate::input::{Input, Ticks};
use crate::limits::{BANNER_AFTER_MS, HELLO_WITHIN_MS, OPEN_WITHIN_MS, PONG_WITHIN_MS};
use crate::model::Connection;
use crate::random::Random;

/// Why a link ends on which something came that is longer than the protocol allows.
pub(crate) const TOO_LONG: &str = "the server sent a longer message than it may";

/// What a driver does with the one link there is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Open it.
    Open,
    /// Close it, or stop opening it.
    Close,
    /// Send this object.
    Send(String),
}

/// What an input was to the line, for whoever speaks over it.
#[derive(Debug)]
pub(crate) enum Came {
    /// The link stands, and nothing is said on it: say who it is.
    Opened,
    /// The server said this.
    Received(String),
    /// The link is gone, and with it everything that was asked.
    Lost,
    /// The same, because a message was longer than the link takes.
    TooLong,
    /// The banner of a trouble is due.
    Banner,
}

/// The life of the one link, for all who speak over one: opening, greeting, numbers of requests, heartbeat, loss and the
/// wait for the next attempt. What is to be done goes to `out`.
#[derive(Debug)]
pub(crate) struct Line {
    state: LinkState,
    backoff: Backoff,
    random: Random,
    next_request: u64,
    /// The last `ping`.
    pinged: Option<RequestId>,
    /// When the trouble began that is not yet over.
    since: Ticks,
    /// Whether the view has been woken for the banner of this trouble.
    banner_told: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum LinkState {
    /// No link is wanted.
    Down,
    /// The driver is to open it.
    Opening { by: Ticks },
    /// It stands; `hello` is not answered.
    Greeting { by: Ticks },
    /// The server has said welcome.
    Up { heard: Ticks, pong_by: Option<Ticks> },
    /// The next attempt comes at `at`.
    Waiting { at: Ticks, reason: String },
}

/// What time has brought.
#[derive(Debug, PartialEq, Eq)]
enum Due {
    /// Open the link.
    Connect,
    /// The link is dead; this is why.
    Dead(&'static str),
    /// Nothing has been heard for a while: ask.
    Ping,
    /// The banner is due.
    Banner,
}

impl Line {
    /// `seed` is to be different in each run.
    pub(crate) fn new(seed: u64, now: Ticks) -> Self {
        Self {
            state: LinkState::Down,
            backoff: Backoff::default(),
            random: Random::new(seed),
            next_request: 1,
            pinged: None,
            since: now,
            banner_told: false,
        }
    }

    /// Takes an input that is about the link; gives back one that is not. Ask [`Line::pass_time`] afterwards.
    pub(crate) fn take<O: From<Order>>(
        &mut self,
        input: Input,
        now: Ticks,
        out: &mut Vec<O>,
    ) -> Result<Option<Came>, Input> {
        Ok(match input {
            Input::LinkOpened => {
                let opening = matches!(self.state, LinkState::Opening { .. });
                opening.then(|| {
                    self.state = LinkState::Greeting { by: now.after(HELLO_WITHIN_MS) };
                    Came::Opened
                })
            }
            Input::Received(text) => self.stands().then(|| {
                self.heard(now);
                Came::Received(text)
            }),
            Input::LinkClosed { reason } => self.held().then(|| {
                self.lost(reason, now);
                Came::Lost
            }),
            Input::MessageTooLong => self.held().then(|| {
                self.lost(TOO_LONG.to_owned(), now);
                Came::TooLong
            }),
            Input::Woke => {
                match self.state {
                    LinkState::Waiting { .. } => self.connect(now, out),
                    LinkState::Down
                    | LinkState::Opening { .. }
                    | LinkState::Greeting { .. }
                    | LinkState::Up { .. } => self.ping(now, out),
                }
                None
            }
            Input::WentOffline => {
                self.ping(now, out);
                None
            }
            Input::Deadline => None,
            Input::Start
            | Input::Attention { .. }
            | Input::Inherited(_)
            | Input::Shared(_)
            | Input::User(_) => return Err(input),
        })
    }

    /// Does what is due, and says what has come of it. To be asked again until there is nothing.
    pub(crate) fn pass_time<O: From<Order>>(&mut self, now: Ticks, out: &mut Vec<O>) -> Option<Came> {
        while let Some(due) = self.due(now) {
            match due {
                Due::Connect => self.connect(now, out),
                Due::Ping => self.ping(now, out),
                Due::Dead(reason) => {
                    self.cut(reason.to_owned(), now, out);
                    return Some(Came::Lost);
                }
                Due::Banner => return Some(Came::Banner),
            }
        }
        None
    }

    /// Asks for a link.
    pub(crate) fn connect<O: From<Order>>(&mut self, now: Ticks, out: &mut Vec<O>) {
        if self.state == LinkState::Down {
            self.trouble(now);
        }
        self.state = LinkState::Opening { by: now.after(OPEN_WITHIN_MS) };
        out.push(Order::Open.into());
    }

    /// Sends a request. Says which one it is.
    pub(crate) fn ask<O: From<Order>>(&mut self, command: Command, out: &mut Vec<O>) -> RequestId {
        let id = RequestId::new(self.next_request).expect("a run has fewer than 2^53 requests");
        self.next_request += 1;
        out.push(Order::Send(Request { id, command }.to_json()).into());
        id
    }

    /// Says who it is that speaks.
    pub(crate) fn greet<O: From<Order>>(&mut self, auth: Auth, client: &str, out: &mut Vec<O>) -> RequestId {
        let client = Some(client.to_owned());
        self.ask(Command::Hello(Hello { protocol: PROTOCOL_VERSION, auth, client }), out)
    }

    /// Asks whether the server is there, unless there is no link or that is asked already.
    fn ping<O: From<Order>>(&mut self, now: Ticks, out: &mut Vec<O>) {
        if let LinkState::Up { pong_by: pong_by @ None, .. } = &mut self.state {
            *pong_by = Some(now.after(PONG_WITHIN_MS));
            self.pinged = Some(self.ask(Command::Ping(Ping {}), out));
        }
    }

    /// Whether this was the line's own question, whose answer is nobody's business.
    pub(crate) fn is_own(&self, re: RequestId) -> bool {
        self.pinged == Some(re)
    }

    /// Gives the link up, if there is one; another attempt comes by itself.
    pub(crate) fn cut<O: From<Order>>(&mut self, reason: String, now: Ticks, out: &mut Vec<O>) {
        out.push(Order::Close.into());
        self.lost(reason, now);
    }

    /// Ends the link, if there is one; no other is wanted.
    pub(crate) fn stop<O: From<Order>>(&mut self, out: &mut Vec<O>) {
        if self.held() {
            out.push(Order::Close.into());
        }
        self.state = LinkState::Down;
    }

    /// Ends the link, if there is one, and asks for another at once.
    pub(crate) fn reconnect<O: From<Order>>(&mut self, now: Ticks, out: &mut Vec<O>) {
        if self.held() {
            out.push(Order::Close.into());
        }
        self.connect(now, out);
    }

    /// Whether the driver holds a link or is opening one.
    pub(crate) fn held(&self) -> bool {
        matches!(self.state, LinkState::Opening { .. } | LinkState::Greeting { .. } | LinkState::Up { .. })
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.state, LinkState::Up { .. })
    }

    /// Whether what comes from the link is to be read.
    fn stands(&self) -> bool {
        matches!(self.state, LinkState::Greeting { .. } | LinkState::Up { .. })
    }

    /// It stands, and whom it was opened for is somebody else now.
    pub(crate) fn greet_anew(&mut self, now: Ticks) {
        self.trouble(now);
        self.state = LinkState::Greeting { by: now.after(HELLO_WITHIN_MS) };
    }

    /// Anything came from the server.
    fn heard(&mut self, now: Ticks) {
        if let LinkState::Up { heard, pong_by } = &mut self.state {
            *heard = now;
            *pong_by = None;
        }
    }

    /// The server said welcome. Only this ends the trouble: a development proxy opens links that lead nowhere.
    pub(crate) fn welcomed(&mut self, now: Ticks) {
        self.state = LinkState::Up { heard: now, pong_by: None };
        self.backoff.reset();
    }

    /// The link is gone; another attempt comes by itself.
    fn lost(&mut self, reason: String, now: Ticks) {
        if self.is_up() {
            self.trouble(now);
        }
        let trouble_ms = now.0.saturating_sub(self.since.0);
        self.state =
            LinkState::Waiting { at: now.after(self.backoff.next_ms(trouble_ms, &mut self.random)), reason };
    }

    fn trouble(&mut self, now: Ticks) {
        self.since = now;
        self.banner_told = false;
    }

    fn due(&mut self, now: Ticks) -> Option<Due> {
        let due = match &self.state {
            LinkState::Waiting { at, .. } if now >= *at => Some(Due::Connect),
            LinkState::Opening { by } if now >= *by => Some(Due::Dead("the server cannot be reached")),
            LinkState::Greeting { by } if now >= *by => Some(Due::Dead("the server does not answer")),
            LinkState::Up { pong_by: Some(by), .. } if now >= *by => {
                Some(Due::Dead("the server has stopped answering"))
            }
            LinkState::Up { heard, pong_by: None } if now >= heard.after(PING_AFTER_MS) => Some(Due::Ping),
            _ => None,
        };
        if due.is_none() && self.banner_at().is_some_and(|at| now >= at) {
            self.banner_told = true;
            return Some(Due::Banner);
        }
        due
    }

    pub(crate) fn deadline(&self) -> Option<Ticks> {
        let own = match &self.state {
            LinkState::Down => None,
            LinkState::Opening { by } | LinkState::Greeting { by } => Some(*by),
            LinkState::Up { pong_by: Some(by), .. } => Some(*by),
            LinkState::Up { heard, pong_by: None } => Some(heard.after(PING_AFTER_MS)),
            LinkState::Waiting { at, .. } => Some(*at),
        };
        [own, self.banner_at()].into_iter().flatten().min()
    }

    fn banner_at(&self) -> Option<Ticks> {
        let trouble = !matches!(self.state, LinkState::Down | LinkState::Up { .. });
        (trouble && !self.banner_told).then(|| self.since.after(BANNER_AFTER_MS))
    }

    /// How a view sees it; `None` when no link is wanted.
    pub(crate) fn connection(&self) -> Option<Connection> {
        match &self.state {
            LinkState::Down => None,
            LinkState::Opening { .. } | LinkState::Greeting { .. } => {
                Some(Connection::Connecting { since: self.since })
            }
            LinkState::Up { .. } => Some(Connection::Online),
            LinkState::Waiting { at, reason } => {
                Some(Connection::Waiting { retry_at: *at, since: self.since, reason: reason.clone() })
            }
        }
    }
}
