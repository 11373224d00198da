//! GET /v1/jobs, /v1/tasks and /v1/workers; pausing.

use dayfly_common::model::TaskDef;
use dayfly_tests::{Api, Hand, task};
use serde_json::{Value, json};

async fn ids(api: &Api, path: &str) -> Vec<String> {
    let answer = api.get(path).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let id = |job: &Value| job["id"].as_str().expect("an id").to_owned();
    answer.json()["items"].as_array().expect("a list").iter().map(id).collect()
}

async fn posted(api: &Api, path: &str) -> String {
    let answer = api.post(path).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.member("id")
}

#[tokio::test]
async fn jobs_are_listed_by_state_and_filtered() {
    let api = Api::start(vec![task("a"), task("b")]).await;
    let hand = Hand::new(&api.queue, &[task("a")]).await;
    let done = posted(&api, "/v1/tasks/a").await;
    hand.succeed(hand.claim().await, "1").await;
    let running = posted(&api, "/v1/tasks/a").await;
    let _claim = hand.claim().await;
    let scheduled = posted(&api, "/v1/tasks/b?delay=1h").await;
    let queued = posted(&api, "/v1/tasks/b").await;
    assert_eq!(ids(&api, "/v1/jobs").await, [&*running, &queued, &scheduled, &done]);
    assert_eq!(ids(&api, "/v1/jobs?state=running").await, [&*running]);
    assert_eq!(ids(&api, "/v1/jobs?state=succeeded&task=b").await, [""; 0]);
    assert_eq!(ids(&api, "/v1/jobs?task=b").await, [&*queued, &scheduled]);
    let item = api.get("/v1/jobs?state=succeeded").await.json()["items"][0].clone();
    assert_eq!((&item["state"], &item["task"]), (&json!("succeeded"), &json!("a")));
    assert!(item.get("input").is_none() && item.get("result").is_none() && item["links"]["self"].is_string());
}

#[tokio::test]
async fn pages_follow_one_another() {
    let api = Api::start(vec![task("a")]).await;
    let mut all = Vec::new();
    for _ in 0..7 {
        all.push(posted(&api, "/v1/tasks/a").await);
    }
    let (mut seen, mut path) = (Vec::new(), "/v1/jobs?state=queued&task=a&limit=3".to_owned());
    loop {
        let answer = api.get(&path).await;
        let page = answer.json();
        let items = page["items"].as_array().expect("a list");
        assert!(items.len() <= 3);
        seen.extend(items.iter().map(|job| job["id"].as_str().expect("an id").to_owned()));
        let link = answer.header("link");
        if page["next"].is_null() {
            assert_eq!(link, "");
            break;
        }
        path = link.strip_prefix('<').and_then(|rest| rest.strip_suffix(">; rel=\"next\"")).expect("a link").to_owned();
        assert!(path.contains("state=queued") && path.contains("task=a") && path.contains("limit=3"), "{path}");
    }
    all.sort_unstable();
    seen.sort_unstable();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn filters_that_are_wrong() {
    let api = Api::start(vec![task("a")]).await;
    for (query, status, code, says) in [
        ("state=done", 400, "bad_option", "use running, queued, scheduled"),
        ("task=-x", 400, "bad_option", "cannot be a task's name"),
        ("limit=many", 400, "bad_option", "whole number"),
        ("limit=0", 422, "option_out_of_range", "from 1"),
        ("cursor=nonsense", 400, "bad_cursor", "leave it out"),
        ("stat=failed", 400, "bad_option", "`state`"),
    ] {
        api.get(&format!("/v1/jobs?{query}")).await.must_be_problem(status, code, says);
    }
    assert_eq!(api.get("/v1/jobs?limit=1000000").await.status, 200);
}

#[tokio::test]
async fn tasks_show_their_queues() {
    let schema = json!({ "type": "object" });
    let factor = TaskDef {
        description: Some("Factors".to_owned()),
        input_schema: Some(schema.clone()),
        route: Some("/f".to_owned()),
        retries: 2,
        ..task("factor")
    };
    let api = Api::start(vec![factor, task("idle")]).await;
    let hand = Hand::new(&api.queue, &[task("theirs")]).await;
    for path in ["/v1/tasks/factor", "/v1/tasks/factor", "/v1/tasks/factor?delay=1h", "/v1/tasks/theirs"] {
        posted(&api, path).await;
    }
    let _claim = hand.claim().await;
    let list = api.get("/v1/tasks").await.json();
    let items = list["items"].as_array().expect("a list");
    let names: Vec<&str> = items.iter().filter_map(|item| item["name"].as_str()).collect();
    assert_eq!(names, ["factor", "idle", "theirs"]);
    let of = |item: &Value| ["queued", "scheduled", "running", "live_workers"].map(|name| item[name].as_u64());
    assert_eq!(of(&items[0]), [Some(2), Some(1), Some(0), Some(0)]);
    assert_eq!(of(&items[1]), [Some(0), Some(0), Some(0), Some(0)]);
    assert_eq!(of(&items[2]), [Some(0), Some(0), Some(1), Some(1)]);
    let one = api.get("/v1/tasks/factor").await.json();
    assert_eq!(one, items[0]);
    assert_eq!((&one["description"], &one["route"], &one["input_schema"]), (&json!("Factors"), &json!("/f"), &schema));
    assert_eq!((&one["retries"], &one["timeout_ms"], &one["paused"]), (&json!(2), &json!(600_000), &json!(false)));
    assert!(one["oldest_at"].is_string());
    api.get("/v1/tasks/factr").await.must_be_problem(404, "unknown_task", "Did you mean `factor`?");
}

#[tokio::test]
async fn a_paused_task_gives_no_claims_until_it_is_resumed() {
    let api = Api::start(vec![task("a")]).await;
    let hand = Hand::new(&api.queue, &[task("a")]).await;
    for _ in 0..2 {
        let paused = api.post("/v1/tasks/a/pause").await;
        assert_eq!((paused.status, paused.json()["paused"].clone()), (200, json!(true)), "{}", paused.text());
    }
    let id = posted(&api, "/v1/tasks/a").await;
    assert!(hand.try_claim().await.is_none());
    let resumed = api.post("/v1/tasks/a/resume").await;
    assert_eq!((resumed.status, resumed.json()["paused"].clone()), (200, json!(false)));
    assert_eq!(hand.claim().await.id.to_string(), id);
    api.post("/v1/tasks/b/pause").await.must_be_problem(404, "unknown_task", "`b`");
    api.get("/v1/tasks/a/pause").await.must_be_problem(405, "method_not_allowed", "GET");
}

#[tokio::test]
async fn workers_show_themselves() {
    let api = Api::start(vec![task("a")]).await;
    assert_eq!(api.get("/v1/workers").await.json()["items"], json!([]));
    let hand = Hand::new(&api.queue, &[task("a")]).await;
    let id = posted(&api, "/v1/tasks/a").await;
    let _claim = hand.claim().await;
    let worker = api.get("/v1/workers").await.json()["items"][0].clone();
    assert_eq!((&worker["id"], &worker["tasks"], &worker["jobs"]), (&json!(hand.id()), &json!(["a"]), &json!([id])));
    assert_eq!(
        (&worker["slots"], &worker["draining"], &worker["isolation"]),
        (&json!(4), &json!(false), &json!("tree"))
    );
    assert_eq!((&worker["memory"], &worker["memory_used"]), (&json!(null), &json!(null)));
    assert_eq!(worker["started_at"], "2023-11-14T22:13:20.000Z");
    assert!(worker["seen_at"].is_string() && worker["host"].is_string() && worker["pid"].is_u64());
}
