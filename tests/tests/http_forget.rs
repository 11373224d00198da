//! DELETE /v1/tasks/{task}: a task that nobody serves is taken out of the registry.

use dayfly_tests::{Answer, Api, Hand, answer, eventually_async, task};
use reqwest::Method;
use std::time::Duration;

async fn forget(api: &Api, task: &str) -> Answer {
    answer(api.ask(Method::DELETE, &format!("/v1/tasks/{task}"))).await
}

#[tokio::test]
async fn only_a_task_that_nobody_serves_and_that_holds_no_job() {
    let api = Api::start(vec![task("own")]).await;
    let hand = Hand::new(&api.queue, &[task("theirs")]).await;
    forget(&api, "theirs").await.must_be_problem(409, "wrong_state", "live workers (1)");
    let done = api.post("/v1/tasks/theirs").await.header("location").to_owned();
    hand.succeed(hand.claim().await, "1").await;
    let delayed = api.post("/v1/tasks/theirs?delay=1h").await.header("location").to_owned();
    api.queue.depart(hand.id()).await.expect("an answer");
    forget(&api, "theirs").await.must_be_problem(409, "wrong_state", "have not ended (1)");
    api.post(&format!("{delayed}/cancel")).await;
    let gone = forget(&api, "theirs").await;
    assert_eq!((gone.status, gone.body.len()), (204, 0), "{}", gone.text());
    let list = api.get("/v1/tasks").await.json();
    assert!(list["items"].as_array().is_some_and(|items| items.iter().all(|item| item["name"] != "theirs")), "{list}");
    api.get("/v1/tasks/theirs").await.must_be_problem(404, "unknown_task", "`theirs`");
    forget(&api, "theirs").await.must_be_problem(404, "unknown_task", "`theirs`");
    forget(&api, "-x").await.must_be_problem(404, "unknown_task", "`-x`");
    forget(&api, "own").await.must_be_problem(409, "wrong_state", "own configuration");
    assert_eq!(api.get(&done).await.json()["state"], "succeeded", "its ended jobs stay");

    // It comes back with a worker that serves it.
    let hand = Hand::new(&api.queue, &[task("theirs")]).await;
    eventually_async("it is taken again", Duration::from_secs(10), || async {
        (api.post("/v1/tasks/theirs").await.status == 202).then_some(())
    })
    .await;
    hand.claim().await;
}
