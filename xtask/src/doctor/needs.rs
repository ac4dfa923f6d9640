//! Do manifests and locks agree on who needs whom in the repository?
//!
//! Pure. Where they do not, a plan counts both; here is said which file to mend.

use std::collections::{BTreeMap, BTreeSet};

use camino::{Utf8Path, Utf8PathBuf};
use toml::Value;

use super::{Check, Finding, Seen, key_line, line};
use crate::discover::Project;
use crate::facts;
use crate::lock::{Asked, Lock};
use crate::manifest::{self, Manifest, normalise_name, requirement_name};
use crate::proc::quote_dir;
use crate::side::shown;

/// Name and repo-relative directory.
type Local = (String, Utf8PathBuf);

/// The needs of every project.
pub fn check(seen: &Seen) -> Check {
    let mut findings = Vec::new();
    let mut edges = 0;
    for project in &seen.repo.projects {
        let (said, mut found) = by_manifest(seen, project);
        edges += said.len();
        findings.append(&mut found);
        if let Ok(lock) = &project.lock {
            findings.extend(disagreements(seen, project, lock, &said));
        }
    }
    let says = format!("{edges} needs between {} projects", seen.repo.projects.len());
    Check::new("needs", says, findings)
}

/// The directories of local packages that manifests and locks name, repo-relative.
pub fn local_dirs(projects: &[Project], manifests: &BTreeMap<Utf8PathBuf, Manifest>) -> BTreeSet<Utf8PathBuf> {
    let mut found = BTreeSet::new();
    for project in projects {
        let root = manifests.get(&project.lock_dir.join("pyproject.toml"));
        for (dir, manifest) in [(&project.dir, Some(&project.manifest)), (&project.lock_dir, root)] {
            let sources = manifest.into_iter().flat_map(Manifest::local_sources);
            found.extend(sources.filter_map(|(_, path)| manifest::resolve(dir, &path?)));
        }
        let packages = project.lock.iter().flat_map(|it| &it.packages);
        let locals = packages.filter_map(|it| it.local());
        found.extend(locals.filter_map(|it| manifest::resolve(&project.lock_dir, &it.path)));
    }
    found
}

/// Names that a manifest asks for: dependencies, extras and groups; not those that only its build needs.
pub fn required(manifest: &Manifest) -> BTreeSet<String> {
    let mut found: BTreeSet<String> = depends(manifest);
    found.extend(facts::dev(manifest).iter().map(str::to_owned));
    found
}

/// The same without groups.
pub fn depends(manifest: &Manifest) -> BTreeSet<String> {
    let project = manifest.typed.project.iter();
    let texts = project.flat_map(|it| it.dependencies.iter().chain(it.optional_dependencies.values().flatten()));
    texts.map(|it| requirement_name(it)).collect()
}

/// Are its dependencies made up while it builds?
pub fn is_dynamic(manifest: &Manifest) -> bool {
    let list = manifest.at(&["project", "dynamic"]).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).any(|it| it.contains("dependencies"))
}

/// The local packages that a project asks for by its manifest, and what is wrong there.
fn by_manifest(seen: &Seen, project: &Project) -> (Vec<Local>, Vec<Finding>) {
    let path = project.path("pyproject.toml");
    let names = required(&project.manifest);
    let root_path = project.lock_dir.join("pyproject.toml");
    let root = seen.texts.get(&root_path).filter(|_| project.lock_dir != project.dir);
    let root = root.and_then(|text| Manifest::parse(&root_path, text).ok());
    let own = project.manifest.local_sources();
    let inherited = project.manifest.inherited_sources(root.as_ref()).into_iter();
    let inherited = inherited.filter(|(name, _)| names.contains(name));
    let sources = own.into_iter().map(|it| (&project.dir, &path, it));
    let sources = sources.chain(inherited.map(|it| (&project.lock_dir, &root_path, it))).collect::<Vec<_>>();

    let (mut said, mut findings) = (Vec::new(), Vec::new());
    for (base, file, (name, target)) in sources {
        let at = key_line(seen.text(file), "[tool.uv.sources]", &name);
        let dir = match &target {
            Some(target) => manifest::resolve(base, target),
            None => member(seen, project, &name),
        };
        let Some(dir) = dir else {
            findings.push(nowhere(project, &name, target.as_deref()).at(file, at));
            continue;
        };
        if !seen.there.contains(&dir) && target.is_some() {
            let what = format!("`{}` takes `{name}` from {}, where no package is", project.name, shown(&dir));
            findings.push(Finding::serious(what, format!("correct `{name}` in [tool.uv.sources]")).at(file, at));
        } else if names.contains(&name) {
            said.push((name, dir));
        } else if !is_dynamic(&project.manifest) && !facts::builds(&project.manifest).contains(&name) {
            let what = format!("`{}` says where `{name}` is, and asks for it nowhere", project.name);
            findings.push(Finding::note(what, format!("take `{name}` out of [tool.uv.sources]")).at(file, at));
        }
    }
    (said, findings)
}

fn nowhere(project: &Project, name: &str, target: Option<&Utf8Path>) -> Finding {
    match target {
        Some(target) => Finding::note(
            format!(
                "`{}` takes `{name}` from {target}, outside the repository: no plan sees what changes there",
                project.name
            ),
            "",
        ),
        None => Finding::serious(
            format!("`{}` takes `{name}` from its workspace, which has no such member", project.name),
            format!("correct `{name}` in [tool.uv.sources], or add it to `members` of the workspace"),
        ),
    }
}

fn member(seen: &Seen, project: &Project, name: &str) -> Option<Utf8PathBuf> {
    let of_ours = |it: &&Project| it.name == name && it.lock_dir == project.lock_dir;
    if let Some(found) = seen.repo.projects.iter().find(of_ours) {
        return Some(found.dir.clone());
    }
    // A member that no glob takes is a package all the same; the lock knows where it is.
    let packages = project.lock.iter().flat_map(|it| &it.packages);
    let local = packages.filter_map(|it| it.local()).find(|it| it.name == name)?;
    manifest::resolve(&project.lock_dir, &local.path)
}

/// Where a lock and the manifest of one of its users say different things.
fn disagreements(seen: &Seen, project: &Project, lock: &Lock, said: &[Local]) -> Vec<Finding> {
    let file = project.lock_dir.join("uv.lock");
    let fix = format!("uv lock --project {}", quote_dir(&project.lock_dir));
    let Some(own) = lock.own(&project.name) else {
        let what = format!("{file} does not know `{}`", project.name);
        return vec![Finding::serious(what, fix).at(&file, Some(1))];
    };
    let resolve = |path: &Utf8Path| manifest::resolve(&project.lock_dir, path);
    let asked: BTreeSet<Local> = own
        .metadata
        .all()
        .filter_map(|it| Some((normalise_name(it.name()?), resolve(Utf8Path::new(it.local()?))?)))
        .collect();
    // Where it ends in the lock counts too: a source can come through another package.
    let needed = own.all_dependencies(true).filter_map(|need| {
        let local = lock.packages.iter().find(|it| it.name == need.name)?.local()?;
        Some((local.name, resolve(&local.path)?))
    });
    let known: BTreeSet<Local> = asked.iter().cloned().chain(needed).collect();
    let mut findings = Vec::new();
    for (name, dir) in said.iter().filter(|it| !known.contains(*it)) {
        let path = project.path("pyproject.toml");
        let at = key_line(seen.text(&path), "[tool.uv.sources]", name);
        let what = format!("`{}` needs `{name}` from {}, and {file} does not say so", project.name, shown(dir));
        findings.push(Finding::serious(what, &fix).at(path, at));
    }
    // A source that leads nowhere has been told of already.
    let named: BTreeSet<String> = project.manifest.local_sources().into_iter().map(|it| it.0).collect();
    for (name, dir) in asked.iter().filter(|it| !said.contains(it) && !named.contains(&it.0)) {
        let what =
            format!("{file} says that `{}` needs `{name}` from {}, its manifest does not", project.name, shown(dir));
        let at = line(seen.text(&file), |it| it == format!("name = \"{}\"", project.name));
        if !is_dynamic(&project.manifest) {
            findings.push(Finding::serious(what, &fix).at(&file, at));
        }
    }
    findings
}

/// The names that a lock says its packages ask for.
pub fn names<'a>(asked: impl IntoIterator<Item = &'a Asked>) -> BTreeSet<String> {
    asked.into_iter().filter_map(|it| it.name().map(normalise_name)).collect()
}
