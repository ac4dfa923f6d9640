//! What lies beside the projects when a repository is set up: rules for what no file of theirs names.
//!
//! Pure. What a project may read keeps selecting everything until somebody has looked; it is listed with the line that
//! names it. Must not read a file.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};

/// Places that no list holds and no rule names.
#[derive(Debug, Default)]
pub struct Beside {
    /// By path, with no project at, above or below it: a directory, or a file of a directory that projects are below.
    places: BTreeMap<Utf8PathBuf, Place>,
}

#[derive(Debug, Default)]
struct Place {
    is_dir: bool,
    /// The file of a project, and its line, that names it.
    named: Option<(Utf8PathBuf, usize)>,
}

/// What leads a file out of its own project.
const WAYS_OUT: &[&str] = &[
    "../",
    "..\"",
    "..'",
    "parents[",
    "parent.parent",
    "pardir",
    "dirname(dirname",
    "rev-parse",
    "repo_root",
    "git_root",
];

impl Beside {
    /// The places of these paths, among projects in these directories.
    pub fn new<'a>(unknown: impl IntoIterator<Item = &'a Utf8Path>, projects: &[&Utf8Path]) -> Beside {
        let above: BTreeSet<&Utf8Path> = projects.iter().flat_map(|it| it.ancestors()).collect();
        let mut beside = Beside::default();
        for path in unknown {
            let outermost =
                path.ancestors().skip(1).filter(|dir| !above.contains(dir) && !dir.as_str().is_empty()).last();
            beside.places.entry(outermost.unwrap_or(path).to_owned()).or_default().is_dir = outermost.is_some();
        }
        beside
    }

    /// Is there nothing left to look for?
    pub fn is_settled(&self) -> bool {
        self.places.values().all(|it| it.named.is_some())
    }

    /// Looks for the places in a file of a project. `has` tells whether the project has a file or a directory of that name
    /// itself: then only a file that leads out of it may mean the other one.
    pub fn look(&mut self, file: &Utf8Path, text: &str, has: &dyn Fn(&str) -> bool) {
        let is_prose = matches!(file.extension(), Some("md" | "rst"));
        let leads_out = std::cell::LazyCell::new(|| WAYS_OUT.iter().any(|it| text.contains(it)));
        for (path, place) in self.places.iter_mut().filter(|it| it.1.named.is_none()) {
            let Some(line) = path.file_name().and_then(|name| line_of(file, text, name, place.is_dir)) else {
                continue;
            };
            if *leads_out || !(is_prose || path.file_name().is_some_and(has)) {
                place.named = Some((file.to_owned(), line));
            }
        }
    }

    /// The globs of what no project names.
    fn unnamed(&self) -> Vec<String> {
        self.places.iter().filter(|it| it.1.named.is_none()).map(|(path, place)| glob(path, place)).collect()
    }

    /// What is to be added to the settings; empty when there is nothing.
    pub fn settings(&self) -> String {
        let mut text = String::new();
        let list = |globs: &[String]| {
            globs.iter().map(|it| format!("    {},\n", toml::Value::from(it.as_str()))).collect::<String>()
        };
        let unnamed = self.unnamed();
        if !unnamed.is_empty() {
            text += &format!(
                "\n# No file of a project named these when `xtask init` looked. A test that reads one all the same fails, and says what\n\
                 # to add to the project's `inputs`, which go before any rule.\n[[no-input]]\npaths = [\n{}]\nreason = \"beside the \
                 projects, and named by no file of theirs\"\n",
                list(&unnamed)
            );
        }
        if unnamed.len() < self.places.len() {
            text += "\n# Projects name these, or something of the same name, so they select everything. What a project reads belongs into\n\
                     # its `inputs`; what none reads, into a rule.\n";
        }
        for (path, place) in &self.places {
            if let Some((file, line)) = &place.named {
                text += &format!("#   {}: {}:{line}\n", toml::Value::from(glob(path, place)), escaped(file));
            }
        }
        text
    }

    /// A line about the rules; empty when there are none.
    pub fn words(&self) -> String {
        let (all, unnamed) = (self.places.len(), self.unnamed().len());
        if all == 0 {
            return String::new();
        }
        let mut words = String::new();
        if unnamed > 0 {
            words += &format!(
                "\nbeside the projects: ci/xtask.toml has a rule for {unnamed} files and directories that no project names\n"
            );
        }
        if unnamed < all {
            words += &format!(
                "\nbeside the projects: {} files and directories that a project may read select everything until you have looked; \
                 ci/xtask.toml lists them\n",
                all - unnamed
            );
        }
        words
    }
}

fn glob(path: &Utf8Path, place: &Place) -> String {
    let name = glob::Pattern::escape(path.as_str());
    if place.is_dir { name + "/**" } else { name }
}

/// On one line, whatever the name.
fn escaped(path: &Utf8Path) -> String {
    path.as_str()
        .chars()
        .flat_map(|it| if it.is_control() { it.escape_default().collect() } else { vec![it] })
        .collect()
}

/// The first line that may mean a file of this name, or as a part of a path a directory.
fn line_of(file: &Utf8Path, text: &str, name: &str, is_dir: bool) -> Option<usize> {
    let is_word = |it: char| it.is_alphanumeric() || matches!(it, '_' | '-');
    let is_slash = |it: Option<char>| matches!(it, Some('/' | '\\'));
    let ends = |it: Option<char>| is_slash(it) || matches!(it, Some('"' | '\'' | '`'));
    let means = |at: usize| {
        let (before, after) = (text[..at].chars().next_back(), text[at + name.len()..].chars().next());
        let is_path =
            is_slash(after) || ends(before) && ends(after) || is_slash(before) && after.is_none_or(char::is_whitespace);
        !before.is_some_and(|it| is_word(it) || it == '.') && !after.is_some_and(is_word) && (!is_dir || is_path)
    };
    let is_python = file.extension() == Some("py");
    let mut found = text.match_indices(name).map(|it| it.0).filter(|at| means(*at));
    let at = found.find(|at| !(is_python && is_comment(&text[..*at])))?;
    Some(text[..at].matches('\n').count() + 1)
}

/// Does a line of Python that goes on after this text go on in a comment?
fn is_comment(text: &str) -> bool {
    let line = text.rsplit('\n').next().unwrap_or(text);
    line.split_once('#').is_some_and(|(code, _)| ['"', '\''].iter().all(|it| code.matches(*it).count() % 2 == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside(unknown: &[&str]) -> Beside {
        Beside::new(unknown.iter().map(Utf8Path::new), &["libs/a", "libs/b", "tool"].map(Utf8Path::new))
    }

    #[test]
    fn places_hold_no_project() {
        let found = beside(&["js/a/x.ts", "js/b/y.ts", "libs/notes.txt", "libs/c/x.py", "Makefile", "odd[1]/x"]);
        assert_eq!(found.unnamed(), ["Makefile", "js/**", "libs/c/**", "libs/notes.txt", "odd[[]1[]]/**"]);
    }

    #[test]
    fn what_a_project_may_read_gets_no_rule() {
        let rows: &[(&str, &str, &str, bool)] = &[
            ("schemas/x.json", "libs/a/tests/t.py", "ROOT / \"schemas\" / 'x.json'", true),
            ("schemas/x.json", "libs/a/tests/t.py", "open('../../schemas/x.json')", true),
            ("schemas/x.json", "libs/a/a.py", "from a import schemas, my_schemas", false),
            ("schemas/x.json", "libs/a/a.py", "x = 'no schemas here'", false),
            ("schemas/x.json", "libs/a/run.sh", "cd ../../schemas\nls", true),
            ("go/x.go", "libs/a/a.py", "x = 'let us go'  # to go/no-go", false),
            ("go/x.go", "libs/a/a.py", "x = '#go/x'  # that", true),
            ("go/x.go", "libs/a/run.sh", "ls go/x.go", true),
            ("Makefile", "libs/a/build.sh", "make -f $ROOT/Makefile all", true),
            ("Makefile", "libs/a/build.sh", "a Makefile.am, MyMakefile", true),
            ("Makefile", "libs/a/build.sh", "GNUMakefile", false),
            // The project's own of that name, unless the file leads out of the project.
            ("tests/x.json", "libs/a/tests/t.py", "open('tests/x.json')", false),
            ("tests/x.json", "libs/a/tests/t.py", "Path(__file__).parents[3] / 'tests'", true),
            // A link in a text, and one that leads out.
            ("scripts/x.sh", "libs/a/README.md", "see `scripts/x.sh`", false),
            ("scripts/x.sh", "libs/a/docs/x.rst", ".. literalinclude:: ../../../scripts/x.sh", true),
        ];
        for (unknown, file, text, named) in rows {
            let mut found = beside(&[unknown]);
            found.look(Utf8Path::new(file), text, &|name| name == "tests");
            assert_eq!(found.is_settled(), *named, "{unknown} in {text}");
        }
    }

    #[test]
    fn the_settings_say_what_was_found() {
        let mut found = beside(&["js/x.ts", "schemas/x.json", "a \"b\"/x"]);
        found.look(Utf8Path::new("libs/a/t.py"), "one\n'schemas'\n", &|_| false);
        let text = found.settings();
        let table: toml::Table = toml::from_str(&text).expect("valid TOML");
        let paths = table["no-input"][0]["paths"].as_array().expect("a list");
        assert_eq!(paths.iter().filter_map(|it| it.as_str()).collect::<Vec<_>>(), ["a \"b\"/**", "js/**"]);
        assert!(text.contains("\n#   \"schemas/**\": libs/a/t.py:2\n"), "{text}");
        assert_eq!(beside(&[]).settings() + &beside(&[]).words(), "");
    }
}
