//! Every page by axe-core, the engine behind most checks of accessibility, light and dark, wide and narrow; and by the keyboard alone.

use crate::chrome::{Chrome, Console};
use dayfly_tests::Installation;
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

const TASKS: &str = r#"
[tasks.slow]
command = ["sh", "-c", "echo begun >&2; sleep 600"]
kill_grace = "1s"
[tasks.bad]
command = ["sh", "-c", "echo oh dear >&2; exit 3"]
input_schema = { type = "object", properties = { n = { type = "integer" }, why = { enum = ["a", "b"] }, rest = { type = "array" } } }
"#;

/// What `./deploy/test` gets.
fn axe() -> String {
    let tools = std::env::var_os("DAYFLY_TOOLS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../.dayfly-tools"), PathBuf::from);
    let path = tools.join("axe/axe_playwright_python/axe.min.js");
    fs::read_to_string(&path)
        .unwrap_or_else(|why| panic!("{}: {why}; run the tests by ./deploy/test, which gets it", path.display()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_passes_in_light_and_dark() {
    let axe = axe();
    let mut rig = Installation::start(TASKS).await;
    rig.add_worker(2).await;
    let (slow, bad) = (rig.submit("slow", &json!({})).await, rig.submit("bad", &json!({})).await);
    rig.ended(&bad).await;
    let chrome = Chrome::start().await;
    for (dark, width) in [(false, 1_280), (true, 1_280), (false, 390)] {
        chrome.look(dark, width, 900).await;
        for page in [
            "",
            "jobs",
            "jobs?q=nonsense",
            "tasks",
            "tasks/bad",
            "workers",
            &format!("jobs/{slow}"),
            &format!("jobs/{bad}"),
            "jobs/none",
        ] {
            chrome.goto(&format!("{}/{page}", rig.url)).await;
            chrome.until("h1", "").await;
            chrome.run(&axe).await;
            let script = "const done = arguments[0]; axe.run(document).then((all) => done(all.violations.map((one) => \
                          [one.id, one.help, one.nodes.slice(0, 3).map((node) => [node.html.slice(0, 200), node.failureSummary])])))";
            let found = chrome.client.execute_async(script, Vec::new()).await.expect("it runs");
            assert_eq!(found, json!([]), "/{page}, dark: {dark}, {width} wide: {found:#}");
            let wide =
                chrome.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth").await;
            // Less than none where a scroll bar stands beside it.
            assert!(wide.as_i64().is_some_and(|wide| wide <= 0), "/{page} is wider than {width}: {wide}");
        }
    }
    chrome.must_be_quiet(&rig.url, Console::Refusals).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_keyboard_reaches_what_there_is() {
    let mut rig = Installation::start(TASKS).await;
    rig.add_worker(1).await;
    let id = rig.submit("slow", &json!({})).await;
    let chrome = Chrome::start().await;
    chrome.goto(&format!("{}/jobs/{id}", rig.url)).await;
    chrome.until(".banner", "Runs").await;
    let mut passed: Vec<Value> = Vec::new();
    for _ in 0..30 {
        chrome.client.active_element().await.expect("one").send_keys("\u{E004}").await.expect("Tab");
        let name = "const here = document.activeElement; const seen = getComputedStyle(here).outlineStyle !== 'none'; \
                    return seen ? here.id || here.className || here.textContent : `unseen ${here.outerHTML}`";
        passed.push(chrome.run(name).await);
        if passed.last() == Some(&json!("kill")) {
            break;
        }
    }
    assert_eq!((&passed[0], passed.last()), (&json!("skip"), Some(&json!("kill"))), "{passed:?}");
    assert!(!passed.iter().any(|name| name.as_str().is_some_and(|name| name.starts_with("unseen"))), "{passed:?}");
    // What has the focus keeps it while the page around it changes.
    chrome.client.active_element().await.expect("one").send_keys("\u{E007}").await.expect("Enter");
    chrome.until(".banner", "Cancelled").await;
    chrome.goto(&format!("{}/jobs", rig.url)).await;
    chrome.find("#main").await.send_keys("/").await.expect("typed");
    assert_eq!(chrome.run("return document.activeElement.id").await, "q");
}
