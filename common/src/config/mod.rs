//! Configuration: one `dayfly.toml`, then the environment, then flags. Parsed into final types, all faults at once.

mod types;

pub use types::{ApiConfig, Config, WorkerConfig};
