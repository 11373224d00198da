//! Tokens: asked for everywhere once there is one, good until revoked or expired, and never in a log.

use dayfly_api::{ApiSettings, ROUTES};
use dayfly_common::{
    model::Token,
    queue::{NewToken, Revoked},
};
use dayfly_tests::{Answer, Api, Daemon, answer, dayfly_binary, eventually_async, free_port, make_token, task};
use reqwest::Method;
use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};
use tokio::net::TcpListener;

const BOUND: Duration = Duration::from_secs(10);
/// A revocation is seen within a second; the rest is for a busy machine.
const SOON: Duration = Duration::from_secs(4);
const JOB: &str = "/v1/jobs/0198c0de-7a3b-7cc1-9f4e-2b1d6a5e8f90";

async fn api() -> Api {
    Api::start(vec![task("any")]).await
}

/// Every route with its names filled in.
fn routes() -> impl Iterator<Item = (Method, String)> {
    ROUTES.iter().map(|(method, path, _)| {
        let path =
            path.replace("/v1/jobs/{id}", JOB).replace("{task}", "any").replace("{id}", "w").replace("{name}", "n");
        (method.parse().expect("a method"), path)
    })
}

/// A second API on the same Redis.
async fn another(api: &Api, host: IpAddr, insecure: bool) -> SocketAddr {
    let listener = TcpListener::bind((host, 0)).await.expect("a free port");
    let address = SocketAddr::from(([127, 0, 0, 1], listener.local_addr().expect("its address").port()));
    let settings = ApiSettings { insecure, ..Api::settings(vec![task("any")]) };
    tokio::spawn(dayfly_api::serve(settings, api.queue.clone(), listener, std::future::pending()));
    address
}

async fn get_at(api: &Api, address: SocketAddr, token: Option<&Token>) -> Answer {
    let mut request = api.client.get(format!("http://{address}/v1/jobs"));
    if let Some(token) = token {
        request = request.bearer_auth(token.reveal());
    }
    answer(request).await
}

async fn closed(api: &Api) {
    eventually_async("tokens are asked for", BOUND, || async {
        (api.get("/v1/jobs").await.status == 401).then_some(())
    })
    .await;
}

#[tokio::test]
async fn once_there_is_a_token_every_route_needs_one() {
    let api = api().await;
    assert_eq!(api.get("/v1/jobs").await.status, 200, "nobody is asked as long as there is none");
    let wrong = Token::random();
    assert_eq!(answer(api.ask_as(&wrong, Method::GET, "/v1/jobs")).await.status, 200, "nor told that theirs is wrong");
    let token = api.token("ada", "read").await;
    let made = Instant::now();
    closed(&api).await;
    assert!(made.elapsed() < SOON, "{:?}", made.elapsed());
    for (method, path) in routes().chain([
        (Method::GET, "/nowhere".to_owned()),
        (Method::POST, "/compute/async".to_owned()),
        (Method::DELETE, "/v1/tasks".to_owned()),
        (Method::OPTIONS, "/v1/jobs".to_owned()),
    ]) {
        for (header, says) in [
            (None, "asks for a token"),
            (Some(format!("Bearer {}", wrong.reveal())), "not known"),
            (Some("Bearer nonsense".to_owned()), "not a token"),
            (Some("Basic YWRhOng=".to_owned()), "not of the scheme"),
            (Some(format!("Token {}", token.reveal())), "not of the scheme"),
        ] {
            let mut request = api.ask(method.clone(), &path);
            if let Some(header) = header {
                request = request.header("authorization", header);
            }
            let refused = answer(request).await;
            refused.must_be_problem(401, "unauthorized", says);
            assert!(refused.header("www-authenticate").starts_with("Bearer realm=\"dayfly\""), "{method} {path}");
        }
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(api.get(path).await.status, 200, "{path}");
    }
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let request = api.ask(Method::GET, "/v1/jobs").header("authorization", format!("{scheme} {}", token.reveal()));
        assert_eq!(answer(request).await.status, 200, "{scheme}");
    }
    let in_query = format!("/v1/jobs?access_token={}", token.reveal());
    api.get(&in_query).await.must_be_problem(401, "unauthorized", "asks for a token");
    assert_eq!(answer(api.ask_as(&token, Method::GET, "/nowhere")).await.status, 404);
}

#[tokio::test]
async fn a_token_is_whole_or_of_no_use() {
    let api = api().await;
    let (token, other) = (api.token("ada", "read").await, api.token("ada", "read").await);
    closed(&api).await;
    let secret = &other.reveal()[22..];
    let forged: Token = format!("dfly_{}_{secret}", token.id()).parse().expect("the form of a token");
    let refused = answer(api.ask_as(&forged, Method::GET, "/v1/jobs")).await;
    refused.must_be_problem(401, "unauthorized", "not known");
    assert!(refused.header("www-authenticate").contains("error=\"invalid_token\""));
    assert_eq!(answer(api.ask_as(&other, Method::GET, "/v1/jobs")).await.status, 200);
}

#[tokio::test]
async fn a_revoked_token_is_refused_by_every_process_within_a_second() {
    let api = api().await;
    let token = api.token("ada", "read").await;
    let second = another(&api, "127.0.0.1".parse().expect("an address"), false).await;
    for address in [api.address(), second] {
        assert_eq!(get_at(&api, address, Some(&token)).await.status, 200);
    }
    assert_eq!(api.queue.revoke_token(token.id()).await.expect("an answer"), Revoked::Now);
    let revoked = Instant::now();
    for address in [api.address(), second] {
        let refused = eventually_async("it is refused", BOUND, || async {
            Some(get_at(&api, address, Some(&token)).await).filter(|answer| answer.status != 200)
        })
        .await;
        refused.must_be_problem(401, "unauthorized", "was revoked");
    }
    assert!(revoked.elapsed() < SOON, "{:?}", revoked.elapsed());
    assert_eq!(api.queue.revoke_token(token.id()).await.expect("an answer"), Revoked::Before);
    assert_eq!(api.queue.revoke_token(Token::random().id()).await.expect("an answer"), Revoked::Unknown);
}

#[tokio::test]
async fn without_its_last_token_an_api_stays_closed_also_a_new_one() {
    let api = api().await;
    let token = api.token("ada", "read").await;
    api.queue.revoke_token(token.id()).await.expect("an answer");
    closed(&api).await;
    let fresh = another(&api, "127.0.0.1".parse().expect("an address"), true).await;
    get_at(&api, fresh, None).await.must_be_problem(401, "unauthorized", "asks for a token");
    // A hand that takes the very mark away opens those that start afterwards, and none that has seen it.
    let client = redis::Client::open(api.server.url()).expect("a URL");
    let mut connection = client.get_multiplexed_async_connection().await.expect("a connection");
    let _: () = redis::cmd("FLUSHDB").query_async(&mut connection).await.expect("an answer");
    let opened = another(&api, "127.0.0.1".parse().expect("an address"), false).await;
    assert_eq!(get_at(&api, opened, None).await.status, 200);
    // For longer than anything is kept that was read before.
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(1_500) {
        assert_eq!(get_at(&api, fresh, None).await.status, 401);
    }
}

#[tokio::test]
async fn beyond_loopback_there_is_no_open_api() {
    let api = api().await;
    let everywhere = "0.0.0.0".parse().expect("an address");
    let shut = another(&api, everywhere, false).await;
    get_at(&api, shut, None).await.must_be_problem(401, "unauthorized", "dayfly tokens create");
    let told = another(&api, everywhere, true).await;
    assert_eq!(get_at(&api, told, None).await.status, 200);
    let token = api.token("ada", "read").await;
    assert_eq!(get_at(&api, shut, Some(&token)).await.status, 200);
    eventually_async("the insecure one asks, too", BOUND, || async {
        (get_at(&api, told, None).await.status == 401).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_token_ends_when_its_time_is_over() {
    let api = api().await;
    let (owner, scopes) = ("ada".parse().expect("an owner"), "read".parse().expect("a scope"));
    let new = NewToken { owner, scopes, name: String::new(), expires_ms: Some(1_500) };
    let token = Token::random();
    let record = api.queue.create_token(&token, &new).await.expect("a token");
    assert_eq!(record.expires_at, Some(record.created_at + 1_500));
    assert_eq!(answer(api.ask_as(&token, Method::GET, "/v1/jobs")).await.status, 200);
    let refused = eventually_async("it is over", BOUND, || async {
        Some(answer(api.ask_as(&token, Method::GET, "/v1/jobs")).await).filter(|answer| answer.status != 200)
    })
    .await;
    refused.must_be_problem(401, "unauthorized", "was good until");
    let (tokens, now) = api.queue.list_tokens().await.expect("a list");
    assert_eq!(tokens[0].state(now), dayfly_common::queue::TokenState::Expired);
    assert!(now >= record.created_at + 1_500);
}

#[tokio::test]
async fn without_redis_a_known_token_is_good_and_an_unknown_one_undecided() {
    let mut api = api().await;
    let token = api.token("ada", "read").await;
    assert_eq!(answer(api.ask_as(&token, Method::GET, "/v1/jobs")).await.status, 200);
    api.server.kill();
    // Let in, and told so by the route itself.
    assert_eq!(answer(api.ask_as(&token, Method::GET, "/nowhere")).await.status, 404);
    let away = answer(api.ask_as(&token, Method::GET, "/v1/jobs")).await;
    away.must_be_problem(503, "redis_unavailable", "cannot be reached");
    answer(api.ask_as(&token, Method::POST, "/v1/tasks/any")).await.must_be_problem(403, "forbidden", "submit");
    let unknown = answer(api.ask_as(&Token::random(), Method::GET, "/nowhere")).await;
    unknown.must_be_problem(503, "redis_unavailable", "cannot be reached");
    assert_eq!(unknown.header("retry-after"), "1");
    api.get("/nowhere").await.must_be_problem(401, "unauthorized", "asks for a token");
    api.server.restart();
    eventually_async("it goes on", BOUND, || async {
        (answer(api.ask_as(&token, Method::GET, "/v1/jobs")).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn no_token_is_ever_in_a_log() {
    let api = api().await;
    let (good, wrong) = (make_token(&api.queue, "ada", "read,submit").await, Token::random());
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::write(dir.path().join("dayfly.toml"), "[tasks.any]\ncommand = [\"true\"]\n").expect("written");
    let address: SocketAddr = format!("127.0.0.1:{}", free_port()).parse().expect("an address");
    let (url, listen) = (api.server.url(), address.to_string());
    let args = ["api", "--redis-url", &url, "--listen", &listen];
    let daemon = Daemon::start_program(&dayfly_binary(), "api", dir.path(), args, "trace");
    eventually_async("it listens", BOUND, || async { daemon.output().contains("listening on").then_some(()) }).await;
    assert_eq!(get_at(&api, address, Some(&good)).await.status, 200);
    assert_eq!(get_at(&api, address, Some(&wrong)).await.status, 401);
    let posted = api.client.post(format!("http://{address}/v1/tasks/any")).bearer_auth(good.reveal());
    assert_eq!(answer(posted).await.status, 202);
    let garbled = api.client.get(format!("http://{address}/v1/jobs"));
    let half = &good.reveal()[22..];
    assert_eq!(answer(garbled.header("authorization", format!("Bearer {half}"))).await.status, 401);
    let log = daemon.output();
    assert!(log.contains("DEBUG") && log.contains("answered GET /v1/jobs"), "it logs at its finest: {log}");
    for token in [&good, &wrong] {
        assert!(!log.contains(&token.reveal()[22..]), "the secret of a token is in the log");
        assert!(!log.contains(&token.digest().to_string()), "the digest of a token is in the log");
    }
}
