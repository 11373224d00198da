//! docs/redis.md: every line of its cheat sheet is run, by `redis-cli` where there is one, and answers as the page says.

use dayfly_common::{
    model::{JobId, Nonce},
    queue::{Line, LineStream, Progress, REVISION, Report, Submit},
};
use dayfly_tests::{
    make_token,
    rig::{Hand, Rig, TTL_MS, ask, failure, job, presence, success},
};
use std::{collections::BTreeMap, os::unix::fs::PermissionsExt as _, path::PathBuf, process::Command};

const PAGE: &str = include_str!("../../docs/redis.md");
const WORKER: &str = "host-1a2b3c4d";

/// A line of the page and the answer it promises.
#[derive(Debug, Default)]
struct Example {
    line: String,
    answer: Vec<String>,
}

fn examples() -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let mut inside = false;
    for line in PAGE.lines() {
        if line.starts_with("```") {
            inside = line == "```sh";
        } else if inside && line.starts_with("redis-cli ") {
            examples.push(Example { line: line.to_owned(), answer: Vec::new() });
        } else if let (true, Some(answer)) = (inside, line.strip_prefix("#> ")) {
            examples.last_mut().expect("a line before its answer").answer.push(answer.to_owned());
        } else {
            assert!(!inside || line.is_empty() || line.starts_with("# "), "neither line, answer nor comment: {line}");
        }
    }
    examples
}

/// The jobs that the page speaks of, by the names it gives them.
async fn scene(rig: &Rig) -> BTreeMap<&'static str, String> {
    let mut names = BTreeMap::from([("WORKER", WORKER.to_owned()), ("REVISION", REVISION.to_string())]);
    let mut wanted = ask(WORKER, &["factor"], 1);
    for (name, outcome) in [("DONE", success("{\"factors\":[2,3,7]}")), ("FAILED", failure(false))] {
        names.insert(name, rig.submit(job("factor")).await.to_string());
        wanted.nonces = vec![Nonce::random()];
        let claim = rig.queue.claim(&wanted).await.expect("an answer").claims.remove(0);
        rig.queue.finish(&[claim.finish(WORKER, outcome)], None).await.expect("finished");
    }
    let running = rig.submit(job("factor")).await;
    names.insert("RUNNING", running.to_string());
    wanted.nonces = vec![Nonce::random()];
    let claim = rig.queue.claim(&wanted).await.expect("an answer").claims.remove(0);
    let lines = ["trying 5", "trying 7"];
    let line = |text: &str| Line { stream: LineStream::Stderr, at: claim.started_at, text: text.to_owned() };
    let report = Report {
        id: running,
        fence: claim.fence.clone(),
        pid: Some(4_711),
        progress: Some(Progress { fraction: Some(0.5), message: Some("half way".to_owned()) }),
        lines: lines.iter().map(|text| line(text)).collect(),
    };
    assert!(rig.queue.report(&report).await.expect("an answer"));
    let held = vec![dayfly_common::queue::Held { id: running, fence: claim.fence }];
    let beat = dayfly_common::queue::Beat { presence: presence(WORKER, &["factor"]), held, ttl_ms: TTL_MS };
    rig.queue.heartbeat(&beat).await.expect("an answer");

    let token = make_token(&rig.queue, "ada", "read,submit").await;
    names.insert("TOKEN", token.id().to_string());

    names.insert("ID", rig.submit(job("factor")).await.to_string());
    rig.submit(job("factor")).await;
    names.insert("URGENT", rig.submit(Submit { priority: 1, ..job("factor") }).await.to_string());
    names.insert("DELAYED", rig.submit(Submit { delay_ms: 60_000, ..job("factor") }).await.to_string());
    names.insert("NEW", JobId::now().to_string());
    names.insert("AGAIN", JobId::now().to_string());
    names
}

fn redis_cli() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("redis-cli")).find(|file| file.is_file())
}

/// Runs a line in a shell whose `redis-cli` speaks to the test's server.
async fn by_shell(rig: &Rig, cli: &std::path::Path, line: &str, names: &BTreeMap<&'static str, String>) -> String {
    let bin = rig.server.dir().join("bin");
    std::fs::create_dir_all(&bin).expect("a folder");
    let script = format!("#!/bin/sh\nexec '{}' -p {} \"$@\"\n", cli.display(), rig.server.port());
    std::fs::write(bin.join("redis-cli"), script).expect("written");
    std::fs::set_permissions(bin.join("redis-cli"), std::fs::Permissions::from_mode(0o755)).expect("executable");
    let path = std::env::join_paths([bin, "/usr/bin".into(), "/bin".into()]).expect("a path");
    let mut command = Command::new("sh");
    command.arg("-c").arg(line).env_clear().env("PATH", path).envs(names);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("it runs");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The same without `redis-cli`: the words as a shell would see them, the answer as `redis-cli` prints it into a pipe.
async fn by_wire(rig: &Rig, line: &str, names: &BTreeMap<&'static str, String>) -> String {
    let words = words(line, names);
    let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    let hand = Hand::of(&rig.server.url()).await;
    let mut printed = String::new();
    print(&hand.get::<redis::Value>(&words).await, &mut printed);
    printed
}

fn print(value: &redis::Value, out: &mut String) {
    match value {
        redis::Value::Array(items) => items.iter().for_each(|item| print(item, out)),
        redis::Value::Nil => out.push('\n'),
        redis::Value::Int(number) => out.push_str(&format!("{number}\n")),
        redis::Value::BulkString(bytes) => out.push_str(&format!("{}\n", String::from_utf8_lossy(bytes))),
        redis::Value::SimpleString(text) => out.push_str(&format!("{text}\n")),
        redis::Value::Okay => out.push_str("OK\n"),
        other => panic!("not an answer of these lines: {other:?}"),
    }
}

fn named(text: &str, names: &BTreeMap<&'static str, String>) -> String {
    names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value))
}

/// Splits as a shell does, as far as the page goes: single quotes, and double quotes with `$NAME`.
fn words(line: &str, names: &BTreeMap<&'static str, String>) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for at in line.chars() {
        match (quote, at) {
            (None, '\'' | '"') => quote = Some((at, word.len())),
            (Some((open, from)), _) if at == open => {
                if at == '"' {
                    let inside = named(&word.split_off(from), names);
                    word.push_str(&inside);
                }
                quote = None;
            }
            (None, ' ') => words.push(std::mem::take(&mut word)),
            _ => word.push(at),
        }
    }
    words.push(word);
    words
}

/// `*` stands for any part of a line, `...` for any lines.
fn answers(wanted: &[String], lines: &[&str]) -> bool {
    match (wanted.split_first(), lines.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "..." => (0..=lines.len()).any(|skip| answers(rest, &lines[skip..])),
        (Some((first, rest)), Some((line, others))) => fits(first, line) && answers(rest, others),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

fn fits(pattern: &str, line: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == line };
    let Some(rest) = line.strip_prefix(before) else { return false };
    rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| fits(after, &rest[at..]))
}

/// Something must happen while a line waits for it.
async fn stir(rig: &Rig) {
    loop {
        rig.submit(job("other")).await;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn every_line_answers_as_written(cli: Option<PathBuf>) {
    let rig = Rig::start().await;
    let names = scene(&rig).await;
    let examples = examples();
    assert!(examples.len() >= 12, "{} lines", examples.len());
    for example in examples {
        let run = async {
            match &cli {
                Some(cli) => by_shell(&rig, cli, &example.line, &names).await,
                None => by_wire(&rig, &example.line, &names).await,
            }
        };
        let printed = if example.line.contains(" BLOCK ") {
            tokio::select! { printed = run => printed, () = stir(&rig) => unreachable!("it never ends") }
        } else {
            run.await
        };
        let wanted: Vec<String> = example.answer.iter().map(|line| named(line, &names)).collect();
        let lines: Vec<&str> = printed.lines().collect();
        assert!(!wanted.is_empty(), "{} promises no answer", example.line);
        assert!(answers(&wanted, &lines), "{}\nwanted {wanted:#?}\nanswered {lines:#?}", example.line);
    }
}

#[tokio::test]
async fn every_line_answers_as_written_over_the_wire() {
    every_line_answers_as_written(None).await;
}

/// The same through a shell, where the machine has the program; the lines themselves are tested above in any case.
#[tokio::test]
async fn every_line_answers_as_written_by_redis_cli() {
    if let Some(cli) = redis_cli() {
        every_line_answers_as_written(Some(cli)).await;
    }
}

#[test]
fn the_comparison_can_fail() {
    let wanted = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect::<Vec<_>>();
    assert!(answers(&wanted(&["a", "...", "c*e"]), &["a", "x", "y", "cde"]));
    for lines in [&["a"][..], &["a", "cd"], &["b", "cde"], &["a", "cde", "f"]] {
        assert!(!answers(&wanted(&["a", "...", "c*e"]), lines), "{lines:?}");
    }
    let names = BTreeMap::from([("ID", "7".to_owned())]);
    assert_eq!(words("a 'b $ID' \"c:$ID\" d", &names), ["a", "b $ID", "c:7", "d"]);
}

/// The schema names every key that the code makes.
#[test]
fn the_schema_names_every_key() {
    let twin = include_str!("../../common/src/queue/lua/keys.lua");
    for line in twin.lines().filter(|line| line.starts_with("function K.") && !line.contains("cancel_channel")) {
        let made = line.split_once("return base .. ").expect("a key").1.trim_end_matches(" end");
        let made = made.replace("without_colon(owner)", "owner");
        let part = |part: &str| match part.strip_prefix('\'') {
            Some(fixed) => fixed.trim_end_matches('\'').to_owned(),
            // `f(owner)` is a way of writing the owner.
            None => format!("<{}>", part.rsplit('(').next().unwrap_or(part).trim_end_matches(')')),
        };
        let key = format!("`{}`", made.split(" .. ").map(part).collect::<String>());
        assert!(PAGE.contains(&key), "docs/redis.md does not name {key}");
    }
}
