//! The dashboard in a real browser: headless Chromium by its own driver.

mod accessible;
mod chrome;
mod live;
mod many;
mod markup;
mod pictures;
mod signed;
mod subpath;
