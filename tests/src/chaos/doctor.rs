//! Seeded bugs: each falsifies a history in one way, as a defect of the queue would, and one promise is then broken.
//!
//! Each works on any history of some length, made up or real.

use super::{
    check::Invariant,
    history::{Carrier, ClientNote, Event, History, JobNote, Witnessed},
};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// One way to falsify a history.
#[derive(Debug, Clone, Copy)]
pub struct Bug {
    /// What a defective queue would have done.
    pub name: &'static str,
    /// The promise it breaks.
    pub breaks: Invariant,
    /// Does it; `None` when the history has no job that it could have happened to.
    pub plant: fn(&mut History) -> Option<()>,
}

/// All of them.
pub const BUGS: &[Bug] = &[
    Bug { name: "an acknowledged job is gone", breaks: Invariant::NotLost, plant: forget_a_job },
    Bug { name: "an acknowledged job never ends", breaks: Invariant::NotLost, plant: never_end },
    Bug { name: "a job that was acknowledged is answered with 404", breaks: Invariant::NotLost, plant: answer_404 },
    Bug { name: "a key gives two jobs", breaks: Invariant::EndsOnce, plant: double_a_key },
    Bug { name: "a terminal state changes", breaks: Invariant::EndsOnce, plant: change_an_end },
    Bug { name: "a job ends twice", breaks: Invariant::EndsOnce, plant: end_twice },
    Bug { name: "an attempt finds another alive", breaks: Invariant::NoOverlap, plant: find_the_lock_held },
    Bug { name: "an attempt outlives the start of the next", breaks: Invariant::NoOverlap, plant: live_on },
    Bug { name: "an attempt starts twice", breaks: Invariant::NoOverlap, plant: start_twice },
    Bug { name: "the result of another attempt is stored", breaks: Invariant::TrueOutcome, plant: swap_a_result },
    Bug { name: "a success that never ran", breaks: Invariant::TrueOutcome, plant: invent_a_success },
    Bug { name: "a failure with another exit code", breaks: Invariant::TrueOutcome, plant: swap_an_exit_code },
    Bug { name: "a retry too many", breaks: Invariant::WithinBudget, plant: retry_too_often },
    Bug { name: "a job that must not run twice does", breaks: Invariant::WithinBudget, plant: run_again },
    Bug { name: "a cancelled job starts", breaks: Invariant::CancelHolds, plant: start_the_cancelled },
    Bug { name: "a process outlives its job", breaks: Invariant::NoOrphan, plant: leave_a_process },
    Bug { name: "a record stands in two indexes", breaks: Invariant::OnePlace, plant: stand_twice },
    Bug { name: "an index names a job that is not there", breaks: Invariant::OnePlace, plant: index_nothing },
    Bug { name: "a count is one too high", breaks: Invariant::OnePlace, plant: miscount },
    Bug { name: "a refusal without a code", breaks: Invariant::CodedRefusal, plant: refuse_in_silence },
    Bug { name: "a job ends long after healing", breaks: Invariant::Drains, plant: end_late },
];

fn ended_as<'a>(history: &'a History, state: &str) -> Option<&'a String> {
    history.dump.records.iter().find(|(_, record)| record.field("state") == state).map(|(id, _)| id)
}

fn succeeded(history: &History) -> Option<String> {
    ended_as(history, "succeeded").cloned()
}

fn note_of<'a>(history: &'a History, id: &str, what: Witnessed) -> Option<&'a JobNote> {
    history.jobs.iter().find(|note| note.id == id && note.what == what)
}

fn set(history: &mut History, id: &str, field: &str, value: &str) -> Option<()> {
    history.dump.records.get_mut(id)?.fields.insert(field.to_owned(), value.to_owned());
    Some(())
}

fn acked(note: &ClientNote) -> Option<(&String, &String)> {
    if let ClientNote::Acked { id, key, .. } = note { Some((id, key)) } else { None }
}

fn forget_a_job(history: &mut History) -> Option<()> {
    let id = succeeded(history)?;
    let record = history.dump.records.remove(&id)?;
    history.dump.indexes.get_mut("finished:succeeded")?.remove(&id);
    *history.dump.counts.get_mut(&format!("{}:succeeded", record.field("task")))? -= 1;
    // Nobody looked at it.
    history.clients.retain(|note| !matches!(note, ClientNote::Seen { id: seen, .. } if *seen == id));
    Some(())
}

fn never_end(history: &mut History) -> Option<()> {
    let id = succeeded(history)?;
    set(history, &id, "state", "running")?;
    let task = history.dump.records[&id].field("task").to_owned();
    history.dump.indexes.get_mut("finished:succeeded")?.remove(&id);
    history.dump.indexes.entry("leases".to_owned()).or_default().insert(id.clone());
    *history.dump.counts.get_mut(&format!("{task}:succeeded"))? -= 1;
    *history.dump.counts.entry(format!("{task}:running")).or_default() += 1;
    history.clients.retain(|note| !matches!(note, ClientNote::Seen { id: seen, .. } if *seen == id));
    Some(())
}

fn answer_404(history: &mut History) -> Option<()> {
    let (id, _) = history.clients.iter().find_map(acked)?;
    let (about, code) = (id.clone(), Some("unknown_job".to_owned()));
    history.clients.push(ClientNote::Refused { at: 1, call: "job".to_owned(), about, status: 404, code });
    Some(())
}

fn double_a_key(history: &mut History) -> Option<()> {
    let mut all = history.clients.iter().filter_map(acked);
    let ((_, key), (id, _)) = (all.next()?, all.next_back()?);
    let again = ClientNote::Acked { at: 1, key: key.clone(), id: id.clone() };
    history.clients.push(again);
    Some(())
}

fn change_an_end(history: &mut History) -> Option<()> {
    let seen_well = |note: &ClientNote| match note {
        ClientNote::Seen { id, state, .. } => (state == "succeeded").then(|| id.clone()),
        ClientNote::Sent { .. }
        | ClientNote::Acked { .. }
        | ClientNote::Refused { .. }
        | ClientNote::Unanswered { .. }
        | ClientNote::CancelSent { .. }
        | ClientNote::CancelAcked { .. } => None,
    };
    let id = history.clients.iter().rev().find_map(seen_well)?;
    let (state, finished_at) = ("failed".to_owned(), Some("2001-01-01T00:00:00.000Z".to_owned()));
    history.clients.push(ClientNote::Seen { at: u64::MAX, id, state, finished_at, result: None });
    Some(())
}

fn end_twice(history: &mut History) -> Option<()> {
    let first = history.events.iter().find(|event| event.state == "succeeded")?.id.clone();
    history.events.push(Event { id: first, state: "succeeded".to_owned() });
    Some(())
}

fn find_the_lock_held(history: &mut History) -> Option<()> {
    let id = succeeded(history)?;
    let start = note_of(history, &id, Witnessed::Start)?.clone();
    history.jobs.push(JobNote { what: Witnessed::Overlap, holder: Some("1-0".to_owned()), ..start });
    Some(())
}

/// A job that ran more than once, the first fence of it and when the second began.
fn ran_twice(history: &History) -> Option<(JobNote, JobNote)> {
    let starts = || history.jobs.iter().filter(|note| note.what == Witnessed::Start);
    starts().find_map(|first| {
        let second = starts().find(|second| second.id == first.id && second.at > first.at)?;
        Some((first.clone(), second.clone()))
    })
}

fn live_on(history: &mut History) -> Option<()> {
    let (first, second) = ran_twice(history)?;
    history.jobs.push(JobNote { what: Witnessed::Alive, at: second.at + 1, ..first });
    Some(())
}

fn start_twice(history: &mut History) -> Option<()> {
    let start = history.jobs.iter().find(|note| note.what == Witnessed::Start)?.clone();
    history.jobs.push(start);
    Some(())
}

fn swap_a_result(history: &mut History) -> Option<()> {
    let id = succeeded(history)?;
    let record = history.dump.records.get_mut(&id)?;
    record.result = Some(json!({ "id": id, "fence": "99-0123456789abcdef" }).to_string());
    Some(())
}

fn invent_a_success(history: &mut History) -> Option<()> {
    let id = succeeded(history)?;
    let fence = history.dump.records[&id].field("fence").to_owned();
    history.jobs.retain(|note| note.fence != fence);
    Some(())
}

fn swap_an_exit_code(history: &mut History) -> Option<()> {
    let mut failed = history.dump.records.values_mut().filter(|record| record.field("state") == "failed");
    failed.find_map(|record| {
        let mut error: Value = serde_json::from_str(record.field("error")).ok()?;
        let code = error["exit_code"].as_i64()?;
        error["exit_code"] = json!(code + 1);
        record.fields.insert("error".to_owned(), error.to_string());
        Some(())
    })
}

fn retry_too_often(history: &mut History) -> Option<()> {
    let budgets = history.terms.budgets.clone();
    let mut ended = history.dump.records.values_mut().filter(|record| record.field("state") == "failed");
    let record = ended.find(|record| record.ended("failed") > 0)?;
    let allowed = budgets.get(record.field("task"))?.retries;
    let failed = record.attempts.iter().find(|attempt| attempt["outcome"] == "failed")?.clone();
    record.attempts.extend((0..=allowed).map(|_| failed.clone()));
    Some(())
}

fn run_again(history: &mut History) -> Option<()> {
    let once = |task: &str| history.terms.budgets.get(task).is_some_and(|budget| budget.lost_retries == 0);
    let mut all = history.dump.records.iter().filter(|(_, record)| once(record.field("task")));
    let start = all.find_map(|(id, _)| note_of(history, id, Witnessed::Start))?.clone();
    history.dump.records.get_mut(&start.id)?.attempts.insert(0, json!({ "outcome": "drained" }));
    let fence = "0-0123456789abcdef".to_owned();
    history.jobs.push(JobNote { fence, attempt: 0, at: start.at - 1_000_000, ..start });
    Some(())
}

fn start_the_cancelled(history: &mut History) -> Option<()> {
    let ran: BTreeSet<&String> = history.jobs.iter().map(|note| &note.id).collect();
    let mut answered = history.clients.iter().filter_map(|note| {
        if let ClientNote::CancelAcked { id, at, state, .. } = note { Some((id, *at, state)) } else { None }
    });
    let (id, at, _) = answered.find(|(id, _, state)| *state == "cancelled" && !ran.contains(id))?;
    let id = id.clone();
    let record = history.dump.records.get_mut(&id)?;
    record.fields.insert("attempt".to_owned(), "1".to_owned());
    record.attempts.push(json!({ "outcome": "cancelled" }));
    let fence = "1-0123456789abcdef".to_owned();
    let (what, code, holder) = (Witnessed::Start, None, None);
    history.jobs.push(JobNote { what, at: at + 1_000, id, fence, attempt: 1, code, holder });
    Some(())
}

fn leave_a_process(history: &mut History) -> Option<()> {
    let id = succeeded(history)?;
    let ended = history.dump.records[&id].number("finished_at") * 1_000 - history.terms.epoch;
    history.carriers.push(Carrier { at: ended + 6_000_000, pid: 4711, id });
    Some(())
}

fn stand_twice(history: &mut History) -> Option<()> {
    let id = succeeded(history)?;
    history.dump.indexes.entry("finished:failed".to_owned()).or_default().insert(id);
    Some(())
}

fn index_nothing(history: &mut History) -> Option<()> {
    history.dump.indexes.entry("delayed".to_owned()).or_default().insert("nobody".to_owned());
    Some(())
}

fn miscount(history: &mut History) -> Option<()> {
    *history.dump.counts.values_mut().next()? += 1;
    Some(())
}

fn refuse_in_silence(history: &mut History) -> Option<()> {
    let (call, about) = ("submit".to_owned(), "a key".to_owned());
    history.clients.push(ClientNote::Refused { at: 1, call, about, status: 503, code: None });
    Some(())
}

fn end_late(history: &mut History) -> Option<()> {
    let id = succeeded(history)?;
    let late = (history.terms.healed_at + history.terms.epoch + history.terms.drain) / 1_000 + 1_000;
    set(history, &id, "finished_at", &late.to_string())
}
