//! Which files a project has: what git tracks and what it would track, split by the deepest project that holds them.
//!
//! Must not read the files themselves, except to list a directory where there is no git.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::discover::Project;
use crate::proc;

/// Directories that hold no source, for a tree without git.
const NO_SOURCE: &[&str] = &["target", "node_modules", "__pycache__", "build", "dist", "site-packages"];

/// Fills in every project's `files` from the list of the repository; a link to a directory is none.
pub fn assign(root: &Utf8Path, files: &[Utf8PathBuf], projects: &mut [Project]) {
    let by_dir: BTreeMap<Utf8PathBuf, usize> = projects.iter().enumerate().map(|(i, it)| (it.dir.clone(), i)).collect();
    for file in files.iter().filter(|it| root.join(it).is_file()) {
        if let Some(index) = file.ancestors().skip(1).find_map(|dir| by_dir.get(dir)) {
            projects[*index].files.push(file.clone());
        }
    }
    projects.iter_mut().for_each(|it| it.files.sort());
}

/// All files below a directory that are source: tracked, or untracked and not ignored; sorted, links to files among them.
///
/// # Errors
/// When git is there but cannot list, and when the directory cannot be read.
pub fn list(root: &Utf8Path) -> Result<Vec<Utf8PathBuf>> {
    let mut files = list_with_links(root)?;
    files.retain(|file| root.join(file).is_file());
    Ok(files)
}

/// The same with links to directories and links that lead nowhere.
///
/// # Errors
/// As [`list`].
pub fn list_with_links(root: &Utf8Path) -> Result<Vec<Utf8PathBuf>> {
    Ok(list_with_submodules(root)?.0)
}

/// The same, and the directories of git's submodules, whose files are those of another repository.
///
/// # Errors
/// As [`list`].
pub fn list_with_submodules(root: &Utf8Path) -> Result<(Vec<Utf8PathBuf>, Vec<Utf8PathBuf>)> {
    let mut files = Vec::new();
    if root.ancestors().any(|dir| dir.join(".git").exists()) {
        let Some(git) = proc::find_on_path("git") else {
            bail!("git is not on PATH; install it (Debian: apt-get install git)");
        };
        let env = crate::context::inherited(&["PATH", "HOME"]);
        // As a plan lists them.
        let fixed = ["-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c", "core.ignoreCase=false"];
        let args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let output = proc::read(&git, &[&fixed[..], &args[..]].concat(), root, &env)
            .context("could not list the files of the repository")?;
        files.extend(output.split('\0').filter(|it| !it.is_empty()).map(Utf8PathBuf::from));
    } else {
        walk(root, Utf8Path::new(""), &mut files)?;
    }
    // A repository that lies here untracked is listed as one directory; git would hold its files once it is none.
    let (nested, mut files): (Vec<_>, Vec<_>) = files.into_iter().partition(|it| it.as_str().ends_with('/'));
    for dir in nested.iter().map(|it| Utf8Path::new(it.as_str().trim_end_matches('/'))) {
        files.extend(list_with_links(&root.join(dir))?.iter().map(|it| dir.join(it)));
    }
    let is_dir = |file: &Utf8PathBuf| root.join(file).symlink_metadata().is_ok_and(|it| it.is_dir());
    let (submodules, mut files): (Vec<_>, Vec<_>) = files.into_iter().partition(is_dir);
    // Deleted files are still in the index.
    files.retain(|file| root.join(file).symlink_metadata().is_ok());
    // As text, so that a directory's files stand together and can be found by a prefix.
    files.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    files.dedup();
    Ok((files, submodules))
}

/// All files below `root/dir` that look like source, where git cannot say; paths relative to `root`.
///
/// # Errors
/// When a directory cannot be read, or a path is no UTF-8.
pub fn walk(root: &Utf8Path, dir: &Utf8Path, found: &mut Vec<Utf8PathBuf>) -> Result<()> {
    for entry in root.join(dir).read_dir_utf8().with_context(|| format!("could not list {dir}"))? {
        let entry = entry.with_context(|| format!("could not list {dir}"))?;
        let name = entry.file_name();
        let path = dir.join(name);
        if entry.file_type()?.is_dir() {
            let is_venv = root.join(&path).join("pyvenv.cfg").is_file();
            if !name.starts_with('.') && !NO_SOURCE.contains(&name) && !is_venv {
                walk(root, &path, found)?;
            }
        } else {
            found.push(path);
        }
    }
    Ok(())
}
