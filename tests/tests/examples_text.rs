//! `parse_document.py` and `shell_pipeline.sh`: what they make of a text, and of what is none.

use dayfly_tests::run_example;
use serde_json::{Value, json};

fn parsed(text: &str) -> Value {
    let ran = run_example("python3", "parse_document.py", &json!({"text": text}).to_string());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    serde_json::from_str(&ran.stdout).expect("JSON")
}

#[test]
fn headings_of_both_kinds_make_the_outline() {
    let text =
        "intro words\n# One\nhello world\n\nTwo and\n=======\nit's a-b\n```\n# no heading\n```\n## Three ##\nx\n";
    let heading = |level, title, line, words| json!({"level": level, "title": title, "line": line, "words": words});
    let outline = [heading(1, "One", 2, 2), heading(1, "Two and", 5, 2), heading(2, "Three", 11, 1)];
    assert_eq!(parsed(text), json!({"outline": outline, "words": 11}));
}

#[test]
fn texts_without_headings_and_without_anything_are_documents_too() {
    assert_eq!(parsed("naïve café, 3 words"), json!({"outline": [], "words": 4}));
    assert_eq!(parsed(""), json!({"outline": [], "words": 0}));
    assert_eq!(
        parsed("#hashtag\n####### seven\n---"),
        json!({"outline": [{"level": 2, "title": "####### seven", "line": 2, "words": 0}], "words": 2})
    );
}

#[test]
fn the_pipeline_counts_the_most_frequent_words() {
    let ran =
        run_example("sh", "shell_pipeline.sh", &json!({"text": "The cat\nthe \"dog\" THE\tcafé it's"}).to_string());
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "3 the\n1 café\n1 cat\n1 dog\n1 it's\n"), "{ran:?}");
    let spread = run_example("sh", "shell_pipeline.sh", "{\n  \"text\" : \"a a b\"\n}\n");
    assert_eq!(spread.stdout, "2 a\n1 b\n");
    assert_eq!(run_example("sh", "shell_pipeline.sh", "{\"text\": \"\"}").code, Some(0));
    let many: Vec<String> = (0..60_000).map(|number| format!("w{number}")).collect();
    let long = run_example("sh", "shell_pipeline.sh", &json!({"text": many.join(" ")}).to_string());
    assert_eq!((long.code, long.stdout.lines().count()), (Some(0), 10));
}

#[test]
fn wrong_inputs_fail_with_a_reason() {
    for input in ["", "x", "[]", "{}", "{\"text\": 3}", "{\"txt\": \"a\"}"] {
        for (interpreter, file) in [("python3", "parse_document.py"), ("sh", "shell_pipeline.sh")] {
            let ran = run_example(interpreter, file, input);
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{file} {input}: {ran:?}");
            assert!(ran.stderr.contains("must be"), "{file} {input}: {ran:?}");
        }
    }
}
