//! The SBOM: what it says, that it stays the same, and what is reported when it is not of what ships.
//!
//! The image is made by hand, as an archive: what an engine would build is tested with an engine.

use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::{Value, json};
use xtask::context::Context;
use xtask::discover::Repo;
use xtask::stages::{self, Run};
use xtask::tools::Tools;
use xtask::verdict::{Outcome, Status, Verdict};

use crate::emit::{handed, part};
use crate::planted_sbom::{database, run};
use crate::support::{Case, Sandbox, finish};

/// The one file below a directory whose path ends like this.
fn find(dir: &Utf8Path, end: &str) -> Utf8PathBuf {
    let pattern = format!("{dir}/**/{end}");
    let found = glob::glob(&pattern).expect("a glob").next().unwrap_or_else(|| panic!("no {pattern}"));
    Utf8PathBuf::from_path_buf(found.expect("a path")).expect("a UTF-8 path")
}

/// A runtime environment that somebody's hands were in.
fn spoilt(what: &str, spoil: impl Fn(&Utf8Path), says: &str) {
    let sandbox = Sandbox::new();
    let args = ["stage", "sbom", "--project", "alpha", "beta"];
    let ran = sandbox.xtask(&args);
    assert_eq!(ran.code, 0, "{}", ran.all());
    spoil(&sandbox.root.join("target/ci/envs/alpha/runtime"));
    let ran = sandbox.xtask(&args);
    assert_eq!(ran.code, 2, "{what}: {}", ran.all());
    let cases = sandbox.junit("alpha", "sbom");
    let fits = |it: &&Case| it.outcome == "error" && format!("{} {}", it.message, it.text).contains(says);
    assert!(cases.iter().any(|it| fits(&it)), "{what}: {cases:#?}");
    assert!(sandbox.junit("beta", "sbom").iter().all(|it| it.outcome == "success"));
}

#[test]
fn a_component_is_missing() {
    let remove = |env: &Utf8Path| std::fs::remove_file(find(env, "idna-3.7.dist-info/METADATA")).expect("a file");
    spoilt("metadata removed", remove, "idna");
}

#[test]
fn a_component_is_another_version() {
    let change = |env: &Utf8Path| {
        let path = find(env, "idna-3.7.dist-info/METADATA");
        let text = std::fs::read_to_string(&path).expect("metadata").replace("Version: 3.7", "Version: 3.6");
        // Not through the link: the file in uv's cache is the same one.
        std::fs::remove_file(&path).expect("a file");
        std::fs::write(&path, text).expect("a file");
    };
    spoilt("another version", change, "idna is 3.7 in the lock, but 3.6 in the runtime environment");
}

#[test]
fn a_component_is_too_many() {
    let add = |env: &Utf8Path| {
        let dir = find(env, "idna-3.7.dist-info").parent().expect("site-packages").join("ghost.egg-info");
        std::fs::create_dir(&dir).expect("a directory");
        std::fs::write(dir.join("PKG-INFO"), "Metadata-Version: 2.1\nName: ghost\nVersion: 1.0\n").expect("a file");
    };
    spoilt("a package that nobody asked for", add, "ghost 1.0");
}

#[test]
fn the_documents_say_what_ships_and_stay_the_same() {
    let mut texts = Vec::new();
    for name in ["repo", "ein anderes Verzeichnis"] {
        let sandbox = Sandbox::in_directory(name);
        sandbox.append("projects/gamma/pyproject.toml", "\n[dependency-groups]\ndev = [\"ecdsa==0.19.0\"]\n");
        sandbox.uv(&["lock", "--quiet", "--project", "projects/gamma"]);
        let mut command = sandbox.command(&["stage", "sbom", "--project", "gamma"]);
        let ran = finish(command.env("SOURCE_DATE_EPOCH", "1700000000"));
        assert_eq!(ran.code, 0, "{}", ran.all());
        let files = ["sbom.cdx.json", "sbom.spdx.json"];
        texts.push(files.map(|file| sandbox.read(&format!("target/ci/reports/gamma/{file}"))));
        for text in &texts[texts.len() - 1] {
            assert!(!text.contains(sandbox.root.as_str()) && !text.contains("file:/"), "a path leaks:\n{text}");
        }
    }
    assert_eq!(texts[0], texts[1], "the same input gives the same bytes");

    let [cyclonedx, spdx] = texts.remove(0).map(|text| serde_json::from_str::<Value>(&text).expect("JSON"));
    let names = |list: &Value, key: &str| -> Vec<String> {
        let list = list.as_array().expect("a list").iter();
        list.map(|it| it[key].as_str().expect("a text").to_owned()).collect()
    };
    assert_eq!(cyclonedx["metadata"]["timestamp"], "2023-11-14T22:13:20Z");
    assert_eq!(cyclonedx["metadata"]["component"]["bom-ref"], "first-party:gamma@0.1.0");
    assert_eq!(names(&cyclonedx["components"], "bom-ref"), ["first-party:alpha@0.1.0", "pkg:pypi/idna@3.7"]);
    assert!(cyclonedx["components"][0].get("purl").is_none(), "code of ours is on no index");
    assert_eq!(cyclonedx["dependencies"][0]["dependsOn"][0], "pkg:pypi/idna@3.7");
    assert_eq!(
        names(&spdx["packages"], "SPDXID"),
        ["SPDXRef-Package-python-alpha-0.1.0", "SPDXRef-Package-python-idna-3.7", "SPDXRef-Project"]
    );
    assert_eq!(names(&spdx["packages"], "licenseDeclared"), ["MIT", "LicenseRef-BSD-License", "MIT"]);
}

/// A docker archive of a Debian with the runtime environment in it, and with a package of its own.
fn archive(sandbox: &Sandbox, without: Option<&str>) {
    let root = sandbox.root.join("target/rootfs");
    let _ = std::fs::remove_dir_all(&root);
    let release =
        "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n";
    sandbox.write("target/rootfs/etc/os-release", release);
    let package = |name: &str, source: &str, version: &str| {
        format!(
            "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nSource: {source}\nVersion: {version}\n\n"
        )
    };
    let status = package("libc6", "glibc", "2.36-9+deb12u1") + &package("apt", "apt", "2.6.1");
    sandbox.write("target/rootfs/var/lib/dpkg/status", status);
    let site = find(&sandbox.root.join("target/ci/envs/alpha/runtime"), "site-packages");
    let python = site.parent().and_then(Utf8Path::file_name).expect("lib/python3.x/site-packages").to_owned();
    for name in ["alpha-0.1.0", "idna-3.7"].into_iter().filter(|it| Some(*it) != without) {
        for file in ["METADATA", "RECORD"] {
            let text = std::fs::read(site.join(format!("{name}.dist-info/{file}"))).expect("metadata");
            sandbox.write(&format!("target/rootfs/app/.venv/lib/{python}/site-packages/{name}.dist-info/{file}"), text);
        }
    }
    let metadata = "Metadata-Version: 2.1\nName: urllib3\nVersion: 2.0.5\n";
    let cached = ["usr/local/lib", "root/.cache/uv/archive-v0/x/lib"];
    for (place, name) in cached.iter().zip(["urllib3", "jinja2"]) {
        let path = format!("target/rootfs/{place}/{python}/site-packages/{name}-2.0.5.dist-info/METADATA");
        sandbox.write(&path, metadata.replace("urllib3", name));
    }
    let parts = sandbox.root.join("target/image");
    std::fs::create_dir_all(&parts).expect("a directory");
    let layer = parts.join("layer.tar");
    run(Command::new("tar").args(["-C", root.as_str(), "-cf", layer.as_str(), "."]));
    let sum = Command::new("sha256sum").arg(&layer).output().expect("sha256sum runs");
    let sum = String::from_utf8(sum.stdout).expect("a sum").split_whitespace().next().expect("a sum").to_owned();
    let rootfs = json!({ "type": "layers", "diff_ids": [format!("sha256:{sum}")] });
    let config = json!({ "architecture": "amd64", "os": "linux", "config": {}, "rootfs": rootfs });
    sandbox.write("target/image/config.json", config.to_string());
    let tags = ["localhost/xtask/alpha:1"];
    let manifest = json!([{ "Config": "config.json", "RepoTags": tags, "Layers": ["layer.tar"] }]);
    sandbox.write("target/image/manifest.json", manifest.to_string());
    let archive = sandbox.root.join("target/image.tar");
    run(Command::new("tar").args([
        "-C",
        parts.as_str(),
        "-cf",
        archive.as_str(),
        "manifest.json",
        "config.json",
        "layer.tar",
    ]));
    let image =
        json!({ "reference": tags[0], "archive": "target/image.tar", "digest": "sha256:1", "platform": "linux/amd64" });
    sandbox.write("target/ci/reports/alpha/image.json", image.to_string());
}

/// A stage of alpha as a run of these stages has it.
fn stage(sandbox: &Sandbox, name: &'static str, of: &[&'static str]) -> Verdict {
    let repo = Repo::load(&sandbox.root, None).expect("a repository");
    let tools = Tools::open(&repo, &|_| {}).expect("tools");
    let out = repo.abs("target/ci");
    let selected = ["alpha".to_owned()];
    let log = out.join("logs/alpha.log");
    let tags = std::collections::BTreeMap::new();
    let ctx = Context {
        repo: &repo,
        tools: &tools,
        out,
        stage: name,
        log,
        ci: false,
        selected: &selected,
        stages: of,
        tags: &tags,
    };
    let Run::Each(function) = stages::find(name).expect("a stage").run else { panic!("{name} runs for each project") };
    function(&ctx, repo.project("alpha").expect("a project")).unwrap_or_else(|error| panic!("{name}: {error:#}"))
}

#[test]
fn the_image_that_a_run_has_built() {
    let sandbox = Sandbox::new();
    database(&sandbox);
    let ran = sandbox.xtask(&["stage", "vulnerabilities", "--project", "alpha"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    archive(&sandbox, None);
    let all = ["docker-build", "sbom", "vulnerabilities"];

    let verdict = stage(&sandbox, "sbom", &all);
    assert_eq!(verdict.outcome(), Outcome::Pass, "{verdict:#?}");
    let document: Value =
        serde_json::from_str(&sandbox.read("target/ci/reports/alpha/sbom-image.cdx.json")).expect("JSON");
    let names =
        document["components"].as_array().expect("a list").iter().map(|it| it["name"].as_str().expect("a name"));
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["alpha", "apt", "debian", "idna", "libc6", "urllib3"],
        "uv's cache is left out"
    );
    let spdx = sandbox.read("target/ci/reports/alpha/sbom-image.spdx.json");
    assert!(spdx.contains("pkg:deb/debian/libc6@2.36-9%2Bdeb12u1?arch=amd64"), "{spdx}");

    let verdict = stage(&sandbox, "vulnerabilities", &all);
    let found = |advisory: &str| verdict.cases.iter().find(|it| it.rule == advisory);
    let libc = found("CVE-2023-4911").unwrap_or_else(|| panic!("{verdict:#?}"));
    assert_eq!((libc.status.clone(), libc.package.as_deref()), (Status::Fail, Some("libc6")));
    assert!(libc.message.contains("in the image localhost/xtask/alpha:1"), "{libc:?}");
    assert_eq!(libc.place.as_ref().map(|it| it.path.as_str()), Some("projects/alpha/pyproject.toml"));
    assert_eq!(found("CVE-2011-3374").map(|it| it.status.clone()), Some(Status::Warn), "negligible: {verdict:#?}");
    assert_eq!(
        found("GHSA-v845-jxx5-vc9f").map(|it| it.status.clone()),
        Some(Status::Fail),
        "the base image's own Python"
    );

    // What an earlier run has left is not looked at.
    let verdict = stage(&sandbox, "sbom", &["sbom", "vulnerabilities"]);
    assert_eq!(verdict.outcome(), Outcome::Pass);
    assert!(!sandbox.root.join("target/ci/reports/alpha/sbom-image.cdx.json").exists());
    assert_eq!(stage(&sandbox, "vulnerabilities", &["sbom", "vulnerabilities"]).outcome(), Outcome::Pass);
}

#[test]
fn an_image_that_lacks_what_ships() {
    let sandbox = Sandbox::new();
    let ran = sandbox.xtask(&["stage", "sbom", "--project", "alpha"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    archive(&sandbox, Some("idna-3.7"));
    let verdict = stage(&sandbox, "sbom", &["docker-build", "sbom"]);
    assert_eq!(verdict.outcome(), Outcome::Error);
    assert!(verdict.cases[0].message.contains("lacks idna 3.7"), "{verdict:#?}");
}

#[test]
fn an_image_of_an_earlier_pipeline_is_not_looked_at() {
    let sandbox = Sandbox::new();
    let ran = sandbox.xtask(&["stage", "sbom", "--project", "alpha"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let verdict = |project: &str, run: &str, outcome: &str| {
        let text = json!({ "run": run, "outcome": outcome, "holds_back": false }).to_string();
        sandbox.write(&format!("target/ci/verdicts/{project}.docker-build.json"), text);
    };
    let looked_at = |what: &str, elsewhere: &[&str], code: i32| {
        archive(&sandbox, None);
        let plan = part("2", &["alpha.sbom", "beta.sbom"], elsewhere);
        let ran = handed(&sandbox, &plan, &["stage", "sbom"]);
        assert_eq!(ran.code, code, "{what}: {}", ran.all());
        sandbox.root.join("target/ci/reports/alpha/sbom-image.cdx.json").exists()
    };
    let both = ["alpha.docker-build", "beta.docker-build"];
    // beta's job is there in every case, so the stage is one of the run.
    verdict("beta", "2", "skip");
    verdict("alpha", "2", "ok");
    assert!(looked_at("made in this pipeline", &both, 0));
    verdict("alpha", "2", "skip");
    assert!(!looked_at("not made in this one", &both, 0));
    verdict("alpha", "1", "ok");
    assert!(!looked_at("made in an earlier one", &both, 3));
    assert!(!looked_at("no part of this one", &both[1..], 0));
}

#[test]
fn a_database_that_cannot_be_renewed_where_it_is() {
    let sandbox = Sandbox::new();
    database(&sandbox);
    sandbox.replace("ci/xtask.toml", "database = \"target/vulnerability-db\"\n", "");
    let cache = sandbox.root.join("target/cache");
    // A directory in the way of the lock stops root as well, as a read-only file system does.
    std::fs::create_dir_all(cache.join("grype-db.lock")).expect("a directory");
    let tools = xtask::tools::cache_dir().expect("a cache").join("tools");
    std::os::unix::fs::symlink(tools, cache.join("tools")).expect("a link");
    let args = ["stage", "vulnerabilities", "--project", "alpha"];
    let run = |ci: &str| finish(sandbox.command(&args).env("XTASK_CACHE_DIR", &cache).env("CI", ci));
    for (ci, code) in [("false", 0), ("true", 2)] {
        let ran = run(ci);
        assert_eq!(ran.code, code, "{}", ran.all());
        let why = &sandbox.junit("alpha", "vulnerabilities")[0].message;
        assert!(why.contains("no usable vulnerability database") && why.contains("XTASK_CACHE_DIR"), "{why}");
    }
    sandbox.rename("target/vulnerability-db", "target/cache/grype-db");
    let ran = run("true");
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(sandbox.junit("alpha", "vulnerabilities").iter().all(|it| it.outcome == "success"), "{}", ran.all());
    let report = sandbox.read("target/ci/junit/alpha.vulnerabilities.xml");
    assert!(report.contains("could not be updated: could not create"), "{report}");
}
