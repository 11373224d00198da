//! Everything a job asks for, made into one plan for the leader's process, and the leader started by it.

use super::{cgroup::Cage, leader, refusal::Refusal, sandbox, slot::Tools, wire::Start};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// The rules of its sandbox, if it is to have one.
pub(super) fn rules(start: &Start) -> Result<Option<OwnedFd>, Refusal> {
    match start.sandbox {
        Some(_) => sandbox::rules(&sandbox::writable(&start.dir, &start.env))
            .map(Some)
            .map_err(|error| Refusal::at("its sandbox", &error)),
        None => Ok(None),
    }
}

/// Starts the leader. Its descriptors are closed here once it has them.
///
/// # Errors
/// A sentence for people; nothing of the leader is left.
pub(super) fn launch(tools: &mut Tools, start: &Start, fds: Vec<OwnedFd>, cage: Option<&Cage>) -> Result<i32, Refusal> {
    let [stdin, stdout, stderr, events] = <[OwnedFd; 4]>::try_from(fds)
        .map_err(|fds| format!("four descriptors should have come with the job, not {}", fds.len()))?;
    let rules = rules(start)?;
    let mut plan = leader::plan(start)?;
    plan.doors = cage.into_iter().flat_map(Cage::doors).map(AsRawFd::as_raw_fd).collect();
    plan.rlimits = start.bounds.rlimits(cage, tools.counted_apart);
    plan.affinity = start.bounds.affinity(cage, tools.number);
    plan.rules = rules.as_ref().map(AsRawFd::as_raw_fd);
    let descriptors = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd(), events.as_fd()];
    tools.area.start(&plan, descriptors).map_err(|failure| {
        let programs = leader::candidates(start.argv.first().map_or("", String::as_str), &start.env);
        Refusal::of(start, &programs, &failure)
    })
}
