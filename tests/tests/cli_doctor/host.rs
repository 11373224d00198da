//! This host and the programs of tasks.

use crate::examined::{TASK, command, look, told};
use dayfly_tests::Server;
use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

#[test]
fn what_a_worker_finds_here_is_told() {
    let server = Server::start();
    let found = look(&server.url(), &format!("[worker]\nisolation = \"tree\"\n{TASK}"));
    found.must_have("host.isolation", "ok", &["tree, as the configuration asks"]);
    assert_eq!(found.of("host.limits.memory").len(), 1);
    found.must_have("host.state_dir", "ok", &["free"]);
    found.must_have("host.memory", "ok", &["there"]);
    let lost = look(&server.url(), &format!("[worker]\nstate_dir = \"/proc/version/state\"\n{TASK}"));
    lost.must_have("host.state_dir", "fail", &["cannot be written", "state_dir"]);
    let huge = format!("[worker]\nslots = 1000\n{TASK}memory = \"1TiB\"\n");
    look(&server.url(), &huge).must_have("host.memory", "warn", &["[worker]"]);
    let small = format!("[worker]\nmemory = \"1GiB\"\n{TASK}memory = \"2GiB\"\n");
    look(&server.url(), &small).must_have("host.memory", "fail", &["left out"]);
    look(&server.url(), "").must_have("task", "warn", &["no [tasks.NAME] section"]);
}

#[test]
fn few_descriptors_are_found() {
    let server = Server::start();
    for (limit, level, words) in [(400, "warn", "fewer connections"), (150, "fail", "jobs cannot be started")] {
        let dir = tempfile::tempdir().expect("a folder");
        let config = format!("[worker]\nslots = 4\n{TASK}");
        let own = command(&server.url(), dir.path(), &config, &["--no-trial", "--json"]);
        let mut limited = Command::new("prlimit");
        limited.arg(format!("--nofile={limit}:{limit}")).arg(own.get_program()).args(own.get_args());
        limited.current_dir(dir.path()).env_remove("DAYFLY_LOG");
        told(&mut limited).must_have("host.descriptors", level, &[words, "LimitNOFILE"]);
    }
}

#[test]
fn programs_that_are_not_there_are_found() {
    let server = Server::start();
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("closed"), "#!/bin/sh\n").expect("a file");
    fs::set_permissions(dir.path().join("closed"), fs::Permissions::from_mode(0o644)).expect("its mode");
    fs::write(dir.path().join("algo.py"), "value = 1\ndef factor(n):\n    return n\n").expect("a module");
    fs::write(dir.path().join("broken.py"), "import no_such_module_at_all\n").expect("a module");
    let config = r#"
[tasks.missing]
command = ["no-such-program"]
[tasks.closed]
command = ["./closed"]
[tasks.script]
command = ["python3", "./gone.py"]
[tasks.user]
command = ["true"]
user = "no-such-user"
[tasks.warm]
python = "algo:factor"
[tasks.warm_value]
python = "algo:value"
[tasks.warm_name]
python = "algo:factr"
[tasks.warm_broken]
python = "broken:f"
[tasks.warm_python]
python = "algo:factor"
interpreter = "python9.9"
[tasks.fine]
command = ["sh", "-c", "true"]
"#;
    let found = told(&mut command(&server.url(), dir.path(), config, &["--no-trial", "--json"]));
    for (task, level, word) in [
        ("missing", "fail", "`no-such-program`"),
        ("closed", "fail", "executed"),
        ("script", "fail", "gone.py does not exist"),
        ("user", "fail", "no user `no-such-user`"),
        ("warm", "ok", "algo:factor"),
        ("warm_value", "fail", "not callable"),
        ("warm_name", "fail", "factr"),
        ("warm_broken", "fail", "no_such_module_at_all"),
        ("warm_python", "fail", "python9.9"),
        ("fine", "ok", "/sh"),
    ] {
        found.must_have(&format!("task.{task}"), level, &[word]);
    }
}
