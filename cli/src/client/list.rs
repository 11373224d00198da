//! `dayfly ls`: jobs, in the order of the API.

use super::{
    Common,
    filter::Filter,
    http::{Api, Ask},
    job::{self, Job},
    term::{self, Look, clean},
};
use crate::failure::Failure;
use clap::Args as ArgsOf;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Most jobs of one page.
const PAGE: usize = 500;

#[derive(Debug, ArgsOf)]
pub(crate) struct LsArgs {
    #[command(flatten)]
    filter: Filter,
    /// At most so many jobs.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// All jobs that match.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Prints ids only, one a line.
    #[arg(long, short, conflicts_with = "json")]
    quiet: bool,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Box<RawValue>>,
    next: Option<String>,
}

pub(super) async fn ls(api: &Api, args: &LsArgs) -> Result<(), Failure> {
    let most = if args.all { usize::MAX } else { usize::try_from(args.limit).unwrap_or(usize::MAX) };
    let mut items: Vec<Box<RawValue>> = Vec::new();
    let mut next: Option<String> = None;
    loop {
        let limit = PAGE.min(most - items.len()).to_string();
        let more = [("limit", limit.as_str())].into_iter().chain(next.as_deref().map(|cursor| ("cursor", cursor)));
        let page: Page = job::read(&api.ask(Ask::get(format!("/v1/jobs{}", args.filter.query(more)))).await?)?;
        items.extend(page.items);
        next = page.next;
        if next.is_none() || items.len() >= most {
            break;
        }
    }
    if args.common.json {
        let items: Vec<&str> = items.iter().map(|item| item.get()).collect();
        return term::print(&format!("{{\"items\":[{}]}}", items.join(",")));
    }
    let jobs: Vec<Job> = items.iter().map(|item| job::parse(item.get().as_bytes())).collect::<Result<_, _>>()?;
    if args.quiet {
        return term::print_all(&jobs.into_iter().map(|job| job.id).collect::<Vec<_>>());
    }
    if jobs.is_empty() {
        eprintln!("dayfly: no job matches");
        return Ok(());
    }
    let look = Look::of_stdout();
    let rows: Vec<[String; 5]> = jobs.iter().map(|job| row(job, look)).collect();
    term::print_all(&look.table(["ID", "STATE", "TASK", "SUBMITTED", "ABOUT"], &rows))?;
    if next.is_some() {
        eprintln!("dayfly: there are more; --limit N or --all shows them");
    }
    Ok(())
}

fn row(job: &Job, look: Look) -> [String; 5] {
    let about = if let Some(error) = &job.error {
        format!("{}: {}", error.kind, error.message)
    } else if let Some(reason) = &job.cancel_reason {
        reason.clone()
    } else if let Some(progress) = &job.progress {
        let percent = progress.fraction.map(|fraction| format!("{:.0} % ", fraction * 100.0)).unwrap_or_default();
        format!("{percent}{}", progress.message.as_deref().unwrap_or_default())
    } else {
        job.labels.iter().map(|(name, value)| format!("{name}:{value}")).collect::<Vec<_>>().join(" ")
    };
    // Messages have line breaks.
    let about = about.lines().next().map(|line| clean(line).into_owned()).unwrap_or_default();
    [job.id.clone(), look.state(&job.state), clean(&job.task).into_owned(), job.created_at.clone(), about]
}
