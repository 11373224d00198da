//! Which user and group a task's jobs run as.

use dayfly_common::model::TaskDef;
use nix::unistd::{Gid, Group, Uid, User};

/// The ids, looked up by name or number; `None` when the task names neither.
///
/// # Errors
/// There is no such user or group: says which.
pub fn of(task: &TaskDef) -> Result<Option<(u32, u32)>, String> {
    if task.user.is_none() && task.group.is_none() {
        return Ok(None);
    }
    let (uid, own_group) = match &task.user {
        Some(name) => user(name)?,
        None => (Uid::effective().as_raw(), Gid::effective().as_raw()),
    };
    let gid = task.group.as_deref().map_or(Ok(own_group), group)?;
    Ok(Some((uid, gid)))
}

fn user(name: &str) -> Result<(u32, u32), String> {
    match User::from_name(name) {
        Ok(Some(user)) => Ok((user.uid.as_raw(), user.gid.as_raw())),
        // A number needs no entry; its group is then the one of the same number.
        Ok(None) => name.parse().map(|id| (id, id)).map_err(|_| format!("there is no user `{name}` on this host")),
        Err(why) => Err(format!("the user `{name}` could not be looked up: {why}")),
    }
}

fn group(name: &str) -> Result<u32, String> {
    match Group::from_name(name) {
        Ok(Some(group)) => Ok(group.gid.as_raw()),
        Ok(None) => name.parse().map_err(|_| format!("there is no group `{name}` on this host")),
        Err(why) => Err(format!("the group `{name}` could not be looked up: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(user: Option<&str>, group: Option<&str>) -> Result<Option<(u32, u32)>, String> {
        let mut task = TaskDef::command("t".parse().expect("a name"), &["true"]);
        (task.user, task.group) = (user.map(str::to_owned), group.map(str::to_owned));
        of(&task)
    }

    #[test]
    fn names_and_numbers_are_looked_up() {
        assert_eq!(ids(None, None), Ok(None));
        assert_eq!(ids(Some("root"), None), Ok(Some((0, 0))));
        assert_eq!(ids(Some("12345"), Some("root")), Ok(Some((12345, 0))));
        assert_eq!(ids(Some("12345"), None), Ok(Some((12345, 12345))));
        assert_eq!(ids(Some("no-such-user"), None), Err("there is no user `no-such-user` on this host".to_owned()));
        assert!(ids(None, Some("no-such-group")).is_err());
    }
}
