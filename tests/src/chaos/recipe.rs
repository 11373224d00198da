//! What the jobs of a run do, drawn from its seed, and the tasks they are of.

use super::{dice::Dice, history::Budget, schedule::Aim};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt::Write as _, path::Path, time::Duration};

/// One job to be submitted.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    pub(super) task: &'static str,
    /// `delay=..`, or nothing.
    pub(super) query: &'static str,
    /// What the program is told.
    pub(super) input: Value,
    /// A client asks to cancel it so long after it was acknowledged.
    pub(super) cancel: Option<Duration>,
}

/// A task: name, `timeout`, retries, lost retries.
type Task = (&'static str, &'static str, u64, u64);

const TASKS: [Task; 4] = [
    ("work", "12s", 0, 3),
    ("again", "8s", 2, 3),
    // Ends by its deadline.
    ("hang", "1500ms", 0, 3),
    // Must not run twice.
    ("once", "8s", 0, 0),
];

/// How often their jobs may run.
pub(super) fn budgets() -> BTreeMap<String, Budget> {
    TASKS.iter().map(|&(name, _, retries, lost_retries)| (name.to_owned(), Budget { retries, lost_retries })).collect()
}

/// The `[tasks.*]` of the configuration: `program` is run with the folder of observations.
pub(super) fn tasks(program: &Path, folder: &Path) -> String {
    let mut text = String::new();
    for (name, timeout, retries, lost_retries) in TASKS {
        let _infallible = write!(
            text,
            "[tasks.{name}]\ncommand = [\"{}\", \"{}\"]\ntimeout = \"{timeout}\"\nkill_grace = \"300ms\"\n\
             retries = {retries}\nlost_retries = {lost_retries}\nbackoff = {{ first = \"100ms\", max = \"500ms\" }}\n",
            program.display(),
            folder.display()
        );
    }
    text
}

/// The longest run of any of them, beyond what is short: it may begin anew when the last fault is over.
pub(super) fn longest(aim: Aim) -> Duration {
    match aim {
        Aim::Everything => Duration::ZERO,
        Aim::BeyondTheLease => Duration::from_secs(10),
    }
}

/// What the `number`th of `total` jobs is.
pub(super) fn recipe(aim: Aim, seed: u64, number: usize, total: usize) -> Recipe {
    match aim {
        Aim::Everything => mixed(seed, number, total),
        Aim::BeyondTheLease => {
            let input = json!({ "sleep_ms": Dice::new(seed, number as u64).within(7_000, 9_500) });
            Recipe { task: "work", query: "", input, cancel: None }
        }
    }
}

/// The last tenth is short, so that what remains to be done at the end is repair.
fn mixed(seed: u64, number: usize, total: usize) -> Recipe {
    let mut dice = Dice::new(seed, number as u64);
    let sleep = |ms: u64| json!({ "sleep_ms": ms });
    let plain = |task, input| Recipe { task, query: "", input, cancel: None };
    let draw = if number * 10 >= total * 9 { 0 } else { dice.below(100) };
    match draw {
        0..55 => plain("work", sleep(dice.within(2, 150))),
        55..68 => plain("work", sleep(dice.within(300, 1_200))),
        // Longer than a lease.
        68..73 => plain("work", sleep(dice.within(3_200, 3_900))),
        73..77 => plain("work", json!({ "sleep_ms": 20, "exit": dice.within(1, 9) })),
        77..80 => plain("again", json!({ "sleep_ms": 20, "again_before": dice.within(2, 3) })),
        // Asks for a retry until there is none left.
        80..82 => plain("again", json!({ "sleep_ms": 20, "again_before": 1_000 })),
        82..84 => plain("hang", json!({ "hang": true })),
        84..86 => plain("hang", json!({ "hang": true, "deaf": true })),
        // Leaves a process in a session of its own.
        86..89 => plain("work", json!({ "sleep_ms": dice.within(20, 800), "leave": true })),
        89..93 => plain("once", sleep(dice.within(200, 1_500))),
        93..95 => Recipe { query: "?delay=1s", ..plain("work", sleep(20)) },
        // Cancelled before it can start.
        95..97 => Recipe { query: "?delay=4s", cancel: Some(Duration::ZERO), ..plain("work", sleep(20)) },
        // Cancelled at once: before its start or just after.
        97..98 => Recipe { cancel: Some(Duration::ZERO), ..plain("work", sleep(2_000)) },
        _ => Recipe {
            cancel: Some(Duration::from_millis(dice.within(300, 900))),
            ..plain("work", json!({ "sleep_ms": 3_000, "deaf": true }))
        },
    }
}
