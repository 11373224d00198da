//! Markup of others, wherever a page shows something: stored and reflected. None of it may run.

use crate::chrome::{Chrome, Console, PATIENCE};
use dayfly_common::{
    model::{ErrorKind, JobError, Outcome, TaskDef},
    queue::Submit,
};
use dayfly_tests::{Api, Hand, eventually_async, rig, task};
use serde_json::json;
use std::collections::BTreeMap;

/// Each would set `window.ran`, by another way.
const EVIL: [&str; 6] = [
    "<script>window.ran = 1</script>",
    "<img src=x onerror=window.ran=2>",
    "\"'><svg onload=window.ran=3>",
    "</script><script>window.ran=4</script>",
    "javascript:window.ran=5",
    "</textarea></title></style><iframe srcdoc='<script>parent.ran=6</script>'>",
];

/// All at once, with what an address must escape.
fn evil() -> String {
    EVIL.join(" & ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_markup_of_others_runs() {
    let evil = evil();
    let schema = json!({
        "type": "object", "description": evil, "required": [evil],
        "properties": { &evil: { "type": "string", "description": evil, "default": evil }, "a": { "enum": [evil] } },
    });
    let odd = TaskDef { description: Some(evil.clone()), input_schema: Some(schema), ..task("odd") };
    let api = Api::start(vec![odd.clone()]).await;
    let hand = Hand::new(&api.queue, &[odd]).await;
    let labels: BTreeMap<String, String> = [(evil.chars().take(60).collect(), evil.chars().take(60).collect())].into();
    let input = serde_json::to_vec(&json!({ &evil: evil })).expect("JSON");
    let job = || Submit {
        labels: labels.clone(),
        input: input.clone().into(),
        unique: Some(evil.clone()),
        ..rig::job("odd")
    };
    let (mut ids, mut running) = (Vec::new(), None);
    let failed = JobError {
        kind: ErrorKind::ExitCode,
        message: evil.clone(),
        exit_code: Some(1),
        signal: None,
        retryable: false,
        stderr_tail: evil.clone(),
    };
    let result =
        Outcome::Succeeded { result: evil.clone().into(), content_type: "text/plain; charset=utf-8", truncated: false };
    for outcome in [Some(Outcome::Failed(failed)), Some(result), None] {
        let job = job();
        api.queue.submit(&job).await.expect("taken");
        ids.push(job.id);
        let claim = hand.claim().await;
        hand.say(claim.id, &claim.fence, &[&evil]).await;
        match outcome {
            Some(outcome) => hand.finish(claim, outcome).await,
            None => {
                api.queue.cancel(job.id, Some(&evil), None).await.expect("an answer");
                running = Some(claim);
            }
        }
    }
    let running = running.expect("the last one runs");
    let url = format!("http://{}", api.address());
    let chrome = Chrome::start().await;
    let quoted = reqwest::Url::parse_with_params("http://x/", [("q", &evil)])
        .expect("a URL")
        .query()
        .expect("a query")
        .to_owned();
    let labelled =
        reqwest::Url::parse_with_params("http://x/", [("q", format!("label:\"{}\"", evil.replace('"', "\\\"")))])
            .expect("a URL");
    let mut pages = vec![
        String::new(),
        "jobs".to_owned(),
        "tasks".to_owned(),
        "tasks/odd".to_owned(),
        "workers".to_owned(),
        format!("jobs?{quoted}"),
        format!("jobs?{}", labelled.query().expect("a query")),
        format!("jobs?x={quoted}"),
        format!("jobs?cursor={quoted}"),
        format!("?span={quoted}"),
        format!("login?next=javascript:window.ran=7&{quoted}"),
        format!("tasks/{}", "%3Cscript%3Ewindow.ran=8%3C%2Fscript%3E"),
        "jobs/%3Cimg%20src=x%20onerror=window.ran=9%3E".to_owned(),
    ];
    pages.extend(ids.iter().map(|id| format!("jobs/{id}")));
    let mut shown = 0;
    for page in &pages {
        chrome.goto(&format!("{url}/{page}")).await;
        // Until the script has been through it once.
        eventually_async("the page is whole", PATIENCE, || async {
            (chrome.run("return document.readyState").await == "complete").then_some(())
        })
        .await;
        let seen = chrome.run("return [window.ran ?? null, document.querySelectorAll('main script, img, iframe, object, [onload], [onerror], [style], style, a[href^=javascript]').length, document.body.innerText.includes('window.ran')]").await;
        assert_eq!((&seen[0], &seen[1]), (&json!(null), &json!(0)), "/{page}");
        shown += usize::from(seen[2] == true);
    }
    assert!(shown >= 8, "it is shown as text, on {shown} pages");
    // What a stream brings, too.
    chrome.goto(&format!("{url}/jobs/{}", running.id)).await;
    hand.say(running.id, &running.fence, &[&format!("later {evil}")]).await;
    chrome.until("#log", "later <script>").await;
    assert_eq!(chrome.run("return window.ran ?? null").await, json!(null));
    chrome.must_be_quiet(&url, Console::Refusals).await;
}
