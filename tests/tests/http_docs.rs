//! The page at /docs: whole, offline, under a strict policy, and closed to markup of others.

use dayfly_tests::{Api, answer, task};
use reqwest::Method;
use serde_json::json;

const EVIL: &str = "<script>alert(1)</script><img src=https://evil.example/x>\"'";

async fn api() -> Api {
    let mut odd = task("odd");
    odd.description = Some(EVIL.to_owned());
    odd.input_schema =
        Some(json!({ "type": "object", "description": EVIL, "properties": { EVIL: { "type": "string" } } }));
    Api::start(vec![odd, task("plain")]).await
}

#[tokio::test]
async fn every_operation_is_shown_with_its_line_of_curl_and_its_problems() {
    let page = api().await.get("/docs").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let text = page.text();
    let mut shown = 0;
    for (path, item) in dayfly_api::openapi()["paths"].as_object().expect("paths") {
        for (verb, operation) in item.as_object().expect("a path") {
            let id = operation["operationId"].as_str().expect("an id");
            let article =
                text.split(&format!("<article id=\"{id}\">")).nth(1).unwrap_or_else(|| panic!("{id} is not shown"));
            let article = article.split("</article>").next().expect("its end");
            assert!(article.contains(&format!("<b>{}</b>", verb.to_ascii_uppercase())), "{id}: {article}");
            assert!(article.contains(&format!("<code>{path}</code>")), "{id}: {article}");
            let line = operation["x-codeSamples"][0]["source"].as_str().expect("a line");
            let line = line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
            assert!(article.contains(&line), "{id}: {line} is not in {article}");
            for status in operation["responses"].as_object().expect("answers").keys() {
                assert!(article.contains(&format!(">{status}</b>")), "{id}: no {status}");
            }
            assert!(text.contains(&format!("href=\"#{id}\"")), "{id} is not in the contents");
            shown += 1;
        }
    }
    assert!(shown >= 16, "{shown}");
    assert!(text.contains("<h3>odd</h3>") && text.contains("/v1/tasks/plain"), "{text}");
}

#[tokio::test]
async fn nothing_comes_from_elsewhere_and_nothing_runs() {
    let api = api().await;
    let page = api.get("/docs").await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'self';") && !policy.contains("unsafe"), "{policy}");
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let text = page.text();
    let style = api.get("/docs/style.css").await;
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
    assert!(style.text().contains("prefers-color-scheme: dark"));
    for fetched in ["@import", "url(", "//"] {
        assert!(!style.text().contains(fetched), "{fetched}");
    }
    for word in ["<script", "<img", "<iframe", "<style", "style=", "onerror=alert(1)>", "javascript:"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    // Whatever is loaded or linked lies on this very server.
    for word in ["href=\"", "src=\"", "action=\""] {
        for target in text.split(word).skip(1).filter_map(|rest| rest.split('"').next()) {
            let own = target.starts_with('#') || target.starts_with('/') && !target.starts_with("//");
            assert!(own, "{word}{target}");
        }
    }
    assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{text}");
}

#[tokio::test]
async fn the_page_is_kept_by_its_tag() {
    let api = api().await;
    for path in ["/docs", "/docs/style.css"] {
        let first = api.get(path).await;
        let tag = first.header("etag");
        let again = answer(api.ask(Method::GET, path).header("if-none-match", tag)).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
        let picky = answer(api.ask(Method::GET, path).header("accept", "application/json")).await;
        picky.must_be_problem(406, "not_acceptable", "text/");
        api.get(&format!("{path}?x=1")).await.must_be_problem(400, "bad_option", "none");
    }
}
