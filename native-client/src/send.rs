use std::pin::pin;
use std::time::Duration;

use teahouse_client_core::{
    Brain, Config, Connection, Entry, Input, Intent, Notice, Output, PostState, display_name,
};
use teahouse_protocol::{ErrorCode, PostText, RoomName};

use crate::arguments::SendOptions;
use crate::exit::{Exit, interrupted};
use crate::input::{InputLines, whole_input};
use crate::language::Language;
use crate::session::{CLIENT, Keeps, Session};

/// How many posts are under way before more lines are read.
const UNDER_WAY_MAX: usize = 200;

/// Posts, and waits for the acknowledgement.
pub(crate) async fn run(options: SendOptions) -> anyhow::Result<Exit> {
    let language = Language::of_environment();
    let mut lines = None;
    let text = if options.lines {
        lines = Some(InputLines::start());
        None
    } else if options.text.is_empty() {
        Some(whole_input().await?)
    } else {
        Some(options.text.join(" "))
    };
    if let Some(text) = &text
        && let Err(reason) = PostText::parse(text.as_str())
    {
        eprintln!("teahouse: {}", language.bad_text(&reason));
        return Ok(Exit::Usage);
    }
    let config = Config {
        keep: options.name.is_some(),
        name: options.name.clone(),
        create_rooms: options.create,
        history_page: 1,
        ..Config::new(CLIENT, options.room.clone())
    };
    let dir = options.state.state_dir.as_deref();
    let mut session = Session::new(config, options.server.server.clone(), dir, Keeps::Identity)?;
    let exit = post(&mut session, &options, text, lines, language).await?;
    session.close()?;
    Ok(exit)
}

async fn post(
    session: &mut Session,
    options: &SendOptions,
    text: Option<String>,
    mut lines: Option<InputLines>,
    language: Language,
) -> anyhow::Result<Exit> {
    let room = &options.room;
    let mut words = Words { exit: Exit::Done, language };
    let outputs = session.driver.feed(Input::Start);
    words.hear(session.keep(outputs)?);
    if let Some(text) = text {
        let outputs = session.driver.feed(submit(room, &text));
        words.hear(session.keep(outputs)?);
    }
    let patience = Duration::from_secs(options.timeout);
    let mut give_up = Box::pin(tokio::time::sleep(patience));
    let mut interrupted = pin!(interrupted());
    let mut under_way = session.driver.machine.unacknowledged();
    loop {
        if let Some(exit) = stopped(&session.driver.machine, language) {
            return Ok(exit);
        }
        let now_under_way = session.driver.machine.unacknowledged();
        if now_under_way == 0 && lines.is_none() {
            return Ok(failed(&session.driver.machine, language).unwrap_or(words.exit));
        }
        // Each acknowledgement is progress, and so is having nothing to wait for.
        if now_under_way < under_way || now_under_way == 0 {
            give_up.as_mut().reset(tokio::time::Instant::now() + patience);
        }
        under_way = now_under_way;
        let reading = under_way < UNDER_WAY_MAX;
        tokio::select! {
            outputs = session.driver.step() => words.hear(session.keep(outputs)?),
            line = next_line(&mut lines), if reading && lines.is_some() => match line? {
                None => lines = None,
                Some(line) => {
                    // The server may spell the room otherwise.
                    let room = session.driver.machine.model().active().unwrap_or(room).clone();
                    let outputs = session.driver.feed(submit(&room, &line));
                    words.hear(session.keep(outputs)?);
                    under_way = session.driver.machine.unacknowledged();
                }
            },
            () = &mut give_up, if under_way > 0 => {
                let online = *session.driver.machine.model().connection() == Connection::Online;
                let why = reason(&session.driver.machine);
                eprintln!("teahouse: {}{why}", match online {
                    true => language.pick("the server does not acknowledge the message", "服务器没有确认消息"),
                    false => language.pick("the server cannot be reached", "连不上服务器"),
                });
                return Ok(Exit::Unreachable);
            }
            () = &mut interrupted => return Ok(Exit::Other),
        }
    }
}

async fn next_line(lines: &mut Option<InputLines>) -> anyhow::Result<Option<String>> {
    match lines {
        Some(lines) => lines.next().await,
        None => Ok(None),
    }
}

/// A message is what the script says, never a command.
fn submit(room: &RoomName, text: &str) -> Input {
    let slash = if text.starts_with('/') { "/" } else { "" };
    Input::User(Intent::Submit { room: room.clone(), text: format!("{slash}{text}") })
}

fn reason(brain: &Brain) -> String {
    match brain.model().connection() {
        Connection::Waiting { reason, .. } => format!(": {}", display_name(reason)),
        _ => String::new(),
    }
}

/// Why nothing can be sent any more.
pub(crate) fn stopped(brain: &Brain, language: Language) -> Option<Exit> {
    let connection = brain.model().connection();
    match connection {
        Connection::Stopped { .. } | Connection::NeedsName { .. } => {
            eprintln!("teahouse: {}", language.connection(connection, teahouse_client_core::Ticks(0)));
            Some(Exit::Refused)
        }
        Connection::Connecting { .. } | Connection::Online | Connection::Waiting { .. } => None,
    }
}

/// Says which posts the server refused.
pub(crate) fn failed(brain: &Brain, language: Language) -> Option<Exit> {
    let mut exit = None;
    for room in brain.model().rooms() {
        for entry in room.timeline().entries() {
            if let Entry::Pending(post) = entry
                && let PostState::Failed { reason, .. } = &post.state
            {
                eprintln!("teahouse: {}", language.not_sent(reason, &post.text));
                exit = Some(Exit::Refused);
            }
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
                    eprintln!("teahouse: {}", self.language.bad_text(&reason));
                    self.exit = Exit::Usage;
                }
                Output::Notice(Notice::ServerError { code: ErrorCode::NoSuchRoom, .. }) => eprintln!(
                    "teahouse: {}",
                    self.language
                        .pick("there is no such room; --create makes it", "没有这个房间；用 --create 新建")
                ),
                // Refused posts say the same once more, with their texts.
                Output::Notice(Notice::ServerError { .. }) => {}
                Output::Notice(notice) => {
                    for line in self.language.notice(&notice) {
                        eprintln!("teahouse: {line}");
                    }
                }
                _ => {}
            }
        }
    }
}
