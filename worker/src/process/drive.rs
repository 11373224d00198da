//! One running job, seen from the daemon: reads its output, passes requests on, and waits for the slot's report.
//!
//! The slot keeps the job's times. Should the slot itself be stopped or hang, the driver kills it a little later than
//! it should have acted, and the supervisor ends the tree.

use super::{
    BootTime, Ended, Exit, adopt,
    clock::nanos,
    ending::{Due, Ending},
    handle::Slot,
    link::{Link, Said},
    output::Output,
    tier::Tier,
    wire::{FromSlot, JobEnd, ToSlot},
};
use dayfly_common::model::{KilledBy, Usage};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// How long after its time to SIGKILL a slot must have reported: longer than it takes to find something unkillable.
const SLACK: Duration = Duration::from_secs(5);

/// Between two signals to a supervisor that has something to tell.
const NUDGE: Duration = Duration::from_millis(100);

/// What [`super::Control`] asks for.
#[derive(Debug)]
pub(super) enum Command {
    /// TERM now, KILL later.
    Kill(KilledBy, Duration),
    /// The lease's new limit.
    Renew(BootTime),
    /// Its limit, when that may be sooner than was thought.
    Shorten(BootTime),
}

/// One running job.
#[derive(Debug)]
pub(super) struct Driver {
    slot: Slot,
    /// The same times as the slot keeps.
    ending: Ending,
    kill_due: Option<BootTime>,
    /// How long after that the slot must have reported.
    slack: Duration,
    patience: Duration,
    /// What SIGKILL had not ended after 3 s, once that has been told.
    remains: String,
    started: Instant,
}

/// How the slot's part ended.
#[derive(Debug)]
enum Report {
    Ended(JobEnd),
    /// The slot died.
    Died {
        unkillable: bool,
    },
}

impl Driver {
    /// For a job that has just been started with these times.
    pub(super) fn new(slot: Slot, ending: Ending, patience: Duration) -> Self {
        Self { slot, ending, kill_due: None, slack: SLACK, patience, remains: String::new(), started: Instant::now() }
    }

    /// Until the end.
    pub(super) async fn run(
        mut self,
        mut output: Output,
        mut commands: mpsc::UnboundedReceiver<Command>,
    ) -> (Ended, Option<Slot>) {
        let report = loop {
            let wake = tokio::time::Instant::now() + self.next_look().since(BootTime::now());
            tokio::select! {
                said = self.slot.link.hear() => match said {
                    Ok(Said::Message(FromSlot::Ended(end), _)) => break Report::Ended(end),
                    Ok(Said::Message(FromSlot::Gone { unkillable }, _)) => break Report::Died { unkillable },
                    Ok(Said::Message(FromSlot::Leads { pid }, named)) => {
                        let pid = match self.slot.link.tier() {
                            Tier::Pidns => named.unwrap_or(pid),
                            Tier::Tree => pid,
                        };
                        output.say_leads(pid);
                    }
                    Ok(Said::Message(FromSlot::Stuck { remains }, _)) => {
                        self.slack += self.patience;
                        output.say_stuck(remains.clone());
                        self.remains = remains;
                    }
                    Ok(Said::Message(
                        FromSlot::Hello(_)
                        | FromSlot::Refused(_)
                        | FromSlot::Started { .. }
                        | FromSlot::NotStarted(_)
                        | FromSlot::LeaseTooShort,
                        _,
                    )) => {}
                    Ok(Said::End) | Err(_) => break self.bury().await,
                },
                Some(command) = commands.recv() => self.pass_on(&command),
                () = tokio::time::sleep_until(wake) => {
                    if self.look() {
                        break self.bury().await;
                    }
                }
                () = output.pump() => {}
            }
        };
        let printed = output.finish();
        let (mut ended, slot) = self.conclude(report);
        ended.stdout = printed.stdout;
        ended.stdout_truncated = printed.truncated;
        ended.stderr_tail = printed.stderr_tail;
        ended.exception = printed.exception;
        (ended, slot)
    }

    fn pass_on(&mut self, command: &Command) {
        let now = BootTime::now();
        let message = match command {
            Command::Kill(cause, grace) => {
                self.ending.ask(*cause, *grace, now);
                ToSlot::Kill { cause: *cause, grace_ns: nanos(*grace) }
            }
            Command::Renew(limit) => {
                self.ending.renew(*limit);
                ToSlot::Renew { limit_ns: limit.0 }
            }
            Command::Shorten(limit) => {
                self.ending.shorten(*limit);
                ToSlot::Shorten { limit_ns: limit.0 }
            }
        };
        // A slot that does not take messages is dead or stopped: its socket or its time tells.
        let _ = self.slot.link.tell(&message, &[]);
    }

    /// When the slot should next have acted, and a little more.
    fn next_look(&self) -> BootTime {
        let force = self.ending.lease().force_at();
        self.kill_due.map_or_else(|| self.ending.next(), |due| due.after(self.slack)).min(force)
    }

    /// Whether the slot has missed its time.
    fn look(&mut self) -> bool {
        let now = BootTime::now();
        if self.ending.due(now) == Due::Kill && self.kill_due.is_none() {
            self.ending.signalled();
            self.kill_due = Some(now);
        }
        now >= self.ending.lease().force_at() || self.kill_due.is_some_and(|due| now >= due.after(self.slack))
    }

    async fn bury(&self) -> Report {
        self.slot.link.kill();
        Report::Died { unkillable: !until_gone(&self.slot.link).await }
    }

    fn conclude(self, report: Report) -> (Ended, Option<Slot>) {
        match report {
            Report::Ended(end) => {
                let retired = end.unkillable;
                let ended = Ended { remains: self.remains, ..Ended::from_report(&end) };
                (ended, (!retired).then_some(self.slot))
            }
            Report::Died { unkillable } => {
                let mut ended = Ended::unknown();
                ended.killed_by = self.ending.cause();
                ended.kill_ms = self.ending.kill_time().map(whole_ms);
                ended.usage.wall_ms = whole_ms(self.started.elapsed());
                ended.unkillable = unkillable;
                ended.remains = self.remains;
                (ended, None)
            }
        }
    }
}

/// Waits until nothing is left of a slot that was killed. False when something does not die.
pub(super) async fn until_gone(link: &Link) -> bool {
    let told = tokio::time::timeout(SLACK, async {
        loop {
            // One that was stopped could not tell, and what is gone would be taken for unkillable.
            link.supervisor().go_on();
            match tokio::time::timeout(NUDGE, link.hear()).await {
                Ok(Ok(Said::Message(FromSlot::Gone { unkillable }, _))) => return Some(!unkillable),
                // What the slot said before it died, or nothing yet.
                Ok(Ok(Said::Message(_, _))) | Err(_) => {}
                Ok(Ok(Said::End) | Err(_)) => return None,
            }
        }
    });
    match told.await {
        Ok(Some(gone)) => gone,
        // The supervisor cannot tell any more.
        Ok(None) => {
            let dead = async {
                while !link.supervisor().has_ended() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            match tokio::time::timeout(SLACK, dead).await {
                Ok(()) => adopt::end_all().await,
                Err(_) => false,
            }
        }
        Err(_) => false,
    }
}

impl Ended {
    fn from_report(end: &JobEnd) -> Self {
        let ms = |ns| whole_ms(Duration::from_nanos(ns));
        Self {
            exit: end.status.map_or(Exit::Unknown, Exit::from_status),
            killed_by: end.killed_by,
            limit: end.limit,
            kill_ms: end.kill_ns.map(ms),
            usage: Usage {
                wall_ms: ms(end.wall_ns),
                cpu_ms: ms(end.cpu_ns),
                max_rss_bytes: end.max_rss,
                voluntary_switches: end.voluntary_switches,
                involuntary_switches: end.involuntary_switches,
            },
            unkillable: end.unkillable,
            ..Self::unknown()
        }
    }

    /// The end of a job of which nothing is known.
    pub(super) fn unknown() -> Self {
        Self {
            exit: Exit::Unknown,
            killed_by: None,
            limit: None,
            kill_ms: None,
            usage: Usage::default(),
            stdout: Vec::new(),
            stdout_truncated: false,
            stderr_tail: String::new(),
            exception: None,
            unkillable: false,
            remains: String::new(),
        }
    }
}

impl Exit {
    /// From a wait status (`wait(2)`).
    pub(super) fn from_status(status: i32) -> Self {
        let signal = status & 0x7f;
        if signal == 0 { Self::Code((status >> 8) & 0xff) } else { Self::Signal(signal) }
    }
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
