//! Every answer of the API that a test sees is held against the OpenAPI document: its status, its media type, its headers,
//! each member of its body, and the code of a problem must be told there for that very operation.

use crate::Answer;
use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Value, json, value::RawValue};
use std::{
    collections::HashMap,
    sync::{LazyLock, Mutex, PoisonError},
};

/// An operation of a document.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The whole document.
    pub document: &'a Value,
    /// Its path, with `{..}`.
    pub path: &'a str,
    /// The operation itself.
    pub operation: &'a Value,
}

/// Checks an answer to a request of this method and path.
///
/// # Panics
/// When the document does not tell of such an answer.
pub fn must_be_told(method: &Method, path: &str, answer: &Answer) {
    let document = dayfly_api::openapi();
    // HEAD is as GET, without a body; OPTIONS is answered everywhere.
    if matches!(*method, Method::HEAD | Method::OPTIONS) {
        return;
    }
    let Some(told) = find(document, method, path) else {
        // Another path may be a task's own route.
        let refused = matches!(answer.status, 401 | 403 | 405) || path_item(document, path).is_none();
        assert!(refused, "{method} {path} is not in the document, yet it was answered {}", answer.status);
        return;
    };
    if let Err(why) = told.check(answer) {
        panic!("{method} {path} was answered\n{}\n{}\nbut {why}", answer.status, answer.text());
    }
}

/// The operation that a request is for.
#[must_use]
pub fn find<'a>(document: &'a Value, method: &Method, path: &str) -> Option<Told<'a>> {
    let (template, item) = path_item(document, path)?;
    let operation = item.get(method.as_str().to_ascii_lowercase())?;
    Some(Told { document, path: template, operation })
}

/// A path without variables goes first.
fn path_item<'a>(document: &'a Value, path: &str) -> Option<(&'a str, &'a Value)> {
    let path = path.split('?').next().unwrap_or(path);
    let matches = |template: &str| {
        let (mut parts, mut given) = (template.split('/'), path.split('/'));
        loop {
            match (parts.next(), given.next()) {
                (None, None) => return true,
                (Some(part), Some(piece)) if part == piece || part.starts_with('{') && !piece.is_empty() => {}
                (Some(_) | None, _) => return false,
            }
        }
    };
    let paths = document["paths"].as_object()?;
    let found = paths.iter().filter(|(template, _)| matches(template));
    found.min_by_key(|(template, _)| template.contains('{')).map(|(template, item)| (template.as_str(), item))
}

impl<'a> Told<'a> {
    /// What the document says of a status.
    fn response(&self, status: u16) -> Option<&'a Value> {
        let response = self.operation["responses"].get(status.to_string())?;
        match response.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.document.pointer(reference.trim_start_matches('#')),
            None => Some(response),
        }
    }

    /// Holds an answer against it.
    ///
    /// # Errors
    /// Says what the document does not tell.
    pub fn check(&self, answer: &Answer) -> Result<(), String> {
        let response = self.response(answer.status).ok_or("the document has no such status here")?;
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            if header["required"] == true && answer.header(name).is_empty() {
                return Err(format!("it lacks the header {name}"));
            }
        }
        let Some(contents) = response["content"].as_object() else {
            return if answer.body.is_empty() { Ok(()) } else { Err("the document has it without a body".to_owned()) };
        };
        let media = answer.header("content-type").split(';').next().unwrap_or_default();
        let content = contents.get(media).ok_or_else(|| format!("`{media}` is not in the document here"))?;
        if media != "application/json" && !media.ends_with("+json") {
            return Ok(());
        }
        serde_json::from_slice::<&RawValue>(&answer.body).map_err(|why| why.to_string())?;
        // JSON it is; a job's input may hold numbers that no program here can.
        let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else { return Ok(()) };
        check_schema(self.document, &content["schema"], &body)?;
        if media == "application/problem+json" {
            let told = response["x-codes"].as_array().is_some_and(|codes| codes.contains(&body["code"]));
            return told.then_some(()).ok_or_else(|| format!("the code {} is not told here", body["code"]));
        }
        Ok(())
    }
}

/// Holds a value against a schema of a document. Members that an object's schema does not name are faults here, though the
/// document leaves that open.
///
/// # Errors
/// Says what does not fit.
pub fn check_schema(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    static COMPILED: LazyLock<Mutex<HashMap<String, Validator>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    // The same version of the document within a process, but for the paths and schemas of tasks.
    let validator = match compiled
        .entry(format!("{schema}{}", document["components"]["schemas"].as_object().map_or(0, |all| all.len())))
    {
        std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
        std::collections::hash_map::Entry::Vacant(new) => {
            let mut components = json!({ "schemas": document["components"]["schemas"] });
            close(&mut components);
            let whole = json!({ "allOf": [schema], "components": components });
            let validator = jsonschema::options().offline().should_validate_formats(true).build(&whole);
            new.insert(validator.map_err(|why| format!("the schema {schema} is none: {why}"))?)
        }
    };
    let faults: Vec<String> =
        validator.iter_errors(value).take(5).map(|fault| format!("at `{}`: {fault}", fault.instance_path())).collect();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

/// Lets every object have only the members that are described.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            if members.get("type") == Some(&json!("object")) && members.contains_key("properties") {
                members.entry("additionalProperties").or_insert(json!(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
