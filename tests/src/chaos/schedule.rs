//! Which faults happen when: a pure function of the seed.

use super::{
    dice::Dice,
    fault::{Fault, Kind, Link},
    proxy::Weather,
};
use std::time::Duration;

/// A fault of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// From the run's start.
    pub at: Duration,
    /// Until it is undone.
    pub lasts: Duration,
    /// Of which kind it is.
    pub kind: Kind,
    /// What happens.
    pub fault: Fault,
}

impl Planned {
    fn overlaps(&self, other: &Self) -> bool {
        // Between two faults of one thing there is a moment in which it can be hit.
        let pause = Duration::from_millis(300);
        self.at < other.at + other.lasts + pause && other.at < self.at + self.lasts + pause
    }
}

/// What a run is aimed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// Every kind of fault and of job, long faults and short ones.
    Everything,
    /// What only self-fencing survives: daemons paused and cut off for longer than a lease, while jobs run that are longer still.
    BeyondTheLease,
}

impl Aim {
    fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Everything => &Kind::ALL,
            Self::BeyondTheLease => &[Kind::StopDaemon, Kind::SwallowBoth],
        }
    }

    /// The shortest pause.
    fn least_ms(self, ttl: u64) -> u64 {
        match self {
            Self::Everything => ttl / 6,
            Self::BeyondTheLease => ttl * 2,
        }
    }
}

/// `count` faults that begin within `span`, for so many workers with leases of `ttl`, sorted by time.
#[must_use]
pub fn faults(seed: u64, count: usize, span: Duration, workers: usize, ttl: Duration, aim: Aim) -> Vec<Planned> {
    let mut dice = Dice::new(seed, u64::MAX);
    let mut deck: Vec<Kind> = aim.kinds().iter().copied().cycle().take(count).collect();
    dice.shuffle(&mut deck);
    let ms = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let step = span.checked_div(u32::try_from(count.max(1)).unwrap_or(u32::MAX)).unwrap_or_default();
    let mut all: Vec<Planned> = Vec::new();
    for (number, kind) in deck.into_iter().enumerate() {
        let begin = step.saturating_mul(u32::try_from(number).unwrap_or(u32::MAX));
        let mut at = begin + Duration::from_millis(dice.below(ms(step)));
        // Elsewhere or later, until it does not get in the way of another one.
        let planned = loop {
            let lasts = lasting(&mut dice, kind, ms(ttl), aim);
            let fault = fault(&mut dice, kind, workers);
            let planned = Planned { at, lasts, kind, fault };
            if all.iter().all(|other| !planned.overlaps(other) || together(fault, other.fault)) {
                break planned;
            }
            at += Duration::from_millis(100);
        };
        all.push(planned);
    }
    all.sort_by_key(|planned| planned.at);
    all
}

fn lasting(dice: &mut Dice, kind: Kind, ttl: u64, aim: Aim) -> Duration {
    let least = aim.least_ms(ttl);
    Duration::from_millis(match kind {
        Kind::KillDaemon | Kind::KillServer => dice.within(0, ttl * 3 / 2),
        Kind::KillApi => dice.within(0, 1_000),
        Kind::StopDaemon | Kind::StopSupervisor | Kind::StopSlot => dice.within(least, ttl * 3),
        Kind::SwallowRequests | Kind::SwallowReplies | Kind::SwallowBoth | Kind::Held => dice.within(least, ttl * 2),
        Kind::Slow | Kind::NoReplies | Kind::Refused | Kind::TightMemory => dice.within(ttl / 6, ttl),
        // Done at once.
        Kind::KillSupervisor
        | Kind::KillSlot
        | Kind::Reset
        | Kind::FlushFunctions
        | Kind::KillClients
        | Kind::KillScripts => 0,
    })
}

fn fault(dice: &mut Dice, kind: Kind, workers: usize) -> Fault {
    let worker = dice.index(workers);
    let link: Link = dice.index(workers + 1);
    let slow = Duration::from_millis(dice.within(10, 200));
    let swallow = |requests, replies| Fault::Link(link, Weather::Swallow { requests, replies });
    match kind {
        Kind::KillDaemon => Fault::KillDaemon(worker),
        Kind::KillSupervisor => Fault::KillSupervisor(worker),
        Kind::KillSlot => Fault::KillSlot(worker),
        Kind::KillApi => Fault::KillApi,
        Kind::KillServer => Fault::KillServer,
        Kind::StopDaemon => Fault::StopDaemon(worker),
        Kind::StopSupervisor => Fault::StopSupervisor(worker),
        Kind::StopSlot => Fault::StopSlot(worker),
        Kind::Slow => Fault::Link(link, Weather::Slow(slow)),
        Kind::SwallowRequests => swallow(true, false),
        Kind::SwallowReplies => swallow(false, true),
        Kind::SwallowBoth => swallow(true, true),
        Kind::Held => Fault::Link(link, Weather::Held),
        Kind::NoReplies => Fault::Link(link, Weather::NoReplies),
        Kind::Refused => Fault::Link(link, Weather::Refused),
        Kind::Reset => Fault::Reset(link),
        Kind::FlushFunctions => Fault::FlushFunctions,
        Kind::TightMemory => Fault::TightMemory,
        Kind::KillClients => Fault::KillClients,
        Kind::KillScripts => Fault::KillScripts,
    }
}

/// What a fault keeps in a state of its own, for as long as it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thing {
    Daemon(usize),
    Supervisor(usize),
    Slot(usize),
    Link(Link),
    Api,
    Server,
    Memory,
}

fn thing(fault: Fault) -> Option<Thing> {
    match fault {
        Fault::KillDaemon(worker) | Fault::StopDaemon(worker) => Some(Thing::Daemon(worker)),
        Fault::StopSupervisor(worker) => Some(Thing::Supervisor(worker)),
        Fault::StopSlot(worker) => Some(Thing::Slot(worker)),
        Fault::Link(link, _) => Some(Thing::Link(link)),
        Fault::KillApi => Some(Thing::Api),
        Fault::KillServer => Some(Thing::Server),
        Fault::TightMemory => Some(Thing::Memory),
        Fault::KillSupervisor(_)
        | Fault::KillSlot(_)
        | Fault::Reset(_)
        | Fault::FlushFunctions
        | Fault::KillClients
        | Fault::KillScripts => None,
    }
}

/// Whether both may be in force at the same time. Nearly all may: the same thing cannot be in two states, and that daemon and
/// slot of one job are not stopped together is a condition of what is promised.
fn together(one: Fault, other: Fault) -> bool {
    let both_stopped = match (one, other) {
        (Fault::StopDaemon(daemon), Fault::StopSlot(slot)) | (Fault::StopSlot(slot), Fault::StopDaemon(daemon)) => {
            daemon == slot
        }
        (_, _) => false,
    };
    !both_stopped && (thing(one).is_none() || thing(one) != thing(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(3);

    #[test]
    fn a_seed_gives_the_same_faults_again_and_every_kind() {
        let plan = |seed| faults(seed, 60, Duration::from_secs(130), 3, TTL, Aim::Everything);
        assert_eq!(plan(7), plan(7));
        assert_ne!(plan(7), plan(8));
        for kind in Kind::ALL {
            assert_eq!(plan(7).iter().filter(|planned| planned.kind == kind).count(), 3, "{kind}");
        }
    }

    #[test]
    fn daemon_and_slot_of_one_worker_are_never_stopped_together() {
        // Far more than there is room for.
        let plan = faults(1, 200, Duration::from_secs(60), 2, TTL, Aim::Everything);
        for (at, one) in plan.iter().enumerate() {
            for other in plan[at + 1..].iter().filter(|other| one.overlaps(other)) {
                assert!(together(one.fault, other.fault), "{one:?} {other:?}");
            }
        }
        assert!(!together(Fault::StopDaemon(1), Fault::StopSlot(1)));
        assert!(together(Fault::StopDaemon(1), Fault::StopSlot(0)));
    }
}
