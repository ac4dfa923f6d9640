//! The modules of a project and the first page that is made of them where it has written none.
//!
//! Must not write anything.

use camino::{Utf8Path, Utf8PathBuf};

use crate::discover::Project;

/// The modules of a project's own packages by their dotted names, each with its file.
pub fn of(project: &Project) -> Vec<(String, Utf8PathBuf)> {
    let mut found = Vec::new();
    for package in &project.packages {
        let base = package.parent().unwrap_or(Utf8Path::new(""));
        for file in project.files.iter().filter(|it| it.starts_with(package) && it.extension() == Some("py")) {
            let Ok(inner) = file.with_extension("").strip_prefix(base).map(ToOwned::to_owned) else { continue };
            let dotted = inner.as_str().replace('/', ".");
            let dotted = dotted.strip_suffix(".__init__").unwrap_or(&dotted).to_owned();
            if !dotted.ends_with("__main__") {
                found.push((dotted, file.clone()));
            }
        }
    }
    found.sort();
    found
}

/// The first page of a project that has written none: every module, and the pages that are there.
pub fn page(project: &Project, docs: &Utf8Path) -> String {
    let title = &project.name;
    let mut text = format!("{title}\n{}\n\n", "=".repeat(title.len()));
    // Tests inside a package are no part of what it offers.
    for (module, _) in of(project).into_iter().filter(|(_, file)| !project.is_test(file)) {
        text += &format!(
            "{module}\n{}\n\n.. automodule:: {module}\n   :members:\n   :ignore-module-all:\n\n",
            "-".repeat(module.len())
        );
    }
    let others = docs.read_dir_utf8().into_iter().flatten().flatten();
    let mut pages: Vec<String> = others
        .filter(|it| matches!(it.path().extension(), Some("rst" | "ipynb")))
        .filter_map(|it| it.path().file_stem().map(str::to_owned))
        .collect();
    pages.sort();
    if !pages.is_empty() {
        text += ".. toctree::\n\n";
        pages.iter().for_each(|page| text += &format!("   {page}\n"));
    }
    text
}
