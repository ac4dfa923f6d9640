//! The builders: docker, its buildx, and buildah. Which of them works here, and how each is asked.
//!
//! A builder is given its own settings and nothing else of the caller's environment. Must not know what goes into an
//! image, a project's or the one that jobs run in.

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use crate::context::{self, Context};
use crate::images;
use crate::proc::{self, Call};
use crate::registry::Login;

pub mod network;

use network::Secrets;

/// What tells a builder where its daemon, its images and its credentials are.
const PASSED: &[&str] = &[
    "HOME",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "XDG_RUNTIME_DIR",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "BUILDX_BUILDER",
    "BUILDX_CONFIG",
    "CONTAINERS_STORAGE_CONF",
    "CONTAINERS_REGISTRIES_CONF",
    "REGISTRY_AUTH_FILE",
    "STORAGE_DRIVER",
];
/// The words for machines: Rust's, Docker's, the kernel's emulation.
const MACHINES: &[(&str, &str, &str)] =
    &[("aarch64", "linux/arm64", "qemu-aarch64"), ("x86_64", "linux/amd64", "qemu-x86_64")];
/// Where the kernel lists what it can emulate.
const EMULATION: &str = "/proc/sys/fs/binfmt_misc";

/// The builders, in the order in which `auto` asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Docker,
    Buildx,
    Buildah,
}

impl Kind {
    const ALL: [Kind; 3] = [Kind::Docker, Kind::Buildx, Kind::Buildah];

    fn name(self) -> &'static str {
        match self {
            Kind::Docker => "docker",
            Kind::Buildx => "buildx",
            Kind::Buildah => "buildah",
        }
    }
}

/// A builder that works here.
#[derive(Debug)]
pub struct Engine {
    kind: Kind,
    program: Utf8PathBuf,
    /// Does its `docker build` go through buildx?
    buildx: bool,
    /// The kernel's word for the machine it builds on.
    machine: String,
}

/// The context's directory, below the one that a build is started in.
pub const CONTEXT: &str = "context";

/// An image to build from `CONTEXT`.
#[derive(Debug)]
pub struct Order<'a> {
    /// "linux/arm64" or "linux/amd64".
    pub platform: &'a str,
    /// Name and tag of what comes out.
    pub reference: &'a str,
    /// The arguments that the Dockerfile declares, by name.
    pub args: &'a [(&'static str, String)],
    /// The image's labels.
    pub labels: &'a [(&'static str, String)],
}

/// The builder that the settings name, or the first that works; else why none does, and the cure.
///
/// # Errors
/// When one of them cannot be asked at all.
pub fn choose(ctx: &Context) -> Result<Result<Engine, String>> {
    let wanted = ctx.repo.config.docker_build.builder.as_str();
    let mut reasons = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|it| wanted == "auto" || wanted == it.name()) {
        match open(ctx, kind)? {
            Ok(engine) => return Ok(Ok(engine)),
            Err(why) => reasons.push(format!("{}: {why}", kind.name())),
        }
    }
    let cure = match wanted {
        "docker" | "buildx" => "start docker, or set another `builder` in [docker-build] of ci/xtask.toml",
        _ => "install one (Debian: apt-get install buildah) or start docker",
    };
    Ok(Err(format!("no container builder works here ({}); {cure}", reasons.join("; "))))
}

fn open(ctx: &Context, kind: Kind) -> Result<Result<Engine, String>> {
    let name = if kind == Kind::Buildah { "buildah" } else { "docker" };
    let Some(program) = proc::find_on_path(name) else { return Ok(Err(format!("`{name}` is not on PATH"))) };
    let mut engine = Engine { kind, program, buildx: false, machine: std::env::consts::ARCH.to_owned() };
    let done = ctx.run(&engine.call(ctx).arg("info"))?;
    if done.code != 0 {
        return Ok(Err(last_line(&done.tail)));
    }
    if kind == Kind::Buildah {
        return Ok(Ok(engine));
    }
    if let Some(line) = done.stdout.lines().find_map(|it| it.trim().strip_prefix("Architecture: ")) {
        engine.machine = line.trim().to_owned();
    }
    engine.buildx = ctx.run(&engine.call(ctx).args(["buildx", "version"]))?.code == 0;
    if engine.buildx {
        return Ok(Ok(engine));
    }
    if kind == Kind::Buildx {
        return Ok(Err("docker has no buildx here".to_owned()));
    }
    // A client from before 23 brings BuildKit with it; a later one leaves it to buildx.
    let done = ctx.run(&engine.call(ctx).args(["version", "--format", "{{.Client.Version}}"]))?;
    let major = done.stdout.trim().split('.').next().and_then(|it| it.parse::<u32>().ok());
    Ok(match major {
        Some(major) if major < 23 => Ok(engine),
        _ => Err(format!("docker {} cannot use BuildKit without buildx", done.stdout.trim())),
    })
}

impl Engine {
    /// Its name as in the settings.
    pub fn name(&self) -> &'static str {
        self.kind.name()
    }

    fn call(&self, ctx: &Context) -> Call {
        let mut call = ctx.call(&self.program);
        for name in PASSED {
            call.env.remove(*name);
        }
        call.env.extend(context::inherited(PASSED));
        call.env("DOCKER_BUILDKIT", "1").env("BUILDKIT_PROGRESS", "plain").env("DOCKER_CLI_HINTS", "false")
    }

    /// The kernel's word for the machine it builds on, whatever the builder calls it.
    fn ours(&self) -> &str {
        if self.machine == "arm64" { "aarch64" } else { &self.machine }
    }

    /// The platform that it builds for without emulation; `None` on a machine for which we have no word.
    pub fn native(&self) -> Option<&'static str> {
        MACHINES.iter().find(|(machine, _, _)| *machine == self.ours()).map(|(_, platform, _)| *platform)
    }

    /// Why an image for this platform cannot be built here; `None` when it can.
    pub fn foreign(&self, platform: &str) -> Option<String> {
        let (machine, _, emulator) = MACHINES.iter().find(|(_, it, _)| *it == platform)?;
        let ours = self.ours();
        // Elsewhere than on Linux the builder is in a machine of its own, of which nothing is known here.
        let is_linux = cfg!(target_os = "linux");
        let emulated =
            std::fs::read_to_string(format!("{EMULATION}/{emulator}")).is_ok_and(|it| it.starts_with("enabled"));
        (is_linux && ours != *machine && !emulated).then(|| {
            format!(
                "the image is for {platform}, this machine is {ours}, and nothing here emulates the other; \
                 install that (Debian: apt-get install qemu-user-static binfmt-support)"
            )
        })
    }

    /// The id of an image, by name and tag.
    ///
    /// # Errors
    /// When the builder cannot tell.
    pub fn find(&self, ctx: &Context, reference: &str) -> Result<Option<String>> {
        if self.kind == Kind::Buildah {
            let done = ctx.run(&self.call(ctx).args(["images", "--json", "--no-trunc"]))?;
            if done.code != 0 {
                return Err(done.refused("`buildah images`"));
            }
            return listed(&done.stdout, reference).context("`buildah images --json` printed something else");
        }
        let done = ctx.run(&self.call(ctx).args(["image", "ls", "--quiet", "--no-trunc", reference]))?;
        if done.code != 0 {
            return Err(done.refused("`docker image ls`"));
        }
        Ok(done.stdout.lines().next().map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()))
    }

    /// Sees to it that the base image is here; why it cannot be, else.
    ///
    /// # Errors
    /// When the builder cannot be started.
    pub fn fetch(&self, ctx: &Context, platform: &str, offline: bool, base: &str) -> Result<Option<String>> {
        let done = if self.kind == Kind::Buildah {
            let policy = if offline { "never" } else { "missing" };
            ctx.run(&self.call(ctx).args(["pull", "--quiet", "--policy", policy, "--platform", platform, base]))?
        } else {
            let done = ctx.run(&self.call(ctx).args(["image", "inspect", "--format", "{{.Id}}", base]))?;
            if done.code == 0 || offline {
                done
            } else {
                ctx.run(&self.call(ctx).args(["pull", "--quiet", "--platform", platform, base]))?
            }
        };
        let why = || format!("the base image {base} is not here and could not be fetched ({})", last_line(&done.tail));
        Ok((done.code != 0).then(why))
    }

    /// Pulls an image with the credentials of the job; why it cannot be had, else.
    ///
    /// # Errors
    /// When the builder cannot be started.
    pub fn pull(&self, ctx: &Context, platform: &str, reference: &str) -> Result<Option<String>> {
        let login = Login::write(&ctx.scratch(None)?)?;
        let call = self.call(ctx);
        let mut call = match self.kind {
            Kind::Buildah => call.args(["pull", "--quiet", "--authfile", login.file().as_str()]),
            _ if of_job() => call.args(["--config", login.dir.as_str(), "pull", "--quiet"]),
            _ => call.args(["pull", "--quiet"]),
        };
        if self.kind == Kind::Buildah && images::is_loopback(reference) {
            call = call.arg("--tls-verify=false");
        }
        let done = ctx.run(&call.args(["--platform", platform, reference]));
        login.remove()?;
        let done = done?;
        Ok((done.code != 0).then(|| format!("{reference} could not be pulled ({})", last_line(&done.tail))))
    }

    /// Builds; the caller reads the outcome.
    ///
    /// # Errors
    /// When the builder cannot be started or takes too long.
    pub fn build(&self, ctx: &Context, order: &Order, scratch: &Utf8Path, secrets: &Secrets) -> Result<proc::Done> {
        let mut call = self.call(ctx).cwd(scratch);
        call = match self.kind {
            // Without the kernel's namespaces, so that it works inside a container; what differs is known since the base is here.
            Kind::Buildah => call.args(["build", "--isolation", "chroot", "--layers", "--pull-never"]),
            _ => {
                let call = if self.kind == Kind::Buildx { call.arg("buildx") } else { call };
                let call = call.args(["build", "--progress", "plain", "--pull=false"]);
                if self.buildx { call.args(["--load", "--provenance=false"]) } else { call }
            }
        };
        call = call.args(["--platform", order.platform]);
        // The others know it by themselves.
        if let (Kind::Buildah, Some(native)) = (self.kind, self.native()) {
            call = call.arg("--build-arg").arg(format!("BUILDPLATFORM={native}"));
        }
        for (name, value) in order.args {
            call = call.arg("--build-arg").arg(format!("{name}={value}"));
        }
        for (name, value) in order.labels {
            call = call.arg("--label").arg(format!("{name}={value}"));
        }
        for (name, file) in &secrets.files {
            // By its name alone where that will do: a comma in a path would end the option.
            let file = file.strip_prefix(scratch).unwrap_or(file);
            call = call.arg("--secret").arg(format!("id={name},src={file}"));
        }
        ctx.run(&call.args(["--tag", order.reference, CONTEXT]))
    }

    /// Pushes an image under a name, its own or another; the digest under which it is there.
    ///
    /// # Errors
    /// When the registry does not take it, in the builder's words.
    pub fn push(&self, ctx: &Context, reference: &str, to: &str, scratch: &Utf8Path) -> Result<String> {
        let login = Login::write(scratch)?;
        let digest = self.push_with(ctx, reference, to, scratch, &login);
        // Whatever came of it: credentials do not stay on the disk.
        login.remove()?;
        digest
    }

    fn push_with(&self, ctx: &Context, from: &str, to: &str, scratch: &Utf8Path, login: &Login) -> Result<String> {
        if self.kind == Kind::Buildah {
            let file = scratch.join("digest");
            context::remove(&file)?;
            let mut call = self.call(ctx).args(["push", "--quiet", "--digestfile", file.as_str()]);
            call = call.args(["--authfile", login.file().as_str()]);
            if images::is_loopback(to) {
                call = call.arg("--tls-verify=false");
            }
            let done = ctx.run(&call.arg(from).arg(format!("docker://{to}")))?;
            if done.code != 0 {
                return Err(done.refused(&format!("pushing {to}")));
            }
            let digest = std::fs::read_to_string(&file).with_context(|| format!("could not read {file}"))?;
            return Ok(digest.trim().to_owned());
        }
        // With helpers of the user's own settings docker needs those; the credentials of a job are in no file of his.
        let call = self.call(ctx);
        let call = if of_job() { call.args(["--config", login.dir.as_str()]) } else { call };
        if from != to {
            let done = ctx.run(&self.call(ctx).args(["tag", from, to]))?;
            if done.code != 0 {
                return Err(done.refused(&format!("naming {from} {to}")));
            }
        }
        let done = ctx.run(&call.args(["push", to]))?;
        if done.code != 0 {
            return Err(done.refused(&format!("pushing {to}")));
        }
        // The last line: "TAG: digest: sha256:... size: 1234".
        let words: Vec<&str> = done.stdout.split_whitespace().collect();
        let at = words.iter().rposition(|it| *it == "digest:").and_then(|at| words.get(at + 1));
        Ok((*at.with_context(|| format!("docker pushed {to} but names no digest"))?).to_owned())
    }

    /// Writes an archive of an image that syft reads.
    ///
    /// # Errors
    /// When the builder cannot.
    pub fn save(&self, ctx: &Context, reference: &str, archive: &Utf8Path) -> Result<()> {
        let dir = archive.parent().context("an archive has a directory")?;
        std::fs::create_dir_all(dir).with_context(|| format!("could not create {dir}"))?;
        // Under another name until it is whole, and by its name alone: a colon in a path would end it.
        let part = format!("{}.part", archive.file_name().context("an archive has a name")?);
        context::remove(&dir.join(&part))?;
        let call = self.call(ctx).cwd(dir);
        let call = match self.kind {
            Kind::Buildah => {
                call.args(["push", "--quiet", reference]).arg(format!("docker-archive:{part}:{reference}"))
            }
            _ => call.args(["save", "--output", &part, reference]),
        };
        let done = ctx.run(&call)?;
        if done.code != 0 {
            return Err(done.refused(&format!("saving {reference}")));
        }
        std::fs::rename(dir.join(&part), archive).with_context(|| format!("could not write {archive}"))
    }
}

/// The id of an image in the list of buildah, which says "localhost/" before a name without a registry.
fn listed(json: &str, reference: &str) -> Result<Option<String>> {
    #[derive(Deserialize)]
    struct Entry {
        id: String,
        #[serde(default)]
        names: Option<Vec<String>>,
    }
    let entries: Option<Vec<Entry>> = serde_json::from_str(json)?;
    let is_it = |name: &String| name == reference || name.strip_prefix("localhost/") == Some(reference);
    let found = entries.into_iter().flatten().find(|it| it.names.iter().flatten().any(is_it));
    Ok(found.map(|it| if it.id.starts_with("sha256:") { it.id } else { format!("sha256:{}", it.id) }))
}

/// Are there credentials of a job of GitLab?
fn of_job() -> bool {
    !context::inherited(&["CI_REGISTRY_PASSWORD"]).is_empty()
}

fn last_line(text: &str) -> String {
    let line = text.lines().map(str::trim).rfind(|it| !it.is_empty()).unwrap_or("it says nothing");
    line.trim_start_matches("Error: ").trim_start_matches("ERROR: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_buildah() {
        let list = r#"[{"id":"0a","names":["localhost/xtask/a:1"]},{"id":"sha256:0b","names":null},{"id":"sha256:0c","names":["x/b:2","localhost/b:2"]}]"#;
        let find = |name: &str| listed(list, name).expect("a list");
        assert_eq!(find("localhost/xtask/a:1").as_deref(), Some("sha256:0a"));
        assert_eq!(find("xtask/a:1").as_deref(), Some("sha256:0a"));
        assert_eq!(find("b:2").as_deref(), Some("sha256:0c"));
        assert_eq!(find("a:1"), None);
        assert_eq!(listed("null\n", "a:1").expect("an empty list"), None);
        assert!(listed("Error", "a:1").is_err());
    }
}
