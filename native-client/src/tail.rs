use std::io;
use std::pin::pin;
use std::time::Duration;

use anyhow::Context;
use teahouse_client_core::{
    Connection, FollowConfig, FollowFrom, FollowOutput, Follower, Input, Names, Row, display_name,
};
use teahouse_protocol::{Event, EventKind, ServerMessage};

use crate::arguments::TailOptions;
use crate::driver::{Clock, Driver, seed};
use crate::exit::{Exit, interrupted};
use crate::language::Language;
use crate::output::{complain, print, reader_gone};
use crate::session::CLIENT;
use crate::view::line::Look;
use crate::view::style::Style;

/// How long a tail that does not follow waits for the server.
const REACH_WITHIN: Duration = Duration::from_secs(10);

/// Prints a room's last events and what follows.
pub(crate) async fn run(options: TailOptions) -> anyhow::Result<Exit> {
    let language = Language::of_environment();
    let style = Style::of_output(options.color.color);
    let look = Look { style, language, zone: jiff::tz::TimeZone::system() };
    let address = options.server.address(options.host)?;
    let clock = Clock::start();
    let config = FollowConfig {
        client: CLIENT.into(),
        room: options.room,
        from: options.since.map_or(FollowFrom::Last(options.last), FollowFrom::After),
        follow: !options.no_follow,
    };
    let follower = Follower::new(config, seed()?, clock.now().ticks);
    let mut driver = Driver::new(follower, clock, address);
    let mut offline = false;
    let mut give_up = Box::pin(tokio::time::sleep(REACH_WITHIN));
    let mut interrupted = pin!(interrupted());
    let mut reader_gone = pin!(reader_gone());
    let mut outputs = driver.feed(Input::Start);
    loop {
        let mut lines = String::new();
        let mut end = None;
        for output in outputs {
            match output {
                FollowOutput::Event(event) => {
                    lines.push_str(&if options.json { json_line(event) } else { text_line(&look, event) });
                    give_up.as_mut().reset(tokio::time::Instant::now() + REACH_WITHIN);
                }
                FollowOutput::Connection(connection) => {
                    let waits = matches!(connection, Connection::Waiting { .. });
                    if (waits && !offline) || (connection == Connection::Online && offline) {
                        complain(language.connection(&connection, clock.now().ticks));
                        offline = waits;
                    }
                }
                FollowOutput::OtherLog => complain(language.pick(
                    "the server has another log now; going on from its end",
                    "服务器换了一份记录，从它的末尾继续",
                )),
                FollowOutput::Done => end = Some(Exit::Done),
                FollowOutput::Refused { message, .. } => {
                    complain(display_name(&message));
                    end = Some(Exit::Refused);
                }
                FollowOutput::OpenLink | FollowOutput::CloseLink | FollowOutput::Send(_) => {}
            }
        }
        if let Err(error) = print(&lines) {
            // Whoever read this has enough: `teahouse tail | head`.
            return if error.kind() == io::ErrorKind::BrokenPipe {
                Ok(Exit::Done)
            } else {
                Err(error).context("standard output cannot be written")
            };
        }
        if let Some(exit) = end {
            return Ok(exit);
        }
        outputs = tokio::select! {
            outputs = driver.step() => outputs,
            () = &mut give_up, if options.no_follow => {
                complain(language.pick("the server cannot be reached", "连不上服务器"));
                return Ok(Exit::Unreachable);
            }
            exit = &mut interrupted => return Ok(exit),
            // Whoever read this has enough, even if nothing more is said.
            () = &mut reader_gone => return Ok(Exit::Done),
        };
    }
}

/// The wire's own object, except for kinds that this version does not know: their fields are lost to it.
fn json_line(event: Event) -> String {
    if event.kind == EventKind::Unknown {
        return String::new();
    }
    ServerMessage::Event(event).to_json() + "\n"
}

fn text_line(look: &Look, event: Event) -> String {
    let line = Row::of(event).and_then(|row| look.row(&row, Names::default()));
    line.map(|line| line + "\n").unwrap_or_default()
}
