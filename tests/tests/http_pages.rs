//! The pages without a browser: who gets them, under which policy, and what a session may do.

use dayfly_common::model::TaskDef;
use dayfly_tests::{Answer, Api, Hand, Sse, answer, eventually_async, rig, task};
use reqwest::{Method, RequestBuilder};
use std::time::Duration;

const BOUND: Duration = Duration::from_secs(10);
const PAGES: [&str; 6] = ["/", "/jobs", "/tasks", "/tasks/any", "/workers", "/login"];
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn browsed(api: &Api, method: Method, path: &str) -> RequestBuilder {
    api.ask(method, path).header("accept", BROWSER)
}

async fn page(api: &Api, path: &str) -> Answer {
    answer(browsed(api, Method::GET, path)).await
}

/// Signs in; gives what a browser sends from then on.
async fn sign_in(api: &Api, scopes: &str) -> String {
    let token = api.token("ada", scopes).await;
    let form = [("token", token.reveal()), ("next", "jobs")];
    let signed = answer(browsed(api, Method::POST, "/login").form(&form)).await;
    assert_eq!((signed.status, signed.header("location")), (303, "./jobs"), "{}", signed.text());
    let cookie = signed.header("set-cookie");
    assert!(cookie.contains("; HttpOnly; SameSite=Strict") && !cookie.contains(token.reveal()), "{cookie}");
    cookie.split(';').next().expect("a pair").to_owned()
}

#[tokio::test]
async fn only_browsers_get_pages() {
    let old = TaskDef { route: Some("/jobs".to_owned()), ..task("old") };
    let api = Api::start(vec![task("any"), old]).await;
    for path in PAGES {
        api.get(path).await.must_be_problem(
            if path == "/jobs" { 405 } else { 404 },
            if path == "/jobs" { "method_not_allowed" } else { "not_found" },
            "",
        );
        let shown = page(&api, path).await;
        // Nobody is asked for a token here, so the login leads on.
        assert_eq!(shown.status, if path == "/login" { 303 } else { 200 }, "{path}: {}", shown.text());
        if path == "/login" {
            continue;
        }
        assert_eq!(shown.header("content-type"), "text/html; charset=utf-8");
        let policy = shown.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"), "{policy}");
        let text = shown.text();
        for word in
            ["<style", "style=", "onclick", "javascript:", "http://", "https://", "href=\"/", "src=\"/", "action=\"/"]
        {
            assert!(!text.replace("http://127.0.0.1:8080/v1/tasks/factor", "").contains(word), "{path}: {word}");
        }
        assert_eq!(text.matches("<script").count(), 1, "{path}");
    }
    let posted = answer(api.ask(Method::POST, "/jobs").header("accept", "*/*")).await;
    assert_eq!(posted.member("message"), "job created", "a task's own route goes on");
    for asset in ["/ui/style.css", "/ui/script.js", "/ui/icon.svg"] {
        let whole = api.get(asset).await;
        assert_eq!((whole.status, whole.header("cache-control")), (200, "no-store"), "{asset}");
        let text = page(&api, "/").await.text().to_owned();
        let kept = text.split('"').find(|part| part.contains(&format!("{asset}?v="))).expect("its address");
        let kept = api.get(kept.trim_start_matches('.')).await;
        assert!(kept.header("cache-control").contains("immutable"), "{asset}");
    }
}

#[tokio::test]
async fn problems_are_pages_too() {
    let api = Api::start(vec![task("any")]).await;
    for (path, status, says) in [
        ("/jobs/nonsense", 400, "bad_id"),
        ("/jobs/0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90", 404, "unknown_job"),
        ("/tasks/nobody", 404, "unknown_task"),
        ("/jobs?colour=red", 400, "bad_option"),
        ("/jobs?cursor=x", 400, "bad_cursor"),
        ("/jobs?q=colour:red", 400, "neither the id of a job nor a filter"),
    ] {
        let shown = page(&api, path).await;
        assert_eq!(shown.status, status, "{path}");
        assert!(
            shown.header("content-type").starts_with("text/html") && shown.text().contains(says),
            "{path}: {}",
            shown.text()
        );
    }
    let reflected = page(&api, "/jobs?q=%3Cscript%3Ealert(1)%3C/script%3E").await;
    assert!(!reflected.text().contains("<script>alert"), "{}", reflected.text());
}

#[tokio::test]
async fn without_a_session_every_page_leads_to_the_login() {
    let api = Api::start(vec![task("any")]).await;
    let cookie = sign_in(&api, "read").await;
    eventually_async("tokens are asked for", BOUND, || async {
        (api.get("/v1/jobs").await.status == 401).then_some(())
    })
    .await;
    for path in ["/", "/jobs", "/jobs/x", "/tasks", "/tasks/any", "/workers", "/jobs?q=a:b"] {
        let led = page(&api, path).await;
        let login = format!("{}login?next=", if path == "/jobs/x" || path == "/tasks/any" { "../" } else { "./" });
        assert!(
            led.status == 303 && led.header("location").starts_with(&login),
            "{path}: {} {}",
            led.status,
            led.header("location")
        );
        api.get(path).await.must_be_problem(401, "unauthorized", "asks for a token");
        let with = answer(browsed(&api, Method::GET, path).header("cookie", &cookie)).await;
        assert!(![303, 401, 403].contains(&with.status), "{path}: {}", with.status);
    }
    assert_eq!(page(&api, "/login").await.status, 200);
    for wrong in [
        "",
        "dayfly_session=",
        "dayfly_session=x",
        &cookie.replace("dfly_", "dfly_0"),
        &format!("{}0", &cookie[..cookie.len() - 1]),
    ] {
        let refused = answer(browsed(&api, Method::GET, "/jobs").header("cookie", wrong)).await;
        // The last digit is a zero one time in sixteen.
        assert!(refused.status == 303 || wrong == cookie, "{wrong}");
    }
    let forged = [("token", "dfly_0123456789abcdef_"), ("next", "//evil.example")];
    let refused = answer(browsed(&api, Method::POST, "/login").form(&forged)).await;
    assert!(
        refused.status == 401 && refused.header("set-cookie").is_empty() && !refused.text().contains("evil"),
        "{}",
        refused.text()
    );
}

#[tokio::test]
async fn a_session_is_for_own_pages_and_ends() {
    let api = Api::start(vec![task("any")]).await;
    let hand = Hand::new(&api.queue, &[task("any")]).await;
    let cookie = sign_in(&api, "read,submit").await;
    let own = format!("http://{}", api.address());
    let post = |origin: Option<&str>| {
        let request = api.ask(Method::POST, "/v1/tasks/any").header("cookie", &cookie);
        origin.map_or(request.try_clone().expect("a request"), |origin| request.header("origin", origin))
    };
    answer(post(None)).await.must_be_problem(403, "forbidden", "own pages");
    answer(post(Some("http://evil.example"))).await.must_be_problem(403, "forbidden", "not this server");
    let posted = answer(post(Some(&own))).await;
    assert_eq!(posted.status, 202, "{}", posted.text());
    let path = format!("{}/events", posted.header("location"));
    // Streams open by the cookie, as an EventSource sends it.
    let mut stream = Sse::open(api.ask(Method::GET, &path).header("cookie", &cookie)).await;
    assert_eq!(stream.event().await.name, "state");
    hand.succeed(hand.claim().await, "{}").await;
    stream.until("end").await;
    let out = answer(browsed(&api, Method::POST, "/logout").header("cookie", &cookie).header("origin", &own)).await;
    assert_eq!((out.status, out.header("location")), (303, "login"));
    assert!(out.header("set-cookie").contains("Max-Age=0"), "{}", out.header("set-cookie"));
    assert_eq!(answer(browsed(&api, Method::GET, "/jobs").header("cookie", &cookie)).await.status, 303);
}

#[tokio::test]
async fn a_session_ends_with_its_token_and_by_hand_and_by_itself() {
    let api = Api::start(vec![task("any")]).await;
    let cookie = sign_in(&api, "read").await;
    let id = cookie.split('_').nth(2).expect("an id").to_owned();
    let hand = rig::Hand::of(&api.server.url()).await;
    let key = format!("dayfly:{{0}}:session:{id}");
    let left: i64 = hand.get(&["PTTL", &key]).await;
    assert!((42_000_000..=43_200_000).contains(&left), "{left}");
    let fields: Vec<String> = hand.get(&["HVALS", &key]).await;
    assert!(
        !fields.iter().any(|field| cookie.contains(field.as_str()) && field.len() > 16),
        "the secret is not stored: {fields:?}"
    );
    let see = |cookie: String| browsed(&api, Method::GET, "/jobs").header("cookie", cookie);
    assert_eq!(answer(see(cookie.clone())).await.status, 200);
    hand.get::<i64>(&["DEL", &key]).await;
    eventually_async("it is over", BOUND, || async { (answer(see(cookie.clone())).await.status == 303).then_some(()) })
        .await;
    let second = sign_in(&api, "read").await;
    assert_eq!(answer(see(second.clone())).await.status, 200);
    let token: String = hand
        .get(&["HGET", &format!("dayfly:{{0}}:session:{}", second.split('_').nth(2).expect("an id")), "token"])
        .await;
    api.queue.revoke_token(&token.parse().expect("an id")).await.expect("revoked");
    eventually_async("it is over", BOUND, || async { (answer(see(second.clone())).await.status == 303).then_some(()) })
        .await;
}

#[tokio::test]
async fn a_foreign_job_is_on_no_page() {
    let api = Api::start(vec![task("any")]).await;
    let hand = Hand::new(&api.queue, &[task("any")]).await;
    let (bob, root) = (api.token("bob", "read,submit").await, api.token("root", "read,admin").await);
    let posted = answer(api.ask_as(&bob, Method::POST, "/v1/tasks/any")).await;
    let id = posted.member("id");
    let claim = hand.claim().await;
    let ada = api.token("ada", "read,submit").await;
    for (token, seen) in [(&bob, true), (&root, true), (&ada, false)] {
        let see = |path: String| answer(api.ask_as(token, Method::GET, &path).header("accept", BROWSER));
        let job = see(format!("/jobs/{id}")).await;
        assert_eq!(job.status, if seen { 200 } else { 404 }, "{}", job.text());
        for path in ["/jobs", "/workers"] {
            assert_eq!(see(path.to_owned()).await.text().contains(&id), seen, "{path}");
        }
    }
    let error = dayfly_common::model::Outcome::Failed(dayfly_common::model::JobError {
        kind: dayfly_common::model::ErrorKind::ExitCode,
        message: "it ended with code 3".to_owned(),
        exit_code: Some(3),
        signal: None,
        retryable: false,
        stderr_tail: String::new(),
    });
    hand.finish(claim, error).await;
    for (token, seen) in [(&bob, true), (&ada, false)] {
        let overview = answer(api.ask_as(token, Method::GET, "/").header("accept", BROWSER)).await;
        assert_eq!(overview.text().contains(&id), seen, "among the latest failures");
    }
}
