//! A submit's options, out of the query: `?timeout=30s&delay=10m&priority=2`.

use super::{
    Query,
    labels::{labels, unique},
};
use crate::error::{Code, Problem};
use dayfly_common::{
    model::{format_rfc3339_ms, parse_duration},
    queue::TaskCard,
};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// Names of options, as they stand in the query.
pub(crate) const NAMES: [&str; 9] =
    ["timeout", "delay", "at", "priority", "retries", "expires", "retention", "unique", "label"];

/// The priority of a job that names none.
const USUAL_PRIORITY: u8 = 5;
/// Most retries a client may ask for.
const MOST_RETRIES: u64 = 1_000;
/// Furthest an `at` may lie ahead, as for durations: ten years.
const FURTHEST_MS: i64 = 10 * 365 * 86_400_000;
/// The queue's own default: a task with another one has it stored with the job.
const USUAL_RETENTION_MS: u64 = 7 * 86_400_000;

/// Options, checked against the task. Durations in ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SubmitOptions {
    pub(crate) priority: u8,
    pub(crate) delay_ms: u64,
    pub(crate) timeout_ms: Option<u64>,
    pub(crate) expires_ms: Option<u64>,
    pub(crate) retries: Option<u32>,
    pub(crate) retention_ms: Option<u64>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) unique: Option<String>,
}

impl SubmitOptions {
    /// Reads the options of a submit of `task`, gathered by [`NAMES`]. `now_ms` since the epoch, for `at`.
    pub(crate) fn of(query: &Query, task: &TaskCard, now_ms: i64) -> Result<Self, Problem> {
        let delay_ms = delay(query, now_ms)?;
        let asked_expiry = duration(query, "expires")?;
        if let Some(expires_ms) = asked_expiry
            && expires_ms <= delay_ms
        {
            let detail = format!(
                "`expires` ({expires_ms} ms from now) is over before the job may start ({delay_ms} ms from now): it could \
                 never run. Ask for a later `expires` or an earlier start."
            );
            return Err(Problem::new(Code::OptionConflict, detail));
        }
        let retention_ms = duration(query, "retention")?;
        Ok(Self {
            priority: query
                .number("priority", 0, 9)?
                .and_then(|number| u8::try_from(number).ok())
                .unwrap_or(USUAL_PRIORITY),
            delay_ms,
            timeout_ms: timeout(query, task)?,
            // The task's own bound counts from when the job may start.
            expires_ms: asked_expiry.or(task.expires_ms.map(|bound| bound.saturating_add(delay_ms))),
            retries: query.number("retries", 0, MOST_RETRIES)?.and_then(|number| u32::try_from(number).ok()),
            retention_ms: retention_ms.or((task.retention_ms != USUAL_RETENTION_MS).then_some(task.retention_ms)),
            labels: labels(query.all("label"))?,
            unique: query.get("unique").map(unique).transpose()?,
        })
    }
}

fn duration(query: &Query, name: &str) -> Result<Option<u64>, Problem> {
    let Some(text) = query.get(name) else { return Ok(None) };
    match parse_duration(text) {
        Ok(ms) => Ok(Some(ms)),
        Err(why) => Err(Problem::new(Code::BadDuration, format!("`{name}`: {why}."))),
    }
}

fn timeout(query: &Query, task: &TaskCard) -> Result<Option<u64>, Problem> {
    let Some(ms) = duration(query, "timeout")? else { return Ok(None) };
    let (name, most) = (&task.name, task.max_timeout_ms);
    if ms == 0 || ms > most {
        let shown = in_words(most);
        let detail = format!(
            "`timeout` must be more than 0 and at most {shown}, the `max_timeout` of the task `{name}`: ask for less, \
             or raise it in the configuration of its workers."
        );
        return Err(Problem::new(Code::OptionOutOfRange, detail));
    }
    Ok(Some(ms))
}

fn delay(query: &Query, now_ms: i64) -> Result<u64, Problem> {
    let delay = duration(query, "delay")?;
    let Some(text) = query.get("at") else { return Ok(delay.unwrap_or(0)) };
    if delay.is_some() {
        let detail = "`delay` and `at` both say when the job may start: give one of them.";
        return Err(Problem::new(Code::OptionConflict, detail));
    }
    let at: Timestamp = text.parse().map_err(|_| {
        let example = format_rfc3339_ms(now_ms);
        let detail = format!("`at={text}` is not an RFC 3339 time: write it like {example} (a plus sign as %2B).");
        Problem::new(Code::BadOption, detail)
    })?;
    let ahead = at.as_millisecond().saturating_sub(now_ms);
    if ahead > FURTHEST_MS {
        return Err(Problem::new(Code::OptionOutOfRange, "`at` lies more than ten years ahead."));
    }
    Ok(u64::try_from(ahead).unwrap_or(0))
}

/// A duration as a person would write it in an option.
fn in_words(ms: u64) -> String {
    for (unit, name) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")] {
        if ms >= unit && ms.is_multiple_of(unit) {
            return format!("{}{name}", ms / unit);
        }
    }
    format!("{ms}ms")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::query;

    const NOW: i64 = 1_700_000_000_000;

    fn card() -> TaskCard {
        serde_json::from_value(serde_json::json!({
            "name": "t", "timeout_ms": 1_000, "max_timeout_ms": 90_000, "retries": 0, "retention_ms": USUAL_RETENTION_MS
        }))
        .unwrap()
    }

    fn read(text: &str) -> Result<SubmitOptions, Problem> {
        SubmitOptions::of(&query(&format!("/v1/tasks/t?{text}").parse().unwrap(), &NAMES)?, &card(), NOW)
    }

    #[test]
    fn options_are_read() {
        let read_all =
            read("timeout=90s&delay=10m&priority=2&retries=3&expires=1h&retention=1d&unique=u&label=a:b").unwrap();
        let expected = SubmitOptions {
            priority: 2,
            delay_ms: 600_000,
            timeout_ms: Some(90_000),
            expires_ms: Some(3_600_000),
            retries: Some(3),
            retention_ms: Some(86_400_000),
            labels: [("a".to_owned(), "b".to_owned())].into(),
            unique: Some("u".to_owned()),
        };
        assert_eq!(read_all, expected);
        let none = read("").unwrap();
        assert_eq!((none.priority, none.delay_ms, none.timeout_ms, none.retention_ms), (5, 0, None, None));
        assert_eq!(read("at=2023-11-14T22:13:30Z").unwrap().delay_ms, 10_000);
        assert_eq!(read("at=2020-01-01T00:00:00%2B01:00").unwrap().delay_ms, 0);
    }

    #[test]
    fn a_tasks_own_defaults_go_along() {
        let task = TaskCard { expires_ms: Some(5_000), retention_ms: 60_000, ..card() };
        let options = SubmitOptions::of(&query(&"/x?delay=1s".parse().unwrap(), &NAMES).unwrap(), &task, NOW).unwrap();
        assert_eq!((options.expires_ms, options.retention_ms), (Some(6_000), Some(60_000)));
    }

    #[test]
    fn wrong_ones_say_what_would_be_right() {
        for (query, code, says) in [
            ("timeout=30", Code::BadDuration, "`timeout`: `30` is not a duration: it needs a unit"),
            ("delay=-3s", Code::BadDuration, "negative"),
            ("timeout=91s", Code::OptionOutOfRange, "90s"),
            ("timeout=0s", Code::OptionOutOfRange, "more than 0"),
            ("priority=10", Code::OptionOutOfRange, "0 to 9"),
            ("priority=high", Code::BadOption, "0 to 9"),
            ("retries=-1", Code::BadOption, "0 to 1000"),
            ("at=tomorrow", Code::BadOption, "2023-11-14T22:13:20.000Z"),
            ("at=2999-01-01T00:00:00Z", Code::OptionOutOfRange, "ten years"),
            ("at=2024-01-01T00:00:00Z&delay=1s", Code::OptionConflict, "`delay` and `at`"),
            ("expires=1s&delay=2s", Code::OptionConflict, "never run"),
            ("expires=0s", Code::OptionConflict, "never run"),
            ("label=a", Code::BadOption, "name:value"),
            ("unique=", Code::BadOption, "empty"),
            ("timout=1s", Code::BadOption, "`timeout`"),
        ] {
            let problem = read(query).unwrap_err();
            assert_eq!(problem.code(), code, "{query}");
            assert!(problem.detail().contains(says), "{query}: {}", problem.detail());
        }
    }
}
