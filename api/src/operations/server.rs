//! Health, and the description itself.

use super::params::if_none_match;
use crate::{
    error::Code,
    openapi::{Answer, Content, Group, Operation, Scope},
    routes::{about, health, metrics},
};
use serde_json::json;

/// Refusals of what needs no queue.
const OF_A_PAGE: [(Code, &str); 8] = [
    (Code::Unauthorized, "there is no token, or not one that is good"),
    (Code::UrlTooLong, "the URL is longer than 8 KiB"),
    (Code::HeadTooLarge, "the headers are larger than 32 KiB, or more than 100"),
    (Code::Overloaded, "this server has too much to do at the moment; `Retry-After` says when to try again"),
    (Code::BadOption, "the query has a name: this route knows none"),
    (Code::Forbidden, "the token lacks the scope, or the `Host` is not this server's"),
    (Code::NotAcceptable, "the `Accept` header excludes what this route answers"),
    (Code::Internal, "a fault of this server; its log has it under the `request_id`"),
];

pub(super) fn all() -> Vec<Operation> {
    vec![alive(), ready(), numbers(), document(), page(), style()]
}

fn alive() -> Operation {
    Operation::get("/healthz", "is_alive", health::alive)
        .of(Group::Server, Scope::Open)
        .says("Is this process alive?", "Says nothing of Redis: restarting this process would not mend that.")
        .answers(Answer::json(200, "It is.", "Alive", json!({ "status": "ok" })))
}

fn ready() -> Operation {
    Operation::get("/readyz", "is_ready", health::ready)
        .of(Group::Server, Scope::Open)
        .says("Can it do its work?", "Asks Redis. For load balancers.")
        .answers(Answer::json(200, "It can.", "Ready", json!({ "status": "ready", "redis_ms": 0.125 })))
        .refuses(&[
            (Code::Draining, "this server is shutting down"),
            (Code::RedisUnavailable, "Redis cannot be reached, or has lost its data"),
        ])
}

fn numbers() -> Operation {
    let content = Content::new("text/plain", json!({ "type": "string" }), "dayfly_redis_up 1\n");
    Operation::get("/metrics", "get_metrics", metrics::all)
        .of(Group::Server, Scope::Read)
        .says(
            "Numbers for Prometheus",
            "Of this process, and of the whole installation. While Redis is away, `dayfly_redis_up` is 0 and the latter are \
             left out.",
        )
        .answers(Answer::new(200, "The numbers, in Prometheus' text format.", vec![content]))
        .refuses(&OF_A_PAGE)
        .refuses(&[(Code::RedisUnavailable, "Redis is away, and this process has never known the token")])
}

fn document() -> Operation {
    let schema = json!({ "type": "object", "description": "An OpenAPI document, version 3.1." });
    let content = Content::new("application/json", schema, json!({ "openapi": "3.1.0" }));
    Operation::get("/openapi.json", "get_openapi", about::document)
        .of(Group::Server, Scope::Read)
        .says("This document", "With a path for every task, by which its input's schema is known to generated clients.")
        .takes([if_none_match()])
        .answers(Answer::new(200, "The document.", vec![content]).with("ETag"))
        .answers(Answer::new(304, "It is the one with this tag.", Vec::new()).with("ETag"))
        .refuses(&OF_A_PAGE)
}

fn page() -> Operation {
    let content = Content::new("text/html", json!({ "type": "string" }), "<!DOCTYPE html>");
    Operation::get("/docs", "get_docs", about::page)
        .of(Group::Server, Scope::Read)
        .says("This document for people", "A page without scripts, which loads nothing from elsewhere.")
        .takes([if_none_match()])
        .answers(Answer::new(200, "The page.", vec![content]).with("ETag"))
        .answers(Answer::new(304, "It is the one with this tag.", Vec::new()).with("ETag"))
        .refuses(&OF_A_PAGE)
}

fn style() -> Operation {
    let content = Content::new("text/css", json!({ "type": "string" }), ":root { color-scheme: light dark; }");
    Operation::get("/docs/style.css", "get_docs_style", about::style)
        .of(Group::Server, Scope::Open)
        .says("The style of that page", "Holds nothing of this server.")
        .takes([if_none_match()])
        .answers(Answer::new(200, "The style.", vec![content]).with("ETag"))
        .answers(Answer::new(304, "It is the one with this tag.", Vec::new()).with("ETag"))
        .refuses(&OF_A_PAGE)
}
