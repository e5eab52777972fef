use teahouse_protocol::limits::PING_AFTER_MS;

use crate::backoff::Backoff;
use crate::input::Ticks;
use crate::limits::{BANNER_AFTER_MS, HELLO_WITHIN_MS, OPEN_WITHIN_MS, PONG_WITHIN_MS};
use crate::model::Connection;
use crate::random::Random;

/// Why a link ends on which something came that is longer than the protocol allows.
pub(crate) const TOO_LONG: &str = "the server sent a longer message than it may";

/// The life of the one link: opening, greeting, heartbeat, loss and the wait for the next attempt.
#[derive(Debug)]
pub(crate) struct Link {
    state: LinkState,
    backoff: Backoff,
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
pub(crate) enum Due {
    /// Open the link.
    Connect,
    /// The link is dead; this is why.
    Dead(&'static str),
    /// Nothing has been heard for a while: ask.
    Ping,
    /// The banner is due.
    Banner,
}

impl Link {
    pub(crate) fn new(now: Ticks) -> Self {
        Self { state: LinkState::Down, backoff: Backoff::default(), since: now, banner_told: false }
    }

    /// Whether the driver holds a link or is opening one.
    pub(crate) fn held(&self) -> bool {
        matches!(self.state, LinkState::Opening { .. } | LinkState::Greeting { .. } | LinkState::Up { .. })
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.state, LinkState::Up { .. })
    }

    pub(crate) fn is_opening(&self) -> bool {
        matches!(self.state, LinkState::Opening { .. })
    }

    /// Whether what comes from the link is to be read.
    pub(crate) fn stands(&self) -> bool {
        matches!(self.state, LinkState::Greeting { .. } | LinkState::Up { .. })
    }

    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self.state, LinkState::Waiting { .. })
    }

    /// The driver is told to open the link.
    pub(crate) fn open(&mut self, now: Ticks) {
        if self.state == LinkState::Down {
            self.trouble(now);
        }
        self.state = LinkState::Opening { by: now.after(OPEN_WITHIN_MS) };
    }

    /// The driver has opened it.
    pub(crate) fn opened(&mut self, now: Ticks) {
        self.state = LinkState::Greeting { by: now.after(HELLO_WITHIN_MS) };
    }

    /// It stands, and whom it was opened for is somebody else now.
    pub(crate) fn greet_anew(&mut self, now: Ticks) {
        self.trouble(now);
        self.opened(now);
    }

    /// Anything came from the server.
    pub(crate) fn heard(&mut self, now: Ticks) {
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

    /// A `ping` is to be sent, unless there is no link or one is awaited already. Says whether it is.
    pub(crate) fn pinged(&mut self, now: Ticks) -> bool {
        match &mut self.state {
            LinkState::Up { pong_by: pong_by @ None, .. } => {
                *pong_by = Some(now.after(PONG_WITHIN_MS));
                true
            }
            _ => false,
        }
    }

    /// The link is gone; another attempt comes by itself.
    pub(crate) fn lost(&mut self, reason: String, now: Ticks, random: &mut Random) {
        if self.is_up() {
            self.trouble(now);
        }
        let trouble_ms = now.0.saturating_sub(self.since.0);
        self.state = LinkState::Waiting { at: now.after(self.backoff.next_ms(trouble_ms, random)), reason };
    }

    /// No link is wanted any more.
    pub(crate) fn stop(&mut self) {
        self.state = LinkState::Down;
    }

    fn trouble(&mut self, now: Ticks) {
        self.since = now;
        self.banner_told = false;
    }

    /// What is due now. To be asked again until there is nothing.
    pub(crate) fn due(&mut self, now: Ticks) -> Option<Due> {
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
