//! The process room by itself: no queue, no Redis. One file a behaviour.

mod daemon;
mod deaths;
mod disk;
mod exits;
mod flood;
mod hostile;
mod input;
mod limits;
mod mounts;
mod output;
mod refusals;
mod room;
mod stopped;
mod strikes;
mod stuck;
mod swept;
mod tiers;
mod times;
mod users;
mod warm;
mod warm_again;
mod warm_code;
mod warm_hostile;
mod warm_many;
mod warm_protocol;
