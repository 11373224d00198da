//! The pictures of docs/dashboard.md, of an installation at work. With `DAYFLY_TEST_PICTURES` they are written to docs/img; without,
//! they are taken all the same, and looked at as far as a program can.

use crate::chrome::Chrome;
use dayfly_tests::{Installation, eventually_async};
use serde_json::json;
use std::{fs, path::PathBuf};

const TASKS: &str = r#"
[tasks.factor]
description = "Prime factors of n, exactly, however many digits it has"
command = ["python3", "-c", """
import os, sys, time
events = os.fdopen(3, 'w')
print('n has 37 digits', file=sys.stderr, flush=True)
print('trial division up to 2^20: nothing', file=sys.stderr, flush=True)
print('{"progress": 0.62, "message": "2,913,000 of 4,700,000 candidates"}', file=events, flush=True)
time.sleep(600)
"""]
kill_grace = "1s"
input_schema = { type = "object", required = ["n"], properties = { n = { type = "integer", minimum = 1, description = "the number to factor" } } }

[tasks.parse_document]
description = "Outline and word count of a text with Markdown headings"
command = ["cat"]

[tasks.render]
description = "A page as a picture"
command = ["sh", "-c", "echo rendering page 3 >&2; sleep 600"]
timeout = "1s"
kill_grace = "1s"
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_look_like_their_pictures() {
    let mut rig = Installation::start(TASKS).await;
    rig.add_worker(4).await;
    let mut last = String::new();
    for number in 0..24 {
        last = rig.submit("parse_document", &json!({ "text": format!("# Chapter {number}") })).await;
    }
    let late = rig.submit("render", &json!({ "page": 3 })).await;
    for id in [&last, &late] {
        rig.ended(id).await;
    }
    let running = rig.submit("factor", &json!({ "n": 1_000_000_016_000_000_063_u64 })).await;
    rig.submit("factor", &json!({ "n": 7 })).await;
    rig.submit("parse_document?delay=2h", &json!({ "text": "later" })).await;
    let chrome = Chrome::start().await;
    let picture = |name: &'static str, page: String, dark: bool, (width, height): (u32, u32)| {
        let (chrome, rig) = (&chrome, &rig);
        async move {
            chrome.look(dark, width, height).await;
            chrome.goto(&format!("{}/{page}", rig.url)).await;
            chrome.until("h1", "").await;
            let png = chrome.client.screenshot().await.expect("a picture");
            let size = |at: usize| u32::from_be_bytes([png[at], png[at + 1], png[at + 2], png[at + 3]]);
            assert_eq!((&png[1..4], size(16), size(20)), (&b"PNG"[..], width, height), "{name}");
            assert!(png.len() > 8_000, "{name} is empty: {} bytes", png.len());
            if std::env::var_os("DAYFLY_TEST_PICTURES").is_some() {
                let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/img");
                fs::create_dir_all(&folder).expect("a folder");
                fs::write(folder.join(name), png).expect("written");
            }
        }
    };
    eventually_async("it says how far it is", crate::chrome::PATIENCE, || async {
        (rig.job(&running).await["progress"]["fraction"] == 0.62).then_some(())
    })
    .await;
    let wide = (1_100, 820);
    picture("overview-light.png", String::new(), false, wide).await;
    picture("jobs-dark.png", "jobs".to_owned(), true, wide).await;
    picture("job-light.png", format!("jobs/{running}"), false, wide).await;
    picture("job-failed-phone.png", format!("jobs/{late}"), false, (390, 780)).await;
    picture("overview-phone-dark.png", String::new(), true, (390, 780)).await;
    picture("task-light.png", "tasks/factor".to_owned(), false, wide).await;
    picture("workers-dark.png", "workers".to_owned(), true, (1_100, 460)).await;
}
