//! The few shapes that schemas are made of.

use serde_json::{Map, Value, json};

/// A member of an object: its name and its schema.
pub(super) type Member = (&'static str, Value);

/// An object that always has `members`, and may have `more`.
pub(super) fn object(about: &str, members: Vec<Member>, more: Vec<Member>) -> Value {
    let required: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    let mut properties = Map::new();
    for (name, schema) in members.iter().chain(&more) {
        properties.insert((*name).to_owned(), schema.clone());
    }
    json!({ "type": "object", "description": about, "required": required, "properties": properties })
}

pub(super) fn text(about: &str) -> Value {
    json!({ "type": "string", "description": about })
}

/// Ids of jobs.
pub(super) fn uuid(about: &str) -> Value {
    json!({ "type": "string", "format": "uuid", "description": about })
}

/// A whole number of 0 or more.
pub(super) fn count(about: &str) -> Value {
    json!({ "type": "integer", "minimum": 0, "description": about })
}

pub(super) fn flag(about: &str) -> Value {
    json!({ "type": "boolean", "description": about })
}

pub(super) fn time(about: &str) -> Value {
    json!({ "type": "string", "format": "date-time", "description": about })
}

/// One of some words, to which later versions may add.
pub(super) fn word<'a>(about: &str, known: impl IntoIterator<Item = &'a str>) -> Value {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.dedup();
    let about = format!("{about} Open: later versions may add words.");
    let example = known.first();
    json!({ "type": "string", "description": about, "x-extensible-enum": known, "examples": [example] })
}

pub(super) fn list(about: &str, of: Value) -> Value {
    json!({ "type": "array", "description": about, "items": of })
}

/// Or null.
pub(super) fn maybe(schema: Value) -> Value {
    match schema {
        Value::Object(mut members) => match members.get("type").cloned() {
            Some(kind @ Value::String(_)) => {
                members.insert("type".to_owned(), json!([kind, "null"]));
                Value::Object(members)
            }
            Some(_) | None => json!({ "anyOf": [members, { "type": "null" }] }),
        },
        other => other,
    }
}

/// A schema by its name.
pub(super) fn named(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}
