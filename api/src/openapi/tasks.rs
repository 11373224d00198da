//! A path for every task: its operations are those of `/v1/tasks/{task}`, its input's schema is its own. By them a generated
//! client knows what each task takes.

use crate::catalogue::Task;
use serde_json::{Map, Value, json};

/// Where the path of all tasks stands.
pub(super) const OF_ALL: &str = "/v1/tasks/{task}";
/// Tasks that get a path of their own; the document stays one that tools can hold.
pub(super) const MOST: usize = 200;
/// Longest schema taken over, bytes of JSON.
const LONGEST_SCHEMA: usize = 64 << 10;
/// Words by which a schema refers to itself other than by `#/..`: it cannot be set into another document as it is.
const SELF_NAMING: [&str; 6] = ["$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor"];
/// Words whose values are data, not schemas.
const DATA: [&str; 5] = ["enum", "const", "default", "examples", "example"];

/// The document with the tasks' own paths.
pub(super) fn added<'a>(mut document: Value, tasks: impl Iterator<Item = &'a Task>) -> Value {
    let tasks = sorted(tasks);
    let left_out = tasks.len().saturating_sub(MOST);
    if left_out > 0 {
        document["x-tasks-left-out"] = left_out.into();
    }
    let of_all = document["paths"][OF_ALL].clone();
    for task in tasks.into_iter().take(MOST) {
        let name = task.card.name.as_str();
        let key = format!("TaskInput.{name}");
        let schema = task.card.input_schema.as_ref().filter(|_| task.schema_fault.is_none());
        let known = schema.and_then(|schema| embedded(schema, &key));
        let input = match known {
            Some(schema) => {
                document["components"]["schemas"][&key] = schema;
                json!({ "$ref": format!("#/components/schemas/{key}") })
            }
            None => {
                json!({ "description": format!("Any JSON; GET /v1/tasks/{name} may have a schema as `input_schema`.") })
            }
        };
        let item = item(&of_all, task, &input);
        if let Some(route) = task.card.route.as_deref().filter(|route| free(&document, route)) {
            let mut submit = item["post"].clone();
            submit["operationId"] = format!("route_{name}").into();
            submit["summary"] = format!("Submit {name} by its own path").into();
            document["paths"][route] = json!({ "post": submit });
        }
        document["paths"][format!("/v1/tasks/{name}")] = item;
    }
    document
}

/// By name.
pub(super) fn sorted<'a>(tasks: impl Iterator<Item = &'a Task>) -> Vec<&'a Task> {
    let mut tasks: Vec<&Task> = tasks.collect();
    tasks.sort_unstable_by(|one, other| one.card.name.cmp(&other.card.name));
    tasks
}

/// Whether a task may have this path: it is one, and no operation's.
fn free(document: &Value, route: &str) -> bool {
    route.starts_with('/') && !route.contains(['{', '}']) && document["paths"].get(route).is_none()
}

fn item(of_all: &Value, task: &Task, input: &Value) -> Value {
    let name = task.card.name.as_str();
    let mut item = of_all.clone();
    for (verb, operation) in item.as_object_mut().into_iter().flatten() {
        let id = operation["operationId"].as_str().unwrap_or(verb);
        let id = if id == "submit_job" { format!("submit_{name}") } else { format!("{id}_{name}") };
        operation["summary"] = format!("{}: {name}", operation["summary"].as_str().unwrap_or_default()).into();
        operation["operationId"] = id.into();
        let is_own = |parameter: &Value| parameter["$ref"] != "#/components/parameters/task";
        let parameters: Vec<Value> = operation["parameters"].as_array().into_iter().flatten().cloned().collect();
        operation["parameters"] = parameters.into_iter().filter(is_own).collect();
        if let Some(samples) = operation.as_object_mut() {
            samples.remove("x-codeSamples");
        }
        if operation.get("requestBody").is_some() {
            // JSON alone: generators choose among several media types by the body's class, and here all have the same.
            operation["requestBody"] = json!({
                "description": "The job's input. A form is taken, too, as at /v1/tasks/{task}.",
                "required": task.card.input_schema.is_some(),
                "content": { "application/json": { "schema": input } },
            });
            if let Some(about) = &task.card.description {
                operation["description"] = about.as_str().into();
            }
        }
    }
    item
}

/// The schema as it may stand at `components/schemas/KEY`: its references into itself go there. `None` when that cannot be
/// done.
fn embedded(schema: &Value, key: &str) -> Option<Value> {
    let size = serde_json::to_vec(schema).ok()?.len();
    if size > LONGEST_SCHEMA {
        return None;
    }
    moved(schema, &format!("#/components/schemas/{key}"))
}

fn moved(schema: &Value, to: &str) -> Option<Value> {
    match schema {
        Value::Object(members) => {
            if SELF_NAMING.iter().any(|word| members.get(*word).is_some_and(Value::is_string)) {
                return None;
            }
            let mut copy = Map::new();
            for (name, value) in members {
                let value = match value {
                    Value::String(reference) if name == "$ref" => {
                        format!("{to}{}", reference.strip_prefix('#')?).into()
                    }
                    value if DATA.contains(&name.as_str()) => value.clone(),
                    value => moved(value, to)?,
                };
                copy.insert(name.clone(), value);
            }
            Some(Value::Object(copy))
        }
        Value::Array(items) => items.iter().map(|item| moved(item, to)).collect::<Option<Vec<_>>>().map(Value::Array),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Some(schema.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_go_where_the_schema_goes() {
        let schema = json!({
            "properties": { "a": { "$ref": "#/$defs/x" }, "all": { "$ref": "#" }, "$ref": { "type": "string" } },
            "$defs": { "x": { "const": { "$ref": "#/data" } } },
        });
        let moved = embedded(&schema, "TaskInput.t").unwrap();
        assert_eq!(moved["properties"]["a"]["$ref"], "#/components/schemas/TaskInput.t/$defs/x");
        assert_eq!(moved["properties"]["all"]["$ref"], "#/components/schemas/TaskInput.t");
        assert_eq!(moved["properties"]["$ref"], json!({ "type": "string" }));
        assert_eq!(moved["$defs"]["x"]["const"]["$ref"], "#/data");
    }

    #[test]
    fn what_cannot_be_moved_is_left_out() {
        for schema in [
            json!({ "$id": "https://example.com/x" }),
            json!({ "$defs": { "a": { "$anchor": "a" } } }),
            json!({ "$ref": "other.json" }),
            json!({ "description": "x".repeat(LONGEST_SCHEMA) }),
        ] {
            assert_eq!(embedded(&schema, "k"), None);
        }
    }
}
