//! Who asks, and what they may: tokens, scopes, owners.
//!
//! ```text
//!   front.rs -> admit      bearer (header -> token) -> known (token -> record) -> scopes (route -> scope)
//!                          session (cookie -> session -> token), for browsers
//!   routes   -> Principal  taken from the request; whose jobs it may see: gate
//! ```
//!
//! Without any token in Redis an API on loopback asks nobody for one, and neither does one that was told `insecure`. From
//! the moment this process has seen that a token was ever made it asks everybody, until it is restarted. An API on
//! another address always asks: with no token to be had it answers nobody.
//!
//! The 404 of a job of another owner is made by the same function as that of a missing one: [`gate`].

mod admit;
mod bearer;
mod gate;
mod kept;
mod known;
mod principal;
mod scopes;
mod session;

pub(crate) use admit::{admit, asks, sign_in, sign_out};
pub(crate) use gate::visible;
pub(crate) use known::Known;
pub(crate) use principal::Principal;
#[cfg(test)]
pub(crate) use scopes::is_open;
pub(crate) use scopes::template;
pub use scopes::{ROUTES, Route};
pub(crate) use session::{cookie, no_cookie};
