//! The style, the script and the icon of the pages. They hold nothing of this server, so anybody may have them.

use crate::error::Problem;
use axum::{
    body::Body,
    http::{HeaderValue, Response, Uri, header},
};
use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
const ICON: &str = include_str!("icon.svg");

/// Stands in the address of each, so that a browser may keep them until they change.
pub(super) fn tag() -> &'static str {
    static TAG: LazyLock<String> = LazyLock::new(|| {
        let digest = [STYLE, SCRIPT, ICON].iter().fold(Sha256::new(), |hash, text| hash.chain_update(text)).finalize();
        digest[..6].iter().map(|byte| format!("{byte:02x}")).collect()
    });
    &TAG
}

/// GET /ui/style.css
pub(super) async fn style(uri: Uri) -> Result<Response<Body>, Problem> {
    Ok(asset(&uri, "text/css; charset=utf-8", STYLE))
}

/// GET /ui/script.js
pub(super) async fn script(uri: Uri) -> Result<Response<Body>, Problem> {
    Ok(asset(&uri, "text/javascript; charset=utf-8", SCRIPT))
}

/// GET /ui/icon.svg
pub(super) async fn icon(uri: Uri) -> Result<Response<Body>, Problem> {
    Ok(asset(&uri, "image/svg+xml", ICON))
}

fn asset(uri: &Uri, kind: &'static str, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    // Under another address it is asked for anew: an older page may want what is no longer here.
    if uri.query().and_then(|query| query.strip_prefix("v=")) == Some(tag()) {
        let keep = HeaderValue::from_static("public, max-age=31536000, immutable");
        response.headers_mut().insert(header::CACHE_CONTROL, keep);
    }
    response
}
