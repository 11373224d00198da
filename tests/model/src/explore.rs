//! Goes through all that may happen under some rules.

use crate::{promise::Promise, rules::Rules, step::Step, world::World};
use stateright::{Checker, HasDiscoveries, Model, Property};
use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

/// The protocol as the checker takes it.
#[derive(Debug, Clone)]
pub(crate) struct Protocol {
    rules: Rules,
    /// Takes worlds that differ by the workers' names alone for one. A path then changes names on its way.
    folds: bool,
}

/// What an exploration has found.
#[derive(Debug)]
pub struct Explored {
    /// Different worlds.
    pub worlds: usize,
    /// Steps taken from them.
    pub steps: usize,
    /// Steps to the furthest one.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// The promises that are not kept, and a way to a world where each is broken.
    pub broken: BTreeMap<Promise, Vec<Step>>,
}

impl Model for Protocol {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(&self.rules)]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        world.offer(&self.rules, steps);
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let next = world.after(step, &self.rules);
        Some(if self.folds { next.folded() } else { next })
    }

    fn properties(&self) -> Vec<Property<Self>> {
        promises(&self.rules).map(Promise::property).collect()
    }
}

fn promises(rules: &Rules) -> impl Iterator<Item = Promise> {
    Promise::ALWAYS.into_iter().chain(rules.horizon().map(|_| Promise::AllEnd))
}

/// Goes through every world that can be reached.
#[must_use]
pub fn explore(rules: Rules) -> Explored {
    run(Protocol { rules, folds: true }, HasDiscoveries::All, None)
}

/// Looks for the shortest way to break a promise.
#[must_use]
pub fn shortest(rules: Rules, promise: Promise) -> Option<Vec<Step>> {
    let mut shortest = None;
    loop {
        // The checker goes on for a while after a find, and keeps the last one.
        let until = HasDiscoveries::AnyOf([promise.name()].into());
        let most = shortest.as_ref().map(Vec::len);
        let found = run(Protocol { rules, folds: false }, until, most).broken.remove(&promise);
        match found {
            Some(steps) => shortest = Some(steps),
            None => return shortest,
        }
    }
}

/// `fewer_than`: only so many steps from the beginning.
fn run(protocol: Protocol, until: HasDiscoveries, fewer_than: Option<usize>) -> Explored {
    let began = Instant::now();
    let rules = protocol.rules;
    let checker = protocol.checker().finish_when(until);
    let checker = match fewer_than {
        // The first world has depth 1, and those at the target are left out.
        Some(steps) => checker.target_max_depth(steps + 1),
        None => checker,
    };
    let checker = checker.spawn_bfs().join();
    let mut found = checker.discoveries();
    let broken = promises(&rules).filter_map(|promise| Some((promise, found.remove(promise.name())?.into_actions())));
    Explored {
        worlds: checker.unique_state_count(),
        steps: checker.state_count(),
        depth: checker.max_depth() - 1,
        took: began.elapsed(),
        broken: broken.collect(),
    }
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { worlds, steps, depth, took, broken } = self;
        write!(f, "{worlds} worlds, {steps} steps, depth {depth}, {:.1} s; ", took.as_secs_f64())?;
        if broken.is_empty() {
            return write!(f, "every promise kept");
        }
        let names: Vec<_> = broken.keys().map(|promise| format!("not \"{}\"", promise.name())).collect();
        write!(f, "{}", names.join(", "))
    }
}
