//! How surely a slot holds its job's tree.

use dayfly_common::config;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What the configuration asks for (`[worker] isolation`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Isolation {
    /// The best tier that passes its test at start.
    #[default]
    Auto,
    /// Only [`Tier::Pidns`]; without it no job runs.
    Pidns,
    /// Only [`Tier::Tree`].
    Tree,
}

/// What holds a job's tree together.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// The slot is the init of a pid namespace of its own: whatever happens to it, the kernel ends all that is in there.
    Pidns,
    /// The slot is a child subreaper. Killing daemon, supervisor and slot all at once may leave processes behind; the
    /// next worker's start ends them ([`super::sweep`]).
    Tree,
}

/// The text is none of `auto`, `pidns`, `tree`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an isolation: use auto, pidns or tree")]
pub struct IsolationError(pub String);

impl Isolation {
    /// The tiers to try, best first.
    #[must_use]
    pub fn tiers(self) -> &'static [Tier] {
        match self {
            Self::Auto => &[Tier::Pidns, Tier::Tree],
            Self::Pidns => &[Tier::Pidns],
            Self::Tree => &[Tier::Tree],
        }
    }
}

impl From<config::Isolation> for Isolation {
    fn from(asked: config::Isolation) -> Self {
        match asked {
            config::Isolation::Auto => Self::Auto,
            config::Isolation::Pidns => Self::Pidns,
            config::Isolation::Tree => Self::Tree,
        }
    }
}

impl FromStr for Isolation {
    type Err = IsolationError;

    fn from_str(text: &str) -> Result<Self, IsolationError> {
        match text {
            "auto" => Ok(Self::Auto),
            "pidns" => Ok(Self::Pidns),
            "tree" => Ok(Self::Tree),
            other => Err(IsolationError(other.to_owned())),
        }
    }
}

impl fmt::Display for Isolation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Auto => "auto",
            Self::Pidns => "pidns",
            Self::Tree => "tree",
        })
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Pidns => "pidns",
            Self::Tree => "tree",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn isolations_read_back_as_they_are_written() {
        for isolation in [Isolation::Auto, Isolation::Pidns, Isolation::Tree] {
            assert_eq!(isolation.to_string().parse(), Ok(isolation));
        }
        assert!("container".parse::<Isolation>().is_err());
    }
}
