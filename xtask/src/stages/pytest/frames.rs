//! Where in the project's files a traceback ends. Pure.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use crate::discover::{Project, Repo};
use crate::manifest;

/// The files a traceback may end in.
pub struct Frames<'a> {
    root: &'a Utf8Path,
    pub dir: &'a Utf8Path,
    files: BTreeSet<&'a Utf8Path>,
}

impl<'a> Frames<'a> {
    /// Those of a project.
    pub fn of(repo: &'a Repo, project: &'a Project) -> Frames<'a> {
        let files = project.files.iter().map(Utf8PathBuf::as_path).collect();
        Frames { root: &repo.root, dir: &project.dir, files }
    }

    /// A path as pytest writes it (absolute, or relative to the project) as a file of the project, repo-relative.
    pub fn own(&self, path: &str) -> Option<Utf8PathBuf> {
        let path = Utf8Path::new(path);
        let path = match path.strip_prefix(self.root) {
            Ok(inner) => inner.to_owned(),
            Err(_) if path.is_absolute() => return None,
            Err(_) => manifest::resolve(self.dir, path)?,
        };
        self.files.contains(path.as_path()).then_some(path)
    }

    /// The last frame of a traceback that is in a file of the project.
    pub fn last(&self, text: &str) -> Option<(Utf8PathBuf, u32)> {
        text.lines().filter_map(|line| frame(line)).filter_map(|(path, line)| Some((self.own(path)?, line))).next_back()
    }
}

/// `PATH:LINE: ...` at the start of a line, or `File "PATH", line LINE` anywhere in it.
fn frame(line: &str) -> Option<(&str, u32)> {
    let number = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        text[..end].parse::<u32>().ok().filter(|it| *it > 0)
    };
    if let Some((_, rest)) = line.split_once("File \"") {
        let (path, rest) = rest.split_once("\", line ")?;
        return Some((path, number(rest)?));
    }
    if line.starts_with(|c: char| c.is_whitespace()) {
        return None;
    }
    let at = line.find(".py:")? + 3;
    let digits = &line[at + 1..];
    let found = number(digits)?;
    let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    (rest.is_empty() || rest.starts_with(':')).then_some((&line[..at], found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_as_pytest_writes_them() {
        assert_eq!(frame("tests/test_a.py:12: AssertionError"), Some(("tests/test_a.py", 12)));
        assert_eq!(frame("my dir/a.py:3: in <module>"), Some(("my dir/a.py", 3)));
        assert_eq!(frame("tests/test_a.py:12:"), Some(("tests/test_a.py", 12)));
        assert_eq!(frame("E     File \"/r/p/a.py\", line 2"), Some(("/r/p/a.py", 2)));
        assert_eq!(frame("E   AssertionError: see a.py:4: there"), Some(("E   AssertionError: see a.py", 4)));
        assert_eq!(frame("    a.py:4: quoted"), None);
        assert_eq!(frame("a.py:4x"), None);
    }

    #[test]
    fn the_last_frame_in_an_own_file_counts() {
        let files = [Utf8Path::new("p/tests/test_a.py"), Utf8Path::new("p/src/a.py")];
        let frames = Frames { root: "/r".into(), dir: "p".into(), files: BTreeSet::from(files) };
        let text = "tests/test_a.py:3: \nsrc/a.py:7: in f\n/usr/lib/json.py:9: ValueError\n../q/b.py:1: in g\n";
        assert_eq!(frames.last(text), Some(("p/src/a.py".into(), 7)));
        assert_eq!(frames.last("E     File \"/r/p/tests/test_a.py\", line 2"), Some(("p/tests/test_a.py".into(), 2)));
        assert_eq!(frames.last("nothing"), None);
    }
}
