//! The body of an action on many jobs.

use super::{FILTER_NAMES, Query, list_filter};
use crate::error::{Code, Fault, Problem, escaped};
use dayfly_common::{model::parse_duration, queue::ListFilter};
use serde_json::{Map, Value};

/// Most jobs of one call.
const MOST: u64 = 1_000;
/// Most that `expected_count` may say.
const MOST_EXPECTED: u64 = 100_000;
/// Longest reason of a cancel, bytes.
const LONGEST_REASON: usize = 500;
const MEMBERS: &str =
    "`action`, `filter`, `dry_run`, `expected_count`, `limit`, `cursor`, and of a cancel `reason` and `grace`";

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Of jobs that have not ended.
    Cancel { reason: Option<String>, grace_ms: Option<u64> },
    /// Of jobs that have ended.
    Retry,
    /// Of jobs that have ended.
    Delete,
}

/// An action, read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) verb: Verb,
    /// With `cursor`, and of the states that the action is for.
    pub(crate) filter: ListFilter,
    pub(crate) dry_run: bool,
    pub(crate) expected_count: Option<usize>,
    pub(crate) limit: usize,
}

impl Verb {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Cancel { .. } => "cancel",
            Self::Retry => "retry",
            Self::Delete => "delete",
        }
    }

    fn of_ended(&self) -> bool {
        match self {
            Self::Cancel { .. } => false,
            Self::Retry | Self::Delete => true,
        }
    }
}

/// Reads `{"action": "cancel", "filter": {"task": "factor"}, ..}`.
pub(crate) fn read_action(body: &[u8]) -> Result<Asked, Problem> {
    let body: Value = serde_json::from_slice(body).map_err(|why| wrong("", &why.to_string()))?;
    let Value::Object(mut members) = body else { return Err(wrong("", "it is not an object.")) };
    let verb = verb(&mut members)?;
    let mut filter = filter(members.remove("filter"))?;
    if let Some(state) = filter.state.filter(|state| state.is_terminal() != verb.of_ended()) {
        let which = if verb.of_ended() { "have ended" } else { "have not ended" };
        let detail = format!("`{}` is for jobs that {which}, which is not true of {state} ones.", verb.word());
        return Err(Problem::new(Code::OptionConflict, detail));
    }
    filter.ended = Some(verb.of_ended());
    filter.cursor = text(&mut members, "cursor")?;
    let dry_run = match members.remove("dry_run") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(dry_run)) => dry_run,
        Some(_) => return Err(wrong("/dry_run", "`dry_run` must be true or false.")),
    };
    let expected_count = number(&mut members, "expected_count", 0, MOST_EXPECTED)?;
    if expected_count.is_some() && filter.cursor.is_some() {
        let detail = "`expected_count` is about all that match: send it with the first call, which has no `cursor`.";
        return Err(Problem::new(Code::OptionConflict, detail));
    }
    let limit = number(&mut members, "limit", 1, MOST)?.unwrap_or(1_000);
    if let Some(name) = members.keys().next() {
        let shown: String = name.chars().take(80).collect();
        return Err(wrong(
            &format!("/{}", escaped(name)),
            &format!("`{shown}` is not known here; known are {MEMBERS}."),
        ));
    }
    Ok(Asked { verb, filter, dry_run, expected_count, limit })
}

fn verb(members: &mut Map<String, Value>) -> Result<Verb, Problem> {
    let word = text(members, "action")?;
    let (reason, grace) = (text(members, "reason")?, text(members, "grace")?);
    let verb = match word.as_deref() {
        Some("cancel") => {
            if reason.as_ref().is_some_and(|reason| reason.len() > LONGEST_REASON) {
                let detail = format!("`reason` is longer than {LONGEST_REASON} bytes, the most kept.");
                return Err(Problem::new(Code::TooLarge, detail));
            }
            let bad = |why| Problem::new(Code::BadDuration, format!("`grace`: {why}."));
            return Ok(Verb::Cancel {
                reason,
                grace_ms: grace.as_deref().map(parse_duration).transpose().map_err(bad)?,
            });
        }
        Some("retry") => Verb::Retry,
        Some("delete") => Verb::Delete,
        Some(_) | None => return Err(wrong("/action", "`action` must be \"cancel\", \"retry\" or \"delete\".")),
    };
    if reason.is_some() || grace.is_some() {
        return Err(Problem::new(Code::OptionConflict, "`reason` and `grace` are for the action `cancel` only."));
    }
    Ok(verb)
}

/// The filter, in the names and words of the query of GET /v1/jobs.
fn filter(given: Option<Value>) -> Result<ListFilter, Problem> {
    let everything = "an empty filter would mean every job there is: name what is meant, or say {\"all\": true}.";
    let mut members = match given {
        None | Some(Value::Null) => return Err(wrong("/filter", everything)),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(wrong("/filter", "`filter` must be an object.")),
    };
    match (members.remove("all"), members.is_empty()) {
        (None, false) => {}
        (Some(Value::Bool(true)), true) => return Ok(ListFilter::default()),
        (None, true) => return Err(wrong("/filter", everything)),
        (Some(_), _) => return Err(wrong("/filter/all", "`all` must be true and stand alone.")),
    }
    let mut pairs = Vec::new();
    for (name, value) in members {
        let many = match (name.as_str(), value) {
            ("label", Value::Array(many)) if many.is_empty() => {
                let why = "it names no label, and would mean every job: leave it out, or name one.";
                return Err(wrong("/filter/label", why));
            }
            ("label", Value::Array(many)) => many,
            (_, one) => vec![one],
        };
        for one in many {
            let Value::String(one) = one else {
                return Err(wrong(&format!("/filter/{}", escaped(&name)), "its value must be a string."));
            };
            pairs.push(Ok((name.clone(), one)));
        }
    }
    list_filter(&Query::gather(pairs.into_iter(), &FILTER_NAMES)?)
}

fn text(members: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Problem> {
    match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong(&format!("/{name}"), &format!("`{name}` must be a string."))),
    }
}

fn number(members: &mut Map<String, Value>, name: &str, least: u64, most: u64) -> Result<Option<usize>, Problem> {
    let Some(value) = members.remove(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let number = value.as_u64().filter(|number| (least..=most).contains(number));
    let number = number.and_then(|number| usize::try_from(number).ok());
    number.map(Some).ok_or_else(|| {
        let detail = format!("`{name}` must be a whole number from {least} to {most}.");
        let fault = Fault { pointer: format!("/{name}"), detail: detail.clone() };
        Problem::new(Code::OptionOutOfRange, detail).with_faults(vec![fault])
    })
}

fn wrong(pointer: &str, detail: &str) -> Problem {
    let fault = Fault { pointer: pointer.to_owned(), detail: detail.to_owned() };
    let detail = format!(
        "An action is an object such as {{\"action\": \"cancel\", \"filter\": {{\"task\": \"factor\"}}}}: {detail}"
    );
    Problem::new(Code::InvalidInput, detail).with_faults(vec![fault])
}

#[cfg(test)]
mod tests {
    use super::*;
    use dayfly_common::model::State;

    fn read(body: &str) -> Result<Asked, Problem> {
        read_action(body.as_bytes())
    }

    #[test]
    fn an_action_is_read() {
        let asked = read(
            r#"{"action":"cancel","filter":{"task":"a","state":"queued","label":["x:1","y:2"]},"reason":"r","grace":"0s",
                "dry_run":true,"expected_count":3}"#,
        )
        .unwrap();
        assert_eq!(asked.verb, Verb::Cancel { reason: Some("r".to_owned()), grace_ms: Some(0) });
        assert_eq!((asked.dry_run, asked.expected_count, asked.limit), (true, Some(3), 1_000));
        assert_eq!((asked.filter.state, asked.filter.ended), (Some(State::Queued), Some(false)));
        assert_eq!(asked.filter.labels.len(), 2);
        let all = read(r#"{"action":"delete","filter":{"all":true},"limit":7,"cursor":"c"}"#).unwrap();
        let expected = ListFilter { ended: Some(true), cursor: Some("c".to_owned()), ..ListFilter::default() };
        assert_eq!((all.verb, all.filter, all.limit, all.dry_run), (Verb::Delete, expected, 7, false));
    }

    #[test]
    fn actions_that_are_none_are_explained() {
        for (body, code, says) in [
            ("[]", Code::InvalidInput, "not an object"),
            (r#"{"filter":{"all":true}}"#, Code::InvalidInput, "`action` must be"),
            (r#"{"action":"stop","filter":{"all":true}}"#, Code::InvalidInput, "`action` must be"),
            (r#"{"action":"retry"}"#, Code::InvalidInput, "{\"all\": true}"),
            (r#"{"action":"retry","filter":{}}"#, Code::InvalidInput, "{\"all\": true}"),
            (r#"{"action":"retry","filter":{"all":true,"task":"a"}}"#, Code::InvalidInput, "stand alone"),
            (r#"{"action":"retry","filter":{"all":1}}"#, Code::InvalidInput, "stand alone"),
            (r#"{"action":"retry","filter":{"task":7}}"#, Code::InvalidInput, "must be a string"),
            (r#"{"action":"retry","filter":{"taks":"a"}}"#, Code::BadOption, "`task`"),
            (r#"{"action":"retry","filter":{"state":"queued"}}"#, Code::OptionConflict, "not true of queued ones"),
            (r#"{"action":"cancel","filter":{"state":"failed"}}"#, Code::OptionConflict, "not true of failed ones"),
            (r#"{"action":"retry","filter":{"all":true},"grace":"1s"}"#, Code::OptionConflict, "`cancel` only"),
            (r#"{"action":"cancel","filter":{"all":true},"grace":"1"}"#, Code::BadDuration, "unit"),
            (r#"{"action":"retry","filter":{"all":true},"limit":1001}"#, Code::OptionOutOfRange, "1 to 1000"),
            (r#"{"action":"retry","filter":{"all":true},"expected_count":-1}"#, Code::OptionOutOfRange, "from 0"),
            (
                r#"{"action":"retry","filter":{"all":true},"expected_count":1,"cursor":"c"}"#,
                Code::OptionConflict,
                "first call",
            ),
            (r#"{"action":"retry","filter":{"all":true},"dry_run":"yes"}"#, Code::InvalidInput, "true or false"),
            (r#"{"action":"retry","filter":{"all":true},"dryrun":true}"#, Code::InvalidInput, "`dryrun` is not known"),
        ] {
            let problem = read(body).unwrap_err();
            assert_eq!(problem.code(), code, "{body}: {}", problem.detail());
            assert!(problem.detail().contains(says), "{body}: {}", problem.detail());
        }
    }
}
