//! Hosts that a slot has lost and starts again while it has no job, so that the next job finds its code loaded or being loaded.
//!
//! A host goes for many reasons: with a job that had to be killed, after its last job, when its source has changed, or for its
//! memory. Each is started again once, by the slot that waits for work; one loads at a time, the one used last first. A host
//! that ends by itself before it has served anybody is not: the next job of its task starts it and is told why it ends.

use super::{
    super::{BootTime, slot::Tools, wire::Start},
    Hosts, MOST,
    host::Host,
};
use std::time::Duration;

/// A host that loads for nobody has the time of a job of its task for it, and never less than this.
const LOADING: Duration = Duration::from_secs(60);

/// Whether it starts the host of this key.
pub(super) fn is_of(start: &Start, key: &str) -> bool {
    start.warmth.as_ref().is_some_and(|warmth| warmth.key == key)
}

impl Hosts {
    /// Whether there is none.
    pub(in super::super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Takes note of one that has ended by itself.
    pub(super) fn miss(&mut self, host: &Host) {
        if host.loaded && host.jobs > 0 {
            self.lost.push(host.start.clone());
        }
    }

    /// Kills all for what one's job has done.
    pub(in super::super) fn end_all(&mut self) {
        let mut ended = self.end_those(|_| true);
        ended.sort_by_key(|host| host.turn);
        self.lost.extend(ended.into_iter().map(|host| host.start));
    }

    /// Starts the next of those that were lost, unless one is being loaded. To be called while there is no job.
    pub(in super::super) fn bring_back(tools: &mut Tools) {
        let now = BootTime::now();
        tools.hosts.end_those(|host| !host.loaded && host.load_by.is_some_and(|by| by <= now));
        if tools.hosts.all.len() >= MOST || tools.hosts.all.iter().any(|host| !host.loaded) {
            return;
        }
        let Some(start) = tools.hosts.lost.pop() else { return };
        let Some(warmth) = &start.warmth else { return };
        match Self::start(tools, &start, warmth) {
            Ok(at) => {
                if let Some(host) = tools.hosts.all.get_mut(at) {
                    host.load_by = Some(now.after(LOADING.max(Duration::from_nanos(start.timeout_ns))));
                }
            }
            Err(refusal) => {
                eprintln!("dayfly slot: the warm host of {} could not be started: {}", warmth.key, refusal.why)
            }
        }
    }

    /// When [`Hosts::bring_back`] is to be called again at the latest.
    pub(in super::super) fn due(&self) -> Option<BootTime> {
        self.all.iter().filter(|host| !host.loaded).filter_map(|host| host.load_by).min()
    }
}
