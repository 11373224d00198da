//! The flags of `dayfly tokens`.

use clap::{Args as ArgsOf, Subcommand};
use dayfly_common::{
    model::{OwnerName, Scopes, TokenId, parse_duration},
    queue::{Quota, Rate},
};
use std::path::PathBuf;

/// Longest text of `--name`, characters.
const LONGEST_NAME: usize = 100;

#[derive(Debug, ArgsOf)]
pub(crate) struct TokensArgs {
    /// The configuration [default: ./dayfly.toml when there is one].
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The server [default: redis://127.0.0.1:6379/0].
    #[arg(long, global = true, value_name = "URL")]
    pub(super) redis_url: Option<String>,
    #[command(subcommand)]
    pub(super) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Makes a token and prints it, this once. From the first one on, the API asks for a token.
    Create(Create),
    /// Lists the tokens, without their secrets.
    List(List),
    /// Makes tokens useless, within a second, for good.
    Revoke(Revoke),
    /// Shows what owners may have, or changes it.
    Quota(QuotaOf),
}

#[derive(Debug, ArgsOf)]
pub(super) struct Create {
    /// Whose jobs are submitted with it. Tokens of one owner see the same jobs and share a quota.
    #[arg(long, value_name = "NAME")]
    pub(super) owner: OwnerName,
    /// What may be done with it: read, submit, cancel, admin. None of them holds another.
    #[arg(long, value_name = "SCOPES", default_value = "read,submit,cancel")]
    pub(super) scopes: Scopes,
    /// How long it is good: 12h, 30d, or never.
    #[arg(long, value_name = "DURATION", default_value = "never", value_parser = expires)]
    pub(super) expires: Expires,
    /// A word for people: where it is used.
    #[arg(long, value_name = "TEXT", default_value = "", value_parser = name, hide_default_value = true)]
    pub(super) name: String,
    #[command(flatten)]
    pub(super) quota: QuotaFlags,
    /// Prints JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, ArgsOf)]
pub(super) struct List {
    /// Prints JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, ArgsOf)]
pub(super) struct Revoke {
    /// Their ids, as `list` shows them.
    #[arg(required = true, value_name = "ID")]
    pub(super) ids: Vec<TokenId>,
}

#[derive(Debug, ArgsOf)]
pub(super) struct QuotaOf {
    /// The owner [default: all that have one].
    #[arg(value_name = "OWNER")]
    pub(super) owner: Option<OwnerName>,
    #[command(flatten)]
    pub(super) change: QuotaFlags,
    /// Prints JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// What an owner may have; all its tokens together.
#[derive(Debug, ArgsOf)]
pub(super) struct QuotaFlags {
    /// How often the owner may submit a job: 10/s, 600/m, 5000/h, or none.
    #[arg(long, value_name = "RATE", value_parser = bound::<Rate>)]
    pub(super) rate: Option<Bound<Rate>>,
    /// How many jobs at once after a rest [default: the number of the rate].
    #[arg(long, value_name = "N", requires = "rate", value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(super) burst: Option<u64>,
    /// How many jobs of the owner may wait, or none.
    #[arg(long, value_name = "N", value_parser = bound::<u64>)]
    pub(super) max_queued: Option<Bound<u64>>,
    /// How many jobs of the owner may run at a time, or none; the others wait.
    #[arg(long, value_name = "N", value_parser = bound::<u64>)]
    pub(super) max_running: Option<Bound<u64>>,
}

/// A bound, or that there is none any more.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bound<T> {
    At(T),
    None,
}

/// How long a token is good.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expires {
    AfterMs(u64),
    Never,
}

impl QuotaFlags {
    pub(super) fn is_empty(&self) -> bool {
        self.rate.is_none() && self.max_queued.is_none() && self.max_running.is_none()
    }

    /// What was given, over what there is.
    pub(super) fn over(&self, quota: Quota) -> Quota {
        let burst = |rate: Rate| Rate { burst: self.burst.unwrap_or(rate.burst), ..rate };
        Quota {
            rate: match self.rate {
                Some(Bound::At(rate)) => Some(burst(rate)),
                Some(Bound::None) => None,
                None => quota.rate,
            },
            max_queued: most(self.max_queued, quota.max_queued),
            max_running: most(self.max_running, quota.max_running),
        }
    }
}

fn most(given: Option<Bound<u64>>, there: Option<u64>) -> Option<u64> {
    match given {
        Some(Bound::At(most)) => Some(most),
        Some(Bound::None) => None,
        None => there,
    }
}

fn bound<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<Bound<T>, String> {
    match text {
        "none" => Ok(Bound::None),
        text => text.parse().map(Bound::At).map_err(|why| format!("{why} (or `none`)")),
    }
}

fn expires(text: &str) -> Result<Expires, String> {
    match text {
        "never" => Ok(Expires::Never),
        text => match parse_duration(text) {
            Ok(0) => Err("a token must be good for a while: use a duration such as 30d".to_owned()),
            Ok(ms) => Ok(Expires::AfterMs(ms)),
            Err(why) => Err(format!("{why}, or `never`")),
        },
    }
}

/// It is shown in terminals.
fn name(text: &str) -> Result<String, String> {
    if text.chars().count() <= LONGEST_NAME && !text.chars().any(char::is_control) {
        Ok(text.to_owned())
    } else {
        Err(format!("use at most {LONGEST_NAME} characters, none of them a control character"))
    }
}
