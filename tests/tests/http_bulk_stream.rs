//! A batch is read, submitted and answered as a stream: bounded memory, results as they come, faults in their place.

use dayfly_api::ApiSettings;
use dayfly_tests::{Answer, Api, answer, eventually_async, task};
use futures_util::{StreamExt as _, stream};
use reqwest::{Body, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use std::{convert::Infallible, fs, time::Duration};
use tokio::sync::mpsc;

const LONG: Duration = Duration::from_secs(20);

async fn start(max_body: u64) -> Api {
    Api::start_with(ApiSettings { max_body, ..Api::settings(vec![task("any")]) }).await
}

fn ask(api: &Api, kind: &str, body: Body) -> RequestBuilder {
    api.ask(Method::POST, "/v1/jobs").header("content-type", kind).body(body)
}

/// A body whose pieces are sent one by one.
fn by_hand() -> (mpsc::UnboundedSender<String>, Body) {
    let (send, receive) = mpsc::unbounded_channel::<String>();
    let pieces = stream::unfold(receive, |mut receive| async { receive.recv().await.map(|piece| (piece, receive)) });
    (send, Body::wrap_stream(pieces.map(Ok::<_, Infallible>)))
}

fn job(input: &str) -> String {
    format!(r#"{{"task":"any","input":{input}}}"#)
}

/// A job whose input is of a million bytes.
fn large() -> String {
    job(&format!("\"{}\"", "x".repeat(1_000_000)))
}

/// The next line of an answer that goes on.
async fn line(response: &mut Response, rest: &mut String) -> Value {
    while !rest.contains('\n') {
        let chunk = tokio::time::timeout(LONG, response.chunk()).await.expect("in time").expect("a chunk");
        rest.push_str(std::str::from_utf8(&chunk.expect("not the end")).expect("text"));
    }
    let (line, after) = rest.split_once('\n').expect("a line");
    let value = serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
    *rest = after.to_owned();
    value
}

#[tokio::test]
async fn lines_are_answered_while_more_are_to_come() {
    let api = start(64 << 10).await;
    let (send, body) = by_hand();
    send.send(format!("{}\n{{\"task\"", job("1"))).expect("sent");
    let asked = ask(&api, "application/x-ndjson", body).header("accept", "application/x-ndjson");
    let mut response = tokio::time::timeout(LONG, asked.send()).await.expect("in time").expect("an answer");
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"application/x-ndjson".parse().expect("a value"))
    );
    let mut rest = String::new();
    let first = line(&mut response, &mut rest).await;
    assert_eq!((&first["index"], &first["status"]), (&json!(0), &json!(202)), "{first}");
    send.send(":\"ayn\"}\nnonsense\n".to_owned()).expect("sent");
    let second = line(&mut response, &mut rest).await;
    assert_eq!((&second["index"], &second["problem"]["code"]), (&json!(1), &json!("unknown_task")), "{second}");
    let third = line(&mut response, &mut rest).await;
    assert_eq!((&third["index"], &third["status"]), (&json!(2), &json!(400)), "{third}");
    send.send(job("2")).expect("sent");
    drop(send);
    let last = line(&mut response, &mut rest).await;
    assert_eq!((&last["index"], &last["status"]), (&json!(3), &json!(202)), "a last line needs no end");
    assert!(rest.is_empty() && response.chunk().await.expect("the end").is_none());
}

#[tokio::test]
async fn a_batch_beyond_its_bounds_ends_with_the_reason_when_some_was_answered() {
    let api = start(64 << 10).await;
    let lines = |answered: &Answer| -> Vec<Value> {
        assert_eq!(answered.status, 200, "{}", answered.text());
        answered.text().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let many = Body::from(format!("{}\n", job("1")).repeat(1_001));
    let asked = ask(&api, "application/x-ndjson", many).header("accept", "application/x-ndjson");
    let answered = lines(&answer(asked).await);
    assert_eq!(answered.len(), 1_001);
    assert!(answered[..1_000].iter().all(|line| line["status"] == 202));
    let last = &answered[1_000];
    assert_eq!(
        (&last["index"], &last["status"], &last["problem"]["code"]),
        (&json!(1_000), &json!(413), &json!("too_large"))
    );
    let none = ask(&api, "application/json", Body::from("{}")).header("accept", "application/x-ndjson");
    answer(none).await.must_be_problem(400, "malformed_json", "not an array");
}

#[tokio::test]
async fn a_large_batch_is_submitted_while_it_arrives() {
    let api = start(1 << 20).await;
    let (send, body) = by_hand();
    let asking = tokio::spawn(answer(ask(&api, "application/json", body)));
    send.send(format!("[{}", large())).expect("sent");
    for _ in 0..5 {
        send.send(format!(",{}", large())).expect("sent");
    }
    eventually_async("jobs of a batch that has not ended", LONG, || async {
        let items = api.get("/v1/jobs").await.json()["items"].as_array().map_or(0, Vec::len);
        (items >= 4).then_some(())
    })
    .await;
    send.send(format!(",{{\"task\":any}},{}]", job("1"))).expect("sent");
    drop(send);
    let answered = asking.await.expect("no panic");
    assert_eq!(answered.status, 200, "{}", answered.text());
    let results = answered.json()["results"].as_array().expect("results").clone();
    let statuses: Vec<&Value> = results.iter().map(|result| &result["status"]).collect();
    assert_eq!(statuses, [202, 202, 202, 202, 202, 202, 400]);
    assert_eq!((&results[6]["index"], &results[6]["problem"]["code"]), (&json!(6), &json!("malformed_json")));
    assert_eq!(api.get("/v1/jobs").await.json()["items"].as_array().map(Vec::len), Some(6));
}

#[tokio::test]
async fn a_batch_that_is_too_large_is_refused_by_its_length_or_where_it_passes_the_limit() {
    let api = start(1_000).await;
    let whole = format!("[{}]", vec![job(&format!("\"{}\"", "x".repeat(900))); 70].join(","));
    ask(&api, "application/json", Body::from(whole.clone()))
        .send()
        .await
        .expect("an answer")
        .error_for_status_ref()
        .expect_err("refused");
    answer(ask(&api, "application/json", Body::from(whole.clone()))).await.must_be_problem(
        413,
        "too_large",
        "64000 bytes",
    );
    let (send, body) = by_hand();
    send.send(whole).expect("sent");
    drop(send);
    answer(ask(&api, "application/json", body)).await.must_be_problem(413, "too_large", "64 times `max_body`");
    assert_eq!(api.get("/v1/jobs").await.json()["items"], json!([]), "nothing was taken");
}

#[tokio::test]
async fn a_job_that_is_too_large_fails_alone_and_is_never_held() {
    let api = start(1 << 20).await;
    let huge = job(&format!("\"{}\"", "x".repeat(40 << 20)));
    let before = peak_kib();
    let pieces = ["[".to_owned(), job("1"), ",".to_owned()].into_iter().chain(sliced(huge)).chain([
        ",".into(),
        job("2"),
        "]".into(),
    ]);
    let body = Body::wrap_stream(stream::iter(pieces.collect::<Vec<_>>()).map(Ok::<_, Infallible>));
    let answered = answer(ask(&api, "application/json", body)).await;
    let results = answered.json();
    let statuses: Vec<&Value> = (0..3).map(|at| &results["results"][at]["status"]).collect();
    assert_eq!(statuses, [202, 413, 202], "{results}");
    assert!(peak_kib() - before < 60 << 10, "{} KiB more", peak_kib() - before);
}

/// Pieces of 64 KiB.
fn sliced(text: String) -> impl Iterator<Item = String> {
    let pieces: Vec<String> =
        text.as_bytes().chunks(64 << 10).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
    pieces.into_iter()
}

/// Most memory this process ever had, KiB.
fn peak_kib() -> i64 {
    let status = fs::read_to_string("/proc/self/status").expect("it is there");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("a peak");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

#[tokio::test]
async fn a_batch_is_never_held_whole() {
    let api = start(1 << 20).await;
    let before = peak_kib();
    let pieces =
        stream::iter(0..62).map(|at| Ok::<_, Infallible>(format!("{}{}", if at == 0 { "[" } else { "," }, large())));
    let body = Body::wrap_stream(pieces.chain(stream::iter([Ok("]".to_owned())])));
    let answered = answer(ask(&api, "application/json", body)).await;
    assert_eq!(answered.status, 200, "{}", answered.text());
    let results = answered.json()["results"].as_array().expect("results").clone();
    assert_eq!(results.iter().filter(|result| result["status"] == 202).count(), 62);
    let more = peak_kib() - before;
    assert!(more < 40 << 10, "{more} KiB more for a batch of 62 MB");
}
