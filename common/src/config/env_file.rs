//! Files of `NAME=value` lines, for what must not stand in `dayfly.toml`. Faults name lines, never values.

use std::{fs, io, path::Path};

/// An environment file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EnvFileError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// A line is not `NAME=value`.
    #[error("line {0} is not NAME=value")]
    Line(usize),
}

/// The pairs of a file, in order. Empty lines and lines that begin with `#` are passed over, `export ` before a name is
/// too; a value may stand in one pair of quotes, otherwise it is everything after the `=`.
///
/// # Errors
/// See [`EnvFileError`].
pub fn read_env_file(path: &Path) -> Result<Vec<(String, String)>, EnvFileError> {
    let text = fs::read_to_string(path).map_err(EnvFileError::Unreadable)?;
    text.lines()
        .enumerate()
        .map(|(at, line)| (at + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| pair(line).ok_or(EnvFileError::Line(number)))
        .collect()
}

fn pair(line: &str) -> Option<(String, String)> {
    let (name, value) = line.strip_prefix("export ").unwrap_or(line).split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    let unquoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    is_variable(name).then(|| (name.to_owned(), unquoted.unwrap_or(value).to_owned()))
}

/// Whether `name` can be an environment variable's: letters, digits and `_`, not beginning with a digit.
pub(super) fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.as_bytes()[0].is_ascii_digit()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_pairs_and_faults_keep_values_to_themselves() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secrets");
        fs::write(&path, "# comment\n\nexport A=1\nB = \"two words\"\nC='x=y'\nD=\n").unwrap();
        let pairs = read_env_file(&path).unwrap();
        let expected = [("A", "1"), ("B", "two words"), ("C", "x=y"), ("D", "")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        fs::write(&path, "A=1\nhunter2\n").unwrap();
        let said = read_env_file(&path).unwrap_err().to_string();
        assert_eq!(said, "line 2 is not NAME=value");
        assert!(matches!(read_env_file(&dir.path().join("none")), Err(EnvFileError::Unreadable(_))));
    }
}
