//! A job's program that misbehaves on request: `hostile SHAPE [ARGUMENT]`.
//!
//! It says `ready` on `DAYFLY_EVENTS_FD`, or on fd 3, once the tree stands. With `HOSTILE_LEADER=exit` the leader then ends
//! and leaves the rest behind, not before the file `HOSTILE_GO` exists if one is named; otherwise it stays. Shapes that
//! strike at others wait for that file too. Every process ignores TERM, HUP and INT, and has cleared its parent-death signal,
//! unless the shape says otherwise.

#![expect(unsafe_code, reason = "fork, clone and raw signals are what this program is about")]

mod calm;
mod forks;
mod greedy;
mod odd;
mod process;
mod strike;
mod users;

use std::{env, process::exit};

/// What a shape does; it returns when the tree stands, in the leader.
type Shape = fn();

const SHAPES: &[(&str, Shape)] = &[
    ("ignore-term", calm::ignore_term),
    ("daemonize", calm::daemonize),
    ("hold-pipes", calm::daemonize),
    ("chain", calm::chain),
    ("stop", calm::stop),
    ("zombies", calm::zombies),
    ("close-fds", calm::close_fds),
    ("subreaper", calm::subreaper),
    ("forget", calm::forget_environment),
    ("tree-10", calm::tree_10),
    ("tree-200", calm::tree_200),
    ("sessions-200", calm::sessions_200),
    ("fork-during-kill", forks::fork_during_kill),
    ("hop", forks::hop),
    ("hop-sessions", forks::hop_sessions),
    ("respawn", forks::respawn),
    ("clone-parent", odd::clone_parent),
    ("thread-child", odd::thread_child),
    ("main-exits", odd::main_exits),
    ("vfork", odd::vfork),
    ("inner-namespace", odd::inner_namespace),
    ("setuid", users::setuid),
    ("kill-parent", strike::kill_parent),
    ("signal-daemon", strike::signal_daemon),
    ("spin", greedy::spin),
    ("flood", greedy::flood),
    ("eat-memory", greedy::eat_memory),
    ("eat-memory-tree", greedy::eat_memory_tree),
    ("fill-file", greedy::fill_file),
    ("fill-disk", greedy::fill_disk),
];

fn main() {
    let wanted = env::args().nth(1).unwrap_or_default();
    if wanted == "list" {
        SHAPES.iter().for_each(|(name, _)| println!("{name}"));
        return;
    }
    let Some((_, shape)) = SHAPES.iter().find(|(name, _)| *name == wanted) else {
        eprintln!("hostile: no such shape: {wanted:?}");
        exit(2)
    };
    process::begin();
    shape();
    process::leader_is_done();
}
