//! `dayfly tokens`: a token is printed once and kept by its SHA-256; what is wrong is told with its exit code.

use dayfly_common::model::Token;
use dayfly_tests::{Api, Server, answer, dayfly_binary, free_port, rig::Hand, task};
use reqwest::Method;
use serde_json::Value;
use std::process::Command;

/// What a run printed, and how it ended.
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

/// `dayfly tokens <args>` against the server at `url`, in an empty folder.
fn tokens(url: &str, args: &[&str]) -> Ran {
    let dir = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(dayfly_binary());
    command.arg("tokens").args(args).args(["--redis-url", url]).current_dir(dir.path());
    let out = command.env_remove("DAYFLY_LOG").output().expect("dayfly runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: out.status.code(), out: text(out.stdout), err: text(out.stderr) }
}

fn fine(url: &str, args: &[&str]) -> String {
    let ran = tokens(url, args);
    assert_eq!(ran.code, Some(0), "{args:?}: {}{}", ran.out, ran.err);
    ran.out
}

/// Everything that the server holds, as text.
async fn dump(url: &str) -> String {
    let hand = Hand::of(url).await;
    let mut text = String::new();
    for key in hand.get::<Vec<String>>(&["KEYS", "*"]).await {
        let kind: String = hand.get(&["TYPE", &key]).await;
        let words: &[&str] = match kind.as_str() {
            "hash" => &["HGETALL", &key],
            "zset" => &["ZRANGE", &key, "0", "-1"],
            "string" => &["GET", &key],
            other => panic!("{key} is a {other}"),
        };
        text.push_str(&format!("{key} {:?}\n", hand.get::<redis::Value>(words).await));
    }
    text
}

#[tokio::test]
async fn a_token_is_made_shown_once_used_and_revoked() {
    let api = Api::start(vec![task("any")]).await;
    let url = api.server.url();
    let made = tokens(&url, &["create", "--owner", "ada", "--expires", "30d", "--name", "laptop"]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    let token: Token = made.out.trim_end().parse().expect("a token alone, on a line of its own");
    assert!(made.err.contains("of ada (read,submit,cancel), good until 20"), "{}", made.err);
    assert!(made.err.contains("the first one") && !made.err.contains(token.reveal()), "{}", made.err);
    assert_eq!(answer(api.ask_as(&token, Method::POST, "/v1/tasks/any")).await.status, 202);

    let list = fine(&url, &["list"]);
    let row = list.lines().nth(1).expect("a line below the headline");
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!((cells[0], cells[1], cells[2]), (token.id().as_str(), "active", "ada"));
    assert_eq!((cells[3], cells[6]), ("read,submit,cancel", "laptop"));
    assert!(!list.contains(&token.reveal()[22..]));
    let items: Value = serde_json::from_str(&fine(&url, &["list", "--json"])).expect("JSON");
    let item = &items["items"][0];
    assert_eq!((&item["id"], &item["state"]), (&token.id().as_str().into(), &"active".into()));
    assert_eq!(item["scopes"], serde_json::json!(["read", "submit", "cancel"]));
    assert!(item.get("token").is_none() && item["revoked_at"].is_null(), "{item}");

    assert_eq!(fine(&url, &["revoke", token.id().as_str()]), format!("{} is revoked\n", token.id()));
    assert_eq!(fine(&url, &["revoke", token.id().as_str()]), format!("{} was revoked before\n", token.id()));
    assert!(fine(&url, &["list"]).contains("revoked"));
    let again = tokens(&url, &["create", "--owner", "ada", "--scopes", "admin,read", "--json"]);
    let json: Value = serde_json::from_str(&again.out).expect("JSON");
    assert!(json["token"].as_str().is_some_and(|token| token.parse::<Token>().is_ok()), "{json}");
    assert_eq!((&json["scopes"], &json["expires_at"]), (&serde_json::json!(["read", "admin"]), &Value::Null));
    assert!(!again.err.contains("the first one"), "{}", again.err);
}

#[tokio::test]
async fn redis_holds_the_digest_and_never_the_token() {
    let server = Server::start();
    let token: Token = fine(&server.url(), &["create", "--owner", "ada"]).trim_end().parse().expect("a token");
    let held = dump(&server.url()).await;
    assert!(held.contains(&token.digest().to_string()), "{held}");
    assert!(!held.contains(&token.reveal()[22..]), "{held}");
    let check = Command::new("sh").args(["-c", "printf %s \"$T\" | sha256sum"]).env("T", token.reveal()).output();
    let printed = String::from_utf8(check.expect("it runs").stdout).expect("text");
    assert!(printed.starts_with(&token.digest().to_string()), "anybody can compute it: {printed}");
}

#[tokio::test]
async fn quotas_are_set_with_a_token_or_by_themselves() {
    let server = Server::start();
    let url = server.url();
    assert!(tokens(&url, &["quota"]).err.contains("no owner has a quota"));
    fine(&url, &["create", "--owner", "ada", "--rate", "600/m", "--burst", "20", "--max-queued", "100"]);
    assert_eq!(
        fine(&url, &["quota"]),
        "OWNER  RATE              MAX QUEUED  MAX RUNNING\nada    600/m (burst 20)  100         none\n"
    );
    fine(&url, &["create", "--owner", "ada"]);
    fine(&url, &["quota", "ada", "--max-queued", "none"]);
    let json: Value = serde_json::from_str(&fine(&url, &["quota", "ada", "--json"])).expect("JSON");
    let wanted =
        serde_json::json!({"owner": "ada", "rate": "600/m", "burst": 20, "max_queued": null, "max_running": null});
    assert_eq!(json["items"], serde_json::json!([wanted]), "a token without quota flags changes nothing");
    fine(&url, &["quota", "ada", "--rate", "none", "--max-running", "2"]);
    assert_eq!(fine(&url, &["quota"]), "OWNER  RATE  MAX QUEUED  MAX RUNNING\nada    none  none        2\n");
    fine(&url, &["quota", "ada", "--max-running", "none"]);
    assert_eq!(fine(&url, &["quota", "--json"]), "{\"items\":[]}\n");
}

#[test]
fn what_is_wrong_is_told() {
    let server = Server::start();
    let id = "0123456789abcdef";
    for (args, code, says) in [
        (&["create"][..], 2, "--owner <NAME>"),
        (&["create", "--owner", "a b"], 2, "cannot be an owner's name"),
        (&["create", "--owner", "ada", "--scopes", "write"], 2, "`write` is not a scope"),
        (&["create", "--owner", "ada", "--expires", "30"], 2, "needs a unit"),
        (&["create", "--owner", "ada", "--expires", "0s"], 2, "for a while"),
        (&["create", "--owner", "ada", "--name", "a\nb"], 2, "control character"),
        (&["create", "--owner", "ada", "--rate", "10"], 2, "write it like 10/s"),
        (&["create", "--owner", "ada", "--burst", "10"], 2, "--rate"),
        (&["create", "--owner", "ada", "--max-queued", "many"], 2, "none"),
        (&["revoke"], 2, "<ID>"),
        (&["revoke", "x"], 2, "is not the id of a token"),
        (&["revoke", id], 1, "no token with the id 0123456789abcdef"),
        (&["quota", "--rate", "1/s"], 2, "Name the owner"),
        (&["show"], 2, "unrecognized subcommand"),
    ] {
        let ran = tokens(&server.url(), args);
        assert_eq!(ran.code, Some(code), "{args:?}: {}{}", ran.out, ran.err);
        assert!(ran.err.contains(says) && ran.out.is_empty(), "{args:?}: {}", ran.err);
    }
    let empty = tokens(&server.url(), &["list"]);
    assert_eq!((empty.code, empty.out.as_str()), (Some(0), ""));
    assert!(empty.err.contains("there is no token"), "{}", empty.err);
    let nobody = format!("redis://127.0.0.1:{}/0", free_port());
    for args in [&["list"][..], &["create", "--owner", "ada"], &["revoke", id]] {
        let ran = tokens(&nobody, args);
        assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{args:?}");
        assert!(ran.err.contains("Redis cannot be reached"), "{}", ran.err);
    }
    assert_eq!(tokens("nonsense", &["list"]).code, Some(2));
}

#[tokio::test]
async fn the_configuration_says_where_and_under_which_prefix() {
    let server = Server::start();
    let dir = tempfile::tempdir().expect("a folder");
    let text = format!("[redis]\nurl = \"{}\"\nprefix = \"acme\"\n", server.url());
    std::fs::write(dir.path().join("dayfly.toml"), &text).expect("written");
    std::fs::write(dir.path().join("other.toml"), "[redis]\nurl = 1\n").expect("written");
    let run = |args: &[&str]| {
        let out = Command::new(dayfly_binary()).arg("tokens").args(args).current_dir(dir.path()).output();
        out.expect("dayfly runs")
    };
    assert!(run(&["create", "--owner", "ada"]).status.success());
    let hand = Hand::of(&server.url()).await;
    assert_eq!(hand.get::<i64>(&["EXISTS", "acme:{0}:tokens"]).await, 1);
    let bad = run(&["list", "--config", "other.toml"]);
    assert_eq!(bad.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&bad.stderr).contains("other.toml:2"));
}
