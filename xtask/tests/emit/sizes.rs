//! Jobs and bytes at 3, 300 and 3,000 affected projects, for each tier; and what no cutting can make fit.

use std::fmt::Write as _;

use expect_test::expect_file;

use crate::made::Made;
use crate::read;

#[test]
fn three_three_hundred_three_thousand() {
    let mut text = String::from(
        "projects  tier          shape         jobs   largest file  parsed   files  needs  variable  cut\n",
    );
    for count in [3, 300, 3000] {
        for (tier, shape, runners) in
            [("free", "auto", 2), ("self-managed", "auto", 2), ("self-managed", "stage", 2), ("premium", "auto", 200)]
        {
            if count == 3000 && tier == "self-managed" {
                // The same files as for `free`: no limit of jobs is near.
                continue;
            }
            let made = Made::full(count, &format!("tier = \"{tier}\"\njobs = \"{shape}\"\nrunners = {runners}"));
            let emission = made.emission().unwrap_or_else(|error| panic!("{count} {tier} {shape}: {error:#}"));
            for (_, text) in &emission.files {
                read::jobs(text);
            }
            let it = &emission.measure;
            let (files, cut) = (emission.files.len(), xtask::emit::word(emission.cut.expect("something to do")));
            writeln!(
                text,
                "{count:8}  {tier:12}  {shape:5} x{runners:<4}  {:>6}  {:>12}  {:>7}  {files:>5}  {:>5}  {:>8}  {cut}",
                it.jobs, it.bytes, it.parsed, it.needs, it.variable
            )
            .expect("a string");
        }
    }
    expect_file!["sizes.txt"].assert_eq(&text);
}

#[test]
fn what_cannot_fit_names_the_limit() {
    let projects = Made::full(600, "tier = \"free\"");
    // An image has a job of its own in every shape.
    let made = (0..600).fold(projects, |made, it| made.with_image(&format!("service-{it:05}")));
    let error = format!("{:#}", made.emission().expect_err("600 jobs do not fit in 500"));
    assert!(error.contains("jobs in active pipelines: ") && error.contains("of 500"), "{error}");
}
