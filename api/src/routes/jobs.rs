//! GET /v1/jobs and GET /v1/jobs/{id}.

use super::reply::{applied, job_body, json, json_bytes};
use crate::{
    app::App,
    error::{Code, Problem, unknown_job},
    extract::{JobPath, WantsJson, prefer_wait, query},
    view::list_item,
    waiting,
};
use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header},
};
use dayfly_common::{
    model::{State as JobState, TaskName},
    queue::ListFilter,
};
use serde::Serialize;
use serde_json::value::RawValue;
use std::{
    hash::{DefaultHasher, Hasher as _},
    sync::Arc,
};

const USUAL_LIMIT: u64 = 50;
const MOST_LIMIT: u64 = 500;

#[derive(Serialize)]
struct Page<'a> {
    items: Vec<Box<RawValue>>,
    next: Option<&'a str>,
}

/// GET /v1/jobs/{id}: the job; with `Prefer: wait=N`, when it has ended or the time is over.
pub(crate) async fn one(
    State(app): State<Arc<App>>,
    _: WantsJson,
    JobPath(id): JobPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response<Body>, Problem> {
    query(&uri, &[])?;
    let preference = prefer_wait(&headers, app.max_wait_ms);
    let view = match preference {
        None => app.queue.job(id).await?,
        Some(preference) => {
            let bound = preference.bound(app.max_wait_ms);
            waiting::for_end(&app.queue, &app.events, &app.closing, id, bound).await?
        }
    };
    let body = job_body(&app, &view.ok_or_else(|| unknown_job(id))?).await;
    let tag = entity_tag(&body);
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

/// Same bytes, same tag. (A tag need not outlive this version of the program.)
pub(super) fn entity_tag(body: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    format!("\"{:016x}\"", hasher.finish())
}

/// `If-None-Match`, by weak comparison (RFC 9110, 13.1.2).
pub(super) fn matches_tag(headers: &HeaderMap, tag: &str) -> bool {
    let lists = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim).any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

/// GET /v1/jobs
pub(crate) async fn list(State(app): State<Arc<App>>, _: WantsJson, uri: Uri) -> Result<Response<Body>, Problem> {
    let query = query(&uri, &["state", "task", "cursor", "limit"])?;
    let bad = |why: String| Problem::new(Code::BadOption, why);
    let state = query.get("state").map(str::parse::<JobState>).transpose().map_err(|why| bad(format!("{why}.")))?;
    let task: Option<TaskName> =
        query.get("task").map(str::parse).transpose().map_err(|why| bad(format!("`task`: {why}.")))?;
    // A larger limit is no fault: the page is as large as pages get.
    let limit = query.number("limit", 1, u64::MAX)?.unwrap_or(USUAL_LIMIT).min(MOST_LIMIT);
    let filter = ListFilter {
        state,
        task,
        cursor: query.get("cursor").map(str::to_owned),
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
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
    if let Some(next) = page.next.as_deref().and_then(|next| next_link(&filter, next)) {
        response.headers_mut().insert(header::LINK, next);
    }
    Ok(response)
}

/// The next page of the same list (RFC 8288).
fn next_link(filter: &ListFilter, next: &str) -> Option<HeaderValue> {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if let Some(state) = filter.state {
        query.append_pair("state", state.as_str());
    }
    if let Some(task) = &filter.task {
        query.append_pair("task", task.as_str());
    }
    query.append_pair("limit", &filter.limit.to_string()).append_pair("cursor", next);
    HeaderValue::from_str(&format!("</v1/jobs?{}>; rel=\"next\"", query.finish())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        }
    }

    #[test]
    fn the_next_page_keeps_the_filter() {
        let filter = ListFilter {
            state: Some(JobState::Failed),
            task: Some("a.b".parse().unwrap()),
            cursor: Some("old".to_owned()),
            limit: 7,
        };
        let link = next_link(&filter, "c d").unwrap();
        assert_eq!(link, "</v1/jobs?state=failed&task=a.b&limit=7&cursor=c+d>; rel=\"next\"");
    }
}
