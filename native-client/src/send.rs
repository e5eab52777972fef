use std::pin::pin;
use std::time::Duration;

use teahouse_client_core::{
    Brain, Config, Connection, Entry, Input, Intent, Notice, Output, PostState, Ticks, display_name,
};
use teahouse_protocol::{PostText, RoomName};

use crate::arguments::SendOptions;
use crate::exit::{Exit, exit_of, interrupted};
use crate::input::{InputLines, whole_input};
use crate::language::Language;
use crate::output::complain;
use crate::session::{CLIENT, Keeps, Session};

/// How many posts are under way before more lines are read.
const UNDER_WAY_MAX: usize = 200;

/// Posts, and waits for the acknowledgement.
pub(crate) async fn run(options: SendOptions) -> anyhow::Result<Exit> {
    let language = Language::of_environment();
    let SendOptions { server, name, room, create, action, lines, timeout, state, text } = options;
    let (address, name) = (server.address(None)?, name.name()?);
    let mut input = None;
    let text = if lines {
        input = Some(InputLines::start()?);
        None
    } else if text.is_empty() || text == ["-"] {
        Some(whole_input().await?)
    } else {
        Some(text.join(" "))
    };
    if let Some(text) = &text
        && let Err(reason) = PostText::parse(text.as_str())
    {
        complain(language.bad_text(&reason));
        return Ok(Exit::Usage);
    }
    let config = Config {
        keep: name.is_some(),
        name,
        create_rooms: create,
        history_page: 1,
        ..Config::new(CLIENT, room.clone())
    };
    let mut session = Session::open(config, address, &state, Keeps::Identity).await?;
    let script = Script { room, action, patience: Duration::from_secs(timeout), language };
    let exit = post(&mut session, &script, text, input).await?;
    session.write();
    hear_trouble(&mut session);
    Ok(exit)
}

/// What a script wants.
struct Script {
    room: RoomName,
    /// Whether its words tell what it does.
    action: bool,
    patience: Duration,
    language: Language,
}

async fn post(
    session: &mut Session,
    script: &Script,
    text: Option<String>,
    mut lines: Option<InputLines>,
) -> anyhow::Result<Exit> {
    let Script { room, patience, language, .. } = script;
    let mut words = Words { exit: Exit::Done, language: *language };
    hear_trouble(session);
    let outputs = session.driver.feed(Input::Start);
    words.hear(session.keep(outputs));
    if let Some(text) = text {
        let outputs = session.driver.feed(script.submit(room, &text));
        words.hear(session.keep(outputs));
    }
    let mut give_up = Box::pin(tokio::time::sleep(*patience));
    let mut interrupted = pin!(interrupted());
    let mut under_way = session.driver.machine.unacknowledged();
    loop {
        if let Some(exit) = stopped(&session.driver.machine) {
            if let Some(outputs) = session.take_over().await? {
                words.hear(session.keep(outputs));
                continue;
            }
            complain(language.connection(session.driver.machine.model().connection(), Ticks(0)));
            return Ok(exit);
        }
        let now_under_way = session.driver.machine.unacknowledged();
        if now_under_way == 0 && lines.is_none() {
            return Ok(failed(&session.driver.machine, *language).unwrap_or(words.exit));
        }
        // Each acknowledgement is progress, and so is having nothing to wait for.
        if now_under_way < under_way || now_under_way == 0 {
            give_up.as_mut().reset(tokio::time::Instant::now() + *patience);
        }
        under_way = now_under_way;
        let reading = under_way < UNDER_WAY_MAX;
        tokio::select! {
            outputs = session.driver.step() => words.hear(session.keep(outputs)),
            line = next_line(&mut lines), if reading && lines.is_some() => match line {
                Ok(None) => lines = None,
                Ok(Some(line)) if line.trim().is_empty() => {}
                Ok(Some(line)) => {
                    // The server may spell the room otherwise.
                    let room = session.driver.machine.model().active().unwrap_or(room).clone();
                    let outputs = session.driver.feed(script.submit(&room, &line));
                    words.hear(session.keep(outputs));
                    under_way = session.driver.machine.unacknowledged();
                }
                // What came before it is still posted.
                Err(error) => {
                    complain(format_args!("{error:#}"));
                    words.exit = exit_of(&error);
                    lines = None;
                }
            },
            () = &mut give_up, if under_way > 0 => {
                if let Some(exit) = unknown(&session.driver.machine, *language) {
                    return Ok(exit);
                }
                let online = *session.driver.machine.model().connection() == Connection::Online;
                let why = reason(&session.driver.machine);
                complain(format_args!("{}{why}", match online {
                    true => language.pick("the server does not acknowledge the message", "服务器没有确认消息"),
                    false => language.pick("the server cannot be reached", "连不上服务器"),
                }));
                return Ok(Exit::Unreachable);
            }
            exit = &mut interrupted => {
                let _ = unknown(&session.driver.machine, *language);
                return Ok(exit);
            }
        }
    }
}

fn hear_trouble(session: &mut Session) {
    if let Some(trouble) = session.trouble() {
        complain(trouble);
    }
}

async fn next_line(lines: &mut Option<InputLines>) -> anyhow::Result<Option<String>> {
    match lines {
        Some(lines) => lines.next().await,
        None => Ok(None),
    }
}

impl Script {
    /// A message is what the script says, never a command.
    fn submit(&self, room: &RoomName, text: &str) -> Input {
        let before = match self.action {
            true => "/me ",
            false if text.starts_with('/') => "/",
            false => "",
        };
        Input::User(Intent::Submit { room: room.clone(), text: format!("{before}{text}") })
    }
}

fn reason(brain: &Brain) -> String {
    match brain.model().connection() {
        Connection::Waiting { reason, .. } => format!(": {}", display_name(reason)),
        _ => String::new(),
    }
}

/// How it ends when nothing can be sent any more.
pub(crate) fn stopped(brain: &Brain) -> Option<Exit> {
    match brain.model().connection() {
        Connection::Stopped { .. } | Connection::NeedsName { .. } => Some(Exit::Refused),
        Connection::Connecting { .. } | Connection::Online | Connection::Waiting { .. } => None,
    }
}

/// Says which posts the server refused, and of which nothing is known.
pub(crate) fn failed(brain: &Brain, language: Language) -> Option<Exit> {
    let mut exit = None;
    for room in brain.model().rooms() {
        for entry in room.timeline().entries() {
            if let Entry::Pending(post) = entry
                && let PostState::Failed { code, reason, .. } = &post.state
            {
                complain(language.not_sent(*code, reason, &post.text));
                exit = Some(Exit::Refused);
            }
        }
    }
    unknown(brain, language).or(exit)
}

/// Says of which posts nobody knows whether they are in the room.
fn unknown(brain: &Brain, language: Language) -> Option<Exit> {
    let mut exit = None;
    for entry in brain.model().rooms().flat_map(|room| room.timeline().entries()) {
        if let Entry::Pending(post) = entry
            && post.may_have_arrived()
        {
            complain(language.unknown(&post.text));
            exit = Some(Exit::Unknown);
        }
    }
    exit
}

/// What the brain has to say to a script.
struct Words {
    exit: Exit,
    language: Language,
}

impl Words {
    fn hear(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Notice(Notice::BadText { reason }) => {
                    complain(self.language.bad_text(&reason));
                    self.exit = Exit::Usage;
                }
                // Refused posts say the same, with their texts.
                Output::Notice(Notice::ServerError { .. }) => {}
                Output::Notice(notice) => {
                    for line in self.language.notice(&notice) {
                        complain(line);
                    }
                }
                _ => {}
            }
        }
    }
}
