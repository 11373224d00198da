//! What a slot and a host say to each other: JSON, one value a message, over `SOCK_SEQPACKET` on the host's descriptor 3.
//!
//! ```text
//!   host -> slot    {"ready":{"pid":N}}       a child of the host, a session leader, waits for a job
//!   slot -> child   {"env":[[name,value],..],"dir":"..","sandbox":false}
//!                   with stdin, stdout, stderr, events, and Landlock rules when `sandbox` is true
//!   host -> slot    {"ended":{"status":N}}    the child has ended and is not reaped yet; N as wait(2) has it
//!   slot -> host    {"next":{}}               reap it, and have another child ready
//!   host -> slot    {"used":{"cpu_us":..,"max_rss":..,"voluntary_switches":..,"involuntary_switches":..}}
//! ```
//!
//! Only one of host and child reads at a time: the host while it waits for `next`, the child before its job.

use super::super::sys::Spent;
use serde::{Deserialize, Serialize};
use std::{path::Path, time::Duration};

/// From a host.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FromHost {
    /// A child waits for a job.
    Ready {
        /// Its pid.
        pid: i32,
    },
    /// The child of the job has ended; its host has not reaped it.
    Ended {
        /// Its wait status.
        status: i32,
    },
    /// The child is reaped.
    Used(Used),
}

/// What a child and the children it waited for used, as `wait4(2)` tells.
#[derive(Debug, Deserialize)]
pub(super) struct Used {
    cpu_us: u64,
    /// Bytes.
    max_rss: u64,
    voluntary_switches: u64,
    involuntary_switches: u64,
}

/// To a host or the child that waits.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToHost {
    /// To the host.
    Next {},
}

/// To the child that waits.
#[derive(Debug, Serialize)]
pub(super) struct JobOfHost<'a> {
    pub(super) env: &'a [(String, String)],
    pub(super) dir: &'a Path,
    pub(super) sandbox: bool,
}

impl From<Used> for Spent {
    fn from(used: Used) -> Self {
        Self {
            cpu: Duration::from_micros(used.cpu_us),
            max_rss: used.max_rss,
            voluntary_switches: used.voluntary_switches,
            involuntary_switches: used.involuntary_switches,
        }
    }
}
