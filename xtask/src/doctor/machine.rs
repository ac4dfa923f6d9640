//! git's history, the branch that is compared with, tools, container builder, vulnerability database, disk.
//!
//! Pure. Must not say what a stage does with them.

use crate::tools::Tools;

use super::{Check, Finding, GitSeen, Seen, Severity, key_line, some};
use crate::config::NotChecked;
use crate::planview::short;

/// Less free space than this, in MiB, is not enough for environments and images; and for anything.
const LITTLE: u64 = 2048;
const HARDLY: u64 = 256;

/// How much of the history is here.
pub fn git(seen: &Seen) -> Check {
    let name = "git";
    let Some(git) = &seen.git else {
        let what = "this directory is in no git repository, so there is no change to tell: every run takes everything";
        return Check::new(name, "no repository", vec![Finding::warning(what, "git init && git add -A && git commit")]);
    };
    let Some(commits) = git.commits else {
        let what = "there is no commit yet: every run takes everything";
        return Check::new(name, "no commit", vec![Finding::warning(what, "git add -A && git commit")]);
    };
    if !git.is_shallow {
        return Check::new(name, format!("the whole history, {commits} commits"), Vec::new());
    }
    let remote = git.remote.as_deref().unwrap_or("origin");
    let fix = match seen.ci {
        true => "write `GIT_DEPTH: 0` under `variables:` in .gitlab-ci.yml".to_owned(),
        false => format!("git fetch --unshallow {remote}"),
    };
    let says = format!("a shallow clone, {commits} commits");
    let finding = match &git.merge_base {
        Some(base) => Finding::note(format!("the history is cut off, but the base {} is here", short(base)), fix),
        None => {
            let what = "the history is cut off before the base: each run has to fetch it, and takes everything where the \
                        remote does not answer";
            Finding::warning(what, fix)
        }
    };
    Check::new(name, says, vec![finding])
}

/// The branch that changes are compared with.
pub fn base(seen: &Seen) -> Check {
    let name = "default branch";
    let Some(git) = &seen.git else { return Check::new(name, "none without git", Vec::new()) };
    let remote = git.remote.as_deref().unwrap_or("origin");
    if let Some(setting) = &seen.repo.config.default_branch {
        let line = key_line(seen.settings_text(), "", "default-branch");
        let says = format!("{setting}, by `default-branch` in {}", seen.settings);
        if git.default.is_none() {
            let what =
                format!("there is no branch `{setting}` here, so every run asks the remote for it or takes everything");
            let fix = format!("git fetch {remote} {setting}, or correct `default-branch`");
            return Check::new(name, says, vec![Finding::serious(what, fix).at(&seen.settings, line)]);
        }
        return Check::new(name, says, unrelated(git, remote));
    }
    let set_head = format!("git remote set-head {remote} --auto");
    let by_hand = format!("write `default-branch = \"NAME\"` in {}", seen.settings);
    let shown = |full: &str| full.trim_start_matches("refs/remotes/").trim_start_matches("refs/heads/").to_owned();
    let Some(default) = &git.default else {
        let (what, fix) = match (&git.remote, &git.remote_head) {
            (None, _) => {
                ("there is no remote, and no branch main or master beside the one that is checked out", by_hand)
            }
            (Some(_), None) => ("the remote's default branch is not known here", format!("{set_head}, or {by_hand}")),
            (Some(_), Some(_)) => {
                ("the remote's HEAD names a branch that is gone", format!("{set_head}, or {by_hand}"))
            }
        };
        return Check::new(name, "none", vec![Finding::warning(format!("{what}: every run takes everything"), fix)]);
    };
    let mut findings = unrelated(git, remote);
    if git.remote.is_some() && git.remote_head.as_ref() != Some(default) {
        let why = match &git.remote_head {
            None => "the remote's HEAD is not known here",
            Some(_) => "the remote's HEAD names a branch that is gone",
        };
        findings.push(Finding::note(format!("{} is a guess: {why}", shown(default)), set_head));
    }
    let how = match &git.remote {
        None => ", a branch here; there is no remote",
        Some(_) if git.remote_head.as_ref() == Some(default) => ", as the remote's HEAD says",
        Some(_) => "",
    };
    Check::new(name, shown(default) + how, findings)
}

fn unrelated(git: &GitSeen, remote: &str) -> Vec<Finding> {
    if git.merge_base.is_some() || git.commits.is_none() || git.is_shallow {
        return Vec::new();
    }
    let what = "HEAD and this branch have no commit in common: every run takes everything";
    vec![Finding::warning(what, format!("git fetch {remote}, then rebase or merge"))]
}

/// Are the tools there, and as pinned?
pub fn tools(seen: &Seen) -> Check {
    let name = "tools";
    let rows = match &seen.tools {
        Ok(rows) => rows,
        Err(why) => return Check::new(name, "none", vec![Finding::serious(why, "cargo xtask tools --fetch")]),
    };
    let stale = |it: &String| Finding::serious(it, Tools::RENEW).at("ci/tools/uv.lock", None);
    let mut findings: Vec<Finding> = seen.stale_tools.iter().map(stale).collect();
    let mut absent = Vec::new();
    let mut good = Vec::new();
    for [tool, pinned, found, _] in rows {
        if pinned == "?" {
            let what = format!("{tool} is not in ci/tools/uv.lock, which pins the tools");
            findings.push(Finding::serious(what, "uv lock --project ci/tools"));
        } else if found.starts_with("not ") {
            absent.push(format!("{tool} {pinned}"));
        } else if pinned == found || pinned.starts_with('>') {
            good.push(format!("{tool} {found}"));
        } else {
            let what = format!("{tool} is {found}, pinned is {pinned}");
            findings.push(Finding::serious(what, "cargo xtask clean --tools && cargo xtask tools --fetch"));
        }
    }
    if !absent.is_empty() {
        let what = format!("not fetched yet, the first run does it: {}", absent.join(", "));
        findings.push(Finding::note(what, "cargo xtask tools --fetch"));
    }
    let says = if good.is_empty() { "none is here".to_owned() } else { good.join(", ") };
    Check::new(name, says, findings)
}

/// Can images be built?
pub fn engine(seen: &Seen) -> Check {
    let name = "container engine";
    let projects = seen.repo.projects.iter().filter(|it| it.manifest.typed.tool.xtask.image);
    let images: Vec<String> = projects.map(|it| it.name.clone()).collect();
    let why = match &seen.engine {
        Ok(engine) => return Check::new(name, format!("{engine}, for {} images", images.len()), Vec::new()),
        Err(_) if images.is_empty() => {
            return Check::new(name, "none, and none is needed: no project declares an image", Vec::new());
        }
        Err(why) => why,
    };
    let (why, fix) = why.rsplit_once("; ").unwrap_or((why, ""));
    let what = format!("docker-build of {} cannot be checked: {why}", some(&images));
    Check::new(name, "none that works", vec![Finding::new(unchecked(seen, "docker-build"), what, fix)])
}

/// Can vulnerabilities be looked up?
pub fn database(seen: &Seen) -> Check {
    let name = "vulnerability database";
    let why = match &seen.database {
        Some(Ok(built)) => return Check::new(name, format!("built {built}"), Vec::new()),
        Some(Err(why)) => why.clone(),
        None => "grype is not fetched yet".to_owned(),
    };
    let fix = match (&seen.database, &seen.repo.config.vulnerabilities.database) {
        (None, _) => "cargo xtask tools --fetch".to_owned(),
        (_, Some(dir)) => {
            format!("put a database into {dir}, or take `database` out of [vulnerabilities] in {}", seen.settings)
        }
        (_, None) => {
            "cargo xtask stage vulnerabilities --all fetches it; without a way to its address set `database` or \
                      `database-url` under [vulnerabilities]"
                .to_owned()
        }
    };
    Check::new(name, "none that can be used", vec![Finding::new(unchecked(seen, "vulnerabilities"), why, fix)])
}

/// How bad it is that a stage cannot be checked here.
fn unchecked(seen: &Seen, stage: &str) -> Severity {
    match seen.repo.config.not_checked(stage, seen.ci) {
        NotChecked::Error => Severity::Serious,
        NotChecked::Skip => Severity::Warning,
    }
}

/// Is there room for what a run leaves?
pub fn disk(seen: &Seen) -> Check {
    let gib = |mib: u64| format!("{:.1} GiB", mib as f64 / 1024.0);
    let short = seen.free.iter().filter(|it| it.1 < LITTLE).map(|(dir, free)| {
        let severity = if *free < HARDLY { Severity::Serious } else { Severity::Warning };
        Finding::new(severity, format!("{} are free where {dir} is", gib(*free)), "cargo xtask clean")
    });
    let says: Vec<String> = seen.free.iter().map(|(dir, free)| format!("{} free for {dir}", gib(*free))).collect();
    let says = if says.is_empty() { "not known".to_owned() } else { says.join(", ") };
    Check::new("disk", says, short.collect())
}
