mod older;
mod showing;

use std::collections::BTreeSet;
use std::io::{self, BufRead, IsTerminal};
use std::pin::pin;
use std::time::Duration;

use teahouse_client_core::{Brain, Config, Connection, Entry, Input, Intent, LocalId, PostState};
use teahouse_protocol::{MemberName, RoomName};
use tokio::time::Instant;

use crate::arguments::ChatOptions;
use crate::exit::{Exit, exit_of, interrupted};
use crate::input::InputLines;
use crate::language::Language;
use crate::output::{complain, print};
use crate::send::{failed, stopped};
use crate::session::{CLIENT, Keeps, Session};
use crate::view::line::Look;
use crate::view::prompt::{Prompt, Typed};
use crate::view::style::Style;
use crate::view::transcript::Transcript;
use older::{HISTORY_POSTS, OlderWanted};

/// How many events are shown on entering a room.
const HISTORY_EVENTS: u32 = 30;
/// How many posts are under way before more lines are read.
const UNDER_WAY_MAX: usize = 200;

/// How long what is read and typed may wait to be kept.
const KEEP_WITHIN: Duration = Duration::from_millis(500);

/// Chats until the user or the input ends.
pub(crate) async fn run(options: ChatOptions) -> anyhow::Result<Exit> {
    let language = Language::of_environment();
    let interactive = io::stdin().is_terminal() && io::stdout().is_terminal();
    let address = options.server.address(options.host)?;
    let name = match options.name.name()? {
        Some(name) => name,
        None if interactive => match ask_name(language)? {
            Some(name) => name,
            None => return Ok(Exit::Other),
        },
        None => {
            complain(language.pick("say what to be called: --name NAME", "请说明名字：--name 名字"));
            return Ok(Exit::Usage);
        }
    };
    let config = Config {
        name: Some(name),
        create_rooms: options.create,
        history_page: HISTORY_EVENTS,
        ..Config::new(CLIENT, options.room.clone())
    };
    let session = Session::open(config, address, &options.state, Keeps::Everything).await?;
    let style = Style::of_output(options.color.color);
    let look = Look { style, language, zone: jiff::tz::TimeZone::system() };
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let screen = if interactive && !dumb {
        Screen::Terminal(Box::new(Prompt::start(labels(&session, language))?))
    } else {
        Screen::Plain(Some(InputLines::start()?))
    };
    let mut chat = Chat {
        session,
        transcript: Transcript::new(look.clone()),
        look,
        screen,
        begun: false,
        refused: false,
        muted: false,
        home: options.room,
        typed_in: None,
        older: None,
        keep_at: None,
        exit: Exit::Done,
        offline_told: false,
        failures_told: BTreeSet::new(),
        rooms_told: BTreeSet::new(),
    };
    let exit = chat.run().await;
    chat.session.write();
    chat.show_trouble()?;
    match exit {
        Err(error) if is_broken_pipe(&error) => Ok(Exit::Done),
        exit => exit,
    }
}

fn ask_name(language: Language) -> anyhow::Result<Option<MemberName>> {
    loop {
        print(language.pick("Your name: ", "你的名字："))?;
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match MemberName::parse(line.trim()) {
            Ok(name) => return Ok(Some(name)),
            Err(reason) => {
                let problem = teahouse_client_core::NameProblem::Rule(reason);
                print(&format!("{}\n", language.name_problem(&problem)))?;
            }
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// What stands before the line: where and who one is, from the longest form to the shortest.
fn labels(session: &Session, language: Language) -> Vec<String> {
    let model = session.driver.machine.model();
    let connection = model.connection();
    let who = match connection {
        Connection::NeedsName { .. } => language.pick("your name", "你的名字").to_owned(),
        _ if connection.banner_due(session.driver.now().ticks) => {
            language.pick("offline", "未连接").to_owned()
        }
        _ => model.me().map(ToString::to_string).unwrap_or_default(),
    };
    let room = model.active().map(|room| format!("#{room} {who}> "));
    room.into_iter().chain([format!("{who}> "), "> ".into()]).collect()
}

/// Where lines come from and go to.
enum Screen {
    /// A line editor.
    Terminal(Box<Prompt>),
    /// Pipes and files; `None` once the input has ended.
    Plain(Option<InputLines>),
}

impl Screen {
    async fn next(&mut self) -> anyhow::Result<Typed> {
        match self {
            Self::Terminal(prompt) => prompt.next().await,
            Self::Plain(Some(lines)) => Ok(lines.next().await?.map_or(Typed::End, Typed::Line)),
            Self::Plain(None) => std::future::pending().await,
        }
    }
}

struct Chat {
    session: Session,
    look: Look,
    transcript: Transcript,
    screen: Screen,
    /// Lines that are no messages can be answered.
    begun: bool,
    /// The name was refused, and nobody has looked yet whether that was for another program of the user's.
    refused: bool,
    /// Nobody reads the output any more. What is read is still posted.
    muted: bool,
    /// The room that the program was started for: where commands go while no room is open.
    home: RoomName,
    /// The room that the line is being typed in.
    typed_in: Option<RoomName>,
    /// Older messages that the user waits for.
    older: Option<OlderWanted>,
    /// When what could wait is to be kept.
    keep_at: Option<Instant>,
    /// How the program ends if nothing else happens.
    exit: Exit,
    /// The user knows that the server is away.
    offline_told: bool,
    failures_told: BTreeSet<LocalId>,
    /// Rooms whose news the user has been told of and not yet read.
    rooms_told: BTreeSet<RoomName>,
}

impl Chat {
    async fn run(&mut self) -> anyhow::Result<Exit> {
        self.show_trouble()?;
        self.feed(Input::Start)?;
        self.feed(Input::Attention { focused: true, at_bottom: true })?;
        self.change_line()?;
        let mut interrupted = pin!(interrupted());
        loop {
            if std::mem::take(&mut self.refused)
                && let Some(outputs) = self.session.take_over().await?
            {
                self.show(outputs)?;
            }
            let brain = &self.session.driver.machine;
            let under_way = brain.unacknowledged();
            // Who types is told by the brain when it holds too much.
            let typing = matches!(self.screen, Screen::Terminal(_));
            if let Screen::Plain(lines) = &self.screen {
                if let Some(exit) = stopped(brain) {
                    complain(
                        self.look
                            .language
                            .connection(brain.model().connection(), self.session.driver.now().ticks),
                    );
                    return Ok(exit);
                }
                if lines.is_none() && under_way == 0 && !awaits_echo(brain) && self.older.is_none() {
                    return Ok(failed(brain, self.look.language).unwrap_or(self.exit));
                }
            }
            self.begun |= self.can_begin();
            let begun = self.begun;
            let keep_at = self.keep_at;
            let keep = async {
                match keep_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                outputs = self.session.driver.step() => self.show(outputs)?,
                typed = self.screen.next(), if typing || (begun && under_way < UNDER_WAY_MAX) => match typed {
                    Ok(Typed::Line(line)) => self.typed(line)?,
                    Ok(Typed::Draft(text)) => self.draft(text)?,
                    Ok(Typed::Abandoned) => self.abandoned()?,
                    Ok(Typed::Complete { forward }) => self.complete(forward)?,
                    Ok(Typed::Older) => self.want_older(HISTORY_POSTS)?,
                    Ok(Typed::Interrupted) => {
                        self.leave()?;
                        return Ok(Exit::Interrupted);
                    }
                    Ok(Typed::End) => match &mut self.screen {
                        Screen::Plain(lines) => *lines = None,
                        Screen::Terminal(_) => return self.leave(),
                    },
                    Err(error) => match &mut self.screen {
                        // What came before it is still posted.
                        Screen::Plain(lines) => {
                            complain(format_args!("{error:#}"));
                            self.exit = exit_of(&error);
                            *lines = None;
                        }
                        Screen::Terminal(_) => return Err(error),
                    },
                },
                () = keep => {
                    self.keep_at = None;
                    self.session.write();
                    self.show_trouble()?;
                }
                exit = &mut interrupted => return Ok(exit),
            }
        }
    }

    /// Whether the room is there, so that a pipe may be read: or something was refused, and the room never will be.
    fn can_begin(&self) -> bool {
        let model = self.session.driver.machine.model();
        let room = model.active().and_then(|room| model.room(room));
        let is_there = room.is_some_and(|room| !room.loading_older() && !room.timeline().is_empty());
        (*model.connection() == Connection::Online && is_there) || self.exit != Exit::Done
    }

    fn leave(&mut self) -> anyhow::Result<Exit> {
        let waiting = self.session.driver.machine.unacknowledged();
        if waiting > 0 {
            let kept = self.look.language.kept(waiting);
            self.alarm(&kept)?;
        }
        Ok(Exit::Done)
    }

    fn feed(&mut self, input: Input) -> anyhow::Result<()> {
        let outputs = self.session.driver.feed(input);
        self.show(outputs)
    }

    /// Where a line goes.
    fn room(&self) -> RoomName {
        self.session.driver.machine.model().active().unwrap_or(&self.home).clone()
    }

    fn typed(&mut self, line: String) -> anyhow::Result<()> {
        let model = self.session.driver.machine.model();
        if matches!(model.connection(), Connection::NeedsName { .. }) {
            return self.feed(Input::User(Intent::ChooseName(line)));
        }
        let room = self.room();
        if let Some(posts) = older::asked(&line) {
            self.feed(Input::User(Intent::Draft { room, text: String::new() }))?;
            return match posts {
                Ok(posts) => self.want_older(posts),
                Err(()) => {
                    self.refused(self.look.language.pick("write /history NUMBER", "用法：/history 条数"))
                }
            };
        }
        let before = self.session.driver.machine.unacknowledged();
        self.feed(Input::User(Intent::Submit { room: room.clone(), text: line.clone() }))?;
        // The editor's history keeps what was refused.
        self.feed(Input::User(Intent::Draft { room, text: String::new() }))?;
        let brain = &self.session.driver.machine;
        let online = *brain.model().connection() == Connection::Online;
        if matches!(self.screen, Screen::Terminal(_)) && brain.unacknowledged() > before && !online {
            let queued = self.look.language.queued(&line);
            self.aside(&queued)?;
        }
        Ok(())
    }

    fn complete(&mut self, forward: bool) -> anyhow::Result<()> {
        let Screen::Terminal(prompt) = &mut self.screen else { return Ok(()) };
        match prompt.complete(self.session.driver.machine.model(), forward)? {
            Some(text) => self.draft(text),
            None => Ok(()),
        }
    }

    /// What is being typed is kept, however the program ends.
    fn draft(&mut self, text: String) -> anyhow::Result<()> {
        if matches!(self.session.driver.machine.model().connection(), Connection::NeedsName { .. }) {
            return Ok(());
        }
        let room = self.room();
        self.feed(Input::User(Intent::Draft { room, text }))
    }

    /// The draft stays until something else is typed: who quits now finds it again.
    fn abandoned(&mut self) -> anyhow::Result<()> {
        self.aside(
            self.look
                .language
                .pick("Ctrl+C again quits; ↑ brings the line back", "再按一次 Ctrl+C 退出；按 ↑ 找回这一行"),
        )
    }

    /// The line belongs to the room that is open: another room has its own draft.
    fn change_line(&mut self) -> anyhow::Result<()> {
        let model = self.session.driver.machine.model();
        let room = model.active().cloned();
        if self.typed_in == room {
            return Ok(());
        }
        let draft = room.as_ref().and_then(|room| model.room(room)).map(|room| room.draft().to_owned());
        self.typed_in = room;
        match &mut self.screen {
            Screen::Terminal(prompt) => prompt.set(&draft.unwrap_or_default()),
            Screen::Plain(_) => Ok(()),
        }
    }
}

/// Whether an acknowledged post has yet to come back as an event, to be printed in its place.
fn awaits_echo(brain: &Brain) -> bool {
    let sent = |entry: Entry<'_>| matches!(entry, Entry::Pending(post) if post.state == PostState::Sent);
    brain.model().rooms().any(|room| room.timeline().entries().any(sent))
}
