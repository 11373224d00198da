//! The process room by itself: no queue, no Redis. One file a behaviour.

mod daemon;
mod deaths;
mod exits;
mod flood;
mod hostile;
mod input;
mod limits;
mod output;
mod refusals;
mod room;
mod stopped;
mod stuck;
mod swept;
mod tiers;
mod times;
