//! Whatever happens to a work tree and its index: what is read of them is what `git add -A && git commit` makes of it,
//! and the same with what is remembered of its directories.
//!
//! Random series of events. What git itself does on purpose differently has its own tests in `work_tree` and `index`.

use std::cell::Cell;
use std::fmt::Debug;

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::test_runner::{Config, TestRunner};
use xtask::git::Listed;

use super::place::Place;
use super::remembered::{assert_remembered, enough_to_be_remembered};

/// Each takes some dozen processes of git.
const CASES: u32 = 40;

/// Directories that sort in odd ways beside each other.
const DIRS: &[&str] = &["", "a/", "a/b/", "a/b/c/", "a.b/", "a-/", "d/e f/"];
const NAMES: &[&str] = &["x.py", "x.log", "y", "build", "a", ".gitignore"];
const PATTERNS: &[&str] = &["*.log", "!x.log", "build/", "/y", "b", "!b", "*", "!*.py", "a/**/y", "!.gitignore", "c/"];

#[derive(Debug, Clone, Copy)]
enum Event {
    Write,
    Remove,
    RemoveDirectory,
    Ignore,
    Move,
    Link,
    LinkDirectory,
    Swap,
    Age,
    Execute,
    Add,
    Intend,
    Forget,
}

use Event::*;

const EVENTS: &[Event] = &[
    Write,
    Write,
    Write,
    Remove,
    RemoveDirectory,
    Ignore,
    Move,
    Link,
    LinkDirectory,
    Swap,
    Age,
    Execute,
    Add,
    Intend,
    Forget,
];

/// What happens, where, and a number that decides what else there is to decide.
type Step = (usize, usize, usize, usize);

fn happen(place: &Place, step: Step) {
    let (event, dir, name, number) = step;
    let dir = DIRS[dir].trim_end_matches('/');
    let path = format!("{}{}", DIRS[step.1], NAMES[name]);
    let (full, full_dir) = (place.path(&path), place.path(dir));
    // Some of it cannot happen: then it does not.
    let _ = match EVENTS[event] {
        Write => {
            let _ = std::fs::create_dir_all(full.parent().expect("a directory"));
            // In the place of a directory of that name there is now a file, half of the time.
            let _ = if number % 2 == 0 { std::fs::remove_dir_all(&full) } else { Ok(()) };
            std::fs::write(&full, format!("{number}\n"))
        }
        Remove => std::fs::remove_file(&full),
        RemoveDirectory if !dir.is_empty() => std::fs::remove_dir_all(&full_dir),
        Ignore => {
            let file = full_dir.join(".gitignore");
            let old = std::fs::read_to_string(&file).unwrap_or_default();
            std::fs::write(&file, format!("{old}{}\n", PATTERNS[number % PATTERNS.len()]))
        }
        Move => std::fs::rename(&full, place.path(DIRS[number % DIRS.len()]).join(NAMES[number % NAMES.len()])),
        Link => std::fs::remove_file(&full).and_then(|()| std::os::unix::fs::symlink("y", &full)),
        LinkDirectory if !dir.is_empty() => {
            let aside = place.path(format!("aside-{number}"));
            std::fs::rename(&full_dir, &aside).and_then(|()| std::os::unix::fs::symlink(&aside, &full_dir))
        }
        Swap if !dir.is_empty() => {
            let (other, aside) = (place.path(DIRS[number % DIRS.len()].trim_end_matches('/')), place.path("swapped"));
            let _ = std::fs::rename(&full_dir, &aside);
            let _ = std::fs::rename(&other, &full_dir);
            std::fs::rename(&aside, &other)
        }
        Age => {
            let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_600_000_000);
            std::fs::File::open(&full_dir).and_then(|it| it.set_modified(old))
        }
        Execute => {
            if full.is_file() {
                place.chmod(&path, if number % 2 == 0 { 0o755 } else { 0o644 });
            }
            Ok(())
        }
        Add => {
            place.git_may_fail(&["add", "-f", "--", &path]);
            Ok(())
        }
        Intend => {
            place.git_may_fail(&["add", "-N", "--", &path]);
            Ok(())
        }
        Forget => {
            place.git_may_fail(&["rm", "-q", "-r", "-f", "--cached", "--", &path]);
            Ok(())
        }
        RemoveDirectory | LinkDirectory | Swap => Ok(()),
    };
}

/// Runs a test on random values; what fails is made smaller.
fn for_any<T: Debug>(cases: u32, values: &impl Strategy<Value = T>, test: impl Fn(T)) {
    let times = std::env::var("GIT_CASES").map_or(1, |it| it.parse().expect("GIT_CASES is a number"));
    let config = Config { cases: cases * times, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let run = TestRunner::new(config).run(values, |value| {
        test(value);
        Ok(())
    });
    if let Err(error) = run {
        panic!("{error}\nevents: {EVENTS:?}\ndirectories: {DIRS:?}\nnames: {NAMES:?}");
    }
}

fn any_step() -> impl Strategy<Value = Step> {
    (0..EVENTS.len(), 0..DIRS.len(), 0..NAMES.len(), 0usize..1000)
}

#[test]
fn a_work_tree_is_what_a_commit_would_hold() {
    for_any(CASES, &vec(vec(any_step(), 1..15), 1..4), |series| {
        let place = Place::new();
        for steps in series {
            steps.into_iter().for_each(|step| happen(&place, step));
            place.assert_work_tree_is_what_a_commit_would_hold();
        }
    });
}

#[test]
fn what_is_remembered_of_directories_is_what_is_read_of_them() {
    let known = Cell::new(0);
    for_any(CASES / 4, &vec((vec(any_step(), 1..3), any::<bool>()), 1..12), |series| {
        let (place, mut listed) = (Place::new(), Listed::default());
        for dir in DIRS {
            place.write(format!("{dir}x.py"), "");
            place.write(format!("{dir}y"), "");
        }
        enough_to_be_remembered(&place);
        assert_remembered(&place, &mut listed);
        for (steps, is_committed) in series {
            steps.into_iter().for_each(|step| happen(&place, step));
            known.set(known.get() + assert_remembered(&place, &mut listed));
            if is_committed {
                place.git_may_fail(&["add", "-A"]);
            }
        }
    });
    assert!(known.get() > 0, "nothing was ever remembered");
}
