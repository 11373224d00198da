//! Where the API is and who asks: flags, then the environment, then the file of profiles.
//!
//! ```toml
//! # ~/.config/dayfly/client.toml
//! default = "prod"
//! [profiles.prod]
//! url = "https://dayfly.example"
//! token_file = "prod.token"      # or token = "dfly_.."
//! ```

use super::Exit;
use crate::failure::Failure;
use clap::Args as ArgsOf;
use serde::Deserialize;
use std::{collections::BTreeMap, env, fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

/// Where `dayfly dev` and `dayfly api` listen when nothing else is said.
const USUAL_URL: &str = "http://127.0.0.1:8080";

/// Which API a command speaks to.
#[derive(Debug, Clone, Default, ArgsOf)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// The API [env: DAYFLY_URL] [default: http://127.0.0.1:8080]. Its token comes from DAYFLY_TOKEN.
    #[arg(long, value_name = "URL", conflicts_with = "profile")]
    url: Option<String>,
    /// A profile of ~/.config/dayfly/client.toml, its URL and token [env: DAYFLY_PROFILE].
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

/// The API and the token for it. A token goes nowhere but to the URL that it was given for.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) url: String,
    pub(super) token: Option<String>,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Target").field("url", &self.url).finish_non_exhaustive()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    default: Option<String>,
    #[serde(default)]
    profiles: BTreeMap<String, Profile>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    url: String,
    token: Option<String>,
    token_file: Option<PathBuf>,
}

impl Connection {
    /// From the process's environment and the user's file.
    pub(super) fn target(&self) -> Result<Target, Failure> {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        self.resolve(variable, config_file())
    }

    fn resolve(&self, variable: impl Fn(&str) -> Option<String>, file: Option<PathBuf>) -> Result<Target, Failure> {
        let token = variable("DAYFLY_TOKEN");
        if let Some(url) = self.url.clone() {
            return Ok(Target { url, token });
        }
        if let Some(name) = &self.profile {
            return named(name, "--profile", file.as_ref());
        }
        if let Some(url) = variable("DAYFLY_URL") {
            return Ok(Target { url, token });
        }
        let chosen = match variable("DAYFLY_PROFILE") {
            Some(name) => Some((name, "DAYFLY_PROFILE")),
            None => read(file.as_ref())?.default.map(|name| (name, "default")),
        };
        let Some((name, by)) = chosen else { return Ok(Target { url: USUAL_URL.to_owned(), token }) };
        let found = named(&name, by, file.as_ref())?;
        Ok(Target { token: token.or(found.token), ..found })
    }
}

/// `$XDG_CONFIG_HOME/dayfly/client.toml`, else below `~/.config`.
fn config_file() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
    Some(folder.join("dayfly/client.toml"))
}

fn read(file: Option<&PathBuf>) -> Result<ProfileFile, Failure> {
    let Some(file) = file.filter(|file| file.exists()) else { return Ok(ProfileFile::default()) };
    let wrong = |why: &dyn std::fmt::Display| Exit::Usage.because(format_args!("{}: {why}", file.display()));
    let text = fs::read_to_string(file).map_err(|why| wrong(&format_args!("cannot be read: {why}")))?;
    let read: ProfileFile = toml::from_str(&text).map_err(|why| wrong(&why))?;
    let open = fs::metadata(file).is_ok_and(|found| found.permissions().mode() & 0o077 != 0);
    if open && read.profiles.values().any(|profile| profile.token.is_some()) {
        let path = file.display();
        return Err(wrong(&format_args!("holds a token and is open to other users: chmod 600 {path}")));
    }
    Ok(read)
}

fn named(name: &str, by: &str, file: Option<&PathBuf>) -> Result<Target, Failure> {
    let shown = file.map_or_else(|| "~/.config/dayfly/client.toml".to_owned(), |file| file.display().to_string());
    let mut read = read(file)?;
    let Some(profile) = read.profiles.remove(name) else {
        let known: Vec<String> = read.profiles.into_keys().collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let message = format!("{by}: {shown} has no [profiles.{name}]; it has {known}");
        return Err(Exit::Usage.because(message));
    };
    let token = match (profile.token, profile.token_file, file.and_then(|file| file.parent())) {
        (Some(token), _, _) => Some(token),
        (None, Some(path), Some(folder)) => {
            let path = folder.join(path);
            let text = fs::read_to_string(&path);
            let text = text.map_err(|why| Exit::Usage.because(format_args!("{}: {why}", path.display())))?;
            Some(text.trim().to_owned())
        }
        (None, _, _) => None,
    };
    Ok(Target { url: profile.url, token })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "default = \"a\"\n[profiles.a]\nurl = \"http://a\"\ntoken = \"ta\"\n[profiles.b]\nurl = \"http://b\"\ntoken_file = \"b.token\"\n";

    fn resolve(connection: &Connection, variables: &[(&str, &str)], text: &str, mode: u32) -> Result<Target, Failure> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("client.toml");
        fs::write(&file, text).unwrap();
        fs::write(dir.path().join("b.token"), "tb\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        connection.resolve(variable, Some(file))
    }

    #[test]
    fn the_nearest_wins_and_a_token_stays_with_its_url() {
        let flags = |url: Option<&str>, profile: Option<&str>| Connection {
            url: url.map(str::to_owned),
            profile: profile.map(str::to_owned),
        };
        let all = [("DAYFLY_URL", "http://env"), ("DAYFLY_TOKEN", "te"), ("DAYFLY_PROFILE", "b")];
        for (connection, variables, url, token) in [
            (flags(Some("http://flag"), None), &all[..], "http://flag", Some("te")),
            (flags(Some("http://flag"), None), &all[..1], "http://flag", None),
            (flags(None, Some("b")), &all, "http://b", Some("tb")),
            (flags(None, None), &all, "http://env", Some("te")),
            (flags(None, None), &all[2..], "http://b", Some("tb")),
            (flags(None, None), &[], "http://a", Some("ta")),
            (flags(None, None), &all[1..2], "http://a", Some("te")),
        ] {
            let target = resolve(&connection, variables, FILE, 0o600).unwrap();
            assert_eq!((target.url.as_str(), target.token.as_deref()), (url, token), "{connection:?} {variables:?}");
        }
        assert_eq!(resolve(&flags(None, None), &[], "", 0o600).unwrap().url, USUAL_URL);
    }

    #[test]
    fn what_is_wrong_with_the_file_is_told() {
        let profile = |name: &str| Connection { url: None, profile: Some(name.to_owned()) };
        for (connection, text, mode, says) in [
            (profile("c"), FILE, 0o600, "no [profiles.c]; it has a, b"),
            (profile("a"), FILE, 0o644, "chmod 600"),
            (profile("a"), "[profiles.a]\nurl = \"x\"\ntoke = \"y\"\n", 0o600, "toke"),
            (profile("a"), "nonsense", 0o600, "client.toml"),
        ] {
            let Err(Failure::Client(Exit::Usage, message)) = resolve(&connection, &[], text, mode) else {
                panic!("{says}: it was taken")
            };
            assert!(message.contains(says), "{message}");
        }
    }
}
