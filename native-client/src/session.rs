use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use teahouse_client_core::{Brain, Config, Connection, Input, NameProblem, Output};
use teahouse_protocol::MemberName;

use crate::address::Address;
use crate::arguments::StateOption;
use crate::driver::{Clock, Driver, seed};
use crate::language::Language;
use crate::state_file::{FORMAT, SignIn, StateFile};

/// What this program calls itself to servers.
pub(crate) const CLIENT: &str = concat!("teahouse/", env!("CARGO_PKG_VERSION"));

/// The key of who the user is.
const IDENTITY: &str = "identity";
/// How long the token of another program of this user's is waited for that was quicker to take the name.
const TAKE_OVER_TRIES: u32 = 20;
const TAKE_OVER_RETRY: Duration = Duration::from_millis(50);

/// Which of the stored values a task works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// All of them.
    Everything,
    /// Only who the user is: what a script could not send is the script's to send again, and nobody else's.
    Identity,
}

/// A brain that runs, and the file that it keeps its values in.
pub(crate) struct Session {
    pub(crate) driver: Driver<Brain>,
    state: Option<State>,
    keeps: Keeps,
    /// What the user has to be told about keeping.
    trouble: Option<String>,
    /// It is told once until it is over.
    troubled: bool,
}

struct State {
    file: StateFile,
    name: MemberName,
    dir: Option<PathBuf>,
    address: Address,
    /// Whether anything is written.
    writes: bool,
    /// Who the user is, as this program read it in the file or wrote it.
    own: Option<String>,
    sign_in: Option<SignIn>,
}

impl Session {
    /// Without a name in the configuration, the server finds one and nothing is kept. The name is asked to be kept
    /// where its token can be kept.
    pub(crate) async fn open(
        config: Config,
        address: Address,
        option: &StateOption,
        keeps: Keeps,
    ) -> anyhow::Result<Self> {
        let language = Language::of_environment();
        let Some(name) = config.name.clone() else {
            let brain = Brain::anonymous(config, seed()?, Clock::start().now());
            return Ok(Self::new(brain, address, keeps));
        };
        let dir = option.state_dir.clone();
        let mut trouble = None;
        let mut writes = !option.no_keep();
        let file = match StateFile::at(dir.as_deref(), &address, &name) {
            Ok(file) => {
                if writes && let Err(error) = file.prepare() {
                    trouble = Some(language.nothing_kept(&format!("{error:#}")));
                    writes = false;
                }
                Some(file)
            }
            Err(error) => {
                trouble = writes.then(|| language.nothing_kept(&format!("{error:#}")));
                None
            }
        };
        let mut state = file.map(|file| State {
            file,
            name,
            dir,
            address: address.clone(),
            writes,
            own: None,
            sign_in: None,
        });
        let mut values = BTreeMap::new();
        if let Some(state) = &mut state {
            values = state.read(keeps, &mut trouble)?;
            if writes && !has_token(values.get(IDENTITY)) {
                // Of several that ask for a new name at the same time one gets it, and the others go on with its token.
                state.sign_in = state.file.sign_in().await;
                values = state.read(keeps, &mut trouble)?;
            }
        }
        let writes = state.as_ref().is_some_and(|state| state.writes);
        let config = Config { keep: config.keep && writes, ..config };
        let brain = Brain::new(config, values, seed()?, Clock::start().now());
        let mut session = Self::new(brain, address, keeps);
        session.state = state;
        session.troubled = trouble.is_some();
        session.trouble = trouble;
        Ok(session)
    }

    fn new(brain: Brain, address: Address, keeps: Keeps) -> Self {
        let driver = Driver::new(brain, Clock::start(), address);
        Self { driver, state: None, keeps, trouble: None, troubled: false }
    }

    /// Keeps what is to be kept, and returns what is for the view.
    pub(crate) fn keep(&mut self, outputs: Vec<Output>) -> Vec<Output> {
        let mut rest = Vec::new();
        for output in outputs {
            match output {
                Output::Store { key, value } => self.store(key, value),
                output => rest.push(output),
            }
        }
        if self.state.as_ref().is_some_and(|state| state.file.urgent()) {
            self.write();
        }
        rest
    }

    fn store(&mut self, key: String, value: Option<String>) {
        if let Some(state) = self.state.as_mut().filter(|state| state.writes)
            && self.keeps.keeps(&key)
            && let Err(error) = state.keep(key, value)
        {
            self.fail(&error);
        }
    }

    /// Whether something waits for [`Self::write`].
    pub(crate) fn waits(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.file.waits())
    }

    /// Writes what could wait until now.
    pub(crate) fn write(&mut self) {
        let Some(state) = &mut self.state else { return };
        match state.file.write() {
            Ok(()) => {
                self.troubled = false;
                if has_token(state.own.as_ref()) {
                    state.sign_in = None;
                }
            }
            Err(error) => self.fail(&error),
        }
    }

    fn fail(&mut self, error: &anyhow::Error) {
        if !self.troubled {
            self.trouble = Some(Language::of_environment().not_kept(&format!("{error:#}")));
        }
        self.troubled = true;
    }

    /// What the user has to be told about keeping, once.
    pub(crate) fn trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }

    /// When the name was refused because another program of this user's took it meanwhile: goes on as that one does, and
    /// returns what that puts out. `None`: the name is somebody else's. To be asked once for each refusal, since it may wait.
    pub(crate) async fn take_over(&mut self) -> anyhow::Result<Option<Vec<Output>>> {
        let Connection::NeedsName { problem: Some(NameProblem::Taken(name)) } =
            self.driver.machine.model().connection()
        else {
            return Ok(None);
        };
        let Some(state) = self.state.as_mut().filter(|state| state.name == *name) else { return Ok(None) };
        // Who held the door to the name was alone; who came with a token that was good no more was perhaps not.
        let tries = if state.sign_in.is_some() { 1 } else { TAKE_OVER_TRIES };
        for attempt in 0..tries {
            if attempt > 0 {
                tokio::time::sleep(TAKE_OVER_RETRY).await;
            }
            let stored = state.file.read()?.values;
            let Some(identity) = stored.get(IDENTITY).filter(|identity| has_token(Some(identity))) else {
                continue;
            };
            if state.own.as_ref() == Some(identity) {
                continue;
            }
            state.own = Some(identity.clone());
            state.sign_in = None;
            let kept = Input::Shared(vec![(IDENTITY.to_owned(), Some(identity.clone()))]);
            return Ok(Some(self.driver.feed(kept)));
        }
        Ok(None)
    }
}

impl State {
    fn read(
        &mut self,
        keeps: Keeps,
        trouble: &mut Option<String>,
    ) -> anyhow::Result<BTreeMap<String, String>> {
        let stored = self.file.read()?;
        if let Some(aside) = stored.aside {
            *trouble = Some(Language::of_environment().put_aside(&aside));
        }
        self.own = stored.values.get(IDENTITY).cloned();
        Ok(stored.values.into_iter().filter(|(key, _)| keeps.keeps(key)).collect())
    }

    fn keep(&mut self, key: String, value: Option<String>) -> anyhow::Result<()> {
        if key != IDENTITY {
            self.file.change(key, value);
            return Ok(());
        }
        // Who is called something else from now on has another file.
        if let Some(name) = value.as_deref().and_then(name_of_identity)
            && name != self.name
        {
            let mut other = StateFile::at(self.dir.as_deref(), &self.address, &name)?;
            if token_of(self.own.as_deref()).is_some_and(|own| token_of(value.as_deref()) == Some(own)) {
                // The same user: under the old name somebody else may come, who is to find nothing of this one's.
                self.file.write()?;
                for (key, value) in self.file.read()?.values {
                    if key == IDENTITY {
                        self.file.change_own(key, None, self.own.clone());
                    } else if key != FORMAT.0 {
                        self.file.change(key.clone(), None);
                        other.change(key, Some(value));
                    }
                }
                // First where it is to be, so that nothing is lost in between.
                other.change(key.clone(), value.clone());
                other.write()?;
            }
            self.file.write()?;
            self.file = other;
            self.name = name;
            self.own = self.file.read()?.values.get(IDENTITY).cloned();
        }
        if has_token(value.as_ref()) {
            self.file.change(key, value.clone());
            self.own = value;
        } else {
            // A token that another program got meanwhile is not this one's to forget.
            self.file.change_own(key, value.clone(), self.own.clone());
            self.file.write()?;
            self.own =
                self.file.read()?.values.get(IDENTITY).cloned().filter(|now| Some(now) == value.as_ref());
        }
        Ok(())
    }
}

impl Keeps {
    fn keeps(self, key: &str) -> bool {
        self == Self::Everything || key == IDENTITY
    }
}

fn has_token(identity: Option<&String>) -> bool {
    token_of(identity.map(String::as_str)).is_some()
}

fn token_of(identity: Option<&str>) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(identity?).ok()?;
    value.get("token")?.as_str().map(str::to_owned)
}

fn name_of_identity(value: &str) -> Option<MemberName> {
    let value: serde_json::Value = serde_json::from_str(value).ok()?;
    MemberName::parse(value.get("name")?.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(dir: &std::path::Path, name: &str) -> State {
        let (address, name) =
            ("tea.example".parse().expect("an address"), MemberName::parse(name).expect("a name"));
        let file = StateFile::at(Some(dir), &address, &name).expect("a directory");
        State { file, name, dir: Some(dir.to_owned()), address, writes: true, own: None, sign_in: None }
    }

    fn identity(name: &str, token: &str) -> Option<String> {
        Some(format!(r#"{{"name":"{name}","token":"{token}"}}"#))
    }

    fn values(dir: &std::path::Path, name: &str) -> Vec<(String, String)> {
        let values = state(dir, name).file.read().expect("readable").values;
        values.into_iter().filter(|(key, _)| key != FORMAT.0).collect()
    }

    #[test]
    fn who_is_called_something_else_leaves_nothing_under_the_old_name() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut ana = state(dir.path(), "ana");
        for (key, value) in [(IDENTITY, identity("ana", "t")), ("outbox/1", Some("words".to_owned()))] {
            ana.keep(key.to_owned(), value).expect("writable");
        }
        ana.file.write().expect("writable");
        ana.keep(IDENTITY.to_owned(), identity("bo", "t")).expect("writable");
        ana.keep("outbox/2".to_owned(), Some("more".to_owned())).expect("writable");
        ana.file.write().expect("writable");
        assert_eq!(values(dir.path(), "ana"), []);
        let keys: Vec<String> = values(dir.path(), "bo").into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, [IDENTITY, "outbox/1", "outbox/2"]);
    }

    #[test]
    fn somebody_else_under_another_name_takes_nothing_along() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut ana = state(dir.path(), "ana");
        ana.keep(IDENTITY.to_owned(), identity("ana", "t")).expect("writable");
        ana.keep(IDENTITY.to_owned(), identity("bo", "u")).expect("writable");
        ana.file.write().expect("writable");
        let kept =
            |name: &str, token: &str| vec![(IDENTITY.to_owned(), identity(name, token).expect("a value"))];
        assert_eq!(values(dir.path(), "ana"), kept("ana", "t"));
        assert_eq!(values(dir.path(), "bo"), kept("bo", "u"));
    }
}
