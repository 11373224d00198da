//! Why the program ends other than well, and the exit code that says so.

use crate::client::Exit;
use dayfly_common::config::Faults;
use std::{fmt::Display, process::ExitCode};

/// A bad end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The configuration has faults. Exit 2.
    Config(Faults),
    /// What was asked for cannot be. Exit 2.
    Usage(String),
    /// Something failed at run time. Exit 1.
    Runtime(String),
    /// It ends with this code; all has been said when the message is empty.
    Client(Exit, String),
}

impl Failure {
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::Usage(message.to_string())
    }

    pub(crate) fn runtime(message: impl Display) -> Self {
        Self::Runtime(message.to_string())
    }

    /// Tells it on standard error. Faults stand one a line, as compilers write theirs, so that editors can follow them.
    pub(crate) fn say(&self) {
        match self {
            Self::Config(faults) => {
                let number = faults.iter().count();
                let plural = if number == 1 { "" } else { "s" };
                eprintln!("{faults}\ndayfly: {number} fault{plural} in the configuration");
            }
            Self::Client(_, message) if message.is_empty() => {}
            Self::Usage(message) | Self::Runtime(message) | Self::Client(_, message) => eprintln!("dayfly: {message}"),
        }
    }

    pub(crate) fn code(&self) -> ExitCode {
        match self {
            Self::Config(_) | Self::Usage(_) => ExitCode::from(2),
            Self::Runtime(_) => ExitCode::FAILURE,
            Self::Client(exit, _) => ExitCode::from(exit.code()),
        }
    }
}

impl From<Faults> for Failure {
    fn from(faults: Faults) -> Self {
        Self::Config(faults)
    }
}
