//! `dayfly tokens`: makes, lists and revokes the API's tokens, and sets quotas of owners. It speaks to Redis itself, as
//! the daemons do: the API could not let it in before there is a token.

mod args;
mod show;

pub(crate) use args::TokensArgs;

use crate::{
    failure::Failure,
    settings::{self, Flags},
};
use args::{Create, Expires, List, QuotaOf, Revoke, Verb};
use dayfly_common::{
    model::Token,
    queue::{NewToken, Queue, QueueError, Revoked, TokenRecord},
};
use std::{
    collections::BTreeMap,
    io::{self, Write as _},
};

pub(crate) fn run(args: &TokensArgs) -> Result<(), Failure> {
    let flags = Flags::default().with("--redis-url", ("redis", "url"), args.redis_url.as_deref());
    let config = settings::read(settings::file(args.config.as_deref()), flags, false)?;
    let queue = Queue::new(&config.redis).map_err(Failure::runtime)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|why| Failure::runtime(format_args!("no runtime: {why}")))?;
    runtime.block_on(async {
        match &args.verb {
            Verb::Create(create) => make(&queue, create).await,
            Verb::List(list) => show_all(&queue, list).await,
            Verb::Revoke(revoke) => revoke_all(&queue, revoke).await,
            Verb::Quota(quota) => show_or_set_quota(&queue, quota).await,
        }
    })
}

async fn make(queue: &Queue, create: &Create) -> Result<(), Failure> {
    let first = !queue.any_token().await.map_err(Failure::runtime)?;
    if !create.quota.is_empty() {
        let quota = create.quota.over(queue.quota(&create.owner).await.map_err(Failure::runtime)?);
        queue.set_quota(&create.owner, &quota).await.map_err(Failure::runtime)?;
    }
    let token = Token::random();
    let expires_ms = match create.expires {
        Expires::AfterMs(ms) => Some(ms),
        Expires::Never => None,
    };
    let (owner, name) = (create.owner.clone(), create.name.clone());
    let new = NewToken { owner, scopes: create.scopes, name, expires_ms };
    let record = store(queue, &token, &new).await?;
    if create.json {
        return print(&show::made_json(&token, &record).map_err(Failure::runtime)?);
    }
    print(token.reveal())?;
    let until = record.expires_at.map(dayfly_common::model::format_rfc3339_ms);
    let until = until.map_or_else(|| "good until it is revoked".to_owned(), |at| format!("good until {at}"));
    eprintln!("dayfly: token {} of {} ({}), {until}. It is shown only now.", record.id, record.owner, record.scopes);
    if first {
        eprintln!("dayfly: it is the first one: within a second every request to the API needs a token.");
    }
    Ok(())
}

async fn store(queue: &Queue, token: &Token, new: &NewToken) -> Result<TokenRecord, Failure> {
    queue.create_token(token, new).await.map_err(|why| match why {
        QueueError::NotReplicated { .. } => Failure::runtime(format_args!(
            "{why}. Token {} was made all the same: revoke it, and make another when the replicas are back",
            token.id()
        )),
        why => Failure::runtime(why),
    })
}

async fn show_all(queue: &Queue, list: &List) -> Result<(), Failure> {
    let (tokens, now) = queue.list_tokens().await.map_err(Failure::runtime)?;
    if list.json {
        return print(&show::tokens_json(&tokens, now).map_err(Failure::runtime)?);
    }
    if tokens.is_empty() {
        eprintln!("dayfly: there is no token");
        return Ok(());
    }
    print(&show::tokens_table(&tokens, now))
}

async fn revoke_all(queue: &Queue, revoke: &Revoke) -> Result<(), Failure> {
    let mut unknown = Vec::new();
    for id in &revoke.ids {
        match queue.revoke_token(id).await.map_err(Failure::runtime)? {
            Revoked::Now => print(&format!("{id} is revoked"))?,
            Revoked::Before => print(&format!("{id} was revoked before"))?,
            Revoked::Unknown => unknown.push(id.to_string()),
        }
    }
    if unknown.is_empty() {
        return Ok(());
    }
    let (ids, plural) = (unknown.join(", "), if unknown.len() == 1 { "" } else { "s" });
    Err(Failure::runtime(format_args!(
        "no token with the id{plural} {ids}: `dayfly tokens list` shows those there are"
    )))
}

async fn show_or_set_quota(queue: &Queue, args: &QuotaOf) -> Result<(), Failure> {
    let quotas = match &args.owner {
        None if !args.change.is_empty() => {
            return Err(Failure::usage("whose quota is to change? Name the owner: dayfly tokens quota OWNER .."));
        }
        None => queue.quotas().await.map_err(Failure::runtime)?,
        Some(owner) => {
            let mut quota = queue.quota(owner).await.map_err(Failure::runtime)?;
            if !args.change.is_empty() {
                quota = args.change.over(quota);
                queue.set_quota(owner, &quota).await.map_err(Failure::runtime)?;
            }
            BTreeMap::from([(owner.to_string(), quota)])
        }
    };
    if args.json {
        return print(&show::quotas_json(&quotas).map_err(Failure::runtime)?);
    }
    if quotas.is_empty() {
        eprintln!("dayfly: no owner has a quota");
        return Ok(());
    }
    print(&show::quotas_table(&quotas))
}

/// On standard output, where a script reads it.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(|why| Failure::runtime(format_args!("standard output: {why}")))
}
