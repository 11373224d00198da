//! The process room by itself: no queue, no Redis. One file a behaviour.

mod deaths;
mod exits;
mod hostile;
mod input;
mod output;
mod refusals;
mod room;
mod times;
