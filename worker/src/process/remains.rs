//! What SIGKILL has not ended, described for a person: which processes, and where in the kernel they hang.

use std::fs;

/// How many processes are told one by one.
const TOLD: usize = 4;

/// The processes, as far as `/proc` tells (`proc_pid_stat(5)`, `proc_pid_wchan(5)`): `python3 (pid 12, state D in
/// rpc_wait_bit_killable), 3 more`. Pids are as this process sees them.
pub(super) fn described(pids: &[i32]) -> String {
    let mut told: Vec<String> = pids.iter().filter_map(|pid| one(*pid)).take(TOLD).collect();
    if told.is_empty() {
        return "none of them can be seen in /proc".to_owned();
    }
    if pids.len() > TOLD {
        told.push(format!("{} more", pids.len() - TOLD));
    }
    told.join(", ")
}

fn one(pid: i32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything; the state follows its last parenthesis.
    let (front, rest) = stat.rsplit_once(')')?;
    let (_, name) = front.split_once('(')?;
    let state = rest.split_ascii_whitespace().next()?;
    // "0" when it is not waiting or one may not know.
    let place = fs::read_to_string(format!("/proc/{pid}/wchan")).unwrap_or_default();
    let place = if place.is_empty() || place == "0" { String::new() } else { format!(" in {place}") };
    Some(format!("{name} (pid {pid}, state {state}{place})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn processes_are_told_by_name_state_and_place() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = child.id().cast_signed();
        let text = described(&[pid, pid, pid, pid, pid, pid]);
        assert!(text.starts_with(&format!("sleep (pid {pid}, state ")) || text.starts_with("dayfly"), "{text}");
        assert!(text.ends_with(", 2 more"), "{text}");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(described(&[pid]), "none of them can be seen in /proc");
    }
}
