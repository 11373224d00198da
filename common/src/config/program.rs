//! The program of a task, with its paths made absolute: jobs run in folders of their own.

use std::path::Path;

/// The argv to run. From `base`, the folder of the file, are meant: a program with a slash in it, every argument that
/// begins with `./` or `../`, and the first argument that is no option when it names a file there (a script's name
/// after its interpreter: `["python3", "factor.py"]`). Everything else is left as it is.
pub(super) fn resolve(argv: Vec<String>, base: &Path) -> Result<Vec<String>, String> {
    if argv.first().is_none_or(String::is_empty) {
        return Err("must name a program: command = [\"python3\", \"factor.py\"]".to_owned());
    }
    if argv.iter().any(|word| word.contains('\0')) {
        return Err("must not contain a NUL".to_owned());
    }
    let script = argv.iter().skip(1).position(|word| !word.starts_with('-')).map(|at| at + 1);
    let absolute = |word: &str| base.join(word.strip_prefix("./").unwrap_or(word)).display().to_string();
    let resolved = argv.iter().enumerate().map(|(at, word)| {
        let program = at == 0 && word.contains('/');
        let dotted = at > 0 && (word.starts_with("./") || word.starts_with("../"));
        let script = Some(at) == script && !word.is_empty() && base.join(word).is_file();
        if program || dotted || script { absolute(word) } else { word.clone() }
    });
    Ok(resolved.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(argv: &[&str], base: &Path) -> Vec<String> {
        resolve(argv.iter().map(|&word| word.to_owned()).collect(), base).unwrap()
    }

    #[test]
    fn scripts_and_dotted_paths_are_meant_from_the_files_folder() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("factor.py"), "").unwrap();
        let base = dir.path();
        let at = |name: &str| base.join(name).display().to_string();
        assert_eq!(resolved(&["python3", "-u", "factor.py"], base), ["python3", "-u", &at("factor.py")]);
        assert_eq!(resolved(&["bin/run", "./a", "b"], base), [at("bin/run"), at("a"), "b".to_owned()]);
        assert_eq!(resolved(&["grep", "word", "factor.py"], base), ["grep", "word", "factor.py"]);
        assert_eq!(resolved(&["/bin/true"], base), ["/bin/true"]);
        assert!(resolve(vec![], base).is_err() && resolve(vec![String::new()], base).is_err());
    }
}
