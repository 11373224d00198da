//! This host, as a worker itself would find it.

use super::finding::{Finding, Report, roughly};
use dayfly_common::{
    config::{Config, Isolation},
    model::{Limits, TaskDef},
};
use dayfly_worker::process::{Holder, Supervisor, Tier};
use nix::{
    sys::{
        resource::{Resource, getrlimit},
        statvfs::statvfs,
    },
    unistd::{AccessFlags, access},
};
use std::{fs, path::Path};

/// For the server, the log, files being read.
const OTHER_FILES: u64 = 128;
/// Open files of a worker for each slot: sockets, pipes, files of its job.
const FILES_A_SLOT: u64 = 16;
/// Room below which jobs may not find what they need, bytes and percent.
const LITTLE_ROOM: u64 = 256 << 20;

pub(super) async fn examine(config: &Config, supervisor: &Supervisor, report: &mut Report) {
    isolation(config, supervisor, report).await;
    report.add(descriptors(config));
    report.add(state_folder(&config.worker.state_dir));
    report.add(memory(config));
}

async fn isolation(config: &Config, supervisor: &Supervisor, report: &mut Report) {
    let check = "host.isolation";
    let found = match supervisor.tier().await {
        Ok(found) => found,
        Err(why) => {
            let fix = match config.worker.isolation {
                Isolation::Pidns => "Allow pid namespaces (docs/processes.md says how), or set `isolation = \"auto\"`.",
                Isolation::Auto | Isolation::Tree => {
                    "The words above say what the host refuses; see docs/processes.md."
                }
            };
            return report.add(Finding::fail(check, why.to_string(), "A worker does not start here.", fix));
        }
    };
    let whys: Vec<String> = found.refused.iter().map(|(tier, why)| format!("{tier}: {why}")).collect();
    report.add(match found.tier {
        Tier::Pidns => Finding::ok(check, "pidns: the kernel ends a job's whole tree with its slot"),
        Tier::Tree if whys.is_empty() => Finding::ok(check, "tree, as the configuration asks"),
        Tier::Tree => Finding::warn(
            check,
            format!("tree ({})", whys.join("; ")),
            "Should daemon, supervisor and slot be killed at one moment, processes of a job live on until the next start.",
            "Run the worker as root, or allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, and no AppArmor \
             restriction of them); docs/processes.md says more.",
        ),
    });
    let asked = |of: fn(&Limits) -> bool| -> Vec<&str> {
        config.tasks.values().filter(|task| of(&task.limits)).map(|task| task.name.as_str()).collect()
    };
    let holders = found.holders;
    for (limit, holder, tasks) in [
        ("memory", holders.memory, asked(|limits| limits.memory.is_some())),
        ("nproc", holders.nproc, asked(|limits| limits.nproc.is_some())),
        ("cpus", holders.cpus, asked(|limits| limits.cpus_milli.is_some())),
    ] {
        report.add(held(limit, holder, &tasks));
    }
}

fn held(limit: &str, holder: Holder, tasks: &[&str]) -> Finding {
    let check = format!("host.limits.{limit}");
    match holder {
        Holder::Cgroup1 | Holder::Cgroup2 => Finding::ok(check, format!("held by a {holder}")),
        Holder::Slot if tasks.is_empty() => Finding::ok(check, "held by the slot, which looks; no task sets it"),
        Holder::Slot => Finding::warn(
            check,
            format!("held by the slot, which looks at the tree; set by {}", tasks.join(", ")),
            "A job may go over it for a moment before it is ended.",
            "Let the worker write control groups: Delegate=yes of its systemd unit, or run it as root; see docs/processes.md.",
        ),
    }
}

fn descriptors(config: &Config) -> Finding {
    let check = "host.descriptors";
    let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return Finding::warn(check, "the limit cannot be asked", "Unknown.", "Look at `ulimit -Hn`.");
    };
    let connections = u64::try_from(config.api.listener.max_connections).unwrap_or(u64::MAX);
    let api = connections.saturating_add(OTHER_FILES);
    let worker = u64::from(config.worker.slots) * FILES_A_SLOT + OTHER_FILES;
    let of_tasks = config.tasks.values().filter_map(|task| Some((task.limits.nofile?, task.name.as_str()))).max();
    let found = format!("{hard} open files at most");
    let fix =
        "Raise the hard limit: LimitNOFILE= of the systemd unit, --ulimit nofile= of the container, `ulimit -Hn`.";
    if hard < worker {
        let means = format!("A worker of {} slots needs about {worker}: jobs cannot be started.", config.worker.slots);
        return Finding::fail(check, found, means, fix);
    }
    if let Some((wanted, task)) = of_tasks.filter(|(wanted, _)| *wanted > hard && !nix::unistd::geteuid().is_root()) {
        let means = format!("`nofile = {wanted}` of the task {task} cannot be given: its jobs do not start.");
        return Finding::fail(check, found, means, fix);
    }
    if hard < api {
        let means = format!("An API takes fewer connections here than `max_connections` = {connections}.");
        return Finding::warn(check, found, means, fix);
    }
    Finding::ok(check, found)
}

/// The nearest folder that is there: a worker makes the rest.
fn state_folder(dir: &Path) -> Finding {
    let check = "host.state_dir";
    let fix = "Make it for the worker's user, or name another by `state_dir` in [worker].";
    let there = dir.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    if !there.is_dir() || access(there, AccessFlags::W_OK | AccessFlags::X_OK).is_err() {
        let found = format!("{}: {} cannot be written", dir.display(), there.display());
        return Finding::fail(check, found, "A worker does not start here.", fix);
    }
    let Ok(disk) = statvfs(there) else {
        return Finding::warn(check, format!("{}: its room is unknown", dir.display()), "Unknown.", "Look at `df`.");
    };
    #[expect(clippy::useless_conversion, reason = "their width differs from platform to platform")]
    let (free, block) = (u64::from(disk.blocks_available()), u64::from(disk.fragment_size()));
    let room = free.saturating_mul(block);
    let found = format!("{}, {} free", dir.display(), roughly(room));
    if room < LITTLE_ROOM {
        return Finding::warn(check, found, "Folders and files of jobs may find no room.", "Make room there.");
    }
    Finding::ok(check, found)
}

/// What the jobs of all slots may take together, against what there is.
fn memory(config: &Config) -> Finding {
    let check = "host.memory";
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib =
        text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.trim().parse().ok());
    let Some(total) = kib.map(|kib: u64| kib * 1024) else {
        return Finding::warn(check, "how much there is is unknown", "Unknown.", "Look at /proc/meminfo.");
    };
    let largest = config.tasks.values().filter_map(|task: &TaskDef| task.limits.memory).max().unwrap_or(0);
    let slots = u64::from(config.worker.slots);
    let most = config.worker.memory.unwrap_or(u64::MAX).min(largest.saturating_mul(slots));
    let found = format!("{} there; jobs may take {}", roughly(total), roughly(most));
    if let Some(bound) = config.worker.memory.filter(|bound| largest > *bound) {
        let found = format!("[worker] memory = {}, and a task declares {}", roughly(bound), roughly(largest));
        let means = "That task is left out by workers with this configuration.";
        return Finding::fail(check, found, means, "Raise `memory` in [worker], or lower that of the task.");
    }
    if most > total {
        let means = "Jobs that use what they may are ended by the kernel before their limits are met.";
        return Finding::warn(check, found, means, "Set `memory` in [worker] to what jobs may take here together.");
    }
    Finding::ok(check, if largest == 0 { format!("{} there; no task declares any", roughly(total)) } else { found })
}
