//! Which commit a run is compared with, from the environment alone: one table.
//!
//! Pure: asks neither git nor the network; whether the commit is there is found out by `git::find`. The variables of a
//! pipeline are text that others have written: each is checked before it is used, and one that is not what it should
//! be means everything.

use std::collections::BTreeMap;

use crate::tree::Id;

/// The remote's default branch, whatever it is called.
pub const DEFAULT: &str = "origin/HEAD";

/// What the choice depends on.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// `CI`, `GITLAB_CI` and all `CI_*`.
    pub vars: BTreeMap<String, String>,
    /// The default branch, when the settings name one.
    pub default_branch_setting: Option<String>,
}

impl Surroundings {
    /// Of the variables of a process.
    pub fn new(vars: impl IntoIterator<Item = (String, String)>, default_branch_setting: Option<String>) -> Self {
        let counts = |name: &str| name == "CI" || name == "GITLAB_CI" || name.starts_with("CI_");
        Surroundings { vars: vars.into_iter().filter(|it| counts(&it.0)).collect(), default_branch_setting }
    }

    /// A variable that is set and not empty: GitLab sets some to nothing.
    fn get(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(|it| it.trim()).filter(|it| !it.is_empty())
    }
}

/// What to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// This commit.
    Commit(String),
    /// This commit when it is part of the history of `HEAD`, else everything.
    Ancestor(String),
    /// The commit where `HEAD` has left this branch; [`DEFAULT`], the name of a branch, or a commit.
    MergeBase(String),
    /// Nothing: everything counts as changed.
    Everything,
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its name.
    pub row: &'static str,
    /// What to compare with.
    pub wanted: Wanted,
    /// Why, in a sentence for people.
    pub because: String,
}

fn choice(row: &'static str, wanted: Wanted, because: impl Into<String>) -> Choice {
    Choice { row, wanted, because: because.into() }
}

fn everything(row: &'static str, because: impl Into<String>) -> Choice {
    choice(row, Wanted::Everything, because)
}

/// The table.
pub fn choose(s: &Surroundings) -> Choice {
    // Its value does not count: GitLab says `true`, gitlab-ci-local says `false` and plays the same part.
    if s.get("GITLAB_CI").is_none() {
        return outside_gitlab(s);
    }
    if s.get("CI_COMMIT_TAG").is_some() {
        return everything("tag", "a tag is a release: everything is checked");
    }
    let source = s.get("CI_PIPELINE_SOURCE").unwrap_or_default();
    match source {
        "schedule" => everything("schedule", "a scheduled pipeline checks everything"),
        "merge_request_event" => merge_request(s),
        // The variables of the parent's merge request are handed down; those of a push may be of any age.
        "parent_pipeline" if s.get("CI_MERGE_REQUEST_IID").or(s.get("CI_MERGE_REQUEST_ID")).is_some() => {
            merge_request(s)
        }
        "parent_pipeline" => everything("child", "a child pipeline outside a merge request checks everything"),
        "push" | "webide" => push(s),
        "web" | "api" | "chat" => asked_for(s),
        "trigger" | "pipeline" | "external" | "external_pull_request_event" => {
            everything("triggered", "another system started the pipeline, so what has changed may lie outside")
        }
        other => everything("unknown-source", format!("no rule for CI_PIPELINE_SOURCE={}", shown(other))),
    }
}

fn outside_gitlab(s: &Surroundings) -> Choice {
    if s.get("CI").is_some_and(|it| it != "false" && it != "0") {
        return everything("other-ci", "CI is set and GITLAB_CI is not: which commit came before is not known");
    }
    match s.default_branch_setting.as_deref() {
        None => choice(
            "local",
            Wanted::MergeBase(DEFAULT.to_owned()),
            "on a developer's machine: where the branch has left the default branch",
        ),
        Some(name) => since("local", "on a developer's machine", Some(("default_branch in the settings", name))),
    }
}

fn merge_request(s: &Surroundings) -> Choice {
    let event = s.get("CI_MERGE_REQUEST_EVENT_TYPE").unwrap_or("detached");
    let (row, variable, because) = match event {
        "merged_result" => (
            "merged-result",
            "CI_MERGE_REQUEST_TARGET_BRANCH_SHA",
            "merged results: the target branch that was merged into",
        ),
        "merge_train" => ("merge-train", "CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "merge train: the car before this one"),
        _ => ("merge-request", "CI_MERGE_REQUEST_DIFF_BASE_SHA", "merge request: where it has left its target branch"),
    };
    // The base of the diff is part of the target branch as well, only older.
    for variable in [variable, "CI_MERGE_REQUEST_DIFF_BASE_SHA"] {
        match commit(s, variable) {
            Ok(Some(id)) => return choice(row, Wanted::Commit(id), format!("{because} ({variable})")),
            Ok(None) => {}
            Err(why) => return everything("refused", why),
        }
    }
    let target = "CI_MERGE_REQUEST_TARGET_BRANCH_NAME";
    since(row, "merge request without a base commit", s.get(target).map(|it| (target, it)))
}

fn push(s: &Surroundings) -> Choice {
    match on_default(s) {
        None => everything("unknown-branch", "CI_COMMIT_BRANCH or CI_DEFAULT_BRANCH is not set"),
        Some(false) => {
            let before = commit(s, "CI_COMMIT_BEFORE_SHA");
            let row = if before == Ok(None) { "first-push" } else { "push" };
            since(row, "push to a branch: where it has left the default branch", default_branch(s))
        }
        Some(true) => match commit(s, "CI_COMMIT_BEFORE_SHA") {
            Ok(Some(id)) => choice(
                "push-default",
                Wanted::Ancestor(id),
                "push to the default branch: what it was before (CI_COMMIT_BEFORE_SHA)",
            ),
            Ok(None) => everything(
                "first-push-default",
                "the default branch has no commit before this push (CI_COMMIT_BEFORE_SHA is zeros or not set)",
            ),
            Err(why) => everything("refused", why),
        },
    }
}

/// Started by somebody for this branch.
fn asked_for(s: &Surroundings) -> Choice {
    match on_default(s) {
        Some(false) => {
            since("asked-for", "started by hand: where the branch has left the default branch", default_branch(s))
        }
        _ => everything("asked-for-default", "started by hand on the default branch: everything is checked"),
    }
}

/// Is it the default branch? `None` when that cannot be said.
fn on_default(s: &Surroundings) -> Option<bool> {
    Some(default_branch(s)?.1 == s.get("CI_COMMIT_BRANCH")?)
}

fn default_branch(s: &Surroundings) -> Option<(&'static str, &str)> {
    let setting = s.default_branch_setting.as_deref().map(|it| ("default_branch in the settings", it));
    setting.or_else(|| s.get("CI_DEFAULT_BRANCH").map(|it| ("CI_DEFAULT_BRANCH", it)))
}

/// Where `HEAD` has left a branch whose name stands in a variable.
fn since(row: &'static str, because: &str, branch: Option<(&str, &str)>) -> Choice {
    match branch {
        Some((variable, name)) if !is_branch(name) => {
            everything("refused", format!("{variable} is {}, which is no name of a branch", shown(name)))
        }
        Some((variable, name)) => {
            choice(row, Wanted::MergeBase(name.to_owned()), format!("{because} ({name}, from {variable})"))
        }
        None => everything(row, format!("{because}; but no variable names the branch to compare with")),
    }
}

/// The commit that a variable names; `None` when it is not set or says "none" by zeros.
fn commit(s: &Surroundings, variable: &str) -> Result<Option<String>, String> {
    let Some(text) = s.get(variable) else { return Ok(None) };
    match Id::from_hex(text) {
        Ok(id) if id.as_bytes().iter().all(|it| *it == 0) => Ok(None),
        Ok(id) => Ok(Some(id.to_hex())),
        Err(_) => Err(format!("{variable} is {}, which is no commit id", shown(text))),
    }
}

/// What git allows as the name of a branch, as far as it could be mistaken for something else.
fn is_branch(name: &str) -> bool {
    let odd = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c);
    let part = |it: &str| !it.is_empty() && !it.starts_with('.') && !it.ends_with(".lock") && !it.ends_with('.');
    !name.starts_with('-')
        && !name.contains("..")
        && !name.contains("@{")
        && !name.contains(odd)
        && name != "@"
        && name != "HEAD"
        && name != DEFAULT
        && name.split('/').all(part)
}

/// Text of others, made fit for a message.
fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(80).collect::<String>())
}

#[cfg(test)]
mod tests;
