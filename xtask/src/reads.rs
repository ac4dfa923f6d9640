//! Which files of the work tree a stage may read: the plan's list of inputs as a question.
//!
//! Pure. Built from the repository as it stands, by the rules of [`crate::place`] on which [`crate::inputs`] rests too:
//! a file may be read exactly when its content is in the stage's list, so that a change of it selects the stage.

use std::collections::BTreeSet;

use camino::{Utf8Path, Utf8PathBuf};

use crate::discover::{Project, Repo};
use crate::facts::Facts;
use crate::manifest;
use crate::place::{Named, Owner, Place};
use crate::stages::{Own, Stage};

/// What a stage that runs a project's code in its `dev` environment may read.
#[derive(Debug)]
pub struct Allowed<'a> {
    repo: &'a Repo,
    project: &'a Project,
    own: Own,
    tests_documents: bool,
    /// What the project and its local dependencies name by hand.
    named: Vec<Named>,
    /// Single files: manifests, locks, archives, what lies above.
    files: BTreeSet<Utf8PathBuf>,
    /// The directories of local packages, projects or not.
    locals: BTreeSet<&'a Utf8Path>,
    /// Policy files; a directory stands for all below it.
    policy: Vec<Utf8PathBuf>,
}

impl<'a> Allowed<'a> {
    /// What a stage of a project may read.
    pub fn of(repo: &'a Repo, project: &'a Project, stage: &Stage) -> Allowed<'a> {
        let locals: BTreeSet<&Utf8Path> = project.locals.iter().map(|it| it.path.as_path()).collect();
        let others = locals.iter().filter_map(|it| repo.project_in(it));
        let (mut named, mut files) = (Vec::new(), above(project));
        for it in std::iter::once(project).chain(others) {
            let facts = Facts::of(&it.manifest);
            named.extend(it.named());
            let texts_count = it.dir == project.dir && stage.reads.own == Own::All;
            let counts = |text: &&String| texts_count || !facts.documents.contains(text);
            named.extend(facts.outside.iter().filter(counts).filter_map(|text| Named::above(&it.dir, text)));
            files.insert(it.path("pyproject.toml"));
            files.extend(facts.archives.iter().filter_map(|path| manifest::resolve(&it.dir, path)));
            if facts.ignores {
                files.extend(it.dir.ancestors().map(|dir| dir.join(".gitignore")));
            }
        }
        let ci = repo.ci.strip_prefix(&repo.root).ok();
        let policy = stage.reads.policy.iter().filter_map(|it| Some(ci?.join(it.trim_end_matches('/')))).collect();
        let tests_documents = Facts::of(&project.manifest).tests_documents;
        Allowed { repo, project, own: stage.reads.own, tests_documents, named, files, locals, policy }
    }

    /// May it read this file?
    pub fn file(&self, path: &Utf8Path) -> bool {
        self.files.contains(path)
            || self.named.iter().any(|it| it.matches(path))
            || self.policy.iter().any(|it| path.starts_with(it))
            || self.by_place(path)
    }

    /// May it list this directory? Only where a file that comes new to it would be in the list too.
    pub fn directory(&self, dir: &Utf8Path) -> bool {
        self.named.iter().any(|it| it.stands_in(dir))
            || self.policy.iter().any(|it| dir.starts_with(it))
            || self.by_place(&dir.join("_"))
    }

    /// By what a file is to its project.
    fn by_place(&self, path: &Utf8Path) -> bool {
        match self.repo.owner(path) {
            Some(owner) if owner.dir == self.project.dir => {
                self.owner(owner, self.tests_documents).is_read(path, self.own)
            }
            Some(owner) if self.locals.contains(&*owner.dir) => self.owner(owner, false).place(path) == Place::Code,
            Some(_) => false,
            // Of a local package that is no project nothing is known, so all of it is in the list.
            None => self.locals.iter().any(|it| path.starts_with(it)),
        }
    }

    fn owner<'b>(&self, project: &'b Project, tests_documents: bool) -> Owner<'b> {
        Owner { name: &project.name, dir: &project.dir, tests_documents }
    }
}

/// The lock, and the files above a project that decide how its environment is made.
fn above(project: &Project) -> BTreeSet<Utf8PathBuf> {
    let mut found: BTreeSet<Utf8PathBuf> = project.dir.ancestors().map(|it| it.join(".python-version")).collect();
    found.extend(["uv.lock", "uv.toml"].iter().map(|it| project.lock_dir.join(it)));
    found
}
