//! What is remembered of directories, held against what is read of them: it is the same, whatever happens.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use xtask::git::{Listed, Trust};

use super::place::{Place, paths, pretty_assert};

/// Longer than any time for which a local file system shows the same time twice.
const SETTLED: Duration = Duration::from_millis(20);

/// For fewer tracked files nothing is remembered.
pub fn enough_to_be_remembered(place: &Place) {
    for number in 0..200 {
        place.write(format!("many/{number}"), "");
    }
    place.commit("many");
}

/// Lets all directories settle and reads the work tree, with what is remembered and without. How many directories were
/// not read.
pub fn assert_remembered(place: &Place, listed: &mut Listed) -> usize {
    std::thread::sleep(SETTLED + Duration::from_millis(5));
    let git = place.open();
    let read = git.disk().unwrap_or_else(|error| panic!("{error:#}"));
    let dev = place.root.metadata().expect("a directory").dev();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time") - SETTLED;
    let until = (now.as_secs() as i64, i64::from(now.subsec_nanos()));
    *listed = std::mem::take(listed).trusting(Trust { dev, until });
    let (_, before) = listed.count();
    let known = git.disk_with(listed).unwrap_or_else(|error| panic!("{error:#}"));
    pretty_assert(&read.files, &known.files);
    let (all, after) = listed.count();
    all - (after - before)
}

/// A repository with something tracked in each of some directories.
fn place() -> (Place, Listed) {
    let place = Place::new();
    for path in ["a/x", "a/deep/x", "a/deep/y", "b/x", "b/deep/x", "c/one/x", "c/two/x", "c/two/z"] {
        place.write(path, path);
    }
    enough_to_be_remembered(&place);
    let mut listed = Listed::default();
    assert_eq!(assert_remembered(&place, &mut listed), 0);
    // The root, a, a/deep, b, b/deep, c, c/one, c/two, many.
    assert_eq!(listed.count(), (9, 9));
    (place, listed)
}

/// Puts two directories in each other's places.
fn swap(place: &Place, one: &str, other: &str) {
    for (from, to) in [(one, "aside"), (other, one), ("aside", other)] {
        std::fs::rename(place.path(from), place.path(to)).expect("renamed");
    }
}

/// Sets the time of a directory back.
fn age(path: &Path) {
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
    std::fs::File::open(path).and_then(|it| it.set_modified(old)).expect("a time");
}

#[test]
fn a_directory_is_read_again_where_something_has_changed() {
    // What happens, and in how many of the directories with tracked files there is nothing to read.
    type Case<'a> = (&'a str, usize, &'a dyn Fn(&Place));
    let cases: &[Case] = &[
        ("nothing", 9, &|_| ()),
        ("a tracked file has other content", 9, &|place| place.write("a/x", "other")),
        ("a new file", 8, &|place| place.write("a/deep/new", "")),
        ("a file is gone", 8, &|place| place.remove("c/two/z")),
        ("a new directory that is not tracked", 8, &|place| place.write("c/new/dir/x", "")),
        ("a file in it", 9, &|_| ()),
        ("ignored", 8, &|place| place.write(".gitignore", "new\nz\n")),
        ("ignored by what is in no directory", 9, &|place| place.write(".git/info/exclude", "n*\n")),
        ("the time of a directory is set back", 8, &|place| {
            place.write("b/new", "");
            age(&place.path("b"));
        }),
        ("and again, to the same time", 8, &|place| {
            place.write("b/newer", "");
            age(&place.path("b"));
        }),
        ("no longer tracked", 8, &|place| _ = place.git(&["rm", "-q", "--cached", "a/deep/x"])),
        ("tracked as it lies there", 8, &|place| _ = place.git(&["add", "-f", "a/deep/new"])),
        ("to be added", 8, &|place| _ = place.git(&["add", "-f", "-N", "b/new"])),
        ("another name", 7, &|place| _ = place.git(&["mv", "a/deep/y", "b/deep/moved"])),
        ("two directories in each other's places", 4, &|place| swap(place, "a/deep", "b/deep")),
        ("two directories with directories in each other's places", 4, &|place| swap(place, "a", "b")),
        ("a file becomes a directory", 8, &|place| {
            place.remove("a/x");
            place.write("a/x/inner", "");
        }),
        ("and a file again", 8, &|place| {
            place.remove("a/x");
            place.write("a/x", "a/x");
        }),
        ("a directory becomes a file", 7, &|place| {
            place.remove("c/one");
            place.write("c/one", "");
        }),
        ("and a directory again", 7, &|place| {
            place.remove("c/one");
            place.write("c/one/x", "c/one/x");
        }),
        ("a directory becomes a link to what it was", 6, &|place| {
            std::fs::rename(place.path("c/two"), place.path("elsewhere")).expect("renamed");
            place.link("../elsewhere", "c/two");
        }),
        ("and a directory again", 6, &|place| {
            place.remove("c/two");
            std::fs::rename(place.path("elsewhere"), place.path("c/two")).expect("renamed");
        }),
        ("a repository appears in it", 8, &|place| _ = place.git_in(&place.root.join("b/deep"), &["init", "-q"])),
        ("left out of the checkout", 0, &|place| {
            place.commit("all");
            place.git(&["sparse-checkout", "set", "a", "many"]);
        }),
        ("all of it again", 0, &|place| _ = place.git(&["sparse-checkout", "disable"])),
    ];
    let (place, mut listed) = place();
    for (what, not_read, event) in cases {
        event(&place);
        // Of the last two it is git's to say what it touches.
        let known = assert_remembered(&place, &mut listed);
        assert!(known >= *not_read, "{what}: only {known} directories were known again, not {not_read}");
        assert!(known == *not_read || *not_read == 0, "{what}: {known} directories were known again, not {not_read}");
        assert_eq!(assert_remembered(&place, &mut listed), listed.count().0, "{what}: nothing has happened since");
    }
}

#[test]
fn what_is_not_settled_is_not_remembered() {
    let (place, _) = place();
    let git = place.open();
    let dev = place.root.metadata().expect("a directory").dev();
    for trust in [Trust { dev, until: (1, 0) }, Trust { dev: dev + 1, until: (i64::MAX, 0) }] {
        let mut listed = Listed::default().trusting(trust);
        git.disk_with(&mut listed).expect("the disk");
        assert_eq!(listed.count(), (0, 0), "{trust:?}");
    }
}

#[test]
fn a_merge_in_which_a_name_is_a_file_and_a_directory() {
    let (place, mut listed) = place();
    place.git(&["checkout", "-q", "-b", "other"]);
    place.remove("a/deep");
    place.step("a/deep", "a file");
    place.git(&["checkout", "-q", "main"]);
    place.step("a/deep/y", "changed");
    assert_remembered(&place, &mut listed);
    place.git_fails(&["merge", "-q", "other"]);
    assert_remembered(&place, &mut listed);
    for (what, event) in [
        ("the directory is a file", &(|place: &Place| place.write("a/deep", "")) as &dyn Fn(&Place)),
        ("a link to a directory", &|place| place.link("../b", "a/deep")),
        ("gone", &|place| place.remove("a/deep")),
        ("a directory", &|place| place.write("a/deep/new", "")),
    ] {
        let path = place.path("a/deep");
        if path.symlink_metadata().is_ok_and(|it| it.is_dir()) {
            place.remove("a/deep");
        } else {
            let _ = std::fs::remove_file(&path);
        }
        if what != "gone" {
            event(&place);
        }
        assert_remembered(&place, &mut listed);
        assert!(assert_remembered(&place, &mut listed) > 5, "{what}");
    }
    place.commit("merged");
    assert_remembered(&place, &mut listed);
}

#[test]
fn submodules_and_names_that_are_hard_to_say() {
    let (place, mut listed) = place();
    let library = place.clone("library", &[]);
    place.git(&["submodule", "--quiet", "add", &format!("file://{library}"), "libs/it"]);
    for name in [&b"new\nline/x"[..], b"dir\xff/\xff", b"-n/--x", &[b'l'; 255]] {
        place.write(name, "");
    }
    assert_remembered(&place, &mut listed);
    place.commit("base");
    assert_remembered(&place, &mut listed);
    for name in [&b"new\nline/\n"[..], b"dir\xff/\xfe", b"-n/-n", b"libs/it/new", b"libs/new"] {
        place.write(name, "");
    }
    assert_remembered(&place, &mut listed);
    place.git(&["rm", "-q", "--cached", "libs/it"]);
    assert_remembered(&place, &mut listed);
    place.remove("libs/it");
    place.write("libs/it", "a file");
    assert_remembered(&place, &mut listed);
    let (all, _) = listed.count();
    assert_eq!(assert_remembered(&place, &mut listed), all);
    let tree = place.open().work_tree().expect("a tree");
    assert!(paths(&tree).contains(&"libs/it") && paths(&tree).contains(&"new\nline/\n"), "{:?}", paths(&tree));
}
