//! The image that CI jobs run in: its inputs, its tag, its build, and the push to a registry.
//!
//! The tag is the hash of what goes in, so the same input is built once. Must not know GitLab, nor the image of a
//! project, which is `docker-build`'s.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::context::{self, Context};
use crate::discover::Repo;
use crate::engine::{self, CONTEXT, Order, network};
use crate::tools::{Tool, Tools};
use crate::{files, flags, images, proc, registry, sources, times};

/// The recipe, below the repository's root.
const RECIPE: &str = "ci/Dockerfile";
/// What the binary is made of: these files, and every file below these directories. It holds the policy files for `init`.
const SOURCE: &[&str] = &["Cargo.toml", "Cargo.lock", "xtask/Cargo.toml", "xtask/src/", "ci/"];
/// What pins the tools.
const PINS: &str = "ci/tools/";
/// The tables of `ci/xtask.toml` that say what is fetched, and from where: the tools are fetched again only when these change.
const TABLES: &[&str] = &["grype", "mirrors"];

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Wish {
    /// "linux/arm64" or "linux/amd64".
    pub platform: String,
    /// What the image's name starts with: a registry and path, or a local name.
    pub repository: String,
    /// Other base images than those of the recipe, by argument.
    pub bases: Vec<(&'static str, String)>,
    /// Push it.
    pub push: bool,
    /// A tag that it gets as well.
    pub also: Option<String>,
}

/// What came of it.
#[derive(Debug)]
pub struct Image {
    /// Name and tag.
    pub reference: String,
    /// `name@sha256:...` in the registry, when it was pushed.
    pub pinned: Option<String>,
    /// It was there already.
    pub kept: bool,
}

/// What the command line asks for: the line to print.
///
/// # Errors
/// As [`make`].
pub fn command(repo: &Repo, flags: &flags::Image, say: &dyn Fn(&str)) -> Result<String> {
    let bases = [("BASE", &flags.base), ("RUST", &flags.rust)];
    let wish = Wish {
        platform: flags.platform.clone().unwrap_or_else(|| repo.config.docker_build.platform.clone()),
        repository: flags.repository.clone(),
        bases: bases.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect(),
        push: flags.push,
        also: flags.also.clone().filter(|it| !it.is_empty()),
    };
    if flags.name {
        return Ok(format!("{}\n", reference(&wish, &inputs(&repo.root)?)));
    }
    let out = repo.abs("target/ci");
    for dir in ["home", "empty"] {
        context::remake(&out.join(dir))?;
    }
    let log = out.join("logs/image.log");
    context::remove(&log)?;
    let tools = Tools::open(repo, say)?;
    let ctx = Context {
        repo,
        tools: &tools,
        stage: "image",
        log,
        out,
        ci: false,
        selected: &[],
        stages: &[],
        tags: &BTreeMap::new(),
    };
    let image = make(&ctx, &wish, say)?;
    if image.kept {
        say(&format!("{} is there, and nothing that goes into it has changed", image.reference));
    }
    let name = image.pinned.unwrap_or(image.reference);
    if let Some(file) = &flags.dotenv {
        context::write(&repo.root.join(file), format!("XTASK_IMAGE={name}\n"))?;
    }
    Ok(format!("{name}\n"))
}

/// The files that go in, by their paths in the context, with their content.
type Inputs = BTreeMap<Utf8PathBuf, Vec<u8>>;

/// Builds the image unless it is there, and pushes it when that is asked for and its registry does not have it.
///
/// # Errors
/// When no builder works here, a base image cannot be had, a step fails, or the registry does not take it.
pub fn make(ctx: &Context, wish: &Wish, say: &dyn Fn(&str)) -> Result<Image> {
    let inputs = inputs(&ctx.repo.root)?;
    let reference = reference(wish, &inputs);
    let also = wish.also.as_ref().map(|tag| format!("{}:{tag}", wish.repository));
    if wish.push
        && let Some(digest) = there(ctx, &reference, say)?
    {
        if let Some(also) = also.filter(|it| there(ctx, it, say).ok().flatten().as_ref() != Some(&digest)) {
            let engine = engine::choose(ctx)?.map_err(anyhow::Error::msg)?;
            if let Some(why) = engine.pull(ctx, &wish.platform, &reference)? {
                bail!("{why}");
            }
            engine.push(ctx, &reference, &also, &ctx.scratch(None)?)?;
        }
        return Ok(Image { pinned: Some(images::pinned(&reference, &digest)), reference, kept: true });
    }
    let engine = engine::choose(ctx)?.map_err(anyhow::Error::msg)?;
    let scratch = ctx.scratch(None)?;
    let kept = engine.find(ctx, &reference)?.is_some();
    if !kept {
        if let Some(why) = engine.foreign(&wish.platform) {
            bail!("{why}, or say another --platform");
        }
        // xtask is compiled on the builder's own machine, whatever the image is for.
        let native = engine.native().unwrap_or(&wish.platform);
        for (platform, base) in [native, &wish.platform].into_iter().zip(bases(wish, &inputs)?) {
            if let Some(why) = engine.fetch(ctx, platform, false, &base)? {
                bail!("{why}; name one that can be had by --base or --rust");
            }
        }
        write(ctx, wish, &inputs, &scratch, say)?;
        say(&format!("building {reference}: some minutes; log: {}", ctx.log));
        let secrets = network::write(ctx, &scratch)?;
        let order = Order { platform: &wish.platform, reference: &reference, args: &wish.bases, labels: &[] };
        let done = engine.build(ctx, &order, &scratch, &secrets);
        secrets.remove()?;
        let done = done?;
        if done.code != 0 {
            return Err(done.refused(&format!("building {reference}")));
        }
    }
    let pinned = match wish.push {
        true => {
            let digest = engine.push(ctx, &reference, &reference, &scratch)?;
            if let Some(also) = &also {
                engine.push(ctx, &reference, also, &scratch)?;
            }
            Some(images::pinned(&reference, &digest))
        }
        false => None,
    };
    Ok(Image { reference, pinned, kept })
}

/// The digest of an image in its registry; `None` where it is not there or that cannot be told.
fn there(ctx: &Context, reference: &str, say: &dyn Fn(&str)) -> Result<Option<String>> {
    if !registry::is_plain(reference) {
        return Ok(None);
    }
    registry::digest(&ctx.tools.python, reference, &mut |text| say(&text))
}

/// The image's name and tag: the hash of what goes in and what it is built on, and the platform's architecture.
fn reference(wish: &Wish, inputs: &Inputs) -> String {
    let files = inputs.iter().map(|(path, bytes)| format!("{path} {}", sources::sha256(bytes)));
    let all = wish.bases.iter().map(|(name, value)| format!("{name}={value}")).chain([wish.platform.clone()]);
    let hash = sources::sha256(all.chain(files).collect::<Vec<_>>().join("\n").as_bytes());
    let machine = wish.platform.rsplit('/').next().unwrap_or(&wish.platform);
    format!("{}:{}-{machine}", wish.repository, &hash[..16])
}

/// Reads what goes in.
fn inputs(root: &Utf8Path) -> Result<Inputs> {
    let read = |path: &Utf8Path| -> Result<Vec<u8>> {
        std::fs::read(root.join(path)).with_context(|| format!("could not read {path}"))
    };
    let mut found = Inputs::new();
    // No binary holds how long jobs took.
    for path in files::list(root)?.into_iter().filter(|it| it != times::KEPT) {
        if SOURCE.iter().any(|it| path == *it || (it.ends_with('/') && path.as_str().starts_with(it))) {
            found.insert(Utf8Path::new("source").join(&path), read(&path)?);
        }
        if path.as_str().starts_with(PINS) {
            found.insert(path.clone(), read(&path)?);
        }
    }
    if !SOURCE.iter().filter(|it| !it.ends_with('/')).all(|it| found.contains_key(&Utf8Path::new("source").join(it))) {
        bail!("the image holds an xtask built from its sources, but {root} lacks one of {}", SOURCE.join(", "));
    }
    found.insert("Dockerfile".into(), read(Utf8Path::new(RECIPE))?);
    let settings = Utf8Path::new(crate::config::FILE);
    let text = String::from_utf8(read(settings)?).with_context(|| format!("{settings} is no UTF-8"))?;
    found.insert(settings.to_owned(), tables(&text)?.into_bytes());
    Ok(found)
}

/// The settings that decide what is fetched.
fn tables(text: &str) -> Result<String> {
    let all: toml::Table = toml::from_str(text).with_context(|| format!("{} is not valid", crate::config::FILE))?;
    let mut kept: toml::Table = all.into_iter().filter(|(name, _)| TABLES.contains(&name.as_str())).collect();
    kept.insert("projects".to_owned(), toml::Value::Array(Vec::new()));
    Ok(toml::to_string(&kept)?)
}

/// The base images of the recipe, or what was asked for instead of them: where xtask is compiled, and where jobs run.
fn bases(wish: &Wish, inputs: &Inputs) -> Result<[String; 2]> {
    let recipe = String::from_utf8_lossy(&inputs[Utf8Path::new("Dockerfile")]);
    let of = |name: &str| -> Result<String> {
        if let Some((_, it)) = wish.bases.iter().find(|(it, _)| *it == name) {
            return Ok(it.clone());
        }
        let line = recipe.lines().find_map(|line| line.strip_prefix(&format!("ARG {name}=")));
        Ok(line.with_context(|| format!("{RECIPE} has no line `ARG {name}=...`"))?.trim().to_owned())
    };
    Ok([of("RUST")?, of("BASE")?])
}

/// Writes the context.
fn write(ctx: &Context, wish: &Wish, inputs: &Inputs, scratch: &Utf8Path, say: &dyn Fn(&str)) -> Result<()> {
    let context = scratch.join(CONTEXT);
    context::remake(&context)?;
    for (path, bytes) in inputs {
        context::write(&context.join(path), bytes)?;
    }
    let programs = context.join("programs");
    context::remake(&programs)?;
    let machine = wish.platform.replace('/', "-");
    if machine == crate::tools::platform() {
        // Verified when it was fetched: the build need not reach the place it came from.
        ctx.tools.provide(&ctx.repo.config, Tool::Grype, say)?;
        let grype = ctx.tools.grype(&ctx.repo.config);
        std::fs::copy(&grype, programs.join("grype")).with_context(|| format!("could not copy {grype}"))?;
    }
    vendor(ctx, &context)
}

/// Puts the crates of `Cargo.lock` into the context, and tells cargo to take them from there.
fn vendor(ctx: &Context, context: &Utf8Path) -> Result<()> {
    let Some(cargo) = proc::find_on_path("cargo") else {
        bail!(
            "cargo is not on PATH; the image's xtask is built from crates that cargo fetches (install Rust by rustup)"
        );
    };
    let source = context.join("source");
    let mut call = ctx.call(&cargo).cwd(&source).args(["vendor", "--locked", "--quiet", "../vendor"]);
    call.env.extend(std::env::vars().filter(|(name, _)| {
        ["HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"].contains(&name.as_str()) || name.starts_with("CARGO_")
    }));
    let done = ctx.run(&call)?;
    if done.code != 0 {
        return Err(done.refused("fetching the crates of Cargo.lock"));
    }
    let text = "[source.crates-io]\nreplace-with = \"vendored\"\n\n[source.vendored]\ndirectory = \"vendor\"\n";
    context::write(&source.join(".cargo/config.toml"), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish() -> Wish {
        Wish {
            platform: "linux/arm64".to_owned(),
            repository: "registry.example.org/group/xtask".to_owned(),
            bases: Vec::new(),
            push: false,
            also: None,
        }
    }

    /// The job in the parent pipeline is there when something of this changes, and else not.
    #[test]
    fn the_parent_pipeline_knows_what_goes_in() {
        let parent = include_str!("../../.gitlab-ci.yml");
        let parent: serde_yaml::Value = serde_yaml::from_str(parent).expect("YAML");
        let glob = |it: &&str| if it.ends_with('/') { format!("{it}**/*") } else { (*it).to_owned() };
        let wanted: Vec<String> = SOURCE.iter().map(glob).collect();
        let rules = parent["ci-image"]["rules"].as_sequence().expect("rules");
        assert!(!rules.is_empty());
        for rule in rules {
            let changes = rule["changes"].as_sequence().expect("changes").iter();
            assert_eq!(changes.filter_map(|it| it.as_str()).collect::<Vec<_>>(), wanted);
        }
    }

    #[test]
    fn policy_fetches_no_tool_again_but_another_version_does() {
        let text = "projects = [\"a/*\"]\n[radon]\ncomplexity = \"C\"\n[grype]\nversion = \"1\"\nsha256 = {}\n";
        let other = text.replace("\"C\"", "\"A\"").replace("a/*", "b/*");
        assert_eq!(tables(text).expect("TOML"), tables(&other).expect("TOML"));
        assert_ne!(tables(text).expect("TOML"), tables(&text.replace("\"1\"", "\"2\"")).expect("TOML"));
    }

    #[test]
    fn the_tag_follows_from_what_goes_in() {
        let inputs = Inputs::from([("Dockerfile".into(), b"ARG RUST=r\nARG BASE=b\n".to_vec())]);
        let name = reference(&wish(), &inputs);
        assert!(name.starts_with("registry.example.org/group/xtask:") && name.ends_with("-arm64"), "{name}");
        assert_eq!(name, reference(&wish(), &inputs.clone()));
        let other = Wish { bases: vec![("BASE", "c".to_owned())], ..wish() };
        assert_ne!(name, reference(&other, &inputs));
        assert_eq!(bases(&other, &inputs).expect("both"), ["r", "c"]);
    }
}
