//! Planted mistakes: license-check, build, pages.
//!
//! What the three need; the rows are in the files beside this one. Distributions with any metadata are made on the spot and named by path, so that nothing depends on what an index
//! holds today.

use std::process::Command;

use crate::support::Sandbox;

mod build;
mod license;
mod pages;

/// Puts a wheel under `projects/alpha/vendor`, with these further lines of metadata and one module.
pub fn vendor(sandbox: &Sandbox, name: &str, metadata: &str) {
    let script = "import sys, zipfile\n\
        path, name, metadata = sys.argv[1:]\n\
        info = f'{name}-1.0.dist-info'\n\
        wheel = zipfile.ZipFile(path, 'w')\n\
        wheel.writestr(f'{name}/__init__.py', 'VALUE = 1\\n')\n\
        wheel.writestr(f'{info}/METADATA', f'Metadata-Version: 2.4\\nName: {name}\\nVersion: 1.0\\n{metadata}')\n\
        wheel.writestr(f'{info}/WHEEL', 'Wheel-Version: 1.0\\nGenerator: x\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n\
        wheel.writestr(f'{info}/RECORD', ''.join(f'{it},,\\n' for it in wheel.namelist()))\n\
        wheel.close()\n";
    let path = sandbox.root.join(format!("projects/alpha/vendor/{name}-1.0-py3-none-any.whl"));
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    let output = Command::new("python3").args(["-c", script, path.as_str(), name, metadata]).output().expect("python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

pub const MANIFEST: &str = "projects/alpha/pyproject.toml";
pub const CODE: &str = "projects/alpha/src/alpha/__init__.py";

/// Says where the vendored distributions are, and locks anew.
pub fn sources(sandbox: &Sandbox, names: &[&str]) {
    let lines: String =
        names.iter().map(|it| format!("{it} = {{ path = \"vendor/{it}-1.0-py3-none-any.whl\" }}\n")).collect();
    sandbox.append(MANIFEST, &format!("\n[tool.uv.sources]\n{lines}"));
    lock(sandbox);
}

pub fn lock(sandbox: &Sandbox) {
    sandbox.uv(&["lock", "--quiet", "--project", "projects/alpha"]);
}

/// Alpha depends on a distribution with this metadata.
pub fn ships(sandbox: &Sandbox, name: &str, metadata: &str) {
    vendor(sandbox, name, metadata);
    sandbox.replace(MANIFEST, "\"idna==3.7\"", &format!("\"idna==3.7\", \"{name}\""));
    sources(sandbox, &[name]);
}

/// The same, in a dependency group.
pub fn develops_with(sandbox: &Sandbox, name: &str, metadata: &str) {
    vendor(sandbox, name, metadata);
    sandbox.append(MANIFEST, &format!("\n[dependency-groups]\ndev = [\"{name}\"]\n"));
    sources(sandbox, &[name]);
}

/// The same, in an extra.
pub fn offers(sandbox: &Sandbox, name: &str, metadata: &str) {
    vendor(sandbox, name, metadata);
    let dependencies = "dependencies = [\"idna==3.7\"]";
    let extra = format!("{dependencies}\n\n[project.optional-dependencies]\nmore = [\"{name}\"]");
    sandbox.replace(MANIFEST, dependencies, &extra);
    sources(sandbox, &[name]);
}

pub const GPL: &str = "License-Expression: GPL-3.0-or-later\n";
pub const MIT: &str = "License-Expression: MIT\n";

/// A module that rows add.
pub const EXTRA: &str = "projects/alpha/src/alpha/extra.py";
