//! One job of a batch: `{"task": .., "input": .., "options": {..}, "id" or "idempotency_key": ".."}`. Only its own members are
//! taken apart; the input is a slice of what was sent.

use super::{OPTION_NAMES, Query, headers::checked_key};
use crate::{
    error::{Code, Fault, Problem, escaped},
    intake::Named,
};
use axum::body::Bytes;
use dayfly_common::model::{JobId, nearest};
use serde::{
    Deserialize,
    de::{Deserializer, MapAccess, Visitor},
};
use serde_json::value::RawValue;
use std::fmt;

/// What an item may hold.
const MEMBERS: [&str; 5] = ["task", "input", "options", "id", "idempotency_key"];
/// Options that may be numbers.
const NUMBERS: [&str; 2] = ["priority", "retries"];

/// An item, read; nothing of it is checked against its task yet.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) task: String,
    pub(crate) input: Bytes,
    pub(crate) options: Query,
    pub(crate) named: Named,
}

/// The members of an object in order, each as it was written.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members<'de>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(All)
    }
}

impl Item {
    /// Reads an item out of `bytes`, which are one JSON text.
    pub(crate) fn read(bytes: &Bytes) -> Result<Self, Problem> {
        let members: Members<'_> =
            serde_json::from_slice(bytes).map_err(|_| wrong("", "a job of a batch is an object"))?;
        let (mut task, mut input, mut options, mut id, mut key) = (None, None, None, None, None);
        for (name, raw) in members.0 {
            let place = match name.as_str() {
                "task" => &mut task,
                "input" => &mut input,
                "options" => &mut options,
                "id" => &mut id,
                "idempotency_key" => &mut key,
                _ => return Err(unknown(&name)),
            };
            if place.replace(raw).is_some() {
                return Err(wrong(&name, &format!("`{name}` is given twice")));
            }
        }
        let named = match (present(id), present(key)) {
            (Some(_), Some(_)) => {
                let detail = "`id` and `idempotency_key` both tell a repeated request: give one of them.";
                return Err(Problem::new(Code::OptionConflict, detail));
            }
            (Some(id), None) => Named::by_client(string("id", id)?.parse::<JobId>()?)?,
            (None, Some(key)) => {
                let key = checked_key(string("idempotency_key", key)?);
                Named::ByKey(key.map_err(|why| Problem::new(Code::BadId, format!("`idempotency_key` {why}")))?)
            }
            (None, None) => Named::Here,
        };
        let Some(task) = present(task) else {
            return Err(wrong("task", "`task` must name the task that runs the job"));
        };
        Ok(Self {
            task: string("task", task)?,
            // As a request without a body.
            input: input.map_or(Bytes::from_static(b"{}"), |raw| bytes.slice_ref(raw.get().as_bytes())),
            options: present(options).map_or_else(|| Ok(Query::default()), read_options)?,
            named,
        })
    }
}

/// `null` is as good as nothing.
fn present(raw: Option<&RawValue>) -> Option<&RawValue> {
    raw.filter(|raw| raw.get() != "null")
}

fn string(name: &str, raw: &RawValue) -> Result<String, Problem> {
    serde_json::from_str(raw.get()).map_err(|_| wrong(name, &format!("`{name}` must be a string")))
}

/// The options, as pairs like those of a query.
fn read_options(raw: &RawValue) -> Result<Query, Problem> {
    let Ok(members) = serde_json::from_str::<Members<'_>>(raw.get()) else {
        return Err(wrong("options", "`options` must be an object such as {\"timeout\": \"30s\", \"priority\": 2}"));
    };
    let mut pairs = Vec::new();
    for (name, raw) in members.0 {
        let text = raw.get();
        let value = match text.as_bytes().first() {
            // Below it is refused, with the nearest name.
            _ if !OPTION_NAMES.contains(&name.as_str()) => String::new(),
            Some(b'"') => string(&name, raw)?,
            // A duration without its unit is told as such.
            Some(b'-' | b'0'..=b'9') if !matches!(name.as_str(), "unique" | "label") => text.to_owned(),
            Some(b'[') if name == "label" => {
                let labels: Vec<String> =
                    serde_json::from_str(text).map_err(|_| not_text(&name, "a list of strings"))?;
                pairs.extend(labels.into_iter().map(|label| Ok((name.clone(), label))));
                continue;
            }
            _ if text == "null" => continue,
            _ => return Err(not_text(&name, if NUMBERS.contains(&name.as_str()) { "a number" } else { "a string" })),
        };
        pairs.push(Ok((name, value)));
    }
    Query::gather(pairs.into_iter(), &OPTION_NAMES)
}

fn not_text(name: &str, kind: &str) -> Problem {
    Problem::new(Code::BadOption, format!("The option `{name}` must be {kind}."))
}

fn unknown(name: &str) -> Problem {
    let shown: String = name.chars().take(80).collect();
    let near = nearest(name, MEMBERS).map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
    let option = if OPTION_NAMES.contains(&name) { ": options stand in `options`" } else { "" };
    wrong(name, &format!("`{shown}` is not known here{near}{option}"))
}

fn wrong(member: &str, why: &str) -> Problem {
    let pointer = match member {
        "" => String::new(),
        name => format!("/{}", escaped(name)),
    };
    let stop = if why.ends_with('?') { "" } else { "." };
    let fault = Fault { pointer, detail: format!("{why}{stop}") };
    let detail = format!(
        "{why}{stop} A job of a batch is an object such as {{\"task\": \"NAME\", \"input\": .., \"options\": {{..}}}}, \
         with `id` or `idempotency_key` where it may be sent again."
    );
    Problem::new(Code::InvalidInput, detail).with_faults(vec![fault])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Item, Problem> {
        Item::read(&Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn an_item_is_taken_apart_and_its_input_left_as_it_is() {
        let item = read(r#"{"input": {"n":  1.10, "big":123456789012345678901234567890 }, "task":"f\u00e4"}"#).unwrap();
        assert_eq!((item.task.as_str(), item.named), ("f\u{e4}", Named::Here));
        assert_eq!(item.input, r#"{"n":  1.10, "big":123456789012345678901234567890 }"#);
        assert_eq!(read(r#"{"task":"f"}"#).unwrap().input, "{}");
        assert_eq!(read(r#"{"task":"f","input":null,"id":null,"options":null}"#).unwrap().input, "null");
        let keyed = read(r#"{"task":"f","idempotency_key":"a \"b\""}"#).unwrap();
        assert_eq!(keyed.named, Named::ByKey("a \"b\"".to_owned()));
    }

    #[test]
    fn options_are_texts_numbers_and_lists_of_labels() {
        let item = read(
            r#"{"task":"f","options":{"priority":2,"retries":"3","timeout":"30s","label":["a:1","b:2"],"at":null}}"#,
        );
        let options = item.unwrap().options;
        assert_eq!((options.get("priority"), options.get("retries"), options.get("at")), (Some("2"), Some("3"), None));
        assert_eq!(options.all("label").collect::<Vec<_>>(), ["a:1", "b:2"]);
        let one = read(r#"{"task":"f","options":{"label":"a:1"}}"#).unwrap().options;
        assert_eq!(one.all("label").collect::<Vec<_>>(), ["a:1"]);
    }

    #[test]
    fn wrong_items_say_where_and_why() {
        for (text, code, says) in [
            ("5", Code::InvalidInput, "is an object"),
            ("{}", Code::InvalidInput, "`task` must name"),
            (r#"{"task":5}"#, Code::InvalidInput, "`task` must be a string"),
            (r#"{"task":"f","task":"g"}"#, Code::InvalidInput, "twice"),
            (r#"{"tsk":"f"}"#, Code::InvalidInput, "did you mean `task`?"),
            (r#"{"task":"f","timeout":"3s"}"#, Code::InvalidInput, "stand in `options`"),
            (r#"{"task":"f","options":[]}"#, Code::InvalidInput, "`options` must be an object"),
            (r#"{"task":"f","options":{"timout":"3s"}}"#, Code::BadOption, "did you mean `timeout`?"),
            (r#"{"task":"f","options":{"timout":{}}}"#, Code::BadOption, "did you mean `timeout`?"),
            (r#"{"task":"f","options":{"timeout":{}}}"#, Code::BadOption, "must be a string"),
            (r#"{"task":"f","options":{"priority":true}}"#, Code::BadOption, "must be a number"),
            (r#"{"task":"f","options":{"label":[1]}}"#, Code::BadOption, "list of strings"),
            (r#"{"task":"f","options":{"delay":"1s","delay":"2s"}}"#, Code::BadOption, "twice"),
            (r#"{"task":"f","options":{"unique":5}}"#, Code::BadOption, "must be a string"),
            (r#"{"task":"f","id":"7"}"#, Code::BadId, "UUID"),
            (r#"{"task":"f","id":"00000000-0000-0000-0000-000000000000"}"#, Code::BadId, "no id at all"),
            (r#"{"task":"f","id":7}"#, Code::InvalidInput, "`id` must be a string"),
            (r#"{"task":"f","idempotency_key":""}"#, Code::BadId, "`idempotency_key` is empty"),
            (
                r#"{"task":"f","idempotency_key":"k","id":"0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90"}"#,
                Code::OptionConflict,
                "one of them",
            ),
        ] {
            let problem = read(text).unwrap_err();
            assert_eq!(problem.code(), code, "{text}: {}", problem.detail());
            assert!(problem.detail().contains(says), "{text}: {}", problem.detail());
        }
    }
}
