//! Standard input: whole, whatever its size, and in nobody's way when it is not read.

use crate::room::run;
use dayfly_tests::process::{shell, spec};
use dayfly_worker::process::Exit;

#[tokio::test]
async fn input_arrives_byte_by_byte() {
    for size in [0, 1, 4096, 65_537, 20 << 20] {
        let input: Vec<u8> = (0..size).map(|at: usize| (at % 251) as u8).collect();
        let mut job = spec(&["cat"]);
        job.input = input.clone().into();
        job.max_result = 64 << 20;
        let done = run(job).await;
        assert_eq!(done.ended.exit, Exit::Code(0));
        assert!(done.ended.stdout == input, "{size} bytes");
        assert!(!done.ended.stdout_truncated);
    }
}

#[tokio::test]
async fn input_that_is_not_read_disturbs_nobody() {
    let mut job = shell("exit 3");
    job.input = vec![b'x'; 5 << 20].into();
    assert_eq!(run(job).await.ended.exit, Exit::Code(3));
}

#[tokio::test]
async fn long_arguments_and_environments_arrive_whole() {
    let long = "y".repeat(100_000);
    let mut job = shell("printf '%s %s %s' ${#BIG} ${#1} ${#2}");
    job.argv.extend(["name".to_owned(), long.clone(), long.clone()]);
    job.env.push(("BIG".to_owned(), long));
    assert_eq!(run(job).await.ended.stdout, b"100000 100000 100000");
}
