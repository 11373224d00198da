//! Whether what is stored is what happened.

use super::{
    super::history::{ClientNote, History, Record},
    Attempt, Attempts,
};
use serde_json::Value;
use std::collections::BTreeSet;

/// Ends that the attempt they are ascribed to did not have.
pub(super) fn untrue(history: &History, attempts: &Attempts<'_>) -> Vec<String> {
    let cancelled: BTreeSet<&str> = history.clients.iter().filter_map(asked_to_cancel).collect();
    let judged = history.dump.records.iter().map(|(id, record)| {
        let fence = record.field("fence");
        let run = attempts.get(id.as_str()).and_then(|runs| runs.iter().find(|run| run.fence == fence));
        let judgement = match record.field("state") {
            "succeeded" => succeeded(id, record, run),
            "failed" => failed(history, record, run),
            "cancelled" if !cancelled.contains(id.as_str()) => Err("nobody asked to cancel it".to_owned()),
            _ => Ok(()),
        };
        judgement.map_err(|why| format!("{id} {} as {fence:?}: {why}", record.field("state")))
    });
    judged.filter_map(Result::err).collect()
}

fn asked_to_cancel(note: &ClientNote) -> Option<&str> {
    if let ClientNote::CancelSent { id, .. } = note { Some(id) } else { None }
}

/// The result names the attempt, and that attempt told that it was about to exit well.
fn succeeded(id: &str, record: &Record, run: Option<&Attempt<'_>>) -> Result<(), String> {
    let printed: Value = record.result.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    if printed["id"] != id || printed["fence"] != record.field("fence") {
        return Err(format!("the stored result is {}", record.result.as_deref().unwrap_or("not there")));
    }
    match run {
        Some(Attempt { code: Some(0), .. }) => Ok(()),
        Some(run) => Err(format!("that attempt told of the end {:?}", run.code)),
        None => Err("that attempt never ran".to_owned()),
    }
}

fn failed(history: &History, record: &Record, run: Option<&Attempt<'_>>) -> Result<(), String> {
    let error: Value =
        serde_json::from_str(record.field("error")).map_err(|why| format!("no error is stored: {why}"))?;
    let ran = run.is_some();
    match error["kind"].as_str().unwrap_or("") {
        "exit_code" => match run.and_then(|run| run.code) {
            Some(code) if code != 0 && error["exit_code"] == code => Ok(()),
            code => Err(format!("exit code {} is stored, the attempt told {code:?}", error["exit_code"])),
        },
        "timeout" if ran => Ok(()),
        "timeout" => Err("it ran out of time without having run".to_owned()),
        "lost" => {
            let allowed = history.terms.budgets.get(record.field("task")).map_or(0, |budget| budget.lost_retries);
            // A task that must not run twice is lost at the first drained attempt already.
            let spent = record.number("lost") > allowed || (allowed == 0 && record.ended("drained") > 0);
            if spent { Ok(()) } else { Err(format!("lost {} times, {allowed} allowed", record.number("lost"))) }
        }
        kind => Err(format!("no job here ends as `{kind}`: {}", error["message"])),
    }
}
