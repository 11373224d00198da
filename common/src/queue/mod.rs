//! The queue: jobs in Redis, moved by functions of one library, `dayfly_v1`.
//!
//! One operation, two files: `lua/<operation>.lua` is the atomic part and `<operation>.rs` its twin, which calls it and turns
//! every answer into an enum. `library.rs` puts the `.lua` files together and loads them. Nothing outside this
//! room sends Redis a command about a job.
//!
//! `primary.rs` knows which server that is: the one of the URL, or the one that sentinels (`sentinel.rs`) or the nodes of a cluster
//! (`cluster.rs`) name today.
//!
//! Every operation is idempotent or fenced, so any of them may be sent again when its answer was lost.

mod audit;
mod birth;
mod call;
mod cancel;
mod change;
mod checkup;
mod claim;
mod cluster;
mod connect;
mod cursor;
mod delete;
mod drain;
mod durability;
mod entry;
mod error;
mod events;
mod figures;
mod filter;
mod finish;
mod fleet;
mod follow;
mod forget;
mod heartbeat;
mod history;
mod index;
mod inspect;
mod library;
mod link;
mod list;
mod log;
mod many;
mod measured;
mod minutes;
mod owner;
mod primary;
mod quota;
mod record;
mod recover;
mod release;
mod reply;
mod report;
mod retry;
mod sentinel;
mod servers;
mod sessions;
mod submit;
mod sweep;
mod tasks;
mod term;
mod times;
mod tokens;
mod wake;

pub use audit::Audited;
pub use birth::Birth;
pub use cancel::Cancelled;
pub use change::{Change, Changed, StartAt};
pub use checkup::{Failover, Info, LibraryFound, Right, TrialPrefix};
pub use claim::{Ask, AskTask, Claim, Claimed};
pub use connect::{Queue, RedisSettings, without_password};
pub use delete::Deleted;
pub use durability::Durability;
pub use entry::{EntryId, EntryIdError};
pub use error::QueueError;
pub use events::{Event, EventReader};
pub use figures::{Figures, Slots, TaskFigures};
pub use filter::ListFilter;
pub use finish::{Finish, Finished};
pub use fleet::{TaskStatus, WorkerStatus};
pub use follow::Followed;
pub use forget::Forgotten;
pub use heartbeat::{Beat, BeatReply, Held, LimitHolders, Presence, Verdict};
pub use history::History;
pub use inspect::JobView;
pub use library::REVISION;
pub use list::{ListError, ListPage};
pub use log::LogLine;
pub use measured::RedisMetrics;
pub use minutes::{ByState, Minute, Numbers};
pub use quota::{Quota, Rate, RateError};
pub use record::{AttemptRecord, JobRecord, Progress};
pub use report::{Line, LineStream, Report};
pub use retry::{Retried, Retry};
pub(crate) use servers::Servers;
pub use sessions::{SESSION_MS, SessionRecord};
pub use submit::{Accepted, Submit, Submitted};
pub use tasks::TaskCard;
pub use times::Paces;
pub use tokens::{NewToken, Revoked, TokenLookup, TokenRecord, TokenState};
pub use wake::{CancelListener, ListenerId, Wake, WakeListener};
