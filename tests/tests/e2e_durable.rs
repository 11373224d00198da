//! `require_durable`: a server that would lose what it acknowledged is refused, with what to set.

use dayfly_tests::{Daemon, Server, eventually, free_port};
use std::{fs, time::Duration};

const BOUND: Duration = Duration::from_secs(20);

fn refused_by_both(server: &Server, why: &str) {
    let dir = tempfile::tempdir().expect("a folder");
    let text = format!(
        "[redis]\nurl = \"{}\"\nrequire_durable = true\n[worker]\nstate_dir = \"state\"\n[tasks.any]\ncommand = [\"true\"]\n",
        server.url()
    );
    fs::write(dir.path().join("dayfly.toml"), text).expect("a configuration");
    let listen = format!("127.0.0.1:{}", free_port());
    for args in [["api", "--listen", &listen], ["worker", "--slots", "1"]] {
        let mut daemon = Daemon::start(args[0], dir.path(), args);
        assert_eq!(daemon.wait(BOUND).code(), Some(2), "{}", daemon.output());
        let said = daemon.output();
        assert!(said.contains("require_durable") && said.contains(why), "{said}");
    }
}

#[test]
fn a_server_that_drops_jobs_when_full_or_loses_them_in_a_crash_is_refused() {
    refused_by_both(&Server::start_with(&["--maxmemory-policy", "allkeys-lru"]), "maxmemory-policy noeviction");
    refused_by_both(&Server::start_with(&["--appendonly", "no"]), "appendonly yes");
    refused_by_both(&Server::start_with(&["--appendfsync", "no"]), "appendfsync everysec");
}

#[test]
fn without_it_the_log_says_what_is_promised() {
    for (settings, promise) in [
        (["--appendfsync", "everysec"], "one of its machine the last second"),
        (["--appendfsync", "always"], "no crash loses anything acknowledged"),
        (["--appendonly", "no"], "set `appendonly yes`"),
    ] {
        let server = Server::start_with(&settings);
        let dir = tempfile::tempdir().expect("a folder");
        let listen = format!("127.0.0.1:{}", free_port());
        let args = ["api", "--redis-url", &server.url(), "--listen", &listen].map(str::to_owned);
        let api = Daemon::start("api", dir.path(), args);
        eventually(&format!("{settings:?}: {promise}"), BOUND, || api.output().contains(promise).then_some(()));
    }
}
