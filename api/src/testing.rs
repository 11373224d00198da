//! What unit tests of several modules need.

use dayfly_common::queue::RedisSettings;
use std::time::Duration;

/// A server that is not there.
pub(crate) fn no_redis() -> RedisSettings {
    RedisSettings {
        url: "redis://127.0.0.1:1/0".to_owned(),
        prefix: "dayfly".to_owned(),
        pool_size: 1,
        command_deadline: Duration::from_millis(100),
        wait_replicas: 0,
        require_durable: false,
    }
}
