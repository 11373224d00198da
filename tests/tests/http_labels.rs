//! `label=name:value`: stored with the job, shown by every view of it, refused where no filter could find it.

use dayfly_common::model::TaskDef;
use dayfly_tests::{Api, task};
use serde_json::json;

#[tokio::test]
async fn labels_are_shown_wherever_the_job_is() {
    let api = Api::start(vec![TaskDef { route: Some("/old".into()), ..task("any") }]).await;
    let query = "label=customer:acme&label=url:http://x:80/%3Fa&label=%E5%AE%A2:%F0%9F%90%9D";
    let labels = json!({ "customer": "acme", "url": "http://x:80/?a", "\u{5ba2}": "\u{1f41d}" });
    for path in ["/v1/tasks/any", "/old"] {
        let job = api.post_json(&format!("{path}?{query}"), "{}").await;
        assert_eq!((job.status, &job.json()["labels"]), (202, &labels), "{}", job.text());
        assert_eq!(api.get(&format!("/v1/jobs/{}", job.member("id"))).await.json()["labels"], labels);
    }
    let list = api.get("/v1/jobs").await.json();
    assert_eq!((&list["items"][0]["labels"], &list["items"][1]["labels"]), (&labels, &labels));
    assert_eq!(api.post_json("/v1/tasks/any", "{}").await.json()["labels"], json!({}));
}

#[tokio::test]
async fn as_many_as_may_be_are_taken_and_one_more_is_not() {
    let api = Api::start(vec![task("any")]).await;
    let query =
        |count: usize| (0..count).map(|at| format!("label=n{at}:{}", "v".repeat(200))).collect::<Vec<_>>().join("&");
    let job = api.post_json(&format!("/v1/tasks/any?{}", query(16)), "{}").await;
    assert_eq!(job.json()["labels"].as_object().map(serde_json::Map::len), Some(16), "{}", job.text());
    let refused = api.post_json(&format!("/v1/tasks/any?{}", query(17)), "{}").await;
    refused.must_be_problem(422, "option_out_of_range", "at most 16");
}

#[tokio::test]
async fn wrong_ones_say_what_would_be_right() {
    let api = Api::start(vec![task("any")]).await;
    for (label, status, code, says) in [
        ("urgent", 400, "bad_option", "name:value"),
        ("", 400, "bad_option", "name:value"),
        (":b", 400, "bad_option", "the name is empty"),
        ("a:", 400, "bad_option", "the value is empty"),
        ("a%20b:c", 400, "bad_option", "letters, digits"),
        ("a:b%00", 400, "bad_option", "control character"),
        ("a:b&label=a:c", 400, "bad_option", "`a` is given twice"),
        (&format!("{}:b", "n".repeat(64)), 422, "option_out_of_range", "more than 63"),
        (&format!("a:{}", "v".repeat(201)), 422, "option_out_of_range", "more than 200"),
    ] {
        api.post_json(&format!("/v1/tasks/any?label={label}"), "{}").await.must_be_problem(status, code, says);
    }
    assert_eq!(api.get("/v1/jobs").await.json()["items"], json!([]), "nothing was taken");
}
