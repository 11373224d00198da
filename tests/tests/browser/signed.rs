//! Signing in by a token: the cookie, what a read-only token sees, signing out, revoking.

use crate::chrome::{Chrome, Console};
use dayfly_common::queue::Revoked;
use dayfly_tests::{Api, Hand, rig, task};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_signs_in_sees_what_the_token_may() {
    let api = Api::start(vec![task("any")]).await;
    let hand = Hand::new(&api.queue, &[task("any")]).await;
    hand.beat().await;
    let (reader, all) = (api.token("ada", "read").await, api.token("root", "read,submit,cancel,admin").await);
    let own = dayfly_common::queue::Submit { owner: "ada".to_owned(), ..rig::job("any") };
    api.queue.submit(&own).await.expect("taken");
    let url = format!("http://{}", api.address());
    let chrome = Chrome::start().await;
    chrome.goto(&format!("{url}/jobs?q=task%3Aany")).await;
    chrome.until_at("/login?next=jobs%3Fq").await;
    let nonsense = "dfly_0123456789abcdef_".to_owned() + &"0".repeat(64);
    for (typed, says) in [("nonsense", "not a token"), (nonsense.as_str(), "not known")] {
        chrome.find("#token").await.send_keys(&format!("{typed}\n")).await.expect("typed");
        chrome.until("[role=alert]", says).await;
    }
    chrome.find("#token").await.send_keys(&format!("{}\n", reader.reveal())).await.expect("typed");
    chrome.until_at("/jobs?q=task%3Aany").await;
    chrome.until("header", "ada (read)").await;
    chrome.find(&format!("[id='job-{}']", own.id)).await;

    let cookies = chrome.client.get_all_cookies().await.expect("cookies");
    let [cookie] = cookies.as_slice() else { panic!("{cookies:?}") };
    assert_eq!((cookie.name(), cookie.http_only(), cookie.path()), ("dayfly_session", Some(true), Some("/")));
    assert_eq!(format!("{:?}", cookie.same_site()), "Some(Strict)");
    assert!(!reader.reveal().contains(cookie.value()), "it is not the token");
    assert_eq!(chrome.run("return document.cookie").await, "");

    for page in ["", "jobs", &format!("jobs/{}", own.id), "tasks", "tasks/any", "workers"] {
        chrome.goto(&format!("{url}/{page}")).await;
        chrome.until("header", "ada (read)").await;
        for offer in ["[data-act]", "[data-bulk]", "#submit"] {
            assert!(!chrome.has(offer).await, "{offer} at /{page}");
        }
    }
    chrome.click("#sign-out").await;
    chrome.until_at("/login").await;
    chrome.goto(&format!("{url}/workers")).await;
    chrome.until_at("/login?next=workers").await;
    chrome.find("#token").await.send_keys(&format!("{}\n", all.reveal())).await.expect("typed");
    chrome.until_at("/workers").await;
    chrome.goto(&format!("{url}/jobs/{}", own.id)).await;
    chrome.click("#cancel").await;
    chrome.until(".banner", "Cancelled before it started").await;
    assert_eq!(api.queue.revoke_token(all.id()).await.expect("an answer"), Revoked::Now);
    // Seen within a second: a page that is looked at again leads to the login.
    chrome.goto(&format!("{url}/jobs")).await;
    chrome.until("h1", "Sign in").await;
    chrome.must_be_quiet(&url, Console::Refusals).await;
}
