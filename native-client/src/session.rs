use std::path::Path;

use teahouse_client_core::{Brain, Config, Output};
use teahouse_protocol::MemberName;

use crate::address::Address;
use crate::driver::{Clock, Driver, seed};
use crate::state_file::StateFile;

/// What this program calls itself to servers.
pub(crate) const CLIENT: &str = concat!("teahouse/", env!("CARGO_PKG_VERSION"));

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
}

struct State {
    file: StateFile,
    name: MemberName,
    dir: Option<std::path::PathBuf>,
    address: Address,
}

impl Session {
    /// Without a name in the configuration, the server finds one and nothing is kept.
    pub(crate) fn new(
        config: Config,
        address: Address,
        dir: Option<&Path>,
        keeps: Keeps,
    ) -> anyhow::Result<Self> {
        let clock = Clock::start();
        let seed = seed()?;
        let Some(name) = config.name.clone() else {
            let brain = Brain::anonymous(config, seed, clock.now());
            return Ok(Self { driver: Driver::new(brain, clock, address), state: None, keeps });
        };
        let file = StateFile::open(dir, &address, &name)?;
        let stored = file.read()?.into_iter().filter(|(key, _)| keeps.keeps(key));
        let brain = Brain::new(config, stored, seed, clock.now());
        let state = State { file, name, dir: dir.map(Path::to_owned), address: address.clone() };
        Ok(Self { driver: Driver::new(brain, clock, address), state: Some(state), keeps })
    }

    /// Keeps what is to be kept, and returns what is for the view.
    pub(crate) fn keep(&mut self, outputs: Vec<Output>) -> anyhow::Result<Vec<Output>> {
        let mut rest = Vec::new();
        for output in outputs {
            match (output, &mut self.state) {
                (Output::Store { key, value }, Some(state)) => {
                    if self.keeps.keeps(&key) {
                        state.keep(key, value)?;
                    }
                }
                (Output::Store { .. }, None) => {}
                (output, _) => rest.push(output),
            }
        }
        if let Some(state) = &mut self.state
            && state.file.urgent()
        {
            state.file.write()?;
        }
        Ok(rest)
    }

    /// Writes what could wait until now.
    pub(crate) fn close(&mut self) -> anyhow::Result<()> {
        self.state.as_mut().map_or(Ok(()), |state| state.file.write())
    }
}

impl State {
    fn keep(&mut self, key: String, value: Option<String>) -> anyhow::Result<()> {
        // Who is called something else from now on has another file.
        let name = value.as_deref().filter(|_| key == "identity").and_then(name_of_identity);
        if let Some(name) = name
            && name != self.name
        {
            self.file.write()?;
            self.file = StateFile::open(self.dir.as_deref(), &self.address, &name)?;
            self.name = name;
        }
        self.file.change(key, value);
        Ok(())
    }
}

impl Keeps {
    fn keeps(self, key: &str) -> bool {
        self == Self::Everything || key == "identity"
    }
}

fn name_of_identity(value: &str) -> Option<MemberName> {
    let value: serde_json::Value = serde_json::from_str(value).ok()?;
    MemberName::parse(value.get("name")?.as_str()?).ok()
}
