//! The steps of a history.

use crate::world::At;

/// What a daemon has on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// The command of its seat.
    Command,
    /// Its heartbeat.
    Heartbeat,
}

/// How a program ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// With a result.
    Well,
    /// With a failure of its own.
    Badly,
}

/// What may happen. The number is the worker's, or the job's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Time passes.
    Tick,
    /// A client submits a job.
    Submit(u8),
    /// A client cancels a job.
    Cancel(u8),
    /// Expired leases are taken.
    Sweep(At),
    /// A worker asks for a job.
    Claim(usize),
    /// A worker sends the release or the end that its seat has to send.
    Send(usize),
    /// A worker sends a heartbeat.
    Beat(usize),
    /// The answer to a command reaches the daemon.
    Hear(usize),
    /// The answer to a heartbeat reaches the daemon.
    HearBeat(usize),
    /// The slot is told to start, and looks at the lease.
    Start(usize),
    /// `execve`: processes of the job are alive.
    Exec(usize),
    /// The program ends.
    Exit(usize, Exit),
    /// The slot, or the supervisor after the slot's death, has ended the job.
    Kill(usize),
    /// The daemon has ended a slot that missed its time, and with it the job.
    Bury(usize),
    /// The daemon hears from its slot how the job ended.
    Collect(usize),
    /// `execve` in the slot of a daemon that has died.
    ExecOrphan(usize),
    /// The slot of a daemon that has died has ended the job.
    KillOrphan(usize),
    /// A command that was given up arrives.
    Arrive(usize, At),
    /// A command is sent and given up before it arrives, if ever.
    Delay(usize, Wire),
    /// An answer is lost.
    Lose(usize, Wire),
    /// A daemon is killed, perhaps just after it has sent something.
    Crash(usize, Option<Wire>),
    /// Another daemon starts.
    Restart(usize),
    /// Nothing of a dead daemon's jobs is alive, and they are taken back at once.
    Recover(usize),
    /// A slot is killed.
    KillSlot(usize),
    /// A daemon is stopped.
    Pause(usize),
    /// It goes on.
    Resume(usize),
    /// A slot is stopped.
    Stop(usize),
    /// It goes on.
    Continue(usize),
    /// Daemon and slots are stopped.
    Freeze(usize),
    /// They go on.
    Thaw(usize),
    /// A worker is cut off from Redis.
    Cut(usize),
    /// It is not any more.
    Heal(usize),
    /// The server's clock jumps ahead.
    Jump,
    /// The replica receives nothing from here on.
    FallBehind,
    /// The replica becomes the primary.
    Promote,
    /// A worker goes over to the new primary.
    Follow(usize),
}
