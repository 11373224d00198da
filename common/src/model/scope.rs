//! Scopes: what the bearer of a token may do. Each stands for itself: none holds another.

use std::{fmt, str::FromStr};

/// One right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Look: every GET.
    Read,
    /// Submit jobs, change waiting ones of one's own, run ended ones again.
    Submit,
    /// Cancel jobs.
    Cancel,
    /// Delete, pause, drain, schedules, actions on many jobs; and other owners' jobs.
    Admin,
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Scopes(u8);

/// The text is not a list of scopes.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a scope: use one or more of read, submit, cancel, admin, separated by commas")]
pub struct ScopesError(pub String);

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Read, Self::Submit, Self::Cancel, Self::Admin];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Submit => "submit",
            Self::Cancel => "cancel",
            Self::Admin => "admin",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Submit => 2,
            Self::Cancel => 4,
            Self::Admin => 8,
        }
    }
}

impl Scopes {
    /// Every scope.
    #[must_use]
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Whether `scope` is among them.
    #[must_use]
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Those that it holds, in their usual order.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.has(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl FromStr for Scopes {
    type Err = ScopesError;

    fn from_str(text: &str) -> Result<Self, ScopesError> {
        let one = |word: &str| {
            let word = word.trim();
            let known = Scope::ALL.into_iter().find(|scope| scope.as_str() == word);
            known.ok_or_else(|| ScopesError(word.chars().take(80).collect()))
        };
        text.split(',').map(one).collect()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, scope) in self.iter().enumerate() {
            write!(out, "{}{scope}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_back_and_hold_what_they_say() {
        for (text, shown) in
            [("read", "read"), ("admin,read", "read,admin"), (" cancel , submit,cancel ", "submit,cancel")]
        {
            let scopes: Scopes = text.parse().unwrap();
            assert_eq!(scopes.to_string(), shown);
            for scope in Scope::ALL {
                assert_eq!(scopes.has(scope), text.contains(scope.as_str()), "{text} {scope}");
            }
        }
        assert_eq!(Scopes::all().to_string(), "read,submit,cancel,admin");
        assert_eq!(Scopes::default().iter().count(), 0);
    }

    #[test]
    fn other_words_are_refused() {
        for (text, named) in
            [("", "``"), ("write", "`write`"), ("read,", "``"), ("read submit", "`read submit`"), ("READ", "`READ`")]
        {
            let said = text.parse::<Scopes>().unwrap_err().to_string();
            assert!(said.starts_with(named) && said.contains("read, submit, cancel, admin"), "{said}");
        }
    }
}
