//! Exceptions in force: overrides, waivers, what need not be checked; and those that do nothing any more.
//!
//! Pure. Every exception is shown with its reason, so that nobody has to look for them.

use camino::Utf8Path;
use glob::Pattern;
use toml::Value;

use super::{Check, Finding, Seen, key_line, nth_header};
use crate::config::{NotChecked, Waiver};
use crate::discover::Project;
use crate::manifest::Override;
use crate::waivers::expiry;

/// All exceptions.
pub fn check(seen: &Seen) -> Check {
    let mut findings = Vec::new();
    let config = &seen.repo.config;
    let all: Vec<&Project> = seen.repo.projects.iter().collect();
    for (number, waiver) in config.waiver.iter().enumerate() {
        let at = nth_header(seen.settings_text(), "[[waiver]]", number);
        findings.push(of_waiver(seen, waiver, &all).at(&seen.settings, at));
    }
    for (stage, meaning) in &config.not_checked {
        if *meaning == NotChecked::Skip {
            let what = format!("{stage} is skipped where it cannot be checked, on CI machines too");
            let at = key_line(seen.settings_text(), "[not-checked]", stage);
            findings.push(Finding::note(what, "").at(&seen.settings, at));
        }
    }
    for project in &seen.repo.projects {
        let path = project.path("pyproject.toml");
        let text = seen.text(&path);
        let table = &project.manifest.typed.tool.xtask;
        for (number, it) in table.overrides.iter().enumerate() {
            let at = nth_header(text, "[[tool.xtask.override]]", number);
            findings.push(of_override(seen, project, it).at(&path, at));
        }
        for (number, waiver) in table.waiver.iter().enumerate() {
            let at = nth_header(text, "[[tool.xtask.waiver]]", number);
            findings.push(of_waiver(seen, waiver, &[project]).at(&path, at));
        }
    }
    let says = match findings.len() {
        0 => "none".to_owned(),
        1 => "1 in force or left behind".to_owned(),
        n => format!("{n} in force or left behind"),
    };
    Check::new("exceptions", says, findings)
}

fn of_override(seen: &Seen, project: &Project, it: &Override) -> Finding {
    let Override { setting, value, reason } = it;
    let general = general(seen, setting);
    if project.manifest.typed.tool.xtask.overrides.iter().filter(|other| other.setting == *setting).count() > 1 {
        let what = format!("`{}` sets {setting} more than once; the first counts", project.name);
        return Finding::serious(what, "keep one of them");
    }
    match general {
        // A value of another kind was refused when the manifest was read.
        Some(general) => {
            let is_equal = general == *value || (number(&general).is_some() && number(&general) == number(value));
            if is_equal {
                let what = format!("`{}` sets {setting} to {value}, which holds anyway", project.name);
                return Finding::warning(what, "take the override out");
            }
            Finding::note(format!("`{}` has {setting} = {value} instead of {general}: {reason}", project.name), "")
        }
        None => Finding::note(format!("`{}` has {setting} = {value}: {reason}", project.name), ""),
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_float().or(value.as_integer().map(|it| it as f64))
}

/// What the settings say, or would say.
fn general(seen: &Seen, setting: &str) -> Option<Value> {
    let config = &seen.repo.config;
    Some(match setting {
        "pytest.coverage" => Value::Float(config.pytest.coverage),
        "radon.maintainability" => Value::String(config.radon.maintainability.to_string()),
        "radon.complexity" => Value::String(config.radon.complexity.to_string()),
        "bandit.severity" => Value::String(config.bandit.severity.clone()),
        "vulnerabilities.severity" => Value::String(config.vulnerabilities.severity.clone()),
        _ => return None,
    })
}

fn of_waiver(seen: &Seen, waiver: &Waiver, projects: &[&Project]) -> Finding {
    let Waiver { stage, rule, owner, reason, expires, .. } = waiver;
    let named = format!("the waiver of {stage} {rule} by {owner}");
    if let Some(why) = idle(seen, waiver, projects) {
        return Finding::warning(format!("{named} can match nothing: {why}"), "take it out, or correct it");
    }
    if expiry(waiver) < seen.today {
        let what = format!("{named} has expired on {expires}: it excuses nothing any more ({reason})");
        return Finding::warning(what, "mend the finding and take the waiver out, or give it a new `expires`");
    }
    if expiry(waiver) <= seen.soon {
        let what = format!("{named} ends on {expires}, within two weeks ({reason})");
        return Finding::warning(what, "mend the finding, or give it a new `expires`");
    }
    Finding::note(format!("{named} holds until {expires}: {reason}"), "")
}

/// Why no finding can be one that the waiver means.
fn idle(seen: &Seen, waiver: &Waiver, projects: &[&Project]) -> Option<String> {
    // Invalid globs were refused when the settings were read.
    let fits = |glob: &str, text: &str| Pattern::new(glob).is_ok_and(|it| it.matches(text));
    let mut projects = projects.to_vec();
    if let Some(glob) = &waiver.project {
        projects.retain(|it| fits(glob, &it.name));
        if projects.is_empty() {
            return Some(format!("no project is named {glob}"));
        }
    }
    if let Some(glob) = &waiver.path {
        let is_there = |path: &Utf8Path| fits(glob, path.as_str());
        if !seen.repo.files.iter().any(|it| is_there(it)) {
            return Some(format!("no file is {glob}"));
        }
    }
    if let Some(glob) = &waiver.package {
        let mut packages = projects.iter().filter_map(|it| it.lock.as_ref().ok()).flat_map(|it| &it.packages);
        // What an image brings along is in no lock.
        let is_image = projects.iter().any(|it| it.manifest.typed.tool.xtask.image);
        if !is_image && !packages.any(|it| fits(glob, &it.name)) {
            return Some(format!("no lock of {} has the package {glob}", names(&projects)));
        }
    }
    None
}

fn names(projects: &[&Project]) -> String {
    let names: Vec<String> = projects.iter().map(|it| it.name.clone()).collect();
    super::some(&names)
}
