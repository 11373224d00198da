//! Tokens and quotas as people and programs read them.

use dayfly_common::{
    model::{Scope, Token, format_rfc3339_ms},
    queue::{Quota, Rate, TokenRecord, TokenState},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// A token without its secret; with it, the one time it is made.
#[derive(Serialize)]
struct TokenJson<'a> {
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    owner: &'a str,
    name: &'a str,
    scopes: Vec<&'static str>,
    state: &'static str,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
}

#[derive(Serialize)]
struct QuotaJson {
    owner: String,
    rate: Option<String>,
    burst: Option<u64>,
    max_queued: Option<u64>,
    max_running: Option<u64>,
}

#[derive(Serialize)]
struct Items<T> {
    items: Vec<T>,
}

impl<'a> TokenJson<'a> {
    fn new(token: &'a TokenRecord, now: i64) -> Self {
        Self {
            id: token.id.as_str(),
            token: None,
            owner: &token.owner,
            name: &token.name,
            scopes: token.scopes.iter().map(Scope::as_str).collect(),
            state: word(token.state(now)),
            created_at: format_rfc3339_ms(token.created_at),
            expires_at: token.expires_at.map(format_rfc3339_ms),
            revoked_at: token.revoked_at.map(format_rfc3339_ms),
        }
    }
}

fn word(state: TokenState) -> &'static str {
    match state {
        TokenState::Active => "active",
        TokenState::Expired => "expired",
        TokenState::Revoked => "revoked",
    }
}

/// A token that was just made, as JSON.
pub(super) fn made_json(token: &Token, record: &TokenRecord) -> serde_json::Result<String> {
    serde_json::to_string(&TokenJson { token: Some(token.reveal()), ..TokenJson::new(record, record.created_at) })
}

pub(super) fn tokens_json(tokens: &[TokenRecord], now: i64) -> serde_json::Result<String> {
    serde_json::to_string(&Items { items: tokens.iter().map(|token| TokenJson::new(token, now)).collect::<Vec<_>>() })
}

pub(super) fn quotas_json(quotas: &BTreeMap<String, Quota>) -> serde_json::Result<String> {
    let item = |(owner, quota): (&String, &Quota)| QuotaJson {
        owner: owner.clone(),
        rate: quota.rate.map(|rate| Rate { burst: rate.rate, ..rate }.to_string()),
        burst: quota.rate.map(|rate| rate.burst),
        max_queued: quota.max_queued,
        max_running: quota.max_running,
    };
    serde_json::to_string(&Items { items: quotas.iter().map(item).collect::<Vec<_>>() })
}

/// One token a line, below a headline.
pub(super) fn tokens_table(tokens: &[TokenRecord], now: i64) -> String {
    let head = ["ID", "STATE", "OWNER", "SCOPES", "CREATED", "EXPIRES", "NAME"].map(str::to_owned);
    let row = |token: &TokenRecord| {
        let expires = token.expires_at.map_or_else(|| "never".to_owned(), format_rfc3339_ms);
        let (id, state) = (token.id.to_string(), word(token.state(now)).to_owned());
        let created = format_rfc3339_ms(token.created_at);
        [id, state, token.owner.clone(), token.scopes.to_string(), created, expires, token.name.clone()]
    };
    table(std::iter::once(head).chain(tokens.iter().map(row)).collect())
}

/// One owner a line, below a headline.
pub(super) fn quotas_table(quotas: &BTreeMap<String, Quota>) -> String {
    let head = ["OWNER", "RATE", "MAX QUEUED", "MAX RUNNING"].map(str::to_owned);
    let none = || "none".to_owned();
    let row = |(owner, quota): (&String, &Quota)| {
        let rate = quota.rate.map_or_else(none, |rate| rate.to_string());
        let most = |bound: Option<u64>| bound.map_or_else(none, |most| most.to_string());
        [owner.clone(), rate, most(quota.max_queued), most(quota.max_running)]
    };
    table(std::iter::once(head).chain(quotas.iter().map(row)).collect())
}

fn table<const COLUMNS: usize>(rows: Vec<[String; COLUMNS]>) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let line = |row: &[String; COLUMNS]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
