//! How long round trips take, for `dayfly_redis_command_seconds`.

use super::QueueError;
use crate::metrics::{Exposition, names};
use prometheus::{HistogramVec, IntCounter};
use redis::{Arg, Cmd, Pipeline};
use std::time::Instant;

/// What one handle on the queue, and all its clones, have measured.
#[derive(Debug, Clone)]
pub struct RedisMetrics {
    seconds: HistogramVec,
    errors: IntCounter,
    exposed: prometheus::IntCounterVec,
}

impl RedisMetrics {
    pub(super) fn new() -> Self {
        let exposed = crate::metrics::whole_counters(&names::REDIS_ERRORS);
        let errors = exposed.with_label_values::<&str>(&[]);
        Self { seconds: crate::metrics::histograms(&names::REDIS_COMMAND), errors, exposed }
    }

    /// Has them told with others.
    pub fn expose(&self, with: &Exposition) {
        with.add(self.seconds.clone());
        with.add(self.exposed.clone());
    }

    pub(super) fn note<T>(&self, pipeline: &Pipeline, begun: Instant, answer: &Result<T, QueueError>) {
        match answer {
            Ok(_) => {
                let command = pipeline.cmd_iter().next().and_then(word).unwrap_or("");
                self.seconds.with_label_values(&[command]).observe(begun.elapsed().as_secs_f64());
            }
            Err(_) => self.errors.inc(),
        }
    }
}

/// The function that a command calls, or the command. Our own words only, so there are few.
fn word(command: &Cmd) -> Option<&str> {
    let mut words = command.args_iter().map(|arg| match arg {
        Arg::Simple(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    });
    match words.next()?? {
        "FCALL" | "FCALL_RO" => words.next()?,
        other => Some(other),
    }
}
