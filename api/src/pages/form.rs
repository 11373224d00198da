//! A form made of a task's input schema. The script makes JSON of it, in which a number keeps every digit as it was
//! typed. What no simple field can hold is JSON in a box of its own. Whether the input is good is for the API to say: there is one judge.

use dayfly_common::queue::TaskCard;
use maud::{Markup, html};
use serde_json::{Map, Value};

/// More fields than this are better written as JSON.
const MOST: usize = 60;

/// How a member of the input is typed in.
#[derive(Debug, PartialEq, Eq)]
enum Field {
    Text {
        long: bool,
    },
    Number {
        whole: bool,
    },
    YesOrNo,
    Choice(Vec<String>),
    /// One value a line.
    Lines {
        text: bool,
    },
    Json,
}

/// The form of a task.
pub(super) fn form(card: &TaskCard) -> Markup {
    let properties = card.input_schema.as_ref().and_then(plain_properties);
    html! {
        form #submit data-task=(card.name) novalidate {
            @if let Some(properties) = properties {
                fieldset #fields {
                    legend { "Input" }
                    @for (at, (name, schema)) in properties.iter().enumerate() {
                        (field(at, name, schema, is_required(card, name)))
                    }
                }
                details #as-json {
                    summary { "as JSON instead" }
                    p {
                        label for="json" { "The whole input, as JSON; when it is not empty, the fields do not count" }
                        textarea #json rows="5" spellcheck="false" {}
                    }
                }
            } @else {
                p {
                    label for="json" { "Input, as JSON" }
                    textarea #json rows="8" spellcheck="false" { "{}" }
                }
            }
            details {
                summary { "Options" }
                div.line {
                    label for="o-timeout" { "timeout" } input #o-timeout data-option="timeout" placeholder="30s";
                }
                div.line { label for="o-delay" { "start in" } input #o-delay data-option="delay" placeholder="10m"; }
                div.line {
                    label for="o-priority" { "priority, 0 (first) to 9" }
                    input #o-priority data-option="priority" inputmode="numeric" placeholder="5";
                }
                div.line {
                    label for="o-retries" { "retries" } input #o-retries data-option="retries" inputmode="numeric";
                }
                div.line { label for="o-label" { "label" } input #o-label data-option="label" placeholder="team:blue"; }
            }
            ul #faults.problem role="alert" hidden {}
            p { button #send.first { "Submit" } }
        }
    }
}

/// The members of an object that a form can hold.
fn plain_properties(schema: &Value) -> Option<&Map<String, Value>> {
    let properties = schema.get("properties")?.as_object()?;
    (!properties.is_empty() && properties.len() <= MOST).then_some(properties)
}

fn is_required(card: &TaskCard, name: &str) -> bool {
    let required = card.input_schema.as_ref().and_then(|schema| schema.get("required")?.as_array());
    required.is_some_and(|names| names.iter().any(|known| known == name))
}

fn kind(schema: &Value) -> Field {
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        let words: Option<Vec<String>> = choices.iter().map(|choice| choice.as_str().map(str::to_owned)).collect();
        return words.map_or(Field::Json, Field::Choice);
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("string") => {
            let most = schema.get("maxLength").and_then(Value::as_u64);
            Field::Text { long: most.is_none_or(|most| most > 200) }
        }
        Some("integer") => Field::Number { whole: true },
        Some("number") => Field::Number { whole: false },
        Some("boolean") => Field::YesOrNo,
        Some("array") => {
            let of = schema.get("items").and_then(|items| items.get("type")?.as_str());
            match of {
                Some(of @ ("string" | "integer" | "number")) => Field::Lines { text: of == "string" },
                Some(_) | None => Field::Json,
            }
        }
        Some(_) | None => Field::Json,
    }
}

fn field(at: usize, name: &str, schema: &Value, required: bool) -> Markup {
    let id = format!("f{at}");
    let about = schema.get("description").and_then(Value::as_str);
    let hint = format!("{id}-hint");
    let described = about.map(|_| hint.as_str());
    let default = schema.get("default").filter(|default| !default.is_null());
    let default =
        default.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).unwrap_or_default();
    let kind = kind(schema);
    html! {
        div.field {
            label for=(id) { (name) @if required { " " small { "required" } } @match &kind {
                Field::Lines { .. } => { " " small { "one a line" } },
                Field::Json => { " " small { "JSON" } },
                Field::Text { .. } | Field::Number { .. } | Field::YesOrNo | Field::Choice(_) => {},
            } }
            @match &kind {
                Field::Text { long: true } => {
                    textarea id=(id) data-name=(name) data-kind="text" rows="3" required[required]
                        aria-describedby=[described] { (default) }
                }
                Field::Text { long: false } => {
                    input id=(id) data-name=(name) data-kind="text" value=(default) required[required]
                        aria-describedby=[described];
                }
                Field::Number { whole } => {
                    input id=(id) data-name=(name) data-kind="number" value=(default) required[required]
                        aria-describedby=[described] inputmode=(if *whole { "numeric" } else { "decimal" }) autocomplete="off";
                }
                Field::YesOrNo => {
                    (choice(&id, name, "boolean", &["true".to_owned(), "false".to_owned()], &default, required, described))
                }
                Field::Choice(words) => { (choice(&id, name, "text", words, &default, required, described)) }
                Field::Lines { text } => {
                    textarea id=(id) data-name=(name) data-kind="lines" data-items=(if *text { "text" } else { "number" })
                        rows="3" required[required] aria-describedby=[described] {}
                }
                Field::Json => {
                    textarea id=(id) data-name=(name) data-kind="json" rows="3" required[required] spellcheck="false"
                        aria-describedby=[described] { (default) }
                }
            }
            @if let Some(about) = about { p.hint id=(hint) { (about) } }
        }
    }
}

fn choice(
    id: &str,
    name: &str,
    kind: &str,
    words: &[String],
    default: &str,
    required: bool,
    described: Option<&str>,
) -> Markup {
    html! {
        select id=(id) data-name=(name) data-kind=(kind) required[required] aria-describedby=[described] {
            @if !required || default.is_empty() { option value="" { "–" } }
            @for word in words { option value=(word) selected[word == default] { (word) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(schema: Value) -> String {
        let card = serde_json::from_value(json!({
            "name": "t", "timeout_ms": 1, "max_timeout_ms": 1, "retries": 0, "retention_ms": 1, "input_schema": schema
        }));
        form(&card.unwrap()).into_string()
    }

    #[test]
    fn each_type_has_its_field() {
        for (schema, field) in [
            (json!({ "type": "string", "maxLength": 10 }), Field::Text { long: false }),
            (json!({ "type": "string" }), Field::Text { long: true }),
            (json!({ "type": "integer" }), Field::Number { whole: true }),
            (json!({ "type": "boolean" }), Field::YesOrNo),
            (json!({ "enum": ["a", "b"] }), Field::Choice(vec!["a".to_owned(), "b".to_owned()])),
            (json!({ "enum": [1, 2] }), Field::Json),
            (json!({ "type": "array", "items": { "type": "string" } }), Field::Lines { text: true }),
            (json!({ "type": "object" }), Field::Json),
            (json!({}), Field::Json),
        ] {
            assert_eq!(kind(&schema), field, "{schema}");
        }
    }

    #[test]
    fn a_schema_is_text_and_never_markup() {
        let evil = "<script>alert(1)</script>\"'";
        let page = shown(
            json!({ "properties": { evil: { "type": "string", "description": evil, "default": evil } }, "required": [evil] }),
        );
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
        assert!(page.contains("required"));
        assert!(shown(json!({ "type": "object" })).contains("Input, as JSON"));
    }
}
