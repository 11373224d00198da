//! A task's input schema, compiled once: what it demands, and which type each field of a form has.
//!
//! Only a parsed copy of an input is ever looked at; the job gets the bytes the client sent.

mod kinds;
mod range;

pub(crate) use kinds::Kinds;

use crate::error::{Code, Fault, Problem};
use jsonschema::Validator;
use serde_json::Value;
use std::collections::HashMap;

/// Most faults told at once.
const MOST_FAULTS: usize = 20;
/// Longest detail of one fault, characters.
const LONGEST_DETAIL: usize = 300;

/// A compiled JSON Schema.
#[derive(Debug)]
pub(crate) struct InputSchema {
    validator: Validator,
    fields: HashMap<String, Kinds>,
}

impl InputSchema {
    /// Compiles it. References beyond the schema itself are never fetched: one makes the schema a faulty one.
    ///
    /// # Errors
    /// Says what is wrong with the schema.
    pub(crate) fn compile(schema: &Value) -> Result<Self, String> {
        let validator = jsonschema::options().offline().build(schema).map_err(|why| why.to_string())?;
        Ok(Self { validator, fields: kinds::of_fields(schema) })
    }

    /// What the schema says of a form's field of this name.
    pub(crate) fn field(&self, name: &str) -> Option<&Kinds> {
        self.fields.get(name)
    }

    /// Holds a JSON text against the schema.
    pub(crate) fn check(&self, json: &[u8]) -> Result<(), Problem> {
        let value: Value = serde_json::from_slice(&range::within_range(json)).map_err(|why| {
            let detail = format!("The input cannot be held against the task's schema: {why}.");
            Problem::new(Code::InvalidInput, detail)
        })?;
        if self.validator.is_valid(&value) {
            return Ok(());
        }
        let faults: Vec<Fault> = self
            .validator
            .iter_errors(&value)
            .take(MOST_FAULTS)
            .map(|error| Fault {
                pointer: error.instance_path().as_str().to_owned(),
                detail: shortened(error.to_string()),
            })
            .collect();
        let first = faults.first().map_or_else(String::new, |fault| match fault.pointer.as_str() {
            "" => format!(": {}", fault.detail),
            pointer => format!(": at {pointer}, {}", fault.detail),
        });
        let detail = format!("The input does not fit the task's schema{first}");
        Err(Problem::new(Code::InvalidInput, detail).with_faults(faults))
    }
}

fn shortened(mut text: String) -> String {
    if let Some((cut, _)) = text.char_indices().nth(LONGEST_DETAIL) {
        text.truncate(cut);
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn faults_have_pointers() {
        let schema = json!({
            "type": "object", "required": ["n"],
            "properties": { "n": { "type": "integer", "minimum": 2 }, "tags": { "items": { "type": "string" } } }
        });
        let schema = InputSchema::compile(&schema).unwrap();
        assert!(schema.check(b"{\"n\": 123456789012345678901234567890}").is_ok());
        let problem = schema.check(br#"{"n": 1, "tags": ["a", 5]}"#).unwrap_err();
        assert_eq!(problem.code(), Code::InvalidInput);
        let body = String::from_utf8_lossy(&serde_json::to_vec(problem.faults()).unwrap()).into_owned();
        assert!(body.contains(r#""pointer":"/n""#) && body.contains(r#""pointer":"/tags/1""#), "{body}");
        assert!(schema.check(b"{}").unwrap_err().detail().contains("\"n\" is a required property"));
        // No number is too large for JSON.
        let digits = "9".repeat(400);
        assert!(schema.check(format!("{{\"n\":{digits}}}").as_bytes()).is_ok());
        assert!(schema.check(format!("{{\"n\":-{digits}}}").as_bytes()).is_err(), "it is below the minimum");
    }

    #[test]
    fn a_long_value_does_not_make_a_long_detail() {
        let schema = InputSchema::compile(&json!({ "type": "integer" })).unwrap();
        let problem = schema.check(format!("\"{}\"", "x".repeat(100_000)).as_bytes()).unwrap_err();
        assert!(problem.detail().len() < 500);
    }

    #[test]
    fn nothing_is_fetched() {
        for reference in ["https://example.com/schema.json", "file:///etc/passwd"] {
            assert!(InputSchema::compile(&json!({ "$ref": reference })).is_err(), "{reference}");
        }
        assert!(InputSchema::compile(&json!({ "type": "nonsense" })).is_err());
    }
}
