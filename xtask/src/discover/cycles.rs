//! Projects that need each other in a circle, which nothing could build.
//!
//! Pure. Must not look beyond what the manifests say.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use super::Project;
use crate::manifest;

/// A cycle of runtime dependencies between projects has no order to build in.
pub fn check(projects: &[Project]) -> Result<()> {
    let by_name: BTreeMap<&str, &Project> = projects.iter().map(|it| (it.name.as_str(), it)).collect();
    let next = |project: &Project| -> Vec<&Project> {
        let local: BTreeSet<String> = project.manifest.local_sources().into_iter().map(|(name, _)| name).collect();
        let needed = project.manifest.typed.project.as_ref().map(|it| it.dependencies.as_slice()).unwrap_or_default();
        let needed = needed.iter().map(|it| manifest::requirement_name(it)).filter(|it| local.contains(it));
        needed.filter_map(|it| by_name.get(it.as_str()).copied()).collect()
    };
    let mut done = BTreeSet::new();
    for start in projects {
        let mut path: Vec<(&Project, Vec<&Project>)> = vec![(start, next(start))];
        while let Some((project, rest)) = path.last_mut() {
            let project = *project;
            let Some(dependency) = rest.pop() else {
                done.insert(&project.name);
                path.pop();
                continue;
            };
            if let Some(at) = path.iter().position(|(it, _)| it.name == dependency.name) {
                let names: Vec<&str> =
                    path[at..].iter().map(|(it, _)| it.name.as_str()).chain([dependency.name.as_str()]).collect();
                bail!(
                    "projects depend on each other in a cycle: {}; take one of these out of `dependencies`",
                    names.join(" -> ")
                );
            }
            if !done.contains(&dependency.name) {
                path.push((dependency, next(dependency)));
            }
        }
    }
    Ok(())
}
