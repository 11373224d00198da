//! DELETE /v1/jobs/{id}

use dayfly_tests::{Answer, Api, Hand, answer, task};
use reqwest::Method;
use serde_json::json;

async fn delete(api: &Api, path: &str) -> Answer {
    answer(api.ask(Method::DELETE, path)).await
}

async fn post(api: &Api, key: &str, body: &str) -> Answer {
    let request = api.ask(Method::POST, "/v1/tasks/any").header("idempotency-key", key);
    answer(request.header("content-type", "application/json").body(body.to_owned())).await
}

#[tokio::test]
async fn an_ended_job_is_forgotten() {
    let api = Api::start(vec![task("any")]).await;
    let hand = Hand::new(&api.queue, &[task("any")]).await;
    let location = api.post("/v1/tasks/any").await.header("location").to_owned();
    delete(&api, &location).await.must_be_problem(409, "wrong_state", "is queued");
    let claim = hand.claim().await;
    delete(&api, &location).await.must_be_problem(409, "wrong_state", "is running");
    hand.succeed(claim, "1").await;
    // A repetition whose first answer was lost hears the same.
    for _ in 0..2 {
        let gone = delete(&api, &location).await;
        assert_eq!((gone.status, gone.body.len()), (204, 0), "{}", gone.text());
    }
    for path in ["", "/result", "/logs"] {
        api.get(&format!("{location}{path}")).await.must_be_problem(404, "unknown_job", "There is no job");
    }
    api.post(&format!("{location}/retry")).await.must_be_problem(404, "unknown_job", "There is no job");
    assert_eq!(api.get("/v1/jobs").await.json()["items"], json!([]));
    delete(&api, "/v1/jobs/7").await.must_be_problem(400, "bad_id", "UUID");
    let nobody = "/v1/jobs/0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90";
    delete(&api, nobody).await.must_be_problem(404, "unknown_job", "There is no job");
    delete(&api, &format!("{nobody}?force=1")).await.must_be_problem(400, "bad_option", "takes none");
}

#[tokio::test]
async fn a_key_whose_job_was_deleted_makes_no_other_one() {
    let api = Api::start(vec![task("any")]).await;
    let hand = Hand::new(&api.queue, &[task("any")]).await;
    let first = post(&api, "k", "[1]").await;
    hand.succeed(hand.claim().await, "1").await;
    assert_eq!(delete(&api, first.header("location")).await.status, 204);
    let again = post(&api, "k", "[1]").await;
    again.must_be_problem(410, "job_deleted", "a new key");
    assert_eq!(again.member("job"), first.member("id"));
    post(&api, "k", "[2]").await.must_be_problem(422, "idempotency_conflict", "a new key");
    assert!(hand.try_claim().await.is_none());
    assert_eq!(post(&api, "l", "[1]").await.status, 202);
}
