//! The document, out of the operations, the schemas and the tasks.

use super::{
    operation::{Answer, Content, Group, Operation, Param, Place, Scope, words},
    problems, schemas, tasks,
};
use crate::error::Code;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What is said before everything else.
const ABOUT: &str = "Jobs over HTTP, each in a process that can always be ended. The body of a submit is the job's input; \
    options go in the query. Answers are JSON with RFC 3339 times; errors are problems (RFC 9457) with a stable `code`.\n\n\
    Within `/v1` there are only additions: a client must take members, states, kinds and codes it does not know. Every answer \
    has an `X-Request-Id`. `HEAD` is answered where `GET` is, `OPTIONS` everywhere.";

const TOKENS: &str = "A token that the operator has made by `dayfly tokens create`, `dfly_..`, once there are any. `x-scope` says what it must be \
    allowed to do.";

/// The document without what depends on the tasks.
pub(super) fn without_tasks(operations: &[Operation]) -> Value {
    let mut parameters = Map::new();
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations {
        let item = described(operation, &mut parameters);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_ascii_lowercase()] = item;
    }
    let responses = hoisted(&mut paths);
    let tags: Vec<Value> = Group::ALL
        .into_iter()
        .map(|group| {
            let (name, about) = group.words();
            json!({ "name": name, "description": about })
        })
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Dayfly",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT" },
        },
        // Where this document lies: nothing of the request goes into it.
        "servers": [{ "url": "/" }],
        "tags": tags,
        // Without any token made, nobody is asked for one.
        "security": [{ "bearer": [] }, {}],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "parameters": parameters,
            "responses": responses,
            "examples": problems::examples(),
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer", "description": TOKENS } },
        },
    })
}

/// Takes the responses of the path of all tasks to `components/responses`: every task's own path refers to them.
fn hoisted(paths: &mut Map<String, Value>) -> Map<String, Value> {
    let mut shared = Map::new();
    for (_, operation) in paths.get_mut(tasks::OF_ALL).and_then(Value::as_object_mut).into_iter().flatten() {
        let id = words(&operation["operationId"]);
        for (status, response) in operation["responses"].as_object_mut().into_iter().flatten() {
            let key = format!("{id}.{status}");
            let reference = json!({ "$ref": format!("#/components/responses/{key}") });
            shared.insert(key, std::mem::replace(response, reference));
        }
    }
    shared
}

/// What a header says.
fn of_header(name: &str) -> &'static str {
    match name {
        "Location" => "The job's path.",
        "Retry-After" => "Seconds after which asking again is worth it.",
        "Preference-Applied" => "The wait that was applied, when one was asked for.",
        "Idempotent-Replayed" => "`true`: this is the job that the same request made before.",
        "ETag" => "For `If-None-Match`.",
        "Link" => "The next page, as `rel=\"next\"`, when there is one.",
        _ => "",
    }
}

fn described(operation: &Operation, shared: &mut Map<String, Value>) -> Value {
    let parameters: Vec<Value> = operation.params.iter().map(|param| parameter(param, shared)).collect();
    let mut responses = Map::new();
    for answer in &operation.answers {
        responses.insert(answer.status.to_string(), response(answer));
    }
    let mut by_status: BTreeMap<u16, Vec<(Code, &str)>> = BTreeMap::new();
    for (code, when) in &operation.problems {
        by_status.entry(code.status().as_u16()).or_default().push((*code, when));
    }
    for (status, codes) in by_status {
        responses.insert(status.to_string(), problems::response(&codes));
    }
    let mut item = json!({
        "operationId": operation.id,
        "tags": [operation.group.words().0],
        "summary": operation.summary,
        "description": operation.about,
        "responses": responses,
        "x-scope": operation.scope.as_str(),
        "x-codeSamples": [{ "lang": "Shell", "source": operation.curl() }],
    });
    if operation.scope == Scope::Open {
        item["security"] = json!([]);
    }
    if !parameters.is_empty() {
        item["parameters"] = parameters.into();
    }
    if let Some(body) = &operation.body {
        item["requestBody"] =
            json!({ "description": body.about, "required": false, "content": contents(&body.contents) });
    }
    item
}

/// A parameter, by reference when all that have its name are alike.
fn parameter(param: &Param, shared: &mut Map<String, Value>) -> Value {
    let place = match param.place {
        Place::Path => "path",
        Place::Query => "query",
        Place::Header => "header",
    };
    let whole = json!({
        "name": param.name,
        "in": place,
        "required": param.place == Place::Path,
        "description": param.about,
        "schema": param.schema,
        "example": param.example,
    });
    let known = shared.entry(param.name).or_insert_with(|| whole.clone());
    if *known == whole { json!({ "$ref": format!("#/components/parameters/{}", param.name) }) } else { whole }
}

fn response(answer: &Answer) -> Value {
    let mut whole = json!({ "description": answer.about });
    let headers: Map<String, Value> = answer
        .headers
        .iter()
        .map(|(name, always)| {
            let header = json!({ "description": of_header(name), "required": always, "schema": { "type": "string" } });
            ((*name).to_owned(), header)
        })
        .collect();
    if !headers.is_empty() {
        whole["headers"] = headers.into();
    }
    if !answer.contents.is_empty() {
        whole["content"] = contents(&answer.contents);
    }
    whole
}

fn contents(contents: &[Content]) -> Value {
    let one =
        |content: &Content| (content.media.to_owned(), json!({ "schema": content.schema, "example": content.example }));
    Value::Object(contents.iter().map(one).collect())
}
