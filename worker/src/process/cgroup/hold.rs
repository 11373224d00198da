//! What holds a job's limits here.

use super::{Version, yard::Plot};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What holds one kind of limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    /// A control group of version 2.
    Cgroup2,
    /// A control group of version 1.
    Cgroup1,
    /// The slot, which looks at its tree, and what the kernel holds for a single process or a user.
    Slot,
}

/// What holds which limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holders {
    /// `memory`.
    pub memory: Holder,
    /// `nproc`.
    pub nproc: Holder,
    /// `cpus`.
    pub cpus: Holder,
}

impl Holder {
    pub(super) fn of(plot: Option<&Plot>) -> Self {
        match plot.map(|plot| plot.version) {
            Some(Version::V2) => Self::Cgroup2,
            Some(Version::V1) => Self::Cgroup1,
            None => Self::Slot,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Cgroup2 => "cgroup v2",
            Self::Cgroup1 => "cgroup v1",
            Self::Slot => "slot",
        })
    }
}
