//! Images that go to a registry: pushed once, looked for before a pipeline is made, read from there by later jobs.

use std::fmt::Write as _;

use crate::machine::{self, Machine, Platform};
use crate::registry::{PASSWORD, Registry, USER};
use crate::support::{Ran, Sandbox, finish};
use crate::{image, with_image};

/// As a job of GitLab.
fn job(machine: &Machine, registry: &Registry, sandbox: &Sandbox, args: &[&str], plan: Option<&str>) -> Ran {
    let mut command = sandbox.command(args);
    command.envs(machine.variables()).envs(registry.variables());
    if let Some(plan) = plan {
        command.env("XTASK_PLAN", plan);
    }
    finish(&mut command)
}

/// The parts of the plan that the jobs of a pipeline carry, by name.
fn parts(pipeline: &str) -> Vec<(String, String)> {
    let jobs: serde_yaml::Value = serde_yaml::from_str(pipeline).expect("YAML");
    let jobs = jobs.as_mapping().expect("a mapping").iter();
    let part = |job: &serde_yaml::Value| job.get("variables")?.get("XTASK_PLAN")?.as_str().map(str::to_owned);
    jobs.filter_map(|(name, job)| Some((name.as_str()?.to_owned(), part(job)?))).collect()
}

#[test]
#[ignore = "needs a container engine"]
fn an_image_is_pushed_once_and_later_jobs_use_it() {
    let machine = machine::get();
    machine.base(Platform::Amd64);
    let registry = Registry::start();
    let sandbox = with_image(Platform::Amd64);
    sandbox.replace("ci/xtask.toml", "jobs = \"auto\"", "jobs = \"stage\"");
    sandbox.replace("ci/xtask.toml", "platforms = [\"linux/arm64\"]", "platforms = [\"linux/amd64\"]");
    let emit = ["emit", "--project", "gamma"];

    // Not there: a job makes it, and what it leaves is no archive.
    let first = job(&machine, &registry, &sandbox, &emit, None);
    assert_eq!(first.code, 0, "{}", first.all());
    assert!(first.stdout.contains("\ngamma.docker-build:\n") && !first.stdout.contains("images/"), "{}", first.stdout);
    let made = parts(&first.stdout);
    let of = |made: &[(String, String)], name: &str| {
        made.iter().find(|it| it.0 == name).map(|it| it.1.clone()).unwrap_or_else(|| panic!("no {name}"))
    };
    let build = of(&made, "gamma.docker-build");
    let ran = job(&machine, &registry, &sandbox, &["stage", "docker-build"], Some(&build));
    let log = sandbox.read("target/ci/logs/gamma.docker-build.log");
    assert_eq!(ran.code, 0, "{}\n{log}", ran.all());
    let description = image(&sandbox, "gamma");
    let reference = description["reference"].as_str().expect("a name").to_owned();
    let (name, tag) = reference.rsplit_once(':').expect("a tag");
    assert_eq!(name, format!("{}/group/repo/gamma", registry.host));
    assert_eq!(registry.tags("group/repo/gamma"), [tag]);
    assert!(description["archive"].is_null() && !sandbox.root.join("target/ci/images/gamma.tar").exists());
    let mut said = ran.all() + &log;
    for file in ["target/ci/junit.xml", "target/ci/reports/gamma/image.json"] {
        write!(said, "{}", sandbox.read(file)).expect("a string");
    }
    let left = sandbox.root.join("target/ci/work/docker-build/gamma/login");
    assert!(!said.contains(PASSWORD) && !left.exists(), "a password was printed or left");

    // It is there: the same job builds nothing, with no engine at all.
    let mut again = sandbox.command(&["stage", "docker-build"]);
    again.envs(registry.variables()).env("XTASK_PLAN", &build).env("CONTAINERS_STORAGE_CONF", "/nonexistent");
    let again = finish(&mut again);
    assert_eq!(again.code, 0, "{}", again.all());
    assert_eq!(image(&sandbox, "gamma"), description);

    // Nor is there such a job, and the SBOM is that of the image in the registry.
    let second = job(&machine, &registry, &sandbox, &emit, None);
    assert!(!second.stdout.contains("gamma.docker-build:"), "{}", second.stdout);
    let why = format!("no docker-build for gamma: its registry has {reference}");
    assert!(second.stdout.contains(&format!("# {why}\n")) && second.stderr.contains(&why), "{}", second.all());
    sandbox.remove("target/ci/reports");
    let sbom = of(&parts(&second.stdout), "gamma.sbom");
    let ran = job(&machine, &registry, &sandbox, &["stage", "sbom"], Some(&sbom));
    assert_eq!(ran.code, 0, "{}\n{}", ran.all(), sandbox.read("target/ci/logs/gamma.sbom.log"));
    let scanned: serde_json::Value =
        serde_json::from_str(&sandbox.read("target/ci/reports/gamma/sbom-image.cdx.json")).expect("JSON");
    let has = |name: &str| scanned["components"].as_array().expect("a list").iter().any(|it| it["name"] == name);
    assert!(["libc6", "idna", "gamma"].into_iter().all(has), "{scanned:#}");
    assert!(!sandbox.root.join("target/ci/work/sbom/gamma/login").exists(), "the credentials are gone");

    // Other code is another image; a registry that lets nobody in, or none, is said, and the job is there.
    sandbox.append("projects/gamma/src/gamma/__init__.py", "\n# A word more.\n");
    let third = job(&machine, &registry, &sandbox, &emit, None);
    assert!(third.stdout.contains("\ngamma.docker-build:\n"), "{}", third.stdout);
    unasked(registry, &sandbox);
}

/// A registry that lets nobody in, and one that is not there any more.
fn unasked(registry: Registry, sandbox: &Sandbox) {
    let emit = ["emit", "--project", "gamma"];
    let mut stranger = sandbox.command(&emit);
    stranger.envs(registry.variables()).env("CI_REGISTRY_PASSWORD", "wrong");
    let host = registry.host.clone();
    let stranger = finish(&mut stranger);
    let mut nobody = sandbox.command(&emit);
    nobody.envs(registry.variables());
    drop(registry);
    let nobody = finish(&mut nobody);
    for (ran, words) in
        [(stranger, format!("{host} does not let us in")), (nobody, format!("{host} cannot be reached"))]
    {
        assert_eq!(ran.code, 0, "{}", ran.all());
        assert!(ran.stdout.contains("\ngamma.docker-build:\n"), "{}", ran.stdout);
        let why = format!("every image is made, for the registry could not be asked: {words}");
        assert!(ran.stderr.contains(&why) && ran.stdout.contains(&format!("# {why}")), "{}", ran.all());
    }
}

#[test]
#[ignore = "needs a container engine"]
fn the_image_of_jobs_is_named_by_its_digest() {
    let machine = machine::get();
    machine.base(Platform::Amd64);
    let registry = Registry::start();
    let sandbox = with_image(Platform::Amd64);
    for name in ["Cargo.toml", "Cargo.lock", "xtask/Cargo.toml", "xtask/src/main.rs"] {
        sandbox.write(name, "# What an image is made of.\n");
    }
    let repository = format!("{}/group/repo/xtask", registry.host);
    let args = ["image", "--platform", "linux/amd64", "--repository", &repository];
    let run = |more: &[&str]| job(&machine, &registry, &sandbox, &[&args[..], more].concat(), None);
    let named = run(&["--name"]);
    assert_eq!(named.code, 0, "{}", named.all());
    let name = named.stdout.trim();

    // Somebody has pushed it: nothing is built, and on the default branch `latest` is moved to it.
    let login = sandbox.root.join("target/login.json");
    machine.buildah(&[
        "login",
        "--authfile",
        login.as_str(),
        "--tls-verify=false",
        "-u",
        USER,
        "-p",
        PASSWORD,
        &registry.host,
    ]);
    let to = format!("docker://{name}");
    machine.buildah(&["push", "--authfile", login.as_str(), "--tls-verify=false", Platform::Amd64.base(), &to]);
    let pushed = run(&["--push", "--dotenv", "image.env"]);
    assert_eq!(pushed.code, 0, "{}", pushed.all());
    let pinned = pushed.stdout.trim();
    assert!(pinned.starts_with(&format!("{repository}@sha256:")), "{pinned}");
    assert!(pushed.stderr.contains("nothing that goes into it has changed"), "{}", pushed.all());
    assert_eq!(sandbox.read("image.env"), format!("XTASK_IMAGE={pinned}\n"));
    assert_eq!(registry.tags("group/repo/xtask").len(), 1);
    let latest = run(&["--push", "--also", "latest"]);
    assert_eq!(latest.code, 0, "{}\n{}", latest.all(), sandbox.read("target/ci/logs/image.log"));
    assert!(registry.tags("group/repo/xtask").contains(&"latest".to_owned()));

    // Whoever makes a pipeline in `latest` names what that is now.
    let mut emit = sandbox.command(&["emit", "--project", "alpha"]);
    emit.envs(registry.variables()).env("XTASK_IMAGE", format!("{repository}:latest"));
    let emitted = finish(&mut emit);
    assert!(emitted.stdout.contains(&format!("name: {pinned}\n")), "{}", emitted.all());
    assert!(!emitted.stdout.contains(":latest"), "{}", emitted.stdout);
}
