//! Hears of cancels as they are asked, so that one takes effect sooner than the next heartbeat. Only a hint: the
//! heartbeat finds every cancel key by itself.

use crate::context::Context;
use std::{sync::Arc, time::Duration};
use tracing::debug;

const RETRY: Duration = Duration::from_secs(1);

/// Listens until it is dropped.
pub(crate) async fn hear_cancels(ctx: Arc<Context>) {
    loop {
        match ctx.queue.cancel_listener().await {
            Ok(mut listener) => loop {
                match listener.next().await {
                    Ok(id) if ctx.held.has(id) => ctx.beat_now.notify_one(),
                    Ok(_) => {}
                    Err(error) => {
                        debug!(%error, "the cancel channel broke");
                        break;
                    }
                }
            },
            Err(error) => debug!(%error, "no cancel channel"),
        }
        tokio::time::sleep(RETRY).await;
    }
}
