use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use teahouse_client_core::{Brain, FollowOutput, Follower, Input, Now, Output, Ticks};
use teahouse_protocol::UnixMillis;

use crate::address::Address;
use crate::socket::{LinkEvent, Socket};

/// A sans-IO machine that the driver can run.
pub(crate) trait Machine {
    /// What it puts out besides orders for the link.
    type Effect;
    fn handle(&mut self, input: Input, now: Now) -> Vec<Order<Self::Effect>>;
    fn deadline(&self) -> Option<Ticks>;
}

/// What a machine wants done.
pub(crate) enum Order<E> {
    Open,
    Close,
    Send(String),
    /// Somebody else's business.
    Effect(E),
}

impl Machine for Brain {
    type Effect = Output;

    fn handle(&mut self, input: Input, now: Now) -> Vec<Order<Output>> {
        let order = |output| match output {
            Output::OpenLink => Order::Open,
            Output::CloseLink => Order::Close,
            Output::Send(line) => Order::Send(line),
            other => Order::Effect(other),
        };
        Self::handle(self, input, now).into_iter().map(order).collect()
    }

    fn deadline(&self) -> Option<Ticks> {
        Self::deadline(self)
    }
}

impl Machine for Follower {
    type Effect = FollowOutput;

    fn handle(&mut self, input: Input, now: Now) -> Vec<Order<FollowOutput>> {
        let order = |output| match output {
            FollowOutput::OpenLink => Order::Open,
            FollowOutput::CloseLink => Order::Close,
            FollowOutput::Send(line) => Order::Send(line),
            other => Order::Effect(other),
        };
        Self::handle(self, input, now.ticks).into_iter().map(order).collect()
    }

    fn deadline(&self) -> Option<Ticks> {
        Self::deadline(self)
    }
}

/// Runs a machine: the clock, the link, and nothing else.
pub(crate) struct Driver<M> {
    pub(crate) machine: M,
    clock: Clock,
    address: Address,
    socket: Option<Socket>,
}

impl<M: Machine> Driver<M> {
    pub(crate) fn new(machine: M, clock: Clock, address: Address) -> Self {
        Self { machine, clock, address, socket: None }
    }

    /// Both clocks now.
    pub(crate) fn now(&self) -> Now {
        self.clock.now()
    }

    /// Hands in an input, does what concerns the link, and returns the rest.
    pub(crate) fn feed(&mut self, input: Input) -> Vec<M::Effect> {
        let mut effects = Vec::new();
        for order in self.machine.handle(input, self.clock.now()) {
            match order {
                Order::Open => self.socket = Some(Socket::open(self.address.clone())),
                Order::Close => self.socket = None,
                Order::Send(line) => {
                    if let Some(socket) = &self.socket {
                        socket.send(line);
                    }
                }
                Order::Effect(effect) => effects.push(effect),
            }
        }
        effects
    }

    /// Waits for the link or the deadline and lets the machine handle it. Cancelling loses nothing.
    pub(crate) async fn step(&mut self) -> Vec<M::Effect> {
        let input = {
            let clock = &self.clock;
            let deadline = self.machine.deadline();
            let due = async {
                match deadline {
                    Some(at) => tokio::time::sleep(clock.until(at)).await,
                    None => std::future::pending().await,
                }
            };
            let link = async {
                match &mut self.socket {
                    Some(socket) => socket.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                event = link => match event {
                    LinkEvent::Opened => Input::LinkOpened,
                    LinkEvent::Received(line) => Input::Received(line),
                    LinkEvent::TooLong => {
                        self.socket = None;
                        Input::MessageTooLong
                    }
                    LinkEvent::Closed(reason) => {
                        self.socket = None;
                        Input::LinkClosed { reason }
                    }
                },
                () = due => Input::Deadline,
            }
        };
        self.feed(input)
    }
}

/// Both clocks of this machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }

    pub(crate) fn now(&self) -> Now {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { ticks: Ticks(millis(self.start.elapsed())), unix: UnixMillis::new(millis(unix)) }
    }

    fn until(&self, at: Ticks) -> Duration {
        // A timer may fire a moment early; a millisecond more makes sure that the deadline is due then.
        Duration::from_millis(at.0.saturating_add(1)).saturating_sub(self.start.elapsed())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A seed that differs from run to run.
pub(crate) fn seed() -> anyhow::Result<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| anyhow::anyhow!("the system gives no randomness: {error}"))?;
    Ok(u64::from_ne_bytes(bytes))
}
