//! docs/configuration.md: its example is a good configuration, and it names every key that is read.

use dayfly_common::config::{Inputs, load};
use std::{fs, path::Path};

#[test]
fn the_whole_example_loads_and_every_key_of_it_has_its_row() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/configuration.md");
    let page = fs::read_to_string(page).expect("the page");
    let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("the example");
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("dayfly.toml");
    fs::write(&file, example).expect("written");
    let loaded = load(&Inputs { file: Some(file), ..Inputs::default() }).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(loaded.tasks.len(), 1);
    for line in example.lines().filter(|line| line.contains(" = ")) {
        let key = line.split(" = ").next().unwrap_or_default();
        assert!(page.contains(&format!("| `{key}` |")), "no row for {key}");
    }
}
