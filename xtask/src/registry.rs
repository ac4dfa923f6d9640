//! Registries: which images they have, and with which credentials they are asked.
//!
//! Asked by Python, which is wherever this program works; a container builder need not be. Credentials are those of
//! docker's own files and of GitLab's variables; they go into files that only their owner reads, never into a command line
//! or a message. Must not know what an image is for.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::context;
use crate::images;
use crate::proc::{self, Call};

const ASK: &str = include_str!("registry/ask.py");
/// Longer than this nobody waits for answers.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a registry says of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is there, under this digest.
    There(String),
    /// It is not there.
    Absent,
    /// It could not be asked, for this reason.
    Unasked(String),
}

/// Asks about images by name and tag: one answer for each, in the same order.
///
/// # Errors
/// When what asks cannot be started.
pub fn ask(python: &Utf8Path, references: &[String]) -> Result<Vec<Answer>> {
    #[derive(Deserialize)]
    struct Said {
        digest: Option<String>,
        #[serde(default)]
        absent: bool,
        why: Option<String>,
    }
    if references.is_empty() {
        return Ok(Vec::new());
    }
    let call = Call {
        program: python.to_owned(),
        args: vec!["-I".to_owned(), "-c".to_owned(), ASK.to_owned()],
        cwd: "/".into(),
        env: context::clean_env(Utf8Path::new("/nonexistent")),
        timeout: PATIENCE,
    };
    let input = json!({ "auths": auths(), "references": references }).to_string();
    let all = |why: &str| references.iter().map(|_| Answer::Unasked(why.to_owned())).collect();
    let output = match proc::output(&call, input.as_bytes()) {
        Ok(output) => output,
        Err(_) if proc::cancelled() => bail!("cancelled"),
        Err(_) => return Ok(all(&format!("no answer within {} s", PATIENCE.as_secs()))),
    };
    let said: Result<Vec<Said>, _> = serde_json::from_slice(&output.stdout);
    let Some(said) = said.ok().filter(|it| output.code == 0 && it.len() == references.len()) else {
        let last = output.stderr.lines().last().unwrap_or("it says nothing").to_owned();
        return Ok(all(&format!("what asks it ended with exit code {} ({last})", output.code)));
    };
    let answer = |it: Said| match it.digest {
        Some(digest) => Answer::There(digest),
        None if it.absent => Answer::Absent,
        None => Answer::Unasked(it.why.unwrap_or_default()),
    };
    Ok(said.into_iter().map(answer).collect())
}

/// Asks about one image.
///
/// # Errors
/// As [`ask`].
pub fn ask_one(python: &Utf8Path, reference: &str) -> Result<Answer> {
    ask(python, &[reference.to_owned()])?.pop().context("one question has one answer")
}

/// The digest of an image, for one who makes it where it is not there; that it could not be asked is said, and it counts as
/// not there.
///
/// # Errors
/// As [`ask`].
pub fn digest(python: &Utf8Path, reference: &str, say: &mut dyn FnMut(String)) -> Result<Option<String>> {
    match ask_one(python, reference)? {
        Answer::There(digest) => return Ok(Some(digest)),
        Answer::Absent => {}
        Answer::Unasked(why) => say(format!("whether the registry has {reference} could not be asked: {why}")),
    }
    Ok(None)
}

/// Credentials in the form and under the name of docker's own file, for programs that push or pull.
#[derive(Debug)]
pub struct Login {
    /// The directory that `DOCKER_CONFIG` names.
    pub dir: Utf8PathBuf,
}

impl Login {
    /// Writes them below `scratch`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(scratch: &Utf8Path) -> Result<Login> {
        let login = Login { dir: scratch.join("login") };
        context::remake(&login.dir)?;
        context::write_secret(&login.file(), &json!({ "auths": auths() }).to_string())?;
        Ok(login)
    }

    /// The file itself, for buildah.
    pub fn file(&self) -> Utf8PathBuf {
        self.dir.join("config.json")
    }

    /// Removes them.
    ///
    /// # Errors
    /// When they cannot be removed.
    pub fn remove(&self) -> Result<()> {
        std::fs::remove_dir_all(&self.dir).with_context(|| format!("could not remove {}", self.dir))
    }
}

/// The credentials by registry: of buildah's file, of docker's, of `DOCKER_AUTH_CONFIG`, and those of a job of GitLab for
/// GitLab's own registry; what comes first counts.
fn auths() -> Value {
    let vars = context::inherited(&[
        "REGISTRY_AUTH_FILE",
        "DOCKER_CONFIG",
        "XDG_RUNTIME_DIR",
        "HOME",
        "DOCKER_AUTH_CONFIG",
        "CI_REGISTRY",
        "CI_REGISTRY_USER",
        "CI_REGISTRY_PASSWORD",
    ]);
    let below = |name: &str, path: &str| Some(Utf8Path::new(vars.get(name)?).join(path));
    let files = [
        below("REGISTRY_AUTH_FILE", ""),
        below("DOCKER_CONFIG", "config.json"),
        below("XDG_RUNTIME_DIR", "containers/auth.json"),
        below("HOME", ".docker/config.json"),
    ];
    let texts =
        files.into_iter().flatten().filter_map(|it| std::fs::read_to_string(it.as_str().trim_end_matches('/')).ok());
    let texts: Vec<String> = texts.chain(vars.get("DOCKER_AUTH_CONFIG").cloned()).collect();
    let mut found = Map::new();
    for text in texts {
        let config: Value = serde_json::from_str(&text).unwrap_or_default();
        for (host, entry) in config.get("auths").and_then(Value::as_object).into_iter().flatten() {
            let usable = entry.get("auth").and_then(Value::as_str).is_some_and(|it| !it.is_empty());
            if usable && !found.contains_key(host) {
                found.insert(host.clone(), entry.clone());
            }
        }
    }
    if let Some((host, auth)) = of_job(&vars).filter(|(host, _)| !found.contains_key(host)) {
        found.insert(host, json!({ "auth": auth }));
    }
    Value::Object(found)
}

/// GitLab's registry and the credentials of the job for it.
fn of_job(vars: &BTreeMap<String, String>) -> Option<(String, String)> {
    let var = |name: &str| vars.get(name).filter(|it| !it.is_empty());
    let pair = format!("{}:{}", var("CI_REGISTRY_USER")?, var("CI_REGISTRY_PASSWORD")?);
    Some((var("CI_REGISTRY")?.clone(), base64(pair.as_bytes())))
}

/// Base64, as docker writes user and password.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0_u32, |bits, it| bits << 8 | u32::from(*it)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= chunk.len() { letter as char } else { '=' });
        }
    }
    out
}

/// May a reference be asked for as it is? A project's name can be anything.
pub fn is_plain(reference: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/:".contains(c);
    images::host(reference).is_some() && reference.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_as_docker_writes_them() {
        for (plain, written) in [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("a:b", "YTpi"), ("a:\u{fc}~", "YTrDvH4=")] {
            assert_eq!(base64(plain.as_bytes()), written);
        }
    }
}
