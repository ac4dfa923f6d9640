//! Writes a random monorepo as the files of a revision: manifests and locks; `render_ci.rs` writes `ci/`.
//!
//! Must not know what any change affects.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use xtask::tree::Mode;

use super::render_ci;
use super::repos::{Home, Lock, Project, Repo, Scope, State, THIRD, Workspace};

/// A revision.
pub type Files = BTreeMap<String, (Mode, Vec<u8>)>;

/// A lock that does not parse.
const GARBAGE: &str = "<<<<<<< HEAD\n";

/// The files of the repository.
pub fn files(repo: &Repo) -> Files {
    let mut files = Files::new();
    let mut put = |path: String, mode: Mode, text: String| {
        files.insert(path, (mode, text.into_bytes()));
    };
    for (path, (mode, text)) in &repo.files {
        put(path.clone(), *mode, text.clone());
    }
    for (index, project) in repo.projects.iter().enumerate().filter(|(_, it)| !it.deleted) {
        let dir = repo.dir(index);
        put(format!("{dir}/pyproject.toml"), Mode::File, manifest(repo, index, project));
        for (path, (mode, text)) in &project.files {
            put(format!("{dir}/{path}"), *mode, text.clone());
        }
    }
    let used = |at: &usize| repo.workspaces[*at].used;
    for at in (0..3).filter(used).filter(|at| repo.head(*at).is_none()) {
        put(below(&repo.root(at), "pyproject.toml"), Mode::File, root(repo, at));
    }
    let alone = (0..repo.projects.len()).map(|it| repo.home(it)).filter(|it| matches!(it, Home::Project(_)));
    let homes = alone.filter(|it| matches!(it, Home::Project(at) if !repo.projects[*at].deleted));
    for home in homes.chain((0..3).filter(used).map(Home::Workspace)) {
        let usual = Lock::default();
        let lock = repo.locks.get(&home).unwrap_or(&usual);
        let text = match lock.state {
            State::Gone => continue,
            State::Garbage => GARBAGE.to_owned(),
            State::Whole => locked(repo, home, lock),
        };
        put(below(&repo.lock_dir(home), "uv.lock"), Mode::File, text);
    }
    for (path, text) in render_ci::files(repo) {
        put(path, Mode::File, text);
    }
    files
}

fn below(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

/// From one directory to another.
pub fn relative(from: &str, to: &str) -> String {
    let parts = |it: &str| it.split('/').filter(|it| !it.is_empty()).map(str::to_owned).collect::<Vec<_>>();
    let (from, to) = (parts(from), parts(to));
    let common = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..".to_owned(), from.len() - common);
    let way: Vec<String> = up.chain(to[common..].iter().cloned()).collect();
    if way.is_empty() { ".".to_owned() } else { way.join("/") }
}

/// A list of strings in TOML.
pub fn quoted(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|it| format!("\"{it}\"")).collect();
    format!("[{}]", items.join(", "))
}

/// What a project asks for in this scope, as its manifest says it.
fn asked(repo: &Repo, project: &Project, scope: Scope) -> Vec<String> {
    let local = project.needs.iter().filter(|it| it.in_manifest && it.scope == scope);
    let third = project.packages.iter().filter(|it| it.1 == scope).map(|it| it.0);
    let third = third.map(|it| if it == 3 { "delta[fast]>=1".to_owned() } else { format!("{}>=1", THIRD[it].0) });
    local.map(|it| format!("{}{}", repo.projects[it.to].name, if it.extra { "[x]" } else { "" })).chain(third).collect()
}

fn manifest(repo: &Repo, index: usize, project: &Project) -> String {
    let mut out = format!("# {}\n[project]\nname = \"{}\"\n", project.comment, project.name);
    let _ = writeln!(out, "version = \"0.{}\"\nrequires-python = \">=3.1{}\"", project.version, project.python);
    if project.says_readme {
        out.push_str("readme = \"README.md\"\n");
    }
    let _ = writeln!(out, "dependencies = {}", quoted(&asked(repo, project, Scope::Run)));
    let _ = writeln!(out, "[project.optional-dependencies]\nx = {}", quoted(&asked(repo, project, Scope::Extra)));
    let _ = writeln!(out, "[dependency-groups]\ndev = {}", quoted(&asked(repo, project, Scope::Group)));
    let mut build = vec!["uv-build".to_owned()];
    build.extend(asked(repo, project, Scope::Build));
    let _ = writeln!(out, "[build-system]\nrequires = {}\nbuild-backend = \"uv_build\"", quoted(&build));
    let mut sources = BTreeMap::new();
    let home = repo.home(index);
    for need in project.needs.iter().filter(|it| it.in_manifest) {
        let of_workspace = matches!(home, Home::Workspace(_)) && repo.home(need.to) == home;
        let in_root = matches!(home, Home::Workspace(at) if of_workspace && repo.workspaces[at].sources);
        let path = relative(&repo.dir(index), &repo.dir(need.to));
        let source = if of_workspace { "workspace = true".to_owned() } else { format!("path = \"{path}\"") };
        if !in_root {
            sources.insert(need.to, source);
        }
    }
    let head = (0..3).find(|at| repo.head(*at) == Some(index));
    if let Some(at) = head {
        root_sources(repo, at, &mut sources);
    }
    write_sources(repo, &sources, &mut out);
    if let Some(at) = head {
        write_workspace(repo, at, &mut out);
    }
    tables(repo, index, project, &mut out);
    out
}

fn tables(repo: &Repo, index: usize, project: &Project, out: &mut String) {
    let schemas = relative(&repo.dir(index), "schemas");
    let inputs = match project.inputs {
        0 => String::new(),
        1 => format!("inputs = [\"{schemas}/**\"]\n"),
        _ => format!("inputs = [\"{schemas}/a.json\"]\n"),
    };
    let _ = write!(out, "[tool.xtask]\nimage = {}\n{inputs}", project.image);
    for (name, value) in &project.tables {
        let _ = match *name {
            "packages" => writeln!(out, "packages = [\"src/a{value}\"]"),
            _ => Ok(()),
        };
    }
    for (name, value) in &project.tables {
        let _ = match *name {
            "ruff" => write!(out, "[tool.ruff]\nline-length = 10{value}\n"),
            "pytest" => write!(out, "[tool.pytest.ini_options]\nxfail_strict = {}\n", value % 2 == 0),
            "coverage" => write!(out, "[tool.coverage.run]\nbranch = {}\n", value % 2 == 0),
            "setuptools" => write!(out, "[tool.setuptools]\nzip-safe = {}\n", value % 2 == 0),
            "override" => {
                write!(
                    out,
                    "[[tool.xtask.override]]\nsetting = \"pytest.coverage\"\nvalue = 6{value}\nreason = \"r\"\n"
                )
            }
            "waiver" => write!(
                out,
                "[[tool.xtask.waiver]]\nstage = \"bandit\"\nrule = \"B{value}\"\nowner = \"o\"\nreason = \"r\"\n\
                 expires = 2099-12-31\n"
            ),
            _ => Ok(()),
        };
    }
}

/// The root of a workspace that is no project.
fn root(repo: &Repo, at: usize) -> String {
    let mut out = format!("# {}\n", repo.workspaces[at].comment);
    let mut sources = BTreeMap::new();
    root_sources(repo, at, &mut sources);
    write_sources(repo, &sources, &mut out);
    write_workspace(repo, at, &mut out);
    out
}

fn root_sources(repo: &Repo, at: usize, sources: &mut BTreeMap<usize, String>) {
    let members: Vec<usize> = repo.members(at).filter(|_| repo.workspaces[at].sources).collect();
    for need in members.iter().flat_map(|it| &repo.projects[*it].needs).filter(|it| it.in_manifest) {
        if members.contains(&need.to) {
            sources.insert(need.to, "workspace = true".to_owned());
        }
    }
}

fn write_sources(repo: &Repo, sources: &BTreeMap<usize, String>, out: &mut String) {
    if !sources.is_empty() {
        out.push_str("[tool.uv.sources]\n");
    }
    for (to, source) in sources {
        let _ = writeln!(out, "{} = {{ {source} }}", repo.projects[*to].name);
    }
}

fn write_workspace(repo: &Repo, at: usize, out: &mut String) {
    let workspace: &Workspace = &repo.workspaces[at];
    let root = repo.root(at);
    let members: Vec<String> = match (workspace.listed, at) {
        (true, _) => {
            repo.members(at).filter(|it| repo.head(at) != Some(*it)).map(|it| relative(&root, &repo.dir(it))).collect()
        }
        (false, 2) => vec!["projects/r*".to_owned()],
        (false, _) => vec!["*".to_owned()],
    };
    if workspace.setting > 0 {
        let _ = writeln!(out, "[tool.uv]\nprerelease = \"{}\"", ["allow", "never"][usize::from(workspace.setting % 2)]);
    }
    let _ = writeln!(out, "[tool.uv.workspace]\nmembers = {}\nexclude = [\"x*\"]", quoted(&members));
}

fn locked(repo: &Repo, home: Home, lock: &Lock) -> String {
    let [python, markers, options, constraints] = lock.header;
    let mut out = format!("version = 1\nrevision = {}\nrequires-python = \">=3.1{python}\"\n", lock.revision);
    if markers > 0 {
        let _ = writeln!(out, "resolution-markers = [\"sys_platform == 'linux{markers}'\"]");
    }
    if options > 0 {
        let _ = writeln!(out, "\n[options]\nprerelease-mode = \"mode{options}\"");
    }
    let own: Vec<usize> = match home {
        Home::Project(at) => vec![at],
        Home::Workspace(at) => repo.members(at).filter(|it| !repo.projects[*it].deleted).collect(),
    };
    let names: Vec<String> = own.iter().map(|it| repo.projects[*it].name.clone()).collect();
    let _ = writeln!(out, "\n[manifest]\nmembers = {}", quoted(&names));
    if constraints > 0 {
        let _ = writeln!(out, "constraints = [{{ name = \"beta\", specifier = \"<{constraints}\" }}]");
    }
    // As uv does it: everything of those that the lock is for, of others what is asked for.
    let mut locals = own.clone();
    let mut seen: Vec<(usize, bool)> = own.iter().map(|it| (*it, true)).collect();
    let mut next = 0;
    while let Some((at, with_extra)) = seen.get(next).copied() {
        next += 1;
        for need in repo.projects[at].needs.iter().filter(|it| it.in_lock) {
            let is_asked = match need.scope {
                Scope::Run => true,
                Scope::Extra => with_extra,
                Scope::Group => own.contains(&at),
                Scope::Build => false,
            };
            if is_asked && !seen.contains(&(need.to, need.extra)) && !own.contains(&need.to) {
                seen.push((need.to, need.extra));
                locals.push(need.to);
            }
        }
    }
    locals.sort_unstable();
    locals.dedup();
    let mut packages: Vec<String> = locals.iter().map(|it| local(repo, home, *it, own.contains(it))).collect();
    packages.extend((0..THIRD.len()).map(|it| third(lock, it)));
    if lock.reversed {
        packages.reverse();
    }
    out + &packages.concat()
}

/// A package of the repository in a lock.
fn local(repo: &Repo, home: Home, index: usize, is_own: bool) -> String {
    let project = &repo.projects[index];
    let kind = if project.copied && is_own {
        "virtual"
    } else if project.copied {
        "directory"
    } else {
        "editable"
    };
    let path = relative(&repo.lock_dir(home), &repo.dir(index));
    let mut out = format!("\n[[package]]\nname = \"{}\"\nversion = \"0.{}\"\n", project.name, project.version);
    let _ = writeln!(out, "source = {{ {kind} = \"{path}\" }}");
    let asked = |scope: Scope, extra: bool| {
        let needs = project.needs.iter().filter(|it| it.in_lock && it.scope == scope);
        let extra = |it: bool, name: &str| if it && extra { format!(", extra = [\"{name}\"]") } else { String::new() };
        let local = needs.map(|it| format!("{{ name = \"{}\"{} }}", repo.projects[it.to].name, extra(it.extra, "x")));
        let third = project.packages.iter().filter(|it| it.1 == scope).map(|it| it.0);
        let third = third.map(|it| format!("{{ name = \"{}\"{} }}", THIRD[it].0, extra(it == 3, "fast")));
        format!("[{}]", local.chain(third).collect::<Vec<_>>().join(", "))
    };
    let _ = writeln!(out, "dependencies = {}", asked(Scope::Run, true));
    let _ = writeln!(out, "\n[package.optional-dependencies]\nx = {}", asked(Scope::Extra, true));
    if is_own {
        let _ = writeln!(out, "\n[package.dev-dependencies]\ndev = {}", asked(Scope::Group, true));
    }
    let _ = writeln!(out, "\n[package.metadata]\nrequires-dist = {}", asked(Scope::Run, false));
    let _ = writeln!(out, "\n[package.metadata.requires-dev]\ndev = {}", asked(Scope::Group, false));
    out
}

fn third(lock: &Lock, index: usize) -> String {
    let (name, needs, extra) = THIRD[index];
    let version = lock.bumps.get(&index).copied().unwrap_or(0);
    let hash = lock.hashes.get(&index).copied().unwrap_or(0);
    let marker = |it: &Option<&str>| it.map_or_else(String::new, |it| format!(", marker = \"{it}\""));
    let needs: Vec<String> = needs.iter().map(|it| format!("{{ name = \"{}\"{} }}", it.0, marker(&it.1))).collect();
    let mut out = format!("\n[[package]]\nname = \"{name}\"\nversion = \"1.{version}\"\n");
    let _ = writeln!(out, "source = {{ registry = \"https://index.example/simple\" }}");
    let _ = writeln!(out, "dependencies = [{}]", needs.join(", "));
    let noise = lock.noise;
    let _ = writeln!(
        out,
        "sdist = {{ url = \"https://files.example/{noise}/{name}.tar.gz\", hash = \"sha256:{hash}\", size = {noise}, \
         upload-time = \"2026-01-01T00:00:0{noise}Z\" }}"
    );
    if !extra.is_empty() {
        let _ = writeln!(out, "\n[package.optional-dependencies]\nfast = [{{ name = \"{}\" }}]", extra[0]);
    }
    out
}
