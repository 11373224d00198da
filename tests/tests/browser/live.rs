//! Each page opened and used: filters, a running job killed by a click and seen to end, a failed one retried, five hundred cancelled at
//! once, a form sent, a task paused, a worker drained, Redis away and back.

use crate::chrome::{Chrome, Console, PATIENCE};
use dayfly_tests::{Installation, eventually_async};
use fantoccini::Locator;
use serde_json::json;

const TASKS: &str = r#"
[tasks.slow]
description = "Sleeps, and says so"
command = ["sh", "-c", "echo begun >&2; sleep 600"]
kill_grace = "1s"

[tasks.bad]
command = ["sh", "-c", "echo oh dear >&2; exit 3"]

[tasks.add]
description = "Gives back what it was given"
command = ["cat"]
output = "json"

[tasks.add.input_schema]
type = "object"
required = ["n", "colour"]
additionalProperties = false
properties.n = { type = "integer", minimum = 1, description = "a number" }
properties.colour = { enum = ["red", "blue"] }
properties.words = { type = "array", items = { type = "string" } }
properties.more = { type = "object" }
"#;

async fn rig() -> (Installation, Chrome) {
    let mut rig = Installation::start_with("drain_timeout = \"1s\"", TASKS).await;
    rig.add_worker(2).await;
    (rig, Chrome::start().await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_job_is_killed_by_a_click_and_a_failed_one_retried() {
    let (rig, chrome) = rig().await;
    let id = rig.submit("slow", &json!({})).await;
    chrome.goto(&format!("{}/jobs/{id}", rig.url)).await;
    chrome.until(".banner", "Runs for").await;
    chrome.until("#log", "begun").await;
    // A mark that a page loaded anew would not have.
    chrome.run("window.here = true").await;
    chrome.click("#kill").await;
    let banner = chrome.until(".banner", "Cancelled").await;
    assert!(banner.contains("killed in the dashboard; all its processes were gone"), "{banner}");
    assert_eq!(chrome.run("return window.here").await, true, "the page went on by itself");
    assert!(!chrome.has("#kill").await && chrome.has("#retry").await);
    assert_eq!(rig.ended(&id).await["state"], "cancelled");

    let failed = rig.submit("bad", &json!({"n": 7})).await;
    rig.ended(&failed).await;
    chrome.goto(&format!("{}/jobs/{failed}", rig.url)).await;
    chrome.until(".banner", "Ended: exited with code 3").await;
    chrome.until("#log", "oh dear").await;
    chrome.click("#retry").await;
    let gone_to = eventually_async("the new job's page", PATIENCE, || async {
        let url = chrome.client.current_url().await.ok()?.to_string();
        (!url.contains(&failed)).then_some(url)
    })
    .await;
    let new = gone_to.rsplit('/').next().expect("an id").to_owned();
    assert_eq!(rig.ended(&new).await["retry_of"], failed.as_str());
    chrome.until(".banner", "Ended: exited with code 3").await;
    // Last: a browser without a desktop may stand still once it has a clipboard's text.
    chrome.click("#copy-curl").await;
    chrome.until("#said", "Copied").await;
    chrome.must_be_quiet(&rig.url, Console::Silent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_filtered_and_five_hundred_cancelled() {
    let (rig, chrome) = rig().await;
    let failed = rig.submit("bad", &json!({})).await;
    rig.ended(&failed).await;
    let line = "{\"task\":\"slow\",\"options\":{\"delay\":\"1h\",\"label\":[\"kind:many\"]}}\n";
    let many = rig.request("POST", "/v1/jobs").header("content-type", "application/x-ndjson").body(line.repeat(500));
    assert_eq!(many.send().await.expect("an answer").status(), 200);

    chrome.goto(&format!("{}/jobs", rig.url)).await;
    chrome.until("#states", "scheduled 500").await;
    let count = || async { chrome.client.find_all(Locator::Css("#list tbody tr")).await.expect("rows").len() };
    assert_eq!(count().await, 50, "a page");
    chrome.find("#q").await.send_keys("state:failed task:bad kind:exit_code\n").await.expect("typed");
    chrome.until_at("q=state%3Afailed+task%3Abad+kind%3Aexit_code").await;
    chrome.find(&format!("[id='job-{failed}']")).await;
    assert_eq!(count().await, 1);
    chrome.goto(&format!("{}/jobs?q=colour%3Ared", rig.url)).await;
    chrome.until("#fault", "neither the id of a job nor a filter").await;
    assert_eq!(chrome.find("#q").await.prop("value").await.expect("a value").as_deref(), Some("colour:red"));
    chrome.goto(&format!("{}/jobs?q={failed}", rig.url)).await;
    chrome.until_at(&format!("/jobs/{failed}")).await;
    chrome.must_be_quiet(&rig.url, Console::Refusals).await;

    chrome.goto(&format!("{}/jobs?q=label%3Akind%3Amany", rig.url)).await;
    chrome.click("#bulk-cancel").await;
    chrome.until("#bulk-text", "500 jobs match.").await;
    chrome.click("#bulk-yes").await;
    chrome.until("#bulk-text", "500 done.").await;
    chrome.click("#bulk-no").await;
    chrome.until("#states", "cancelled 500").await;
    chrome.until("#states", "scheduled 0").await;
    chrome.must_be_quiet(&rig.url, Console::Silent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_is_sent_a_task_paused_a_worker_drained() {
    let (rig, chrome) = rig().await;
    chrome.goto(&format!("{}/tasks", rig.url)).await;
    chrome.click("#task-add").await;
    chrome.until("h1", "Task add").await;
    // What is wrong is told where it is wrong.
    chrome.find("[data-name=n]").await.send_keys("0").await.expect("typed");
    chrome.click("#send").await;
    chrome.until("#faults", "n:").await;
    assert!(chrome.has("[data-name=n][aria-invalid]").await);
    let digits = "123456789012345678901234567890";
    chrome.run("document.querySelector('[data-name=n]').value = ''").await;
    chrome.find("[data-name=n]").await.send_keys(digits).await.expect("typed");
    chrome.find("[data-name=colour]").await.select_by_value("blue").await.expect("chosen");
    chrome.find("[data-name=words]").await.send_keys("one\ntwo").await.expect("typed");
    chrome.find("[data-name=more]").await.send_keys("{\"a\": [1]}").await.expect("typed");
    chrome.find("#send").await.send_keys("\u{E007}").await.expect("by the keyboard");
    chrome.until_at("/jobs/").await;
    chrome.until(".banner", "Succeeded").await;
    let result = chrome.text("#result").await;
    assert_eq!(
        result,
        format!("{{\"colour\":\"blue\",\"more\":{{\"a\": [1]}},\"n\":{digits},\"words\":[\"one\",\"two\"]}}")
    );
    // That a fault was 422 is a line of the console.
    chrome.must_be_quiet(&rig.url, Console::Refusals).await;

    chrome.goto(&format!("{}/", rig.url)).await;
    chrome.click("#pause-slow").await;
    chrome.until("#notes", "Paused: slow").await;
    let waits = rig.submit("slow", &json!({})).await;
    chrome.goto(&format!("{}/jobs/{waits}", rig.url)).await;
    chrome.until(".banner", "the task slow is paused").await;
    chrome.goto(&format!("{}/tasks/slow", rig.url)).await;
    chrome.click("#pause-slow").await;
    chrome.goto(&format!("{}/workers", rig.url)).await;
    chrome.until(".cells", "slow").await;
    chrome.until(".cells", "left").await;
    chrome.until(".cells", "free").await;
    chrome.click("[id^=drain-]").await;
    chrome.until("#all", "No worker is there").await;
    chrome.goto(&format!("{}/", rig.url)).await;
    chrome.until("#notes", "No worker is there").await;
    chrome.until("#notes", "dayfly worker --config").await;
    chrome.must_be_quiet(&rig.url, Console::Silent).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_away_is_said_and_heals() {
    let (mut rig, chrome) = rig().await;
    chrome.goto(&format!("{}/jobs", rig.url)).await;
    chrome.until("h1", "Jobs").await;
    rig.server.kill();
    chrome.until("#said", "This page shows what was known before").await;
    chrome.goto(&format!("{}/tasks", rig.url)).await;
    chrome.until("h1", "Redis cannot be reached").await;
    rig.server.restart();
    chrome.until("h1", "Tasks").await;
    chrome.must_be_quiet(&rig.url, Console::Refusals).await;
}
