//! `emit --check`: GitLab's schema and our own rules over one file; and the rules alone over what `emit` makes.
//!
//! Reads the file and asks the validator; must know no rule.

use std::io::Read;

use anyhow::{Context as _, Result, bail};
use camino::Utf8Path;

use crate::config::Config;
use crate::discover::Repo;
use crate::flags::Level;
use crate::lint::{self, Options};
use crate::schema;
use crate::tools::Tools;

/// Checks a file, or standard input for `-`: what is to be said, and the exit code.
///
/// # Errors
/// When the file cannot be read, or the schema could not be asked.
pub fn check(
    repo: &Repo,
    here: &Utf8Path,
    file: &Utf8Path,
    level: Option<Level>,
    say: &dyn Fn(&str),
) -> Result<(String, i32)> {
    let (name, text) = read(here, file)?;
    let options = Options::of(&repo.config.gitlab, depth(&name, &text, level));
    let findings = lint::check(&text, &options);
    let (errors, warnings): (Vec<_>, Vec<_>) = findings.iter().partition(|it| it.is_error(&options));
    let mut words = String::new();
    for finding in &errors {
        words += &format!("{}\n", finding.show(&name));
    }
    for finding in &warnings {
        words += &format!("warning: {}\n", finding.show(&name));
    }
    let mut complaints = 0;
    match lint::documents(&text) {
        // No YAML: said above.
        Err(_) => {}
        Ok(_) => {
            let tools = Tools::open(repo, say)?;
            for complaint in schema::check(&tools, &repo.config, &text, say)? {
                words += &format!("{name}: [schema] {complaint} (GitLab's ci.json)\n");
                complaints += 1;
            }
        }
    }
    let wrong = errors.len() + complaints;
    if wrong > 0 {
        words += &format!("{wrong} {}\n", if wrong == 1 { "error" } else { "errors" });
    } else {
        let place = ["a project's own pipeline", "a child pipeline", "a child of a child"];
        let rules = lint::rules::ALL.len();
        words += &format!(
            "{name}: valid as {} on GitLab {} by its schema and {rules} further rules\n",
            place[usize::from(options.level)],
            options.minimum
        );
    }
    Ok((words, i32::from(wrong > 0)))
}

/// Nothing that GitLab would refuse leaves the emitter.
///
/// # Errors
/// When the rules find something in what was made, which is a fault of the emitter or of a setting.
pub fn refuse(text: &str, config: &Config, level: u8) -> Result<()> {
    let options = Options::of(&config.gitlab, level);
    let findings = lint::check(text, &options);
    if findings.is_empty() {
        return Ok(());
    }
    let words: Vec<String> = findings.iter().take(20).map(|it| it.show("emitted")).collect();
    bail!("GitLab would not take this pipeline, so it is not written:\n{}", words.join("\n"))
}

fn read(here: &Utf8Path, file: &Utf8Path) -> Result<(String, String)> {
    if file == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("could not read standard input as UTF-8")?;
        return Ok(("-".to_owned(), text));
    }
    let path = here.join(file);
    let text = std::fs::read_to_string(&path).with_context(|| format!("could not read {path}"))?;
    Ok((file.to_string(), text))
}

/// 0 for a project's own pipeline, 1 for a child, 2 for a child of a child.
fn depth(name: &str, text: &str, level: Option<Level>) -> u8 {
    match level {
        Some(Level::Parent) => 0,
        Some(Level::Child) => 1,
        Some(Level::Grandchild) => 2,
        None => {
            let own = Utf8Path::new(name).file_name() == Some(".gitlab-ci.yml");
            let component = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'));
            u8::from(!(own || component.is_some_and(|line| line.starts_with("spec:") || line == "---")))
        }
    }
}
