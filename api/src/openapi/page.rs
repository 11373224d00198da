//! The document as a page for people: made here, without a script, so that it works offline and under the strictest
//! Content-Security-Policy. What comes from tasks is text to it, never markup.

use super::{
    operation::{Answer, Group, Operation, Param, Place, words},
    tasks,
};
use crate::{catalogue::Task, error::Code};
use maud::{DOCTYPE, Markup, html};
use serde_json::Value;
use std::collections::BTreeMap;

/// Longest schema or example shown, bytes; longer ones are a request away.
const LONGEST_SHOWN: usize = 16 << 10;

/// The style of the page, for both light and dark.
pub(crate) const STYLE: &str = include_str!("page.css");

/// The page of these operations and tasks.
pub(crate) fn page(operations: &[Operation], tasks: &[&Task]) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Dayfly: its HTTP API" }
                link rel="stylesheet" href="/docs/style.css";
            }
            body {
                nav aria-label="Contents" { (contents(operations)) }
                main {
                    h1 { "Dayfly " small { (env!("CARGO_PKG_VERSION")) } }
                    p {
                        "Jobs over HTTP. The same for programs: " a href="/openapi.json" { "/openapi.json" }
                        " (OpenAPI 3.1). The lines of curl are for a server on this machine."
                    }
                    (of_tasks(tasks))
                    @for group in Group::ALL {
                        @let (name, about) = group.words();
                        section id=(name) {
                            h2 { (name) }
                            p { (about) }
                            @for operation in operations.iter().filter(|operation| operation.group == group) {
                                (one(operation))
                            }
                        }
                    }
                    (codes())
                }
            }
        }
    }
}

fn contents(operations: &[Operation]) -> Markup {
    html! {
        ul {
            li { a href="#your-tasks" { "tasks of this server" } }
            @for group in Group::ALL {
                @let (name, _) = group.words();
                li {
                    a href={ "#" (name) } { (name) }
                    ul {
                        @for operation in operations.iter().filter(|operation| operation.group == group) {
                            li { a href={ "#" (operation.id) } { (operation.summary) } }
                        }
                    }
                }
            }
            li { a href="#problems" { "problems" } }
        }
    }
}

fn one(operation: &Operation) -> Markup {
    html! {
        article id=(operation.id) {
            h3 { (operation.summary) }
            p.route { b { (operation.method) } " " code { (operation.path) } " " small { "scope: " (operation.scope.as_str()) } }
            p { (rich(operation.about)) }
            pre { code { (operation.curl()) } }
            @if !operation.params.is_empty() { (params(&operation.params)) }
            @if let Some(body) = &operation.body {
                h4 { "Body" }
                p { (rich(body.about)) }
                p { "Taken: " @for (at, content) in body.contents.iter().enumerate() {
                    @if at > 0 { ", " } code { (content.media) }
                } "." }
            }
            h4 { "Answers" }
            @for answer in &operation.answers { (good(answer)) }
            (bad(operation))
        }
    }
}

fn params(params: &[Param]) -> Markup {
    html! {
        h4 { "Parameters" }
        table {
            thead { tr { th { "name" } th { "in" } th { "what it does" } th { "example" } } }
            tbody {
                @for param in params {
                    tr {
                        td { code { (param.name) } }
                        td { (match param.place { Place::Path => "path", Place::Query => "query", Place::Header => "header" }) }
                        td { (rich(param.about)) }
                        td { @if !param.example.is_null() { code { (words(&param.example)) } } }
                    }
                }
            }
        }
    }
}

fn good(answer: &Answer) -> Markup {
    html! {
        details {
            summary { b.good { (answer.status) } " " (rich(answer.about)) }
            @if !answer.headers.is_empty() {
                p { "Headers: " @for (at, (name, always)) in answer.headers.iter().enumerate() {
                    @if at > 0 { ", " } code { (name) } @if !always { " (at times)" }
                } }
            }
            @for content in &answer.contents {
                p { code { (content.media) } }
                (json(&content.example))
            }
        }
    }
}

/// Problems by status.
fn bad(operation: &Operation) -> Markup {
    let mut by_status: BTreeMap<u16, Vec<&(Code, &str)>> = BTreeMap::new();
    for problem in &operation.problems {
        by_status.entry(problem.0.status().as_u16()).or_default().push(problem);
    }
    html! {
        @if !by_status.is_empty() {
            details {
                summary {
                    "problems: "
                    @for (at, status) in by_status.keys().enumerate() { @if at > 0 { ", " } b.bad { (status) } }
                }
                ul {
                    @for (status, problems) in &by_status {
                        @for (code, when) in problems {
                            li { b.bad { (status) } " " code { (code.as_str()) } ": " (rich(when)) }
                        }
                    }
                }
            }
        }
    }
}

fn of_tasks(tasks: &[&Task]) -> Markup {
    html! {
        section id="your-tasks" {
            h2 { "Tasks of this server" }
            @if tasks.is_empty() { p { "No worker has published a task yet." } }
            @for task in tasks.iter().take(tasks::MOST) {
                @let card = &task.card;
                article {
                    h3 { (card.name) }
                    p.route {
                        b { "POST" } " " code { "/v1/tasks/" (card.name) }
                        @if let Some(route) = &card.route { " or " code { (route) } }
                    }
                    @if let Some(about) = &card.description { p { (about) } }
                    @match (&card.input_schema, &task.schema_fault) {
                        (None, _) => p { "Its input may be any JSON." },
                        (Some(_), Some(fault)) => p { "Its input schema cannot be used, inputs go unchecked: " (fault) },
                        (Some(schema), None) => details { summary { "input schema" } (json(schema)) },
                    }
                }
            }
            @if tasks.len() > tasks::MOST {
                p { (tasks.len() - tasks::MOST) " more: " a href="/v1/tasks" { "/v1/tasks" } " has them all." }
            }
        }
    }
}

fn codes() -> Markup {
    html! {
        section id="problems" {
            h2 { "problems" }
            p {
                "Every error is " code { "application/problem+json" } " (RFC 9457) with a stable " code { "code" }
                ". Take codes that you do not know as their status."
            }
            table {
                thead { tr { th { "code" } th { "status" } th { "title" } } }
                tbody {
                    @for code in Code::ALL {
                        @let (word, status, title) = code.facts();
                        tr { td { code { (word) } } td { (status.as_u16()) } td { (title) } }
                    }
                }
            }
        }
    }
}

fn json(value: &Value) -> Markup {
    let text = value.as_str().map_or_else(|| serde_json::to_string_pretty(value).unwrap_or_default(), str::to_owned);
    html! {
        @if text.len() > LONGEST_SHOWN {
            p { "Too large to be shown here: " (text.len()) " bytes." }
        } @else {
            pre { code { (text) } }
        }
    }
}

/// Our own words, in which apostrophes of code are made code.
fn rich(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 0 { (part) } @else { code { (part) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations;
    use dayfly_common::{model::TaskDef, queue::TaskCard};
    use serde_json::json;

    fn shown(change: impl FnOnce(&mut TaskDef)) -> String {
        let mut task = TaskDef::command("t".parse().unwrap(), &["true"]);
        change(&mut task);
        page(operations::all(), &[&*Task::new(TaskCard::from(&task))]).into_string()
    }

    #[test]
    fn what_a_task_says_is_text() {
        let evil = "</pre><script>alert(1)</script><img src=x onerror=alert(1)>";
        let page = shown(|task| {
            task.description = Some(evil.to_owned());
            task.route = Some(evil.to_owned());
            task.input_schema = Some(json!({ "description": evil, "properties": { evil: {} } }));
        });
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
        assert_eq!(page.matches("&lt;script&gt;").count(), 4);
    }

    #[test]
    fn a_schema_that_is_too_large_or_faulty_is_said_to_be() {
        let page = shown(|task| task.input_schema = Some(json!({ "description": "x".repeat(LONGEST_SHOWN) })));
        assert!(page.contains("Too large") && !page.contains(&"x".repeat(100)));
        let page = shown(|task| task.input_schema = Some(json!({ "type": "nonsense" })));
        assert!(page.contains("inputs go unchecked"), "{page}");
    }
}
