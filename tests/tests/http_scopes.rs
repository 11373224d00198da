//! Scopes: each alone lets through what it is for, and nothing else.

use dayfly_api::ROUTES;
use dayfly_common::model::{Scope, TaskDef};
use dayfly_tests::{Api, answer, task};
use reqwest::Method;

const JOB: &str = "/v1/jobs/0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90";

/// With a task of the route `/compute/async`.
async fn api() -> Api {
    Api::start(vec![task("any"), TaskDef { route: Some("/compute/async".to_owned()), ..task("old") }]).await
}

#[tokio::test]
async fn each_scope_alone_opens_its_own_routes() {
    let api = api().await;
    let own = [
        ("HEAD", "/v1/jobs", Scope::Read),
        ("GET", "/nowhere", Scope::Read),
        ("POST", "/compute/async", Scope::Submit),
        ("POST", "/v1/nowhere", Scope::Admin),
    ];
    for alone in Scope::ALL {
        let token = api.token("ada", alone.as_str()).await;
        for (method, path, scope) in ROUTES.iter().chain(&own) {
            let path = path.replace("/v1/jobs/{id}", JOB).replace("{task}", "any");
            let path = path.replace("{id}", "w").replace("{name}", "n");
            let method: Method = method.parse().expect("a method");
            // Only the head: some of them never end.
            let request = api.ask_as(&token, method.clone(), &path);
            if *scope == alone {
                let status = request.send().await.expect("an answer").status().as_u16();
                assert!(![401, 403].contains(&status), "{alone}: {method} {path} is {status}");
            } else if method == Method::HEAD {
                assert_eq!(request.send().await.expect("an answer").status(), 403, "{alone}: {method} {path}");
            } else {
                let refused = answer(request).await;
                refused.must_be_problem(403, "forbidden", &format!("needs the scope `{scope}`"));
                let challenge = refused.header("www-authenticate").to_owned();
                assert!(challenge.contains("insufficient_scope") && challenge.contains(scope.as_str()), "{challenge}");
            }
        }
        // Which methods there are is for every bearer to know.
        assert_eq!(answer(api.ask_as(&token, Method::OPTIONS, "/v1/jobs")).await.status, 204);
    }
}

#[tokio::test]
async fn several_scopes_do_a_days_work() {
    let api = api().await;
    let token = api.token("ada", "read,submit,cancel").await;
    let posted = answer(api.ask_as(&token, Method::POST, "/v1/tasks/any")).await;
    assert_eq!(posted.status, 202, "{}", posted.text());
    assert_eq!(answer(api.ask_as(&token, Method::POST, "/compute/async")).await.member("message"), "job created");
    let location = posted.header("location").to_owned();
    assert_eq!(answer(api.ask_as(&token, Method::GET, &location)).await.member("state"), "queued");
    let cancelled = answer(api.ask_as(&token, Method::POST, &format!("{location}/cancel"))).await;
    assert_eq!(cancelled.member("state"), "cancelled");
    let pause = answer(api.ask_as(&token, Method::POST, "/v1/tasks/any/pause")).await;
    pause.must_be_problem(403, "forbidden", "has `read,submit,cancel` only");
    let admin = api.token("root", "admin").await;
    assert_eq!(answer(api.ask_as(&admin, Method::POST, "/v1/tasks/any/pause")).await.status, 200);
}
