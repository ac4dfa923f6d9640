//! Writes a large repository of made-up projects, to measure the plan on: `cargo run --release --example synthetic -- N DIR`.
//!
//! `N` standalone projects with locks of a realistic size, or with `--workspace` one workspace of `N` members with a
//! single lock. The same arguments give the same bytes. Starts git for the first commit and nothing else; must not be
//! needed by xtask or its tests.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// How many packages the made-up index has.
const PACKAGES: usize = 600;
/// How many of them a project asks for.
const ASKED: usize = 8;
/// How many local projects a project needs.
const NEEDED: usize = 3;

fn main() -> Result<()> {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let workspace = words.iter().position(|it| it == "--workspace").map(|at| words.remove(at)).is_some();
    let [count, dir] = &words[..] else { bail!("usage: synthetic [--workspace] N DIR") };
    let (count, dir) = (count.parse().context("N is a number")?, PathBuf::from(dir));
    if dir.exists() {
        bail!("{} exists already", dir.display());
    }
    write(&dir, "ci/xtask.toml", "projects = [\"projects/*\"]\n")?;
    write(&dir, "README.md", "Made up, to measure with.\n")?;
    for index in 0..count {
        project(&dir, index, workspace)?;
    }
    if workspace {
        write(&dir, "pyproject.toml", "[tool.uv.workspace]\nmembers = [\"projects/*\"]\n")?;
        write(&dir, "uv.lock", &lock(&(0..count).collect::<Vec<_>>(), true))?;
    }
    for args in [&["init", "-q", "-b", "main"][..], &["add", "-A"], &["commit", "-q", "-m", "made up"]] {
        git(&dir, args)?;
    }
    Ok(())
}

fn git(dir: &Path, args: &[&str]) -> Result<()> {
    let who = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"];
    let status = Command::new("git").current_dir(dir).args(who).args(args).status().context("git runs")?;
    if status.success() { Ok(()) } else { bail!("git {} failed", args.join(" ")) }
}

fn write(dir: &Path, name: &str, text: &str) -> Result<()> {
    let path = dir.join(name);
    let parent = path.parent().context("a file is in a directory")?;
    std::fs::create_dir_all(parent)?;
    std::fs::write(&path, text).with_context(|| format!("could not write {}", path.display()))
}

fn project(dir: &Path, index: usize, workspace: bool) -> Result<()> {
    let at = format!("projects/p{index}");
    let put = |name: &str, text: &str| write(dir, &format!("{at}/{name}"), text);
    put("pyproject.toml", &manifest(index, workspace))?;
    put("README.md", &format!("Project {index}.\n"))?;
    put(&format!("src/p{index}/__init__.py"), &format!("\"\"\"Project {index}.\"\"\"\n"))?;
    for module in 0..6 {
        put(&format!("src/p{index}/m{module}.py"), &format!("\"\"\"Module {module} of {index}.\"\"\"\n"))?;
    }
    put("tests/test_it.py", &format!("import p{index}\n"))?;
    put("docs/index.md", &format!("# Project {index}\n"))?;
    if !workspace {
        put("uv.lock", &lock(&[index], false))?;
    }
    Ok(())
}

/// The local projects that one needs: some of those before it, most of them near the beginning, as libraries are.
fn needed(index: usize) -> Vec<usize> {
    let mut found: Vec<usize> = (0..NEEDED.min(index)).map(|it| random(index, it) % (index / 10 + 1)).collect();
    found.sort_unstable();
    found.dedup();
    found.retain(|it| *it != index);
    found
}

/// A number that looks random and is always the same.
fn random(index: usize, round: usize) -> usize {
    let mixed = (index as u64 + 1)
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(round as u64 * 1_442_695_040_888_963_407);
    (mixed.wrapping_mul(mixed | 1) >> 33) as usize
}

fn asked(index: usize) -> Vec<usize> {
    (0..ASKED).map(|it| random(index, it + 100) % PACKAGES).collect()
}

fn manifest(index: usize, workspace: bool) -> String {
    let mut text = format!(
        "[project]\nname = \"p{index}\"\nversion = \"1.0.0\"\nreadme = \"README.md\"\nrequires-python = \">=3.11\"\ndependencies = [\n"
    );
    for other in needed(index) {
        writeln!(text, "    \"p{other}\",").expect("a string");
    }
    for package in asked(index) {
        writeln!(text, "    \"package-{package}>=1\",").expect("a string");
    }
    text += "]\n\n[dependency-groups]\ndev = [\"package-0\", \"package-1\"]\n\n[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n";
    text += "\n[tool.uv.sources]\n";
    for other in needed(index) {
        let source =
            if workspace { "workspace = true".to_owned() } else { format!("path = \"../p{other}\", editable = true") };
        writeln!(text, "p{other} = {{ {source} }}").expect("a string");
    }
    text
}

/// A lock for these projects: they, what they need, and every package that they reach.
fn lock(roots: &[usize], workspace: bool) -> String {
    let mut text = "version = 1\nrevision = 3\nrequires-python = \">=3.11\"\n\n[manifest]\n".to_owned();
    let (mut locals, mut packages) = (roots.to_vec(), vec![0, 1]);
    let mut at = 0;
    while at < locals.len() {
        for other in needed(locals[at]) {
            if !locals.contains(&other) {
                locals.push(other);
            }
        }
        packages.extend(asked(locals[at]));
        at += 1;
    }
    let mut at = 0;
    packages.sort_unstable();
    packages.dedup();
    while at < packages.len() {
        for other in package_needs(packages[at]) {
            if !packages.contains(&other) {
                packages.push(other);
            }
        }
        at += 1;
    }
    packages.sort_unstable();
    locals.sort_unstable();
    for local in locals {
        let place = match (workspace, roots.contains(&local)) {
            (true, _) => format!("projects/p{local}"),
            (false, true) => ".".to_owned(),
            (false, false) => format!("../p{local}"),
        };
        entry_of_project(&mut text, local, &place);
    }
    packages.into_iter().for_each(|it| entry_of_package(&mut text, it));
    text
}

fn entry_of_project(text: &mut String, index: usize, place: &str) {
    write!(text, "\n[[package]]\nname = \"p{index}\"\nversion = \"1.0.0\"\nsource = {{ editable = \"{place}\" }}\ndependencies = [\n")
        .expect("a string");
    for other in needed(index) {
        writeln!(text, "    {{ name = \"p{other}\" }},").expect("a string");
    }
    for package in asked(index) {
        writeln!(text, "    {{ name = \"package-{package}\" }},").expect("a string");
    }
    *text +=
        "]\n\n[package.dev-dependencies]\ndev = [\n    { name = \"package-0\" },\n    { name = \"package-1\" },\n]\n";
}

/// Packages need none, one or two with lower numbers.
fn package_needs(index: usize) -> Vec<usize> {
    (0..random(index, 199) % 3).map(|it| random(index, it + 200) % (index / 2 + 1)).filter(|it| *it != index).collect()
}

fn entry_of_package(text: &mut String, index: usize) {
    let hash = |it: usize| format!("{:016x}", random(index, it + 300)).repeat(4);
    let host = "https://files.example.org/packages";
    write!(
        text,
        "\n[[package]]\nname = \"package-{index}\"\nversion = \"1.{index}.0\"\nsource = {{ registry = \"https://example.org/simple\" }}\ndependencies = [\n"
    )
    .expect("a string");
    for other in package_needs(index) {
        writeln!(text, "    {{ name = \"package-{other}\" }},").expect("a string");
    }
    write!(
        text,
        "]\nsdist = {{ url = \"{host}/package-{index}.tar.gz\", hash = \"sha256:{}\", size = 1000, upload-time = \"2025-01-01T00:00:00Z\" }}\nwheels = [\n",
        hash(0)
    )
    .expect("a string");
    for wheel in 1..=4 + index % 9 {
        writeln!(text, "    {{ url = \"{host}/package-{index}-{wheel}.whl\", hash = \"sha256:{}\", size = 1000, upload-time = \"2025-01-01T00:00:00Z\" }},", hash(wheel))
            .expect("a string");
    }
    *text += "]\n";
}
