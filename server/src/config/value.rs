//! Values of options, which the command line, the environment and the file share.

use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

/// Several values of an option in one text, with commas between them and white space around them. A text without any is
/// none, so that a variable of the environment may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T>(pub(super) Vec<T>);

impl<T: FromStr<Err = String>> FromStr for Listed<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let values = text.split(',').map(str::trim).filter(|value| !value.is_empty());
        values.map(T::from_str).collect::<Result<_, _>>().map(Self)
    }
}

/// A time to wait, of at least a millisecond and at most a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub struct Millis(u64);

const DAY_MILLIS: u64 = 24 * 60 * 60 * 1_000;

impl Millis {
    pub(super) fn duration(self) -> Duration {
        Duration::from_millis(self.0)
    }
}

impl TryFrom<u64> for Millis {
    type Error = String;

    fn try_from(millis: u64) -> Result<Self, String> {
        if (1..=DAY_MILLIS).contains(&millis) {
            Ok(Self(millis))
        } else {
            Err(format!(
                "{millis} is no time to wait; it lies between 1 and {DAY_MILLIS} milliseconds, which is a day"
            ))
        }
    }
}

impl FromStr for Millis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<u64>().map_err(|_| format!("{text:?} is no number of milliseconds"))?.try_into()
    }
}
