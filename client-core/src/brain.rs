use crate::input::{Config, Input, Now, Ticks};
use crate::model::{Connection, Model};
use crate::output::Output;
use crate::room::Room;

/// The whole behaviour of a client.
#[derive(Debug)]
pub struct Brain {
    config: Config,
    model: Model,
}

impl Brain {
    /// `stored` is whatever earlier [`Output::Store`]s left behind: (key, value) pairs, in any order. Unreadable values
    /// are dropped. `seed` is to be different in each run.
    pub fn new(
        config: Config,
        stored: impl IntoIterator<Item = (String, String)>,
        _seed: u64,
        _now: Now,
    ) -> Self {
        let mut model = Model::new();
        let _ = stored.into_iter().count();
        model.me.clone_from(&config.name);
        model.active = config.rooms.first().cloned();
        for room in &config.rooms {
            model.rooms.insert(room.clone(), Room::new(room.clone()));
        }
        Self { config, model }
    }

    /// Takes in what happened and says what is to be done, in this order.
    #[must_use]
    pub fn handle(&mut self, input: Input, now: Now) -> Vec<Output> {
        match input {
            Input::Start if self.config.name.is_some() => {
                self.model.connection = Connection::Connecting { since: now.ticks };
                vec![Output::OpenLink]
            }
            _ => Vec::new(),
        }
    }

    /// When [`Input::Deadline`] is due, if ever. It may change with every `handle`.
    pub fn deadline(&self) -> Option<Ticks> {
        None
    }

    /// What a view shows.
    pub fn model(&self) -> &Model {
        &self.model
    }
}
