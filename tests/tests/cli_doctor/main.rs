//! `dayfly doctor`: each finding is provoked for real, told with what it means and the fix, and nothing is left behind.

mod examined;
mod host;
mod server;
mod trial;
