//! Which jobs are meant: `?state=failed&label=team:blue&since=..`, and the same names in the filter of an action.

use super::{Query, time};
use crate::error::{Code, Problem};
use dayfly_common::{
    model::{ErrorKind, State, TaskName},
    queue::ListFilter,
};
use serde::{Deserialize as _, de::value::StrDeserializer};
use std::collections::BTreeMap;

/// Names of filters, as they stand in the query.
pub(crate) const FILTER_NAMES: [&str; 7] = ["state", "task", "worker", "error_kind", "label", "since", "until"];

/// Longest worker's name or label, characters.
const LONGEST: usize = 300;
const KINDS: &str = "exit_code, signal, timeout, oom, lost, expired, spawn_failed, bad_output, exception or unkillable";

/// The filter of a query that was read by [`FILTER_NAMES`]; of all jobs when it names none.
pub(crate) fn list_filter(query: &Query) -> Result<ListFilter, Problem> {
    let bad = |why: String| Problem::new(Code::BadOption, why);
    let state: Option<State> = query.get("state").map(str::parse).transpose().map_err(|why| bad(format!("{why}.")))?;
    let task: Option<TaskName> =
        query.get("task").map(str::parse).transpose().map_err(|why| bad(format!("`task`: {why}.")))?;
    let error_kind = query.get("error_kind").map(kind).transpose()?;
    if let (Some(kind), Some(state)) = (query.get("error_kind"), state.filter(|state| *state != State::Failed)) {
        let detail = format!("No {state} job has the error kind `{kind}`, only failed ones have: leave `state` out.");
        return Err(Problem::new(Code::OptionConflict, detail));
    }
    let (since, until) = (moment(query, "since")?, moment(query, "until")?);
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        let detail =
            "`since` must lie before `until`: a job is listed that was submitted from `since` on and before `until`.";
        return Err(Problem::new(Code::OptionConflict, detail));
    }
    Ok(ListFilter {
        state,
        task,
        worker: query.get("worker").map(worker).transpose()?,
        error_kind,
        labels: labels(query.all("label"))?,
        since,
        until,
        ..ListFilter::default()
    })
}

fn moment(query: &Query, name: &str) -> Result<Option<i64>, Problem> {
    query.get(name).map(|text| time(name, text)).transpose()
}

fn kind(text: &str) -> Result<ErrorKind, Problem> {
    let read: Result<_, serde::de::value::Error> = ErrorKind::deserialize(StrDeserializer::new(text));
    read.map_err(|_| {
        let shown: String = text.chars().take(80).collect();
        Problem::new(Code::BadOption, format!("`error_kind={shown}` is not known: use {KINDS}."))
    })
}

fn worker(text: &str) -> Result<String, Problem> {
    match text.chars().count() {
        1..=LONGEST => Ok(text.to_owned()),
        _ => {
            let detail = format!("`worker` must have 1 to {LONGEST} characters: GET /v1/workers lists the ids.");
            Err(Problem::new(Code::BadOption, detail))
        }
    }
}

/// A job must have them all.
fn labels<'a>(given: impl Iterator<Item = &'a str>) -> Result<BTreeMap<String, String>, Problem> {
    let mut labels = BTreeMap::new();
    for text in given {
        let shown: String = text.chars().take(80).collect();
        let whole = |(name, value): &(&str, &str)| {
            let sound = |part: &str| (1..=LONGEST).contains(&part.chars().count());
            sound(name) && sound(value)
        };
        let Some((name, value)) = text.split_once(':').filter(whole) else {
            let detail = format!("`label={shown}` is not a label: write name:value, for example `label=team:blue`.");
            return Err(Problem::new(Code::BadOption, detail));
        };
        if labels.insert(name.to_owned(), value.to_owned()).is_some_and(|other| other != value) {
            let detail = format!("`label={shown}`: `{name}` is asked for with two values, and a job has one at most.");
            return Err(Problem::new(Code::OptionConflict, detail));
        }
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::query;

    fn read(text: &str) -> Result<ListFilter, Problem> {
        list_filter(&query(&format!("/v1/jobs?{text}").parse().unwrap(), &FILTER_NAMES)?)
    }

    #[test]
    fn all_filters_are_read() {
        let filter = read(
            "state=failed&task=a&worker=w-1&error_kind=bad_output&label=url:http://x&label=b:2&since=2023-11-14T22:13:20Z\
             &until=2023-11-14T22:13:21.5Z",
        );
        let expected = ListFilter {
            state: Some(State::Failed),
            task: Some("a".parse().unwrap()),
            worker: Some("w-1".to_owned()),
            error_kind: Some(ErrorKind::BadOutput),
            labels: [("url".to_owned(), "http://x".to_owned()), ("b".to_owned(), "2".to_owned())].into(),
            since: Some(1_700_000_000_000),
            until: Some(1_700_000_001_500),
            ..ListFilter::default()
        };
        assert_eq!(filter.unwrap(), expected);
        assert_eq!(read("").unwrap(), ListFilter::default());
    }

    #[test]
    fn each_kind_of_error_has_its_word_in_the_message() {
        for word in KINDS.replace(" or ", ", ").split(", ") {
            assert!(read(&format!("error_kind={word}")).is_ok(), "{word}");
        }
    }
}
