//! Configuration: one `dayfly.toml`, then the environment, then flags. Parsed into final types, all faults at once.
//!
//! ```text
//!   document (file -> table with lines) --+
//!   inputs   (variables, flags)        ---+-> section (typed reads, unknown keys) -> daemons, task -> load -> Config
//! ```
//!
//! Only `main` calls [`load`]; inner code takes plain values. A fault never stops the walk: it is noted with its place and
//! the walk goes on, so that one start reports everything there is to mend. serde would stop at the first.

mod daemons;
mod document;
mod env_file;
mod fault;
mod inputs;
mod limits;
mod listener;
mod load;
mod program;
mod python;
mod python_module;
mod route;
mod schema;
mod section;
mod task;
mod types;
mod value;

pub use env_file::{EnvFileError, read_env_file};
pub use fault::{Fault, Faults, Place};
pub use inputs::{Decorated, Flag, Inputs};
pub use load::load;
pub use python_module::{PythonModule, python_modules};
pub use types::{ApiConfig, Config, Isolation, ListenerConfig, TlsFiles, WorkerConfig};
