//! GET /v1/jobs and GET /v1/jobs/{id}.

use super::reply::{applied, json, json_bytes, tagged_body};
use crate::{
    app::App,
    auth::{Principal, visible},
    error::Problem,
    extract::{JobPath, Query, WantsJson, list_filter, prefer_wait, query},
    view::list_item,
    waiting,
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header},
};
use dayfly_common::queue::ListFilter;
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;

const USUAL_LIMIT: u64 = 50;
const MOST_LIMIT: u64 = 500;
/// `FILTER_NAMES`, and what a page takes.
const LIST_NAMES: [&str; 9] = ["state", "task", "worker", "error_kind", "label", "since", "until", "cursor", "limit"];

#[derive(Serialize)]
struct Page<'a> {
    items: Vec<Box<RawValue>>,
    next: Option<&'a str>,
}

/// GET /v1/jobs/{id}: the job; with `Prefer: wait=N`, when it has ended or the time is over.
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    _: WantsJson,
    who: Principal,
    JobPath(id): JobPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    query(&uri, &[])?;
    let preference = prefer_wait(&headers, app.max_wait_ms);
    let view = match preference {
        None => app.queue.job(id).await?,
        Some(preference) => {
            app.must_see(&who, id).await?;
            let bound = preference.bound(app.max_wait_ms);
            waiting::for_end(&app.queue, &app.events, &app.closing, id, bound).await?
        }
    };
    let (body, tag) = tagged_body(&app, &visible(&who, id, view)?).await;
    let mut response = if matches_tag(&headers, &tag) {
        let mut unchanged = Response::new(Body::empty());
        *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
        unchanged
    } else {
        json_bytes(StatusCode::OK, body)
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    applied(&mut response, preference);
    Ok(response)
}

/// `If-None-Match`, by weak comparison (RFC 9110, 13.1.2).
pub(super) fn matches_tag(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let tag = tag.trim_start_matches("W/");
    lists.flat_map(|list| list.split(',')).map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

/// GET /v1/jobs
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: WantsJson,
    who: Principal,
    uri: Uri,
) -> Result<Response<Body>, Problem> {
    let query = query(&uri, &LIST_NAMES)?;
    // A larger limit is no fault: the page is as large as pages get.
    let limit = query.number("limit", 1, u64::MAX)?.unwrap_or(USUAL_LIMIT).min(MOST_LIMIT);
    let filter = ListFilter {
        owner: who.only(),
        cursor: query.get("cursor").map(str::to_owned),
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
        ..list_filter(&query)?
    };
    let page = app.queue.list(&filter).await?;
    let catalogue = app.catalogue.current().await;
    let items = page
        .items
        .iter()
        .map(|record| {
            let name = record.task.as_str();
            list_item(record, catalogue.task(name).map(|task| &**task), catalogue.live_workers(name))
        })
        .collect();
    let mut response = json(StatusCode::OK, &Page { items, next: page.next.as_deref() })?;
    if let Some(next) = page.next.as_deref().and_then(|next| next_link(&query, next)) {
        response.headers_mut().insert(header::LINK, next);
    }
    Ok(response)
}

/// The next page of the same list (RFC 8288): the same query with another cursor.
fn next_link(query: &Query, next: &str) -> Option<HeaderValue> {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    pairs.extend_pairs(query.pairs().filter(|(name, _)| *name != "cursor"));
    pairs.append_pair("cursor", next);
    HeaderValue::from_str(&format!("</v1/jobs?{}>; rel=\"next\"", pairs.finish())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::reply::entity_tag;

    #[test]
    fn tags_match_weakly() {
        let tag = entity_tag(b"body");
        assert_ne!(tag, entity_tag(b"bodies"));
        for (value, matches) in [
            (tag.clone(), true),
            (format!("\"x\", W/{tag}"), true),
            ("*".to_owned(), true),
            ("\"x\"".to_owned(), false),
        ] {
            let headers = HeaderMap::from_iter([(header::IF_NONE_MATCH, HeaderValue::from_str(&value).unwrap())]);
            assert_eq!(matches_tag(&headers, &tag), matches, "{value}");
            assert_eq!(matches_tag(&headers, &format!("W/{tag}")), matches, "{value}");
        }
    }

    #[test]
    fn the_next_page_keeps_the_filter() {
        let uri = "/v1/jobs?state=failed&label=a:b%20c&cursor=old&label=d:e&limit=7".parse().unwrap();
        let link = next_link(&query(&uri, &LIST_NAMES).unwrap(), "c d").unwrap();
        let expected = "</v1/jobs?state=failed&label=a%3Ab+c&label=d%3Ae&limit=7&cursor=c+d>; rel=\"next\"";
        assert_eq!(link, expected);
    }
}
