//! Trees that were typed in, and what follows from them.

use super::*;

fn id(byte: u8) -> Id {
    Id::new(&[byte; 20]).expect("twenty bytes")
}

fn file(byte: u8) -> Entry {
    Entry { mode: Mode::File, id: id(byte) }
}

fn tree(files: &[(&str, u8)]) -> Tree {
    Tree::new(files.iter().map(|(path, byte)| (Utf8PathBuf::from(path), file(*byte))))
}

fn under(tree: &Tree, dir: &str) -> Vec<String> {
    tree.under(Utf8Path::new(dir)).map(|it| it.0.to_string()).collect()
}

#[test]
fn ids_are_read_and_written() {
    for text in ["0123456789abcdef0123456789abcdef01234567", &"5f".repeat(32)] {
        assert_eq!(Id::from_hex(text).expect("an id").to_hex(), text);
        assert_eq!(Id::from_hex(&text.to_uppercase()).expect("an id").to_hex(), text);
    }
    for text in ["", "0123", &"g".repeat(40), &"0".repeat(41), "\u{e9}123456789abcdef0123456789abcdef0123456"] {
        assert!(Id::from_hex(text).is_err(), "{text}");
    }
    // An id is not equal to a longer one that begins with it.
    let long = format!("{}{}", id(1), "0".repeat(24));
    assert_ne!(Id::from_hex(&long).expect("an id"), id(1));
    assert!(size_of::<Entry>() <= 34);
}

#[test]
fn a_directory_is_no_prefix() {
    let tree = tree(&[("a/x", 1), ("a-b/x", 2), ("ab", 3), ("a/y/z", 4), ("a0", 5), ("b/é/x", 6), ("a.py", 7)]);
    assert_eq!(under(&tree, "a"), ["a/x", "a/y/z"]);
    assert_eq!(under(&tree, "a/"), ["a/x", "a/y/z"]);
    assert_eq!(under(&tree, "b/é"), ["b/é/x"]);
    assert_eq!(under(&tree, "a/x"), [""; 0]);
    assert_eq!(under(&tree, "").len(), 7);
    let is_dir = |it: &str| tree.is_dir(Utf8Path::new(it));
    assert!(is_dir("a") && is_dir("a/y") && is_dir("") && !is_dir("ab") && !is_dir("a/x") && !is_dir("c"));
    assert_eq!(tree.get("a/y/z".into()), Some(file(4)));
    assert_eq!(tree.get("a/y".into()), None);
}

#[test]
fn the_later_of_two_entries_counts() {
    assert_eq!(tree(&[("b", 1), ("a", 2), ("b", 3)]), tree(&[("a", 2), ("b", 3)]));
}

#[test]
fn changes_lead_there_and_back() {
    let base = tree(&[("a", 1), ("b/x", 2), ("c", 3), ("d", 4)]);
    let head = tree(&[("A", 1), ("b", 5), ("c", 9), ("d", 4), ("z/z", 7)]);
    let found = changes(&base, &head);
    let paths: Vec<&str> = found.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["A", "a", "b", "b/x", "c", "z/z"]);
    assert_eq!(base.patched(&found, false), head);
    let back = head.patched(&found, true);
    assert_eq!(back, base);
    // A patched tree can be patched again, in whatever order the changes are given.
    let mut reversed = found.clone();
    reversed.reverse();
    assert_eq!(back.patched(&reversed, false), head);
    assert_eq!(changes(&head, &head), []);
    assert_eq!(tree(&[]).patched(&changes(&tree(&[]), &head), false), head);
}

#[test]
fn a_change_of_mode_is_a_change() {
    let plain = tree(&[("a", 1)]);
    let entry = Entry { mode: Mode::Executable, id: id(1) };
    let executable = Tree::new([("a".into(), entry)]);
    let expected = Change { path: "a".into(), before: Some(file(1)), after: Some(entry) };
    assert_eq!(changes(&plain, &executable), [expected]);
}

#[test]
fn paths_that_are_no_utf8_stay_apart() {
    let paths: &[&[u8]] =
        &[b"a\xff", b"a\\xff", b"a\\\\xff", b"a\\", b"a\xff\\", b"a\xff\\xff", b"plain\\n", b"\xc3\xa9\xfe", b"a\\xFF"];
    let texts: Vec<String> = paths.iter().map(|it| text(it).into_owned()).collect();
    for (path, text) in paths.iter().zip(&texts) {
        assert_eq!(&bytes(text), path, "{text}");
        assert_eq!(texts.iter().filter(|it| *it == text).count(), 1, "{text}");
    }
    assert_eq!(text(b"a\xff\\"), r"a\xff\\");
    let tree = Tree::new(texts.iter().map(|it| (it.into(), file(1))));
    let odd: Vec<&str> = tree.odd().map(Utf8Path::as_str).collect();
    assert_eq!(odd, [r"a\\\\xff", r"a\\xff", r"a\xff", r"a\xff\\", r"a\xff\\xff", "é\\xfe"]);
}
