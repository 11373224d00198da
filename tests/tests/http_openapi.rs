//! The OpenAPI document of a running server: it is well-formed, its examples are requests that work, and each task's schema
//! is in it. (That every other answer is as the document tells is checked wherever tests ask the API.)

use dayfly_common::model::JobId;
use dayfly_tests::{Answer, Api, Hand, answer, conformity, task};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const EXAMPLE_JOB: &str = "0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90";
const EXAMPLE_WORKER: &str = "host-a-5f2c9e01";

fn factor() -> dayfly_common::model::TaskDef {
    let mut factor = task("factor");
    factor.input_schema = Some(json!({
        "type": "object", "required": ["n"], "additionalProperties": false,
        "properties": { "n": { "$ref": "#/$defs/number" } }, "$defs": { "number": { "type": "integer", "minimum": 1 } },
    }));
    factor.description = Some("<script>alert(1)</script>".to_owned());
    factor.route = Some("/factor/async".to_owned());
    factor
}

async fn document(api: &Api) -> Value {
    let got = api.get("/openapi.json").await;
    assert_eq!((got.status, got.header("content-type")), (200, "application/json"), "{}", got.text());
    got.json()
}

/// Every operation with its method and path.
fn operations(document: &Value) -> Vec<(Method, &str, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    paths
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().expect("a path").iter().map(move |(verb, operation)| {
                (verb.to_ascii_uppercase().parse().expect("a method"), path.as_str(), operation)
            })
        })
        .collect()
}

/// Calls `seen` with every object below a value.
fn walk(value: &Value, seen: &mut impl FnMut(&serde_json::Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            seen(members);
            members.values().for_each(|member| walk(member, seen));
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, seen)),
        _ => {}
    }
}

#[tokio::test]
async fn the_document_is_well_formed() {
    let api = Api::start(vec![factor(), task("any")]).await;
    let document = document(&api).await;
    assert_eq!(document["openapi"], "3.1.0");
    walk(&document, &mut |members| {
        if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference} leads nowhere");
        }
    });
    for (name, schema) in document["components"]["schemas"].as_object().expect("schemas") {
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{name}: {schema}");
    }
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        assert!(ids.insert(operation["operationId"].to_string()), "{} twice", operation["operationId"]);
        for word in ["summary", "description", "x-scope"] {
            assert!(operation[word].as_str().is_some_and(|text| !text.is_empty()), "{method} {path} lacks {word}");
        }
        let good = operation["responses"].as_object().expect("answers").keys().any(|status| status.starts_with('2'));
        assert!(good, "{method} {path} never succeeds");
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let names: Vec<&str> = parameters
            .map(|one| one["$ref"].as_str().and_then(|at| document.pointer(at.trim_start_matches('#'))).unwrap_or(one))
            .filter_map(|one| (one["in"] == "path").then(|| one["name"].as_str()).flatten())
            .collect();
        let wanted: Vec<&str> = path.split(['{', '}']).skip(1).step_by(2).collect();
        assert_eq!(names, wanted, "{method} {path}");
    }
}

#[tokio::test]
async fn examples_fit_their_schemas() {
    let document = dayfly_api::openapi();
    let mut seen = 0;
    walk(document, &mut |members| {
        if let (Some(schema), Some(example)) = (members.get("schema"), members.get("example"))
            && !example.is_null()
            && schema["format"] != "binary"
        {
            seen += 1;
            conformity::check_schema(document, schema, example).unwrap_or_else(|why| panic!("{why}\n{example}"));
        }
    });
    for (code, example) in document["components"]["examples"].as_object().expect("examples") {
        let schema = json!({ "$ref": "#/components/schemas/Problem" });
        conformity::check_schema(document, &schema, &example["value"]).unwrap_or_else(|why| panic!("{code}: {why}"));
        seen += 1;
    }
    assert!(seen > 50, "{seen}");
}

/// A job in the state that an operation needs to succeed, instead of the one of the examples.
async fn job_for(api: &Api, hand: &Hand, operation: &str) -> String {
    if operation == "put_job" {
        return JobId::now().to_string();
    }
    let id = api.post_json("/v1/tasks/factor", r#"{"n":42}"#).await.member("id");
    if !["cancel_job", "change_job"].contains(&operation) {
        loop {
            let claim = hand.claim().await;
            let done = claim.id.to_string() == id;
            hand.succeed(claim, r#"{"factors":[2,3,7]}"#).await;
            if done {
                break;
            }
        }
    }
    id
}

/// Sends a line of curl as it stands in the document, to this server.
async fn send(api: &Api, line: &str, id: &str, worker: &str) -> Answer {
    let words = shell_words(line);
    let (mut method, mut headers, mut body, mut url) = (Method::GET, Vec::new(), None, String::new());
    let mut rest = words.into_iter().skip(1);
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-X" => method = rest.next().expect("a method").parse().expect("a method"),
            "-H" => headers.push(rest.next().expect("a header")),
            "-d" => body = rest.next(),
            _ => url = word,
        }
    }
    if body.is_some() && method == Method::GET {
        method = Method::POST;
    }
    let path = url
        .strip_prefix("http://127.0.0.1:8080")
        .expect("the usual address")
        .replace(EXAMPLE_JOB, id)
        .replace(EXAMPLE_WORKER, worker);
    let mut request = api.ask(method, &path);
    for header in headers {
        let (name, value) = header.split_once(": ").expect("a header");
        request = request.header(name, value);
    }
    answer(request.body(body.unwrap_or_default())).await
}

/// Words of a shell's line, quoted by apostrophes or not at all.
fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut quoted) = (Vec::new(), false);
    let mut word = String::new();
    for char in line.chars() {
        match char {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            other => word.push(other),
        }
    }
    words.push(word);
    words
}

#[tokio::test]
async fn every_example_request_succeeds() {
    let api = Api::start(vec![factor()]).await;
    let hand = Hand::new(&api.queue, &[factor()]).await;
    let mut sent = 0;
    for (method, path, operation) in operations(dayfly_api::openapi()) {
        let id = operation["operationId"].as_str().expect("an id");
        let job = if path.contains("/v1/jobs/{id}") { job_for(&api, &hand, id).await } else { String::new() };
        let line = operation["x-codeSamples"][0]["source"].as_str().expect("a line");
        if id == "follow_all" {
            // It has no end of its own.
            let begun = api.ask(method, path).send().await.expect("an answer");
            assert_eq!(begun.status(), 200, "{path}");
            continue;
        }
        let got = send(&api, line, &job, hand.id()).await;
        // This task is defined by the server's own file, so it cannot be forgotten.
        let good = (200..300).contains(&got.status) || id == "forget_task" && got.status == 409;
        assert!(good, "{method} {path}: {line}\n{} {}", got.status, got.text());
        sent += 1;
    }
    assert!(sent >= 14, "{sent}");
}

#[tokio::test]
async fn every_parameters_example_is_taken() {
    let api = Api::start(vec![factor()]).await;
    let hand = Hand::new(&api.queue, &[factor()]).await;
    let document = dayfly_api::openapi();
    for (method, path, operation) in operations(document) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let at = parameter["$ref"].as_str().and_then(|at| document.pointer(at.trim_start_matches('#')));
            let parameter = at.unwrap_or(parameter);
            let (name, example) = (parameter["name"].as_str().expect("a name"), &parameter["example"]);
            if parameter["in"] == "path" || example.is_null() {
                continue;
            }
            let id = operation["operationId"].as_str().expect("an id");
            let job = if path.contains("/v1/jobs/{id}") { job_for(&api, &hand, id).await } else { String::new() };
            // The key is held by the job of the operation before; and one stream has no end.
            if id == "follow_all" || id == "put_job" && (name == "unique" || name == "task") {
                continue;
            }
            let mut target = path.replace("{id}", &job).replace("{task}", "factor");
            if id == "put_job" {
                target.push_str("?task=factor");
            }
            let one = example.get(0).unwrap_or(example);
            let mut value = one.as_str().map_or_else(|| one.to_string(), str::to_owned);
            if name == "Idempotency-Key" {
                // Each operation's request is another one.
                value.push_str(id);
            }
            let mut request = if parameter["in"] == "query" {
                let sign = if target.contains('?') { '&' } else { '?' };
                api.ask(method.clone(), &format!("{target}{sign}{name}={value}"))
            } else {
                api.ask(method.clone(), &target).header(name, value)
            };
            if let Some(body) = operation["requestBody"]["content"]["application/json"].get("example") {
                request = request.header("content-type", "application/json").body(body.to_string());
            }
            let got = answer(request).await;
            assert!(got.status < 400, "{method} {path} with {name}={example}: {} {}", got.status, got.text());
        }
    }
}

#[tokio::test]
async fn each_task_has_a_path_with_its_own_schema() {
    let mut odd = task("odd");
    odd.input_schema = Some(json!({ "$id": "https://example.com/odd", "type": "object" }));
    let api = Api::start(vec![factor(), odd, task("any")]).await;
    let document = document(&api).await;
    let own = "#/components/schemas/TaskInput.factor";
    let submit = &document["paths"]["/v1/tasks/factor"]["post"];
    assert_eq!(submit["operationId"], "submit_factor");
    assert_eq!(submit["requestBody"]["content"]["application/json"]["schema"]["$ref"], own);
    assert_eq!(submit["requestBody"]["required"], true);
    let schema = json!({ "$ref": own });
    assert!(conformity::check_schema(&document, &schema, &json!({ "n": 42 })).is_ok());
    assert!(conformity::check_schema(&document, &schema, &json!({ "n": 0 })).is_err());
    let by_route = &document["paths"]["/factor/async"]["post"];
    assert_eq!(by_route["requestBody"]["content"]["application/json"]["schema"]["$ref"], own);
    assert!(document["components"]["schemas"].get("TaskInput.odd").is_none());
    for name in ["odd", "any"] {
        let body = &document["paths"][format!("/v1/tasks/{name}")]["post"]["requestBody"];
        let about = body["content"]["application/json"]["schema"]["description"].as_str().unwrap_or_default();
        assert!(about.contains(&format!("GET /v1/tasks/{name}")), "{body}");
    }
    // The task's own operation tells of the same answers as the one of all tasks.
    let told = conformity::find(&document, &Method::POST, "/v1/tasks/factor").expect("the operation");
    assert_eq!(told.path, "/v1/tasks/factor");
    let taken = api.post_json("/v1/tasks/factor", r#"{"n":42}"#).await;
    told.check(&taken).unwrap_or_else(|why| panic!("{why}"));
}

#[tokio::test]
async fn the_document_is_kept_by_its_tag_and_holds_nothing_of_the_request() {
    let api = Api::start(vec![factor()]).await;
    let first = api.get("/openapi.json").await;
    assert_eq!(first.header("cache-control"), "private, no-cache");
    assert_eq!(first.header("access-control-allow-origin"), "");
    let other = answer(api.ask(Method::GET, "/openapi.json").header("host", "localhost:1234")).await;
    assert_eq!(first.text(), other.text());
    let tag = first.header("etag");
    let again = answer(api.ask(Method::GET, "/openapi.json").header("if-none-match", tag)).await;
    assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, tag));
    api.get("/openapi.json?x=1").await.must_be_problem(400, "bad_option", "takes none");
    let picky = answer(api.ask(Method::GET, "/openapi.json").header("accept", "text/html")).await;
    picky.must_be_problem(406, "not_acceptable", "application/json");
}

#[tokio::test]
async fn a_document_of_many_tasks_stays_small() {
    let tasks = (0..300).map(|number| task(&format!("task-{number:03}"))).collect();
    let api = Api::start(tasks).await;
    let got = api.get("/openapi.json").await;
    let document = got.json();
    assert_eq!(document["x-tasks-left-out"], 100);
    assert!(
        document["paths"].get("/v1/tasks/task-199").is_some() && document["paths"].get("/v1/tasks/task-200").is_none()
    );
    assert!(got.body.len() < 1 << 20, "{} bytes", got.body.len());
    assert!(serde_json::to_vec(dayfly_api::openapi()).expect("JSON").len() < 256 << 10);
}
