//! What cannot be is told at once, with the exit code that says whose fault it is: 2 configuration, 1 the rest.

use dayfly_tests::{Dev, Server, dayfly_binary, free_port, server_binary};
use std::{fs, net::TcpListener, path::Path, process::Command};

/// `dayfly <args>` in `dir`: exit code and standard error.
fn dayfly(dir: &Path, args: &[&str]) -> (Option<i32>, String) {
    let out = Command::new(dayfly_binary()).args(args).current_dir(dir).output().expect("dayfly runs");
    (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
}

#[test]
fn a_second_dev_on_the_same_data_says_who_has_it() {
    let dev = Dev::start();
    let (code, said) = dayfly(dev.dir(), &["dev", "--data", "data", "--listen", &format!("127.0.0.1:{}", free_port())]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("pid {}, http://{}", dev.daemon.pid(), dev.address)), "{said}");
    let (code, said) = dayfly(dev.dir(), &["dev", "--data", "other", "--listen", &dev.address]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("cannot listen on {}", dev.address)), "{said}");
}

#[test]
fn a_busy_port_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    for command in ["api", "dev"] {
        let (code, said) = dayfly(dir.path(), &[command, "--listen", &address]);
        assert_eq!(code, Some(1), "{command}: {said}");
        assert!(said.contains(&format!("cannot listen on {address}")), "{command}: {said}");
    }
}

#[test]
fn an_open_address_is_refused_without_a_token_or_insecure() {
    let dir = tempfile::tempdir().expect("a folder");
    let (server, program) = (Server::start(), server_binary());
    let address = format!("0.0.0.0:{}", free_port());
    for command in
        [&["api", "--redis-url", &server.url()][..], &["dev", "--redis-bin", program.to_str().expect("a plain path")]]
    {
        let (code, said) = dayfly(dir.path(), &[command, &["--listen", &address]].concat());
        assert_eq!(code, Some(2), "{command:?}: {said}");
        assert!(said.contains("not loopback") && said.contains("--insecure"), "{command:?}: {said}");
        assert!(said.contains("no token was ever made"), "{command:?}: {said}");
    }
    let nobody = format!("redis://127.0.0.1:{}/0", free_port());
    let (code, said) = dayfly(dir.path(), &["api", "--listen", &address, "--redis-url", &nobody]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("not loopback") && said.contains("cannot be known: Redis cannot be reached"), "{said}");
}

#[test]
fn faults_of_the_configuration_end_every_command_with_2() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("dayfly.toml"), "[api]\nlistn = 1\n[tasks.a]\ntimeout = \"5\"\n").expect("written");
    for command in ["api", "worker", "dev"] {
        let (code, said) = dayfly(dir.path(), &[command]);
        assert_eq!(code, Some(2), "{command}: {said}");
        let lines: Vec<&str> = said.lines().collect();
        assert!(lines[0].starts_with("dayfly.toml:2: unknown key `listn` in [api]"), "{command}: {said}");
        assert!(lines[1].starts_with("dayfly.toml:3: [tasks.a] has no command"), "{command}: {said}");
        assert!(lines[2].starts_with("dayfly.toml:4: [tasks.a] timeout: `5` is not a duration"), "{command}: {said}");
        assert_eq!(lines[3..], ["dayfly: 3 faults in the configuration"], "{command}: {said}");
    }
}

#[test]
fn wrong_usage_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let (code, said) = dayfly(dir.path(), &["worker"]);
    assert!(code == Some(2) && said.contains("no task to run"), "{said}");
    let (code, said) = dayfly(dir.path(), &["worker", "--config", "none.toml"]);
    assert!(code == Some(2) && said.contains("none.toml: cannot be read"), "{said}");
    fs::write(dir.path().join("dayfly.toml"), "[tasks.a]\ncommand = [\"true\"]\n").expect("written");
    let (code, said) = dayfly(dir.path(), &["worker", "--tasks", "b"]);
    assert!(code == Some(2) && said.contains("no task `b` in the configuration: a"), "{said}");
    let (code, said) = dayfly(dir.path(), &["dev", "--redis-bin", "/bin/true"]);
    assert!(code == Some(2) && said.contains("not a Redis-compatible server"), "{said}");
    let (code, said) = dayfly(dir.path(), &["worker", "--python", "m"]);
    assert!(code == Some(2) && said.contains("--python"), "{said}");
}
