use std::collections::BTreeSet;
use std::io::{self, BufRead, IsTerminal, Write};
use std::pin::pin;

use teahouse_client_core::{
    Brain, Change, Config, Connection, Entry, Input, Intent, LocalId, Output, PostState, Room,
};
use teahouse_protocol::{MemberName, RoomName};

use crate::arguments::ChatOptions;
use crate::exit::{Exit, interrupted};
use crate::input::InputLines;
use crate::language::Language;
use crate::send::{failed, stopped};
use crate::session::{CLIENT, Keeps, Session};
use crate::view::line::Look;
use crate::view::prompt::{Prompt, Typed};
use crate::view::style::Style;
use crate::view::transcript::Transcript;

/// How many events are shown on entering a room.
const HISTORY_EVENTS: u32 = 30;
/// How many posts are under way before more lines are read.
const UNDER_WAY_MAX: usize = 200;

/// Chats until the user or the input ends.
pub(crate) async fn run(options: ChatOptions) -> anyhow::Result<Exit> {
    let language = Language::of_environment();
    let interactive = io::stdin().is_terminal() && io::stdout().is_terminal();
    let name = match options.name {
        Some(name) => name,
        None if interactive => match ask_name(language)? {
            Some(name) => name,
            None => return Ok(Exit::Other),
        },
        None => {
            eprintln!(
                "teahouse: {}",
                language.pick("say what to be called: --name NAME", "请说明名字：--name 名字")
            );
            return Ok(Exit::Usage);
        }
    };
    let address = options.host.unwrap_or(options.server.server);
    let config = Config {
        name: Some(name),
        create_rooms: options.create,
        history_page: HISTORY_EVENTS,
        ..Config::new(CLIENT, options.room.clone())
    };
    let dir = options.state.state_dir.as_deref();
    let session = Session::new(config, address, dir, Keeps::Everything)?;
    let style = Style::of_output(options.color.color);
    let look = Look { style, language, zone: jiff::tz::TimeZone::system() };
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let screen = if interactive && !dumb {
        Screen::Terminal(Box::new(Prompt::start("> ".into())?))
    } else {
        Screen::Plain(Some(InputLines::start()))
    };
    let mut chat = Chat {
        session,
        transcript: Transcript::new(look.clone()),
        look,
        screen,
        home: options.room,
        offline_told: false,
        failures_told: BTreeSet::new(),
        rooms_told: BTreeSet::new(),
    };
    let exit = chat.run().await;
    chat.session.close()?;
    match exit {
        Err(error) if is_broken_pipe(&error) => Ok(Exit::Done),
        exit => exit,
    }
}

fn ask_name(language: Language) -> anyhow::Result<Option<MemberName>> {
    loop {
        print!("{}", language.pick("Your name: ", "你的名字："));
        io::stdout().flush()?;
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            return Ok(None);
        }
        match MemberName::parse(line.trim()) {
            Ok(name) => return Ok(Some(name)),
            Err(reason) => {
                let problem = teahouse_client_core::NameProblem::Rule(reason);
                println!("{}", language.name_problem(&problem));
            }
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
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
    /// The room that the program was started for: where commands go while no room is open.
    home: RoomName,
    /// The user knows that the server is away.
    offline_told: bool,
    failures_told: BTreeSet<LocalId>,
    /// Rooms whose news the user has been told of and not yet read.
    rooms_told: BTreeSet<RoomName>,
}

impl Chat {
    async fn run(&mut self) -> anyhow::Result<Exit> {
        self.feed(Input::Start)?;
        self.feed(Input::Attention { focused: true, at_bottom: true })?;
        let mut interrupted = pin!(interrupted());
        loop {
            let brain = &self.session.driver.machine;
            let under_way = brain.unacknowledged();
            // Who types is told by the brain when it holds too much.
            let typing = matches!(self.screen, Screen::Terminal(_));
            if let Screen::Plain(lines) = &self.screen {
                if let Some(exit) = stopped(brain, self.look.language) {
                    return Ok(exit);
                }
                if lines.is_none() && under_way == 0 && !awaits_echo(brain) {
                    return Ok(failed(brain, self.look.language).unwrap_or(Exit::Done));
                }
            }
            tokio::select! {
                outputs = self.session.driver.step() => self.show(outputs)?,
                line = self.screen.next(), if under_way < UNDER_WAY_MAX || typing => match line? {
                    Typed::Line(line) => self.typed(line)?,
                    Typed::Interrupted => {
                        self.leave()?;
                        return Ok(Exit::Other);
                    }
                    Typed::End => match &mut self.screen {
                        Screen::Plain(lines) => *lines = None,
                        Screen::Terminal(_) => return self.leave(),
                    },
                },
                () = &mut interrupted => return Ok(Exit::Other),
            }
        }
    }

    fn leave(&mut self) -> anyhow::Result<Exit> {
        let waiting = self.session.driver.machine.unacknowledged();
        if waiting > 0 {
            let language = self.look.language;
            let kept = language.pick("messages are kept and sent next time", "条消息已保存，下次发送");
            self.alarm(&format!("{waiting} {kept}"))?;
        }
        Ok(Exit::Done)
    }

    fn feed(&mut self, input: Input) -> anyhow::Result<()> {
        let outputs = self.session.driver.feed(input);
        self.show(outputs)
    }

    fn typed(&mut self, line: String) -> anyhow::Result<()> {
        let model = self.session.driver.machine.model();
        if matches!(model.connection(), Connection::NeedsName { .. }) {
            return self.feed(Input::User(Intent::ChooseName(line)));
        }
        let room = model.active().unwrap_or(&self.home).clone();
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

    fn show(&mut self, outputs: Vec<Output>) -> anyhow::Result<()> {
        for output in self.session.keep(outputs)? {
            match output {
                Output::Changed(Change::Connection) => self.show_connection()?,
                Output::Changed(Change::Active) => self.show_active()?,
                Output::Changed(Change::Timeline(room)) => self.show_news(&room)?,
                Output::Changed(Change::Rooms) => self.show_other_rooms()?,
                Output::Notice(notice) => {
                    for line in self.look.language.notice(&notice) {
                        self.aside(&line)?;
                    }
                }
                Output::Mentioned { room, by, text, .. } => self.show_mention(&room, &by, &text)?,
                Output::Changed(Change::Members(_) | Change::Identity | Change::Draft(_)) => {}
                Output::OpenLink | Output::CloseLink | Output::Send(_) | Output::Store { .. } => {}
            }
        }
        if let Screen::Terminal(prompt) = &mut self.screen {
            prompt.learn(self.session.driver.machine.model());
        }
        Ok(())
    }

    fn show_connection(&mut self) -> anyhow::Result<()> {
        let now = self.session.driver.now().ticks;
        let connection = self.session.driver.machine.model().connection().clone();
        let text = self.look.language.connection(&connection, now);
        match connection {
            Connection::NeedsName { problem: Some(_) } | Connection::Stopped { .. } => self.alarm(&text),
            Connection::Waiting { .. } if !self.offline_told && connection.banner_due(now) => {
                self.offline_told = true;
                self.alarm(&text)
            }
            Connection::Online if self.offline_told => {
                self.offline_told = false;
                self.aside(&text)
            }
            Connection::NeedsName { problem: None }
            | Connection::Connecting { .. }
            | Connection::Waiting { .. }
            | Connection::Online => Ok(()),
        }
    }

    fn show_active(&mut self) -> anyhow::Result<()> {
        let Some(room) = self.session.driver.machine.model().active().cloned() else { return Ok(()) };
        self.rooms_told.remove(&room);
        self.transcript.turn_page();
        self.aside(&format!("── #{room} ──"))?;
        self.show_news(&room)
    }

    fn show_news(&mut self, name: &RoomName) -> anyhow::Result<()> {
        let model = self.session.driver.machine.model();
        let Some(room) = model.room(name).filter(|_| model.active() == Some(name)) else { return Ok(()) };
        let lines = self.transcript.news(room, model.me());
        let failures = failures(room);
        for line in lines {
            self.print(&line)?;
        }
        if matches!(self.screen, Screen::Terminal(_)) {
            for (local, reason, text) in failures {
                if self.failures_told.insert(local) {
                    let line = self.look.language.not_sent(&reason, &text);
                    self.alarm(&line)?;
                }
            }
        }
        Ok(())
    }

    fn show_other_rooms(&mut self) -> anyhow::Result<()> {
        let model = self.session.driver.machine.model();
        let unread: BTreeSet<RoomName> = model
            .rooms()
            .filter(|room| room.unread() > 0 && model.active() != Some(room.name()))
            .map(|room| room.name().clone())
            .collect();
        let new: Vec<RoomName> = unread.difference(&self.rooms_told).cloned().collect();
        self.rooms_told = unread;
        for room in new {
            let line = self.look.language.news(&room);
            self.aside(&line)?;
        }
        Ok(())
    }

    fn show_mention(&mut self, room: &RoomName, by: &MemberName, text: &str) -> anyhow::Result<()> {
        let Screen::Terminal(_) = self.screen else { return Ok(()) };
        let model = self.session.driver.machine.model();
        let line = (model.active() != Some(room)).then(|| {
            let at = self.session.driver.now().unix;
            format!("#{room} {}", self.look.message(at, by, text, false, model.me()))
        });
        // The bell: the terminal shows or sounds it as its user likes.
        let line = line.unwrap_or_default();
        if line.is_empty() { self.bell() } else { self.print(&format!("\x07{line}")) }
    }

    fn bell(&self) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(b"\x07")?;
        Ok(out.flush()?)
    }

    /// A line of the room.
    fn print(&mut self, line: &str) -> anyhow::Result<()> {
        match &mut self.screen {
            Screen::Terminal(prompt) => prompt.print(line),
            Screen::Plain(_) => Ok(writeln!(io::stdout().lock(), "{line}")?),
        }
    }

    /// A line about the room: not for whoever reads standard output with a program.
    fn aside(&mut self, text: &str) -> anyhow::Result<()> {
        match &mut self.screen {
            Screen::Terminal(prompt) => prompt.print(&self.look.aside(text)),
            Screen::Plain(_) => Ok(writeln!(io::stderr().lock(), "teahouse: {text}")?),
        }
    }

    fn alarm(&mut self, text: &str) -> anyhow::Result<()> {
        match &mut self.screen {
            Screen::Terminal(prompt) => prompt.print(&self.look.alarm(text)),
            Screen::Plain(_) => Ok(writeln!(io::stderr().lock(), "teahouse: {text}")?),
        }
    }
}

/// Whether an acknowledged post has yet to come back as an event, to be printed in its place.
fn awaits_echo(brain: &Brain) -> bool {
    let sent = |entry: Entry<'_>| matches!(entry, Entry::Pending(post) if post.state == PostState::Sent);
    brain.model().rooms().any(|room| room.timeline().entries().any(sent))
}

fn failures(room: &Room) -> Vec<(LocalId, String, String)> {
    let failed = |entry: Entry<'_>| match entry {
        Entry::Pending(post) => match &post.state {
            PostState::Failed { reason, .. } => Some((post.local, reason.clone(), post.text.clone())),
            PostState::Queued | PostState::Sent => None,
        },
        Entry::Event(_) | Entry::Gap(_) => None,
    };
    room.timeline().entries().filter_map(failed).collect()
}
