//! Scheduling of the processes that have to act in time.

/// Puts this thread before every ordinary one (`SCHED_FIFO`, the lowest priority of it); what it
/// forks is ordinary again. In a storm of forks it would otherwise wait for its turn behind hundreds. False where that is not allowed.
pub(in crate::process) fn realtime() -> bool {
    let priority = libc::sched_param { sched_priority: 1 };
    // SAFETY: the parameter is a live value of the right type; 0 means the calling thread.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK, &raw const priority) == 0 }
}
