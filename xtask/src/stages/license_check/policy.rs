//! What `ci/licenses.toml` allows, and what a distribution's metadata amounts to under it.
//!
//! Pure. Reads licence expressions through the `spdx` crate; must not guess: what is not understood is unknown.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use camino::Utf8Path;
use serde::Deserialize;
use spdx::{AdditionItem, Expression, LicenseItem, LicenseReq, Licensee, ParseMode};

use crate::manifest;
use crate::verdict::one_line;
use crate::waivers::Day;

/// What pip-licenses writes where a distribution says nothing.
const UNKNOWN: &str = "UNKNOWN";

/// Old spellings are understood; shortened names are not, for the crate takes "gnu gpl v2" for version 3.
const MODE: ParseMode = ParseMode { allow_imprecise_license_names: false, ..ParseMode::LAX };

/// Words in a free text that make it more than a restatement of what the classifiers say.
const WARNING_WORDS: &[&str] =
    &["gpl", "general public", "proprietary", "commercial", "sspl", "server side", "busl", "business source", "eula"];

/// `ci/licenses.toml`, read and checked.
#[derive(Debug)]
pub struct Policy {
    allow: Vec<Licensee>,
    /// By the text's plain form.
    alias: BTreeMap<String, Expression>,
    decisions: Vec<Decision>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    allow: Vec<String>,
    #[serde(default)]
    alias: BTreeMap<String, String>,
    #[serde(default)]
    decision: Vec<Decision>,
}

/// What somebody found out about one distribution, and answers for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    pub package: String,
    /// Holds for this version alone; for all without it.
    pub version: Option<String>,
    /// The licence, as an SPDX expression.
    pub license: String,
    pub reason: String,
    pub owner: String,
    /// The last day on which it holds; for ever without it.
    pub expires: Option<toml::value::Datetime>,
}

/// What a distribution says about its licence, as pip-licenses prints it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Declared {
    #[serde(rename = "Name")]
    pub name: String,
    #[serde(rename = "Version")]
    pub version: String,
    #[serde(rename = "License-Expression")]
    pub expression: String,
    #[serde(rename = "License-Classifier")]
    pub classifiers: String,
    #[serde(rename = "License-Metadata")]
    pub text: String,
}

/// What that amounts to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// Allowed, under this expression.
    Allowed(String),
    /// Understood and not allowed: the expression, and the licences in it that are not on the list.
    Refused(String, Vec<String>),
    /// Not understood, and why.
    Unknown(String),
}

impl Policy {
    /// Parses the file; `path` is only for messages.
    ///
    /// # Errors
    /// When it is no TOML, has an unknown key, names a licence that SPDX does not know, or a decision lacks its owner,
    /// its reason or a proper date.
    pub fn parse(path: &Utf8Path, text: &str) -> Result<Policy> {
        let file: File = toml::from_str(text).with_context(|| format!("{path} is not valid"))?;
        if file.allow.is_empty() {
            bail!("{path} allows no licence at all; list SPDX identifiers in `allow`");
        }
        let allow = file.allow.iter().map(|id| {
            let parsed = Licensee::parse_mode(&spelled(id), MODE);
            parsed.map_err(|error| anyhow::anyhow!("{path}: `{id}` in `allow` is no SPDX licence: {}", error.reason))
        });
        let allow = allow.collect::<Result<_>>()?;
        let alias = file.alias.iter().map(|(text, value)| {
            let value = parse(value).with_context(|| format!("{path}: [alias] \"{text}\" = \"{value}\""))?;
            Ok((plain(text), value))
        });
        let alias = alias.collect::<Result<_>>()?;
        for it in &file.decision {
            let what = format!("{path}: the [[decision]] about `{}`", it.package);
            for (key, text) in [("package", &it.package), ("reason", &it.reason), ("owner", &it.owner)] {
                if text.trim().is_empty() {
                    bail!("{what} has an empty `{key}`");
                }
            }
            parse(&it.license).with_context(|| format!("{what} has the license `{}`", it.license))?;
            if it.expires.is_some_and(|date| date.date.is_none()) {
                bail!("{what}: `expires` is a date, written like 2026-12-31");
            }
        }
        Ok(Policy { allow, alias, decisions: file.decision })
    }

    /// Decides from the metadata alone.
    pub fn judge(&self, declared: &Declared) -> Judged {
        match self.read_all(declared) {
            Ok(parts) => self.decide(&parts),
            Err(why) => Judged::Unknown(why),
        }
    }

    /// Decides about an expression that was checked when the file was read.
    pub fn judge_decision(&self, decision: &Decision) -> Judged {
        match parse(&decision.license) {
            Ok(expression) => self.decide(&[expression]),
            Err(error) => Judged::Unknown(format!("{error:#}")),
        }
    }

    /// The decisions about a distribution, whatever their version.
    pub fn decisions(&self, name: &str) -> impl Iterator<Item = &Decision> {
        let name = manifest::normalise_name(name);
        self.decisions.iter().filter(move |it| manifest::normalise_name(&it.package) == name)
    }

    fn decide(&self, parts: &[Expression]) -> Judged {
        let several = parts.len() > 1;
        let texts: Vec<String> = parts
            .iter()
            .map(|it| if several && it.requirements().count() > 1 { format!("({it})") } else { it.to_string() })
            .collect();
        let text = texts.join(" AND ");
        let mut refused = BTreeSet::new();
        for part in parts {
            if let Err(failed) = part.evaluate_with_failures(|req| self.allows(req)) {
                refused.extend(failed.iter().map(|it| it.req.to_string()));
            }
        }
        if refused.is_empty() { Judged::Allowed(text) } else { Judged::Refused(text, refused.into_iter().collect()) }
    }

    /// Is one licence on the list? An SPDX exception only adds permissions, so it never makes a licence worse; an
    /// addition of somebody's own might.
    fn allows(&self, req: &LicenseReq) -> bool {
        let bare = matches!(req.addition, Some(AdditionItem::Spdx(_)))
            .then(|| LicenseReq { license: req.license.clone(), addition: None });
        self.allow.iter().any(|it| it.satisfies(req) || bare.as_ref().is_some_and(|bare| it.satisfies(bare)))
    }

    /// Everything that holds for a distribution at once.
    fn read_all(&self, declared: &Declared) -> Result<Vec<Expression>, String> {
        let expression = declared.expression.trim();
        if !expression.is_empty() && expression != UNKNOWN {
            let read = self.read(expression);
            return read
                .map(|it| vec![it])
                .ok_or(format!("its License-Expression `{expression}` is no SPDX expression"));
        }
        let text = declared.text.trim();
        let text_read = self.read(text);
        let classifiers: Vec<&str> =
            declared.classifiers.split(';').map(str::trim).filter(|it| !it.is_empty() && *it != UNKNOWN).collect();
        let mut parts = Vec::new();
        for classifier in &classifiers {
            parts.push(
                self.read(classifier)
                    .ok_or_else(|| format!("its classifier `License :: {classifier}` names no licence known here"))?,
            );
        }
        match text_read {
            // "MIT OR Apache-2.0" says how two classifiers are meant to go together.
            Some(text) if text.requirements().count() > 1 && parts.iter().all(|it| covers(&text, it)) => Ok(vec![text]),
            Some(text) => {
                parts.push(text);
                Ok(distinct(parts))
            }
            None if parts.is_empty() && (text.is_empty() || text == UNKNOWN) => {
                Err("its metadata names no licence".to_owned())
            }
            None if parts.is_empty() => Err(format!("its License field `{}` names no licence known here", brief(text))),
            None if needs_a_person(text) => {
                Err(format!("its License field `{}` says more than its classifiers", brief(text)))
            }
            None => Ok(distinct(parts)),
        }
    }

    fn read(&self, text: &str) -> Option<Expression> {
        self.alias.get(&plain(text)).cloned().or_else(|| parse(text).ok())
    }
}

impl Decision {
    /// The last day as a number that compares as dates do; none when it holds for ever.
    pub fn last_day(&self) -> Option<Day> {
        let date = self.expires.and_then(|it| it.date)?;
        Some(u32::from(date.year) * 10_000 + u32::from(date.month) * 100 + u32::from(date.day))
    }
}

fn parse(text: &str) -> Result<Expression> {
    let spelled = spelled(text);
    Expression::parse_mode(&spelled, MODE).map_err(|error| anyhow::anyhow!("no SPDX expression: {}", error.reason))
}

/// Each once, in the order of the alphabet.
fn distinct(mut parts: Vec<Expression>) -> Vec<Expression> {
    parts.sort_by_key(ToString::to_string);
    parts.dedup_by_key(|it| it.to_string());
    parts
}

/// The text with every identifier in the spelling of the SPDX list, for the crate takes case for a difference, and with
/// the `A/B` of older packages spelled out.
fn spelled(text: &str) -> String {
    let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '+');
    let mut out = String::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !is_id(c)).unwrap_or(rest.len());
        if end == 0 {
            let next = rest.chars().next().map_or(1, char::len_utf8);
            out.push_str(if rest.starts_with('/') { " OR " } else { &rest[..next] });
            rest = &rest[next..];
        } else {
            out.push_str(&spelled_id(&rest[..end]));
            rest = &rest[end..];
        }
    }
    out
}

fn spelled_id(word: &str) -> String {
    if let Some(operator) = ["AND", "OR", "WITH"].iter().find(|it| it.eq_ignore_ascii_case(word)) {
        return (*operator).to_owned();
    }
    let (id, plus) = word.strip_suffix('+').map_or((word, ""), |id| (id, "+"));
    let licence = spdx::identifiers::LICENSES.iter().map(|it| it.name).find(|it| it.eq_ignore_ascii_case(id));
    let exception = || spdx::identifiers::EXCEPTIONS.iter().map(|it| it.name).find(|it| it.eq_ignore_ascii_case(id));
    licence
        .or_else(exception)
        .map_or_else(|| word.to_owned(), |name| format!("{}{plus}", gnu(name, plus)))
        .replace("-or-later+", "-or-later")
}

/// "GPL-3.0" is the deprecated way to write "GPL-3.0-only", and "GPL-3.0+" that of "GPL-3.0-or-later".
fn gnu(name: &str, plus: &str) -> String {
    let suffix = if plus.is_empty() { "-only" } else { "-or-later" };
    let modern = format!("{name}{suffix}");
    if spdx::license_id(&modern).is_some() { modern } else { name.to_owned() }
}

/// Does every licence of `inner` appear in `outer`, versions of "or later" not told apart?
fn covers(outer: &Expression, inner: &Expression) -> bool {
    let name = |req: &LicenseReq| match &req.license {
        LicenseItem::Spdx { id, .. } => id.name.trim_end_matches("-only").trim_end_matches("-or-later").to_owned(),
        other @ LicenseItem::Other(_) => other.to_string(),
    };
    let outer: BTreeSet<String> = outer.requirements().map(|it| name(&it.req)).collect();
    let inner: BTreeSet<String> = inner.requirements().map(|it| name(&it.req)).collect();
    // A vague classifier ("BSD License") stands for several licences: one of them is enough.
    inner.iter().any(|it| outer.contains(it))
}

/// A free text that is not understood may hold a restriction. Of a whole licence only the title counts: what follows
/// may name others.
fn needs_a_person(text: &str) -> bool {
    let head: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(3).collect();
    let head = head.join("\n").to_lowercase();
    WARNING_WORDS.iter().any(|it| head.contains(it))
}

/// Case and blanks do not count.
fn plain(text: &str) -> String {
    one_line(text).to_lowercase()
}

fn brief(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() > 60 {
        format!("{} ...", line.chars().take(60).collect::<String>())
    } else {
        line.to_owned()
    }
}
