//! What the root of a workspace has for tests and a member does not get: the first thing to look at when those are red.
//!
//! Pure. A member is tested with what it asks for itself, as it would be alone. Must not make a run red or green.

use std::collections::BTreeSet;

use crate::discover::Project;
use crate::facts;
use crate::manifest::Manifest;
use crate::verdict::Case;

/// Files of a project that pytest takes for its settings whatever they hold.
const SETTINGS: &[&str] = &["pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini"];
/// How many names a message has.
const SHOWN: usize = 5;

/// What helps a member whose tests are red; `root` is the manifest beside its lock.
pub fn advice(root: &Manifest, project: &Project) -> Option<Case> {
    let has_settings = project.manifest.at(&["tool", "pytest"]).is_some()
        || SETTINGS.iter().any(|it| project.files.binary_search(&project.path(it)).is_ok());
    let settings = root.at(&["tool", "pytest"]).filter(|_| !has_settings);
    let missing = missing(root, project);
    let mut what = Vec::new();
    if !missing.is_empty() {
        let more = if missing.len() > SHOWN { ", ..." } else { "" };
        let names: Vec<&str> = missing.iter().take(SHOWN).map(String::as_str).collect();
        what.push(format!("its groups are not installed ({}{more})", names.join(", ")));
    }
    if let Some(settings) = settings {
        let settings = settings.get("ini_options").unwrap_or(settings);
        let keys: Vec<&str> = settings.as_table().into_iter().flatten().map(|it| it.0.as_str()).collect();
        what.push(format!("its pytest settings have no effect ({})", keys.join(", ")));
    }
    let (member, root) = (project.path("pyproject.toml"), project.lock_dir.join("pyproject.toml"));
    (!what.is_empty()).then(|| {
        let what = what.join(", and ");
        let why = format!(
            "{root} is the workspace's root, not this member's: {what}; what these tests need of it goes into {member}"
        );
        Case::warn("workspace-root", why).at(member, Some(1))
    })
}

/// What the groups of the root ask for and the member does not reach.
fn missing(root: &Manifest, project: &Project) -> BTreeSet<String> {
    let reached = project.lock.as_ref().map(|it| it.reach(&project.name, true)).unwrap_or_default();
    let reached: BTreeSet<&str> = reached.iter().map(|it| it.name.as_str()).collect();
    facts::dev(root).iter().filter(|it| !reached.contains(it)).map(str::to_owned).collect()
}
