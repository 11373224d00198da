//! `dayfly run` on a terminal: the log and the progress are seen while it runs, and Ctrl-C leaves the job alone.

use dayfly_tests::{Installation, dayfly_binary};
use std::{
    fs::{self, File},
    io::Write as _,
    process::{Child, Command, Stdio},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(60);
const TASKS: &str = r#"
[tasks.slow]
command = ["sh", "-c", "printf 'a \\033[2Jline\\n' >&2; echo '{\"progress\": 0.42, \"message\": \"nearly half\"}' >&3; until [ -e {go} ]; do sleep 0.1; done; echo done"]
"#;

/// The command line on a terminal of its own, which script(1) makes; its standard output goes to the file `out`.
fn on_a_terminal(rig: &Installation, words: &str) -> Child {
    let line = format!("stty cols 160; exec {} {words} >out", dayfly_binary().display());
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--flush", "--command", &line, "/dev/null"]);
    script.env("DAYFLY_URL", &rig.url).env("TERM", "xterm").env_remove("DAYFLY_TOKEN").env_remove("DAYFLY_LOG");
    let seen = File::create(rig.path("seen")).expect("a file");
    script.current_dir(rig.dir()).stdin(Stdio::piped()).stdout(seen).spawn().expect("script(1) of util-linux")
}

fn seen(rig: &Installation) -> String {
    String::from_utf8_lossy(&fs::read(rig.path("seen")).expect("what was shown")).into_owned()
}

fn until_seen(rig: &Installation, words: &[&str]) {
    dayfly_tests::eventually(&format!("the terminal shows {words:?}"), PATIENCE, || {
        let seen = seen(rig);
        words.iter().all(|word| seen.contains(word)).then_some(())
    });
}

#[tokio::test]
async fn a_run_is_seen_while_it_goes_on_and_outlives_ctrl_c() {
    let gate = tempfile::tempdir().expect("a folder");
    let go = gate.path().join("go");
    let tasks = TASKS.replace("{go}", &go.display().to_string());
    let mut rig = Installation::start(&tasks).await;
    rig.add_worker(2).await;
    let mut left = on_a_terminal(&rig, "run slow");
    until_seen(&rig, &["a line", "42%", "nearly half"]);
    left.stdin.as_mut().expect("a pipe").write_all(b"\x03").expect("Ctrl-C");
    assert_eq!(left.wait().expect("it ends").code(), Some(130), "{}", seen(&rig));
    let shown = seen(&rig);
    assert!(!shown.contains("\x1b[2J"), "a job's line steers the terminal: {shown:?}");
    let job = rig.get("/v1/jobs").await["items"][0].clone();
    let id = job["id"].as_str().expect("an id");
    assert_eq!(job["state"], "running");
    assert!(shown.contains(&format!("detached; the job goes on: {id}")), "{shown}");

    let mut stays = on_a_terminal(&rig, "run slow");
    until_seen(&rig, &["nearly half"]);
    fs::write(&go, "").expect("written");
    assert_eq!(stays.wait().expect("it ends").code(), Some(0), "{}", seen(&rig));
    assert_eq!(
        fs::read_to_string(rig.path("out")).expect("a file"),
        "done\n",
        "the result alone is on standard output"
    );
    assert_eq!(rig.ended(id).await["state"], "succeeded");
}
