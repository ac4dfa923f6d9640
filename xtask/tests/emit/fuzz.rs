//! Hostile names and reasons: random ones through `emit`, read back, compared.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};

use crate::made::Made;
use crate::read;

/// What has hurt somebody somewhere.
const ODD: &[&str] = &[
    "$(touch x)",
    "`id`",
    "$[[ inputs.x ]]",
    "${HOME}",
    "$CI_JOB_TOKEN",
    "a: b",
    "- a",
    "# a",
    "a\nb: c",
    "---",
    "...",
    "!!python/object:os.system",
    "&a",
    "*a",
    "? a",
    "| a",
    "> a",
    "%TAG",
    "@a",
    "'",
    "\"",
    "\\",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{202e}gnp",
    "\u{1f980}\u{200d}",
    "\0",
    "\u{1b}[31m",
    "~",
    "null",
    "true",
    "yes",
    "0x1",
    "1e3",
    "=",
    "<<",
    "image",
    "pages",
    "default",
    "stages",
    "include",
    "variables",
    ".hidden",
    "a 1/2",
    "a: [b]",
    "a 1:2",
    "a/b",
    "..",
    "projects",
    "ruff",
    "clear-cache",
    "nothing-to-do",
    "a.ruff",
    "a_b",
    "A",
    "\u{e9}",
    "{{x}}",
    "%s",
    "a;b",
    "a&&b",
    "a|b",
];

fn name() -> impl Strategy<Value = String> {
    let odd = || select(ODD).prop_map(str::to_owned);
    prop_oneof![
        3 => odd(),
        2 => vec(odd(), 1..4).prop_map(|it| it.concat()),
        2 => "[a-z0-9]{1,3}(-[a-z0-9]{1,3})?",
        1 => any::<String>(),
        1 => (odd(), 200..400usize).prop_map(|(it, times)| it.repeat(times)),
    ]
}

#[test]
fn foreign_text_stays_text() {
    let mut config = Config::with_cases(150);
    config.failure_persistence = Some(Box::new(FileFailurePersistence::Off));
    let stages = vec!["ruff", "pytest", "sbom", "vulnerabilities", "build", "pages", "lock", "docker-build"];
    let shapes = select(vec!["stage", "group", "project", "auto"]);
    let projects = btree_map(name(), (name(), proptest::sample::subsequence(stages, 1..8)), 1..8);
    TestRunner::new(config)
        .run(&(projects, shapes, name()), |(projects, shape, branch)| {
            let rows: Vec<_> = projects.into_iter().map(|(name, (reason, stages))| (name, reason, stages)).collect();
            let mut made = Made::new(&rows, &format!("jobs = \"{shape}\""));
            made.plan.because = branch;
            // Names of thousands of characters may not fit into what a job carries: then the limit is named. Or they take
            // several files, which other tests read.
            let longest = made.plan.projects.iter().map(|it| it.name.len()).max();
            let text = match made.emission() {
                Ok(emission) if emission.files.len() == 1 => emission.files[0].1.clone(),
                odd => {
                    let why = odd.map(|it| it.said).unwrap_or_else(|error| format!("{error:#}"));
                    prop_assert!(why.contains("bytes of the longest variable") && longest > Some(1000), "{why}");
                    return Ok(());
                }
            };
            let mut left: BTreeMap<(String, &str), String> =
                made.plan.jobs.iter().map(|it| ((it.project.clone(), it.stage.name), it.because.to_string())).collect();
            let mut names = BTreeSet::new();
            for job in read::jobs(&text) {
                prop_assert!(names.insert(job.name.clone()));
                let Some(handed) = job.handed() else { continue };
                for it in handed.plan.jobs {
                    let because = left.remove(&(it.project.clone(), it.stage.name));
                    // Long reasons are cut, but nothing else is done to them.
                    let because = because.unwrap_or_default();
                    let start = it.because.strip_suffix(" ...").filter(|_| *it.because != *because);
                    let start = start.unwrap_or(&it.because);
                    let whole = start == because || start.chars().count() >= 50;
                    prop_assert!(because.starts_with(start) && whole, "{:?} {:?}", it.because, because);
                    let planned = handed.plan.projects.iter().find(|other| other.name == it.project);
                    let dir = format!("p/{}", it.project);
                    prop_assert_eq!(planned.map(|other| other.dir.as_str()), Some(dir.as_str()));
                }
            }
            prop_assert!(left.is_empty(), "{left:?}");
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}
