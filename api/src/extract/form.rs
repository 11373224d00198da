//! From the fields of a form to a JSON object.
//!
//! A field that stands once is a value, one that is repeated an array, in the order of their first appearance. Fields are
//! strings unless the task's schema wants something else and the text reads as that: then its very characters become the
//! JSON, so a number keeps its digits.

use super::urlencoded;
use crate::{
    error::{Code, Problem},
    schema::{InputSchema, Kinds},
};
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Most fields of a form.
const MOST_FIELDS: usize = 1_000;

/// A field's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FieldValue {
    /// As typed into a form.
    Text(String),
    /// A part of a multipart that called itself JSON; checked.
    Json(String),
}

/// The object of an urlencoded body.
pub(crate) fn urlencoded_object(body: &[u8], schema: Option<&InputSchema>) -> Result<Vec<u8>, Problem> {
    let mut fields = Vec::new();
    for pair in urlencoded::pairs(body) {
        let (name, value) =
            pair.map_err(|why| Problem::new(Code::MalformedForm, format!("The form cannot be read: {why}.")))?;
        fields.push((name, FieldValue::Text(value)));
        check_count(fields.len())?;
    }
    Ok(object(&fields, schema))
}

/// Refuses a form of too many fields.
pub(crate) fn check_count(fields: usize) -> Result<(), Problem> {
    if fields <= MOST_FIELDS {
        return Ok(());
    }
    Err(Problem::new(Code::TooLarge, format!("The form has more than {MOST_FIELDS} fields: send the input as JSON.")))
}

/// The object of some fields.
pub(crate) fn object(fields: &[(String, FieldValue)], schema: Option<&InputSchema>) -> Vec<u8> {
    let mut groups: Vec<(&str, Vec<&FieldValue>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (name, value) in fields {
        let place = *places.entry(name).or_insert_with(|| {
            groups.push((name, Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(value);
    }
    let unsaid = Kinds::default();
    let mut json = vec![b'{'];
    for (name, values) in groups {
        if json.len() > 1 {
            json.push(b',');
        }
        write_string(&mut json, name);
        json.push(b':');
        write_field(&mut json, &values, schema.and_then(|schema| schema.field(name)).unwrap_or(&unsaid));
    }
    json.push(b'}');
    json
}

fn write_field(json: &mut Vec<u8>, values: &[&FieldValue], kinds: &Kinds) {
    let unsaid = Kinds::default();
    let items = kinds.items.as_deref().unwrap_or(&unsaid);
    match values {
        [only] if !wants_array(only, kinds) => write_value(json, only, kinds),
        many => {
            json.push(b'[');
            for (index, value) in many.iter().enumerate() {
                if index > 0 {
                    json.push(b',');
                }
                write_value(json, value, items);
            }
            json.push(b']');
        }
    }
}

/// Whether a field that stands once is the only member of an array.
fn wants_array(value: &FieldValue, kinds: &Kinds) -> bool {
    match value {
        FieldValue::Text(text) => kinds.array && !kinds.string && typed(text, kinds).is_none(),
        FieldValue::Json(json) => kinds.array && !json.starts_with('['),
    }
}

fn write_value(json: &mut Vec<u8>, value: &FieldValue, kinds: &Kinds) {
    match value {
        FieldValue::Json(raw) => json.extend_from_slice(raw.as_bytes()),
        FieldValue::Text(text) => match typed(text, kinds) {
            Some(raw) => json.extend_from_slice(raw.as_bytes()),
            None => write_string(json, text),
        },
    }
}

/// The JSON that a text stands for under these types; `None`: the string itself.
fn typed<'a>(text: &'a str, kinds: &Kinds) -> Option<&'a str> {
    if kinds.string {
        return None;
    }
    let literal = match text {
        "true" | "on" if kinds.boolean => Some("true"),
        "false" if kinds.boolean => Some("false"),
        "" if kinds.null => Some("null"),
        _ => None,
    };
    let first = text.bytes().next();
    let fits = match first {
        Some(b'-' | b'0'..=b'9') => kinds.number,
        Some(b'[') => kinds.array,
        Some(b'{') => kinds.object,
        Some(_) | None => false,
    };
    let parsed = || serde_json::from_str::<&RawValue>(text).ok().filter(|raw| raw.get().len() == text.len());
    literal.or_else(|| fits.then(parsed).flatten().map(RawValue::get))
}

fn write_string(json: &mut Vec<u8>, text: &str) {
    // Writing to memory does not fail.
    drop(serde_json::to_writer(json, text));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(body: &str, schema: Option<&InputSchema>) -> String {
        String::from_utf8(urlencoded_object(body.as_bytes(), schema).unwrap()).unwrap()
    }

    #[test]
    fn without_a_schema_all_are_strings_and_repeated_ones_arrays() {
        assert_eq!(read("", None), "{}");
        assert_eq!(read("n=42&tag=a&tag=b&x=%22q%22", None), r#"{"n":"42","tag":["a","b"],"x":"\"q\""}"#);
    }

    #[test]
    fn a_schema_gives_types_and_digits_stay() {
        let schema = InputSchema::compile(&json!({ "properties": {
            "n": { "type": "integer" }, "x": { "type": "number" }, "ok": { "type": "boolean" },
            "none": { "type": ["integer", "null"] }, "ns": { "type": "array", "items": { "type": "integer" } },
            "o": { "type": "object" }, "s": { "type": "string" }, "either": { "type": ["string", "integer"] },
        }}))
        .unwrap();
        for (body, json) in [
            ("n=42", r#"{"n":42}"#),
            ("n=123456789012345678901234567890", r#"{"n":123456789012345678901234567890}"#),
            ("x=1.10e0", r#"{"x":1.10e0}"#),
            ("x=-0.100", r#"{"x":-0.100}"#),
            ("ok=true&none=", r#"{"ok":true,"none":null}"#),
            ("ok=on", r#"{"ok":true}"#),
            ("ns=1", r#"{"ns":[1]}"#),
            ("ns=1&ns=2", r#"{"ns":[1,2]}"#),
            ("ns=[1,2]", r#"{"ns":[1,2]}"#),
            ("o=%7B%22a%22:1%7D", r#"{"o":{"a":1}}"#),
            ("s=42&either=42", r#"{"s":"42","either":"42"}"#),
            ("n=042", r#"{"n":"042"}"#),
            ("n=4+2", r#"{"n":"4 2"}"#),
            ("n=42+", r#"{"n":"42 "}"#),
            ("n=abc&o=%7B", r#"{"n":"abc","o":"{"}"#),
            ("other=1", r#"{"other":"1"}"#),
        ] {
            assert_eq!(read(body, Some(&schema)), json, "{body}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for body in ["a=%zz", "a=%ff", "%=1"] {
            assert_eq!(urlencoded_object(body.as_bytes(), None).unwrap_err().code(), Code::MalformedForm, "{body}");
        }
        let many = "a=1&".repeat(MOST_FIELDS + 1);
        let problem = urlencoded_object(many.as_bytes(), None).unwrap_err();
        assert_eq!(problem.code(), Code::TooLarge);
        assert!(problem.detail().contains("1000"));
    }
}
