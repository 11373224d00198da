//! Which pages may make a browser speak to this server: every method, every way that a browser names the page.

use dayfly_common::config::ListenerConfig;
use dayfly_tests::{Answer, Api, answer, task};
use reqwest::Method;

const METHODS: [&str; 8] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "BREW"];
const APP: &str = "https://app.example";

async fn api(listener: ListenerConfig) -> Api {
    Api::start_under(listener, vec![task("any")]).await
}

async fn asked(api: &Api, method: &str, path: &str, lines: &[(&str, &str)]) -> Answer {
    let mut request = api.ask(Method::from_bytes(method.as_bytes()).expect("a method"), path);
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    answer(request).await
}

#[tokio::test]
async fn only_own_pages_and_programs_change_anything() {
    let api = api(ListenerConfig::default()).await;
    let own = format!("http://{}", api.address());
    let own_page = format!("{own}/docs?x=http://evil.example/");
    let other_port = format!("http://127.0.0.1:{}", api.address().port() ^ 1);
    let evil_page = format!("http://evil.example/?{own}/");
    let hidden = format!("http://{}@evil.example/", api.address());
    let variants: &[(&[(&str, &str)], bool)] = &[
        (&[], true),
        (&[("origin", &own)], true),
        (&[("origin", &own), ("sec-fetch-site", "same-origin"), ("referer", &own_page)], true),
        (&[("sec-fetch-site", "none")], true),
        (&[("sec-fetch-site", "same-origin")], true),
        (&[("referer", &own_page)], true),
        (&[("referer", &own)], true),
        // A page's own word by Origin counts more than where it says it was reached from.
        (&[("origin", &own), ("referer", &evil_page)], true),
        (&[("origin", "https://evil.example")], false),
        (&[("origin", "null")], false),
        (&[("origin", "")], false),
        (&[("origin", &other_port)], false),
        (&[("origin", APP)], false),
        (&[("origin", &own), ("origin", "https://evil.example")], false),
        (&[("origin", "https://evil.example"), ("origin", &own)], false),
        (&[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")], false),
        (&[("origin", &own), ("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "same-site")], false),
        (&[("sec-fetch-site", "nonsense")], false),
        (&[("referer", &evil_page)], false),
        (&[("referer", &hidden)], false),
        (&[("referer", "nonsense")], false),
    ];
    for (lines, passes) in variants {
        for method in METHODS {
            for path in ["/v1/tasks/any", "/v1/jobs/0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90", "/nowhere"] {
                let answer = asked(&api, method, path, lines).await;
                let safe = ["GET", "HEAD", "OPTIONS"].contains(&method);
                let said = format!("{method} {path} {lines:?}: {} {}", answer.status, answer.text());
                assert_eq!(answer.status == 403, !safe && !passes, "{said}");
                if answer.status == 403 {
                    answer.must_be_problem(403, "forbidden", "not this server");
                }
                assert_eq!(answer.header("access-control-allow-origin"), "", "{said}");
                assert_eq!(answer.header("vary"), "", "{said}");
            }
        }
    }
    // What was refused did nothing: one job for each variant that passes.
    let made = api.get("/v1/jobs?limit=500").await.json()["items"].as_array().map(Vec::len);
    assert_eq!(made, Some(variants.iter().filter(|(_, passes)| *passes).count()));
}

#[tokio::test]
async fn pages_of_named_origins_may_use_it_and_read_its_answers() {
    let api = api(ListenerConfig { cors_origins: vec![APP.to_owned()], ..ListenerConfig::default() }).await;
    let page = [("origin", APP), ("sec-fetch-site", "cross-site")];
    let preflight = [page[0], ("access-control-request-method", "POST"), ("access-control-request-headers", "prefer")];
    let answer = asked(&api, "OPTIONS", "/v1/tasks/any", &preflight).await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin"), answer.header("vary")),
        (204, APP, "Origin")
    );
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        assert!(answer.header("access-control-allow-methods").contains(method), "{answer:?}");
    }
    for name in ["Authorization", "Content-Type", "Idempotency-Key", "Prefer"] {
        assert!(answer.header("access-control-allow-headers").contains(name), "{answer:?}");
    }
    assert_eq!(answer.header("access-control-allow-credentials"), "");

    let made = asked(&api, "POST", "/v1/tasks/any", &page).await;
    assert_eq!((made.status, made.header("access-control-allow-origin"), made.header("vary")), (202, APP, "Origin"));
    for name in ["Location", "ETag", "Link", "Retry-After", "Idempotent-Replayed", "X-Request-Id"] {
        assert!(made.header("access-control-expose-headers").split(", ").any(|one| one == name), "{name}");
    }
    let problem = asked(&api, "POST", "/v1/tasks/none", &page).await;
    problem.must_be_problem(404, "unknown_task", "none");
    assert_eq!(problem.header("access-control-allow-origin"), APP);

    for origin in ["https://app.example.evil.example", "http://app.example", "https://app.example:444", "null"] {
        let lines = [("origin", origin), ("access-control-request-method", "POST")];
        let refused = asked(&api, "POST", "/v1/tasks/any", &lines[..1]).await;
        refused.must_be_problem(403, "forbidden", "not this server");
        for method in ["OPTIONS", "GET"] {
            let answer = asked(&api, method, "/v1/tasks/any", &lines).await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{method} {origin}");
            assert_eq!(answer.header("access-control-allow-methods"), "", "{method} {origin}");
            assert_eq!(answer.header("vary"), "Origin");
        }
    }
    assert_eq!(asked(&api, "GET", "/v1/tasks/any", &[]).await.header("access-control-allow-origin"), "");
}

#[tokio::test]
async fn behind_a_trusted_proxy_its_names_count() {
    let hosts = vec!["dayfly.example".to_owned()];
    let listener = |trusted: &str| ListenerConfig {
        hosts: hosts.clone(),
        trusted_proxies: vec![trusted.parse().expect("a network")],
        ..ListenerConfig::default()
    };
    let page = ("origin", "https://dayfly.example");
    let over = |host: &'static str, proto: &'static str| {
        [page, ("x-forwarded-for", "192.0.2.1"), ("x-forwarded-host", host), ("x-forwarded-proto", proto)]
    };
    let trusting = api(listener("127.0.0.0/8")).await;
    let path = "/v1/tasks/any";
    assert_eq!(asked(&trusting, "POST", path, &over("dayfly.example", "https")).await.status, 202);
    let refused = asked(&trusting, "POST", path, &over("dayfly.example", "http")).await;
    refused.must_be_problem(403, "forbidden", "not this server");
    let refused = asked(&trusting, "GET", path, &over("evil.example", "https")).await;
    refused.must_be_problem(403, "forbidden", "does not answer to `evil.example`");
    let by_host = [page, ("host", "dayfly.example")];
    assert_eq!(asked(&trusting, "POST", path, &by_host).await.status, 202);

    let other = api(listener("10.0.0.0/8")).await;
    let refused = asked(&other, "POST", path, &over("dayfly.example", "https")).await;
    refused.must_be_problem(403, "forbidden", "not this server");
    let unheard = asked(&other, "GET", path, &over("evil.example", "https")).await;
    assert_eq!(unheard.status, 200, "a stranger's word for the host counts neither way");
}
