//! The rules that semgrep runs: every file in `ci/semgrep/`, and what `[semgrep] extra-rules` adds.
//!
//! Rules are read here as well as by semgrep, because a rule that semgrep leaves out (an empty file, a rule for a newer
//! version) is otherwise a rule that finds nothing.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};
use camino::{Utf8Path, Utf8PathBuf};
use glob::Pattern;
use serde::Deserialize;

use crate::context;
use crate::discover::Repo;

/// Languages whose files are Python files.
const PYTHON: &[&str] = &["python", "python2", "python3", "py"];

/// Everything to run.
#[derive(Debug, Default)]
pub struct Rules {
    /// The rule files with their content, by the path that messages say.
    files: BTreeMap<Utf8PathBuf, String>,
    /// Names in semgrep's registry.
    pub registry: Vec<String>,
    /// The ids of the rules in the files.
    pub ids: BTreeSet<String>,
    /// Does a rule look at more than Python files?
    pub beyond_python: bool,
    /// Names of directories that rules leave out wherever they are.
    left_out: BTreeSet<String>,
}

#[derive(Deserialize)]
struct File {
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    id: String,
    #[serde(default)]
    languages: Vec<String>,
    #[serde(default)]
    paths: Paths,
}

#[derive(Default, Deserialize)]
struct Paths {
    #[serde(default)]
    exclude: Vec<String>,
}

impl Rules {
    /// Reads all rules.
    ///
    /// # Errors
    /// When there are none, a file holds none or is no rule file, or two rules share an id.
    pub fn load(repo: &Repo) -> Result<Rules> {
        let own = repo.ci.join("semgrep");
        let mut paths = Vec::new();
        list(&own, &mut paths)?;
        ensure!(!paths.is_empty(), "{own} holds no rule file (*.yaml): there is no policy to check");
        let mut rules = Rules::default();
        for extra in &repo.config.semgrep.extra_rules {
            let path = repo.abs(extra);
            if path.is_dir() {
                let before = paths.len();
                list(&path, &mut paths)?;
                ensure!(paths.len() > before, "`{extra}` in [semgrep] extra-rules holds no rule file (*.yaml)");
            } else if path.is_file() {
                paths.push(path);
            } else if extra.starts_with("p/") || extra.starts_with("r/") || extra.starts_with("https://") {
                rules.registry.push(extra.clone());
            } else {
                bail!("`{extra}` in [semgrep] extra-rules is no file, no directory and no registry name like p/python");
            }
        }
        for path in paths {
            let text = std::fs::read_to_string(&path).with_context(|| format!("could not read {path}"))?;
            let shown = path.strip_prefix(&repo.root).unwrap_or(&path).to_owned();
            rules.add(shown, text)?;
        }
        // What the registry's rules look at is not known here.
        rules.beyond_python |= !rules.registry.is_empty();
        Ok(rules)
    }

    fn add(&mut self, path: Utf8PathBuf, text: String) -> Result<()> {
        if self.files.contains_key(&path) {
            return Ok(());
        }
        let file: File = serde_yaml::from_str(&text).with_context(|| format!("{path} is no semgrep rule file"))?;
        ensure!(!file.rules.is_empty(), "{path} holds no rule");
        for rule in file.rules {
            self.beyond_python |= rule.languages.iter().any(|it| !PYTHON.contains(&it.as_str()));
            let names = rule.paths.exclude.iter().map(|it| it.trim_matches('/'));
            self.left_out.extend(names.filter(|it| !it.contains('/')).map(str::to_owned));
            if !self.ids.insert(rule.id.clone()) {
                bail!("{path}: a second rule has the id `{}`; ids are unique over all rule files", rule.id);
            }
        }
        self.files.insert(path, text);
        Ok(())
    }

    /// Where a project stands in the tree that is searched. A rule that leaves out `tests/` means the tests of a project,
    /// and not a project in a directory of that name.
    pub fn place(&self, dir: &Utf8Path) -> Utf8PathBuf {
        let is_left_out = |name: &str| self.left_out.iter().any(|it| Pattern::new(it).is_ok_and(|it| it.matches(name)));
        let plain = |name: &str| if is_left_out(name) { format!("in-{name}") } else { name.to_owned() };
        dir.components().map(|it| plain(it.as_str())).collect()
    }

    /// Copies the rule files into a directory, so that neither their names nor their places change what is loaded;
    /// the arguments that make semgrep load everything.
    ///
    /// # Errors
    /// When a copy cannot be written.
    pub fn arguments(&self, dir: &Utf8Path) -> Result<Vec<String>> {
        let mut arguments = Vec::new();
        for (number, text) in self.files.values().enumerate() {
            context::write(&dir.join(format!("{number}.yaml")), text)?;
        }
        for config in [dir.as_str()].into_iter().chain(self.registry.iter().map(String::as_str)) {
            arguments.extend(["--config".to_owned(), config.to_owned()]);
        }
        Ok(arguments)
    }
}

/// Every rule file below a directory.
fn list(dir: &Utf8Path, found: &mut Vec<Utf8PathBuf>) -> Result<()> {
    let mut entries = Vec::new();
    for entry in dir.read_dir_utf8().with_context(|| format!("could not list {dir}, which holds semgrep's rules"))? {
        entries.push(entry.with_context(|| format!("could not list {dir}"))?.into_path());
    }
    entries.sort();
    for path in entries {
        if path.is_dir() {
            list(&path, found)?;
        } else if matches!(path.extension(), Some("yaml" | "yml" | "json")) {
            found.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(rules: &mut Rules, path: &str, text: &str) -> Result<(), String> {
        rules.add(path.into(), text.to_owned()).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn every_file_must_hold_rules_with_ids_of_their_own() {
        let mut rules = Rules::default();
        add(&mut rules, "a.yaml", "rules:\n- id: one\n  languages: [python]\n").expect("a rule file");
        assert!(!rules.beyond_python);
        add(&mut rules, "b.json", r#"{"rules": [{"id": "two", "languages": ["generic"]}]}"#).expect("a rule file");
        assert!(rules.beyond_python);
        assert_eq!(add(&mut rules, "c.yaml", "rules: []\n"), Err("c.yaml holds no rule".to_owned()));
        let twice = add(&mut rules, "d.yaml", "rules:\n- id: one\n").expect_err("a second rule of that name");
        assert!(twice.contains("a second rule has the id `one`"), "{twice}");
        let broken = add(&mut rules, "e.yaml", "rule:\n- id: x\n").expect_err("no rules");
        assert!(broken.contains("e.yaml is no semgrep rule file"), "{broken}");
    }

    #[test]
    fn a_project_is_not_what_a_rule_leaves_out() {
        let mut rules = Rules::default();
        let text = "rules:\n- id: one\n  paths: {exclude: ['tests/', 'test_*.py', 'src/gen/']}\n";
        add(&mut rules, "a.yaml", text).expect("a rule file");
        assert_eq!(rules.place("projects/tests/gen".into()), "projects/in-tests/gen");
        assert_eq!(rules.place("projects/test_a".into()), "projects/test_a");
    }
}
