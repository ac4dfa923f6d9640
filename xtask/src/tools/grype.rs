//! Where grype comes from: the pinned version on `PATH`, its release archive checked by sha256, or `go install`.

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};

use super::{Tools, once, platform};
use crate::config::Config;
use crate::{context, proc, sources};

/// The release archive, when no mirror is set.
const ARCHIVE: &str = "https://github.com/anchore/grype/releases/download/v{version}/grype_{version}_{platform}.tar.gz";

/// Fetches an address to a file with what every fresh machine has.
const FETCH: &str = "import shutil, sys, urllib.request\nwith urllib.request.urlopen(sys.argv[1], timeout=60) as source, open(sys.argv[2], 'wb') as target:\n    shutil.copyfileobj(source, target)\n";

/// Where it stands once it is provided.
pub fn path(cache: &Utf8Path, version: &str) -> Utf8PathBuf {
    cache.join("tools").join(format!("grype-{version}-{}", platform())).join("grype")
}

/// Provides it; does nothing when it is there.
///
/// # Errors
/// When the archive has another checksum than the pinned one, and when no way leads to a grype of this version.
pub fn provide(tools: &Tools, config: &Config, say: &dyn Fn(&str)) -> Result<()> {
    let version = &config.grype.version;
    if version.is_empty() {
        bail!("the settings pin no grype: add [grype] with its `version`, and `sha256` for each platform");
    }
    let program = path(&tools.cache, version);
    let dir = program.parent().context("a tool has a directory")?;
    // A link to somebody's own grype holds as long as that one stays what it was.
    if program.is_symlink() && found_version(&program).as_deref() != Some(version) {
        std::fs::remove_file(&program).with_context(|| format!("could not remove {program}"))?;
        std::fs::remove_dir(dir).with_context(|| format!("could not remove {dir}"))?;
    }
    once(dir, || {
        std::fs::create_dir_all(dir).with_context(|| format!("could not create {dir}"))?;
        if let Some(found) = proc::find_on_path("grype")
            && found_version(&found).as_deref() == Some(version)
        {
            std::os::unix::fs::symlink(&found, &program).with_context(|| format!("could not link {program}"))?;
            return Ok(());
        }
        let archive = match download(tools, config, dir, say)? {
            Ok(archive) => archive,
            Err(no_archive) => return go_install(config, dir, &no_archive, say),
        };
        let env = context::clean_env(dir);
        proc::read(&tools.python, &["-I", "-m", "tarfile", "-e", archive.as_str(), dir.as_str()], dir, &env)
            .context("could not unpack the grype archive")?;
        std::fs::remove_file(&archive).with_context(|| format!("could not remove {archive}"))?;
        expect_version(&program, version).context("the grype archive is not what its name says")
    })
}

/// The archive, or why there is none; a wrong checksum is the outer error.
fn download(tools: &Tools, config: &Config, dir: &Utf8Path, say: &dyn Fn(&str)) -> Result<Result<Utf8PathBuf, String>> {
    let version = &config.grype.version;
    let Some(pinned) = config.grype.sha256.get(&platform()) else {
        return Ok(Err(format!("ci/xtask.toml has no sha256 of grype for {}", platform())));
    };
    let address = config.mirrors.grype.as_deref().unwrap_or(ARCHIVE);
    let address = address.replace("{version}", version).replace("{platform}", &platform().replace('-', "_"));
    say(&format!("fetching grype {version}"));
    let archive = dir.join("grype.tar.gz");
    let env = context::clean_env(dir);
    if let Err(error) = proc::read(&tools.python, &["-I", "-c", FETCH, &address, archive.as_str()], dir, &env) {
        let last = format!("{error:#}").lines().last().unwrap_or_default().to_owned();
        return Ok(Err(format!("{address}: {last}")));
    }
    let found = sources::sha256(&std::fs::read(&archive).with_context(|| format!("could not read {archive}"))?);
    if !found.eq_ignore_ascii_case(pinned) {
        std::fs::remove_file(&archive).with_context(|| format!("could not remove {archive}"))?;
        bail!(
            "{address} has sha256 {found}, but ci/xtask.toml pins {pinned}: it is not used and nothing else is tried"
        );
    }
    Ok(Ok(archive))
}

fn go_install(config: &Config, dir: &Utf8Path, no_archive: &str, say: &dyn Fn(&str)) -> Result<()> {
    let version = &config.grype.version;
    let Some(go) = proc::find_on_path("go") else {
        bail!("grype {version} cannot be had: no archive ({no_archive}), and Go is not on PATH to build it");
    };
    say(&format!("building grype {version} with go install, for its archive cannot be fetched: some minutes, once"));
    let mut env = context::clean_env(dir);
    // Go's own cache and settings, where its user has them: in here they would stay, and a gigabyte with them.
    for name in ["XDG_CACHE_HOME", "XDG_CONFIG_HOME"] {
        env.remove(name);
    }
    env.extend(context::inherited(&[
        "HOME",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
        "GOPROXY",
        "GOFLAGS",
        "GOSUMDB",
        "GONOSUMDB",
        "GOPATH",
        "GOCACHE",
        "GOMODCACHE",
        "GOPRIVATE",
    ]));
    // The path of the sources must not decide the bytes, nor a repository around the build directory its version.
    env.insert("GOBIN".to_owned(), dir.to_string());
    env.insert(
        "GOFLAGS".to_owned(),
        format!("{} -buildvcs=false", env.get("GOFLAGS").cloned().unwrap_or_default()).trim().to_owned(),
    );
    if let Some(proxy) = &config.mirrors.go_proxy {
        env.insert("GOPROXY".to_owned(), proxy.clone());
    }
    let package = format!("github.com/anchore/grype/cmd/grype@v{version}");
    let stamp = format!("-s -w -X main.version={version}");
    proc::read(&go, &["install", "-ldflags", &stamp, &package], dir, &env)
        .with_context(|| format!("grype {version} cannot be had: no archive ({no_archive}), and go install failed"))?;
    expect_version(&dir.join("grype"), version).context("go install built something else")
}

fn expect_version(program: &Utf8Path, version: &str) -> Result<()> {
    match found_version(program) {
        Some(found) if found == version => Ok(()),
        Some(found) => bail!("{program} is grype {found}, not {version}"),
        None => bail!("{program} is no grype that runs here"),
    }
}

/// The version that a grype says it is; asking must not make it ask the network for a newer one.
fn found_version(program: &Utf8Path) -> Option<String> {
    let mut env = context::clean_env(Utf8Path::new("/nonexistent"));
    env.insert("GRYPE_CHECK_FOR_APP_UPDATE".to_owned(), "false".to_owned());
    let output = proc::read(program, &["version", "-o", "json"], Utf8Path::new("/"), &env).ok()?;
    let json: serde_json::Value = serde_json::from_str(&output).ok()?;
    json.get("version")?.as_str().map(|it| it.trim_start_matches('v').to_owned())
}

/// Its row in `cargo xtask tools`.
pub fn row(tools: &Tools, config: &Config) -> [String; 4] {
    let program = path(&tools.cache, &config.grype.version);
    let found = found_version(&program);
    let place = if found.is_some() { program.to_string() } else { "-".to_owned() };
    ["grype".to_owned(), config.grype.version.clone(), found.unwrap_or_else(|| super::NOT_FETCHED.to_owned()), place]
}
