//! Owners: a job exists for its owner and for `admin`, and for nobody else.

use dayfly_api::ROUTES;
use dayfly_common::{
    model::{JobId, Scope, Token},
    queue::{Submit, Submitted},
};
use dayfly_tests::{Answer, Api, Hand, answer, rig, task};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

const ALL: &str = "read,submit,cancel,admin";
const USUAL: &str = "read,submit,cancel";

async fn api() -> Api {
    Api::start(vec![task("any")]).await
}

async fn posted(api: &Api, token: &Token) -> JobId {
    let posted = answer(api.ask_as(token, Method::POST, "/v1/tasks/any")).await;
    assert_eq!(posted.status, 202, "{}", posted.text());
    posted.member("id").parse().expect("an id")
}

/// The ids of a list, over all its pages, and how many pages there were.
async fn listed(api: &Api, token: &Token, query: &str) -> (BTreeSet<JobId>, usize) {
    let (mut ids, mut path, mut pages) = (BTreeSet::new(), format!("/v1/jobs?{query}"), 0);
    loop {
        let page = answer(api.ask_as(token, Method::GET, &path)).await.json();
        pages += 1;
        let items = page["items"].as_array().expect("items").iter();
        ids.extend(items.map(|job| job["id"].as_str().expect("an id").parse::<JobId>().expect("an id")));
        match page["next"].as_str() {
            Some(next) => path = format!("/v1/jobs?{query}&cursor={next}"),
            None => return (ids, pages),
        }
    }
}

/// An answer without what differs from one request to the next: the job's id and the request's.
fn bare(answer: &Answer, id: JobId) -> String {
    answer.text().replace(&id.to_string(), "ID").replace(answer.header("x-request-id"), "REQUEST")
}

#[tokio::test]
async fn a_foreign_job_is_answered_as_one_that_never_was_on_every_route() {
    let api = api().await;
    let (ada, bob) = (api.token("ada", ALL).await, api.token("bob", USUAL).await);
    let (foreign, missing) = (posted(&api, &ada).await, JobId::now());
    // An id of the client's own choice cannot be taken twice, so a PUT of one that is taken has to be refused.
    let of_a_job = ROUTES.iter().filter(|(method, path, _)| path.contains("/jobs/{id}") && *method != "PUT");
    let mut walked = 0;
    for (method, path, scope) in of_a_job {
        for query in ["", "?tail=5", "?follow=1"] {
            if !(query.is_empty() || path.ends_with("/logs")) {
                continue;
            }
            let ask = |id: JobId| {
                let path = format!("{}{query}", path.replace("{id}", &id.to_string()).replace("{name}", "n"));
                answer(api.ask_as(&bob, method.parse().expect("a method"), &path).header("prefer", "wait=5"))
            };
            let begun = Instant::now();
            let (theirs, nobodys) = (ask(foreign).await, ask(missing).await);
            assert_eq!(theirs.status, nobodys.status, "{method} {path}: {}", theirs.text());
            assert_eq!(bare(&theirs, foreign), bare(&nobodys, missing), "{method} {path}");
            assert!(begun.elapsed() < Duration::from_secs(4), "{method} {path} waits for a foreign job");
            let wanted: &[u16] = if *scope == Scope::Admin { &[403] } else { &[404, 405] };
            assert!(wanted.contains(&theirs.status), "{method} {path}: {}", theirs.text());
            if theirs.status == 404 && !theirs.text().contains("not_found") {
                theirs.must_be_problem(404, "unknown_job", &foreign.to_string());
                walked += 1;
            }
        }
    }
    assert!(walked >= 6, "{walked} routes know of jobs");
    let still = answer(api.ask_as(&ada, Method::GET, &format!("/v1/jobs/{foreign}"))).await.json();
    assert_eq!((&still["state"], &still["cancel_requested_at"]), (&"queued".into(), &Value::Null), "untouched");
}

#[tokio::test]
async fn admin_sees_and_ends_the_jobs_of_all() {
    let api = api().await;
    let (ada, root) = (api.token("ada", USUAL).await, api.token("root", ALL).await);
    let id = posted(&api, &ada).await;
    assert_eq!(answer(api.ask_as(&root, Method::GET, &format!("/v1/jobs/{id}"))).await.status, 200);
    let cancelled = answer(api.ask_as(&root, Method::POST, &format!("/v1/jobs/{id}/cancel"))).await;
    assert_eq!(cancelled.member("state"), "cancelled");
    let blind = api.token("root", "admin").await;
    let refused = answer(api.ask_as(&blind, Method::GET, &format!("/v1/jobs/{id}"))).await;
    refused.must_be_problem(403, "forbidden", "`read`");
}

#[tokio::test]
async fn lists_show_ones_own() {
    let api = api().await;
    let before = api.post("/v1/tasks/any").await.member("id").parse::<JobId>().expect("an id");
    let (ada, bob, root) = (api.token("ada", USUAL).await, api.token("bob", USUAL).await, api.token("root", ALL).await);
    let of_ada = [posted(&api, &ada).await, posted(&api, &ada).await];
    let of_bob = [posted(&api, &bob).await];
    answer(api.ask_as(&ada, Method::POST, &format!("/v1/jobs/{}/cancel", of_ada[0]))).await;
    let hand = Hand::new(&api.queue, &[task("any")]).await;
    let claims = [hand.claim().await, hand.claim().await, hand.claim().await];
    assert_eq!(claims.iter().filter(|claim| claim.id == before).count(), 1);
    for query in ["", "limit=1"] {
        assert_eq!(listed(&api, &ada, query).await.0, BTreeSet::from(of_ada), "{query}");
        assert_eq!(listed(&api, &bob, query).await.0, BTreeSet::from(of_bob), "{query}");
        assert_eq!(listed(&api, &root, query).await.0.len(), 4, "{query}: those of nobody, too");
    }
    assert_eq!(listed(&api, &ada, "state=running").await.0, BTreeSet::from([of_ada[1]]));
    // What a worker holds is a list, too.
    let held = async |token: &Token| {
        hand.beat().await;
        let workers = answer(api.ask_as(token, Method::GET, "/v1/workers")).await.json();
        workers["items"][0]["jobs"].as_array().expect("jobs").len()
    };
    assert_eq!((held(&ada).await, held(&bob).await, held(&root).await), (1, 1, 3));
}

#[tokio::test]
async fn a_list_looks_at_a_bounded_number_of_foreign_jobs() {
    let api = api().await;
    let (ada, bob) = (api.token("ada", USUAL).await, api.token("bob", USUAL).await);
    let first = posted(&api, &ada).await;
    let jobs: Vec<Submit> = (0..2_500).map(|_| Submit { owner: "bob".to_owned(), ..rig::job("any") }).collect();
    for some in jobs.chunks(100) {
        for submitted in join_all(some.iter().map(|job| api.queue.submit(job))).await {
            submitted.expect("accepted");
        }
    }
    let last = posted(&api, &ada).await;
    let page = answer(api.ask_as(&ada, Method::GET, "/v1/jobs?limit=10")).await.json();
    assert_eq!((page["items"].as_array().map(Vec::len), page["next"].is_string()), (Some(1), true), "short, with more");
    let (ids, pages) = listed(&api, &ada, "limit=10").await;
    assert_eq!((ids, pages), (BTreeSet::from([first, last]), 2));
    assert_eq!(listed(&api, &bob, "limit=500").await.0.len(), 2_500);
}

#[tokio::test]
async fn a_key_is_the_owners_whatever_the_token() {
    let api = api().await;
    let (old, bob) = (api.token("ada", USUAL).await, api.token("bob", USUAL).await);
    let keyed = |token: &Token, body: &'static str| {
        answer(api.ask_as(token, Method::POST, "/v1/tasks/any").header("idempotency-key", "k").body(body))
    };
    let first = keyed(&old, "[1]").await;
    let new = api.token("ada", USUAL).await;
    api.queue.revoke_token(old.id()).await.expect("an answer");
    let again = keyed(&new, "[1]").await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (202, "true"), "{}", again.text());
    assert_eq!(again.member("id"), first.member("id"));
    keyed(&new, "[2]").await.must_be_problem(422, "idempotency_conflict", "used before");
    let others = keyed(&bob, "[2]").await;
    assert_eq!((others.status, others.header("idempotent-replayed")), (202, ""));
    assert_ne!(others.member("id"), first.member("id"));
    let together = join_all((0..100).map(|at| {
        let token = if at % 2 == 0 { &new } else { &bob };
        answer(api.ask_as(token, Method::POST, "/v1/tasks/any").header("idempotency-key", "crowd"))
    }));
    let ids: BTreeSet<String> = together.await.iter().map(|answer| answer.member("id")).collect();
    assert_eq!(ids.len(), 2, "one job an owner");
}

#[tokio::test]
async fn an_id_that_is_taken_by_another_owner_is_no_repetition() {
    let rig = rig::Rig::start().await;
    let one = Submit { repeatable: true, owner: "ada".to_owned(), ..rig::job("t") };
    assert!(matches!(rig.queue.submit(&one).await, Ok(Submitted::Created(_))));
    assert_eq!(rig.queue.submit(&one).await.expect("an answer"), Submitted::Exists);
    for owner in ["bob", ""] {
        let other = Submit { owner: owner.to_owned(), ..one.clone() };
        assert_eq!(rig.queue.submit(&other).await.expect("an answer"), Submitted::Conflict, "{owner}");
    }
}
