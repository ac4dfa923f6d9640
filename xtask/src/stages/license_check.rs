//! license-check: every distribution that ships has a licence on the list in `ci/licenses.toml`.
//!
//! pip-licenses reads the runtime environment, this decides. Development tools are not in that environment, local
//! packages are left out. Must not believe an empty or short list: it is compared with the environment and the lock.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::json;

use crate::context::{self, Context};
use crate::discover::Project;
use crate::environments::{self, Kind};
use crate::lock::{Lock, Package};
use crate::manifest::normalise_name;
use crate::tools::Tool;
use crate::verdict::{Case, Verdict};
use crate::waivers::{self, Day};

mod policy;

use super::sbom::closure;
use policy::{Declared, Judged, Policy};

const LIST: &str = include_str!("license_check/list.py");
const FILE: &str = "licenses.toml";

/// Checks one project.
pub fn run(ctx: &Context, project: &Project) -> Result<Verdict> {
    let policy_path = ctx.repo.ci.join(FILE);
    let shown = ctx.relative(&policy_path).unwrap_or_else(|| policy_path.clone());
    let text = std::fs::read_to_string(&policy_path).with_context(|| format!("could not read {shown}"))?;
    let policy = Policy::parse(&shown, &text)?;

    let lock = project.lock()?;
    let conflicts = environments::conflicts(ctx, project)?;
    let site = environments::site_packages(&environments::path(&ctx.out, project, Kind::Runtime))?;
    let scratch = ctx.scratch(Some(project))?;
    let mut declared = list(ctx, &scratch, &site)?;
    check_complete(&declared, project, lock, &conflicts.extras(project))?;
    for extra in conflicts.extras_left_out(project) {
        let site = with_extra(ctx, &scratch, project, lock, &extra)?;
        let more = list(ctx, &scratch, &site)?;
        declared.extend(more.into_iter().filter(|it| !declared.contains(it)).collect::<Vec<_>>());
    }
    declared.sort_by_key(|it| (normalise_name(&it.name), it.version.clone()));

    let locals: BTreeSet<&str> =
        project.locals.iter().map(|it| it.name.as_str()).chain([project.name.as_str()]).collect();
    let lock_path = project.lock_dir.join("uv.lock");
    let lock_text =
        std::fs::read_to_string(ctx.repo.abs(&lock_path)).with_context(|| format!("could not read {lock_path}"))?;
    let judge = Judge { policy: &policy, shown: &shown, today: waivers::today(), ways: ways(lock, &project.name) };
    let mut cases = Vec::new();
    let mut table = Vec::new();
    for it in declared.iter().filter(|it| !locals.contains(normalise_name(&it.name).as_str())) {
        let (case, row) = judge.case(it);
        let name = normalise_name(&it.name);
        let line = line_of(&lock_text, &name, &it.version);
        let has_place = !case.message.is_empty();
        cases.push(if has_place { case.about(&name).at(&lock_path, line) } else { case });
        table.push(row);
    }
    write_table(ctx, project, &table)?;
    let left_out: Vec<&str> = locals.iter().copied().filter(|it| *it != project.name).collect();
    let count = cases.len();
    let mut verdict = Verdict::of(cases, format!("{count} third-party distributions ship"));
    verdict = verdict.note(format!("{count} third-party distributions ship"));
    let elsewhere = not_here(&declared, lock, &judge.ways);
    if !elsewhere.is_empty() {
        let what = "not looked at, for they are not installed on this platform and interpreter";
        verdict = verdict.note(format!("{what}: {}", elsewhere.join(", ")));
    }
    if !left_out.is_empty() {
        verdict = verdict.note(format!("local packages left out: {}", left_out.join(", ")));
    }
    Ok(verdict)
}

/// Installs what ships with an extra that conflicts with those of the runtime environment, and says where.
fn with_extra(ctx: &Context, scratch: &Utf8Path, project: &Project, lock: &Lock, extra: &str) -> Result<Utf8PathBuf> {
    let environment = scratch.join(format!("extra-{extra}"));
    let dir = ctx.repo.abs(&project.dir);
    let call = ctx.uv().args(["sync", "--frozen", "--no-default-groups", "--extra", extra, "--project"]);
    let mut call = call.arg(dir.as_str()).cwd(&dir).env("UV_PROJECT_ENVIRONMENT", environment.as_str());
    for local in lock.packages.iter().filter_map(Package::local) {
        call = call.args(["--no-install-package", &local.name]);
    }
    let done = ctx.run(&call)?;
    if done.code != 0 {
        return Err(done.explained(&format!("`uv sync --frozen --extra {extra}` of {}", project.name)));
    }
    environments::site_packages(&environment)
}

/// What ships by the lock and is installed elsewhere only, as "name version".
fn not_here(declared: &[Declared], lock: &Lock, ways: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let listed: BTreeSet<String> = declared.iter().map(|it| normalise_name(&it.name)).collect();
    let is_meant = |it: &&Package| {
        let name = normalise_name(&it.name);
        it.local().is_none() && ways.contains_key(&name) && !listed.contains(&name)
    };
    let names = lock.packages.iter().filter(is_meant);
    names.map(|it| format!("{} {}", it.name, it.version.as_deref().unwrap_or_default()).trim_end().to_owned()).collect()
}

/// What pip-licenses says of an environment, sorted by name, and exactly what is installed there.
fn list(ctx: &Context, scratch: &Utf8Path, site: &Utf8Path) -> Result<Vec<Declared>> {
    let launcher = scratch.join("list.py");
    context::write(&launcher, LIST)?;
    let call = ctx.call(ctx.tools.bin(Tool::License, "python")).arg("-I").arg(launcher.as_str()).arg(site.as_str());
    let done = ctx.run(&call.args(["--from=all", "--with-system", "--format=json"]))?;
    if done.code != 0 {
        return Err(done.refused("pip-licenses"));
    }
    let mut declared: Vec<Declared> = serde_json::from_str(&done.stdout)
        .map_err(|error| done.refused(&format!("pip-licenses printed no list ({error}) and")))?;
    declared.sort_by_key(|it| normalise_name(&it.name));

    let listed: BTreeSet<String> = declared.iter().map(|it| normalise_name(&it.name)).collect();
    let installed = installed(site)?;
    if let Some(name) = installed.symmetric_difference(&listed).next() {
        bail!(
            "pip-licenses listed {} distributions where {} are installed in {site}; the first difference is {name}",
            listed.len(),
            installed.len()
        );
    }
    Ok(declared)
}

/// The distributions in a directory, by normalised name.
fn installed(site: &Utf8Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for entry in site.read_dir_utf8().with_context(|| format!("could not list {site}"))? {
        let entry = entry?;
        let name = entry.file_name();
        let stem = name.strip_suffix(".dist-info").or_else(|| name.strip_suffix(".egg-info"));
        if let Some(name) = stem.and_then(|it| it.split('-').next()) {
            found.insert(normalise_name(name));
        }
    }
    Ok(found)
}

/// The list must be what the lock says ships: nothing else, and nothing missing that is needed wherever it is installed.
fn check_complete(declared: &[Declared], project: &Project, lock: &Lock, extras: &[String]) -> Result<()> {
    let listed: BTreeSet<String> = declared.iter().map(|it| normalise_name(&it.name)).collect();
    let closure: BTreeSet<String> =
        lock.reach(&project.name, false).iter().map(|it| normalise_name(&it.name)).collect();
    if let Some(stranger) = listed.iter().find(|it| !closure.contains(*it)) {
        bail!(
            "{stranger} is installed in the runtime environment, but the lock does not name it as something that ships"
        );
    }
    let needed = needed_everywhere(lock, &project.name, extras);
    if let Some(missing) = needed.iter().find(|it| !listed.contains(*it)) {
        bail!("the lock says that {missing} ships, but it is not installed in the runtime environment");
    }
    Ok(())
}

/// Names that the lock installs on any platform: reached without a condition, with the extras that are installed.
fn needed_everywhere(lock: &Lock, name: &str, extras: &[String]) -> BTreeSet<String> {
    let Some(own) = lock.own(name) else { return BTreeSet::new() };
    let all = extras.iter().any(|it| it == "--all-extras");
    let chosen = own.optional_dependencies.keys().filter(|it| all || extras.contains(it)).cloned().collect();
    // A virtual package is never installed, and nobody asks for the project itself.
    let is_real = |it: &&Package| it.name != own.name && !it.source.contains_key("virtual");
    let real: BTreeSet<String> = lock.packages.iter().filter(is_real).map(|it| normalise_name(&it.name)).collect();
    let never = conditions(lock).map(|it| (it, false)).collect();
    closure::of(lock, name, &chosen, &never).chains.into_keys().filter(|it| real.contains(it)).collect()
}

/// Every condition on a dependency in a lock.
fn conditions(lock: &Lock) -> impl Iterator<Item = String> {
    let of = |it: &Package| -> Vec<String> {
        let all = it.dependencies.iter().chain(it.optional_dependencies.values().flatten());
        all.filter_map(|it| it.marker.clone()).collect()
    };
    lock.packages.iter().flat_map(of).collect::<BTreeSet<_>>().into_iter()
}

/// For every name that ships, the names on the shortest way to it from the project, both included.
fn ways(lock: &Lock, name: &str) -> BTreeMap<String, Vec<String>> {
    let extras = lock.own(name).into_iter().flat_map(|it| it.optional_dependencies.keys().cloned()).collect();
    closure::of(lock, name, &extras, &BTreeMap::new()).chains
}

/// The line of a package's entry in a lock, counted from 1.
fn line_of(lock: &str, name: &str, version: &str) -> Option<u32> {
    let mut entry = None;
    let mut named = None;
    for (index, line) in lock.lines().enumerate() {
        if line == "[[package]]" {
            entry = Some(index + 1);
        } else if line.strip_prefix("name = ").is_some_and(|it| normalise_name(it.trim_matches('"')) == name) {
            named = entry;
        } else if named.is_some()
            && named == entry
            && line.strip_prefix("version = ") == Some(&format!("\"{version}\""))
        {
            break;
        }
    }
    named.and_then(|it| u32::try_from(it).ok())
}

struct Judge<'a> {
    policy: &'a Policy,
    /// The policy file as reports show it.
    shown: &'a Utf8Path,
    today: Day,
    ways: BTreeMap<String, Vec<String>>,
}

impl Judge<'_> {
    /// The case about a distribution, and its row in the table.
    fn case(&self, declared: &Declared) -> (Case, serde_json::Value) {
        let title = format!("{} {}", declared.name, declared.version);
        let judged = self.policy.judge(declared);
        let (expression, finding) = match &judged {
            Judged::Allowed(expression) => (expression.as_str(), None),
            Judged::Refused(expression, refused) => {
                let verb = if refused.len() == 1 { "is" } else { "are" };
                let why = format!("{title} is under {expression}; {} {verb} not on the list", refused.join(", "));
                (expression.as_str(), Some(("license", why)))
            }
            Judged::Unknown(why) => ("unknown", Some(("unknown-license", format!("{title}: {why}")))),
        };
        let row = |outcome: &str, expression: &str| {
            json!({
                "name": normalise_name(&declared.name), "version": declared.version, "license": expression, "outcome": outcome,
                "declared": {"expression": declared.expression, "classifiers": declared.classifiers,
                             "text": declared.text.lines().next().unwrap_or_default()},
                "through": self.ways.get(&normalise_name(&declared.name)),
            })
        };
        let Some((rule, why)) = finding else {
            return (Case::pass(format!("{title}: {expression}")), row("allowed", expression));
        };
        let mut remarks = Vec::new();
        for decision in self.policy.decisions(&declared.name) {
            if decision.version.as_ref().is_some_and(|it| *it != declared.version) {
                let version = decision.version.as_deref().unwrap_or_default();
                remarks.push(format!("a decision of {} is about version {version}", decision.owner));
            } else if decision.last_day().is_some_and(|day| day < self.today) {
                let day = decision.expires.map(|it| it.to_string()).unwrap_or_default();
                remarks.push(format!("the decision of {} expired on {day}", decision.owner));
            } else {
                let said = format!("decided by {}: {}", decision.owner, decision.reason);
                let known = matches!(self.policy.judge_decision(decision), Judged::Allowed(_));
                let case = if known && matches!(judged, Judged::Unknown(_)) {
                    Case::pass(format!("{title}: {} ({said})", decision.license))
                } else {
                    Case::skip(title.clone(), format!("{why}; {said}"))
                };
                return (case, row("decided", &decision.license));
            }
        }
        let remarks: String = remarks.iter().map(|it| format!("; {it}")).collect();
        let case = Case::fail(rule, format!("{why}{}{remarks}", self.through(declared)));
        (
            case.detail(self.how_to_record(declared, &judged)),
            row(if rule == "license" { "refused" } else { "unknown" }, expression),
        )
    }

    /// " (through a, b)" for what the project does not ask for itself.
    fn through(&self, declared: &Declared) -> String {
        match self.ways.get(&normalise_name(&declared.name)) {
            Some(way) if way.len() > 2 => format!(" (through {})", way[1..way.len() - 1].join(" -> ")),
            Some(_) => " (a direct dependency)".to_owned(),
            None => String::new(),
        }
    }

    fn how_to_record(&self, declared: &Declared, judged: &Judged) -> String {
        let license = match judged {
            Judged::Refused(expression, _) => expression.as_str(),
            _ => "<SPDX expression: what its licence file says>",
        };
        format!(
            "Take it out of what ships, or record a decision in {}:\n\n[[decision]]\npackage = \"{}\"\nversion = \"{}\"\n\
             license = \"{license}\"\nreason = \"<why it may ship>\"\nowner = \"<who answers for it>\"\n\n\
             What its metadata says:\nLicense-Expression: {}\nclassifiers: {}\nLicense: {}\n",
            self.shown,
            normalise_name(&declared.name),
            declared.version,
            declared.expression,
            declared.classifiers,
            declared.text.lines().next().unwrap_or_default()
        )
    }
}

fn write_table(ctx: &Context, project: &Project, rows: &[serde_json::Value]) -> Result<()> {
    let table = json!({"schema": 1, "project": project.name, "distributions": rows});
    let text = serde_json::to_string_pretty(&table)? + "\n";
    context::write(&ctx.reports(project)?.join("licenses.json"), text)
}

#[cfg(test)]
mod tests;
