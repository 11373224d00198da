//! `factor.py`: exact factors, progress on its event descriptor, wrong inputs refused with a reason.

use dayfly_tests::run_example;
use serde_json::Value;

fn factors(n: &str) -> Vec<String> {
    let ran = run_example("python3", "factor.py", &format!("{{\"n\": {n}}}"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    // Read as text: a number of 40 digits is exact there and nowhere in JSON's doubles.
    let (start, rest) = ran.stdout.trim().split_once(", \"factors\": [").expect("the shape");
    assert_eq!(start, format!("{{\"n\": {n}"));
    let list = rest.strip_suffix("]}").expect("the shape");
    list.split(", ").filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[test]
fn small_and_large_numbers_are_factored_exactly() {
    assert_eq!(factors("360"), ["2", "2", "2", "3", "3", "5"]);
    assert_eq!(factors("1"), Vec::<String>::new());
    assert_eq!(factors("97"), ["97"]);
    assert_eq!(factors("1000000016000000063"), ["1000000007", "1000000009"]);
    // Two to the 127th less one is prime.
    let mersenne = "170141183460469231731687303715884105727";
    assert_eq!(factors(mersenne), [mersenne]);
    // Squares of large primes are found by their root.
    assert_eq!(factors("1000000014000000049"), ["1000000007"; 2]);
}

#[test]
fn progress_goes_up_and_never_to_one() {
    let ran = run_example("python3", "factor.py", "{\"n\": 1000000000100000000002379}");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let told: Vec<f64> = ran
        .events
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON")["progress"].as_f64().expect("a number"))
        .collect();
    assert!(!told.is_empty() && told.is_sorted() && told.iter().all(|one| (0.0..1.0).contains(one)), "{told:?}");
}

#[test]
fn wrong_inputs_fail_with_a_reason() {
    for input in ["", "x", "[]", "{}", "{\"n\": 0}", "{\"n\": -4}", "{\"n\": 1.5}", "{\"n\": true}", "{\"n\": \"7\"}"] {
        let ran = run_example("python3", "factor.py", input);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{input}: {ran:?}");
        assert!(ran.stderr.contains("n must be") || ran.stderr.contains("must be JSON like"), "{input}: {ran:?}");
        assert!(!ran.stderr.contains("Traceback"), "{input}: {ran:?}");
    }
}
