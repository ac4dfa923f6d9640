//! What the `vulnerabilities` stage is told about the components: `reports/PROJECT/components.json`.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::context;

/// The file's name.
pub const FILE: &str = "components.json";

/// What ships, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    pub components: Vec<Component>,
    /// The image that was built from it in the same run.
    pub image: Option<ImageParts>,
}

/// One component of the runtime closure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    pub name: String,
    pub version: String,
    /// The repo-relative directory of code of this repository: nothing on an index has to do with it.
    pub local: Option<Utf8PathBuf>,
    /// What an import statement must name to reach it.
    pub imports: Vec<String>,
    /// The shortest way to it in the lock, from the project on, both included; empty when the lock shows none.
    pub chain: Vec<String>,
    /// The extra that brings it, where that one cannot be installed together with the others: known from the lock alone.
    pub extra: Option<String>,
    /// The distribution that carries a copy of it, where it is not installed by itself.
    pub inside: Option<String>,
}

/// What an image holds beside the runtime closure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageParts {
    /// The image's reference.
    pub reference: String,
    pub parts: Vec<ImagePart>,
}

/// One package of an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ImagePart {
    pub name: String,
    pub version: String,
    pub purl: String,
}

impl Inventory {
    /// Writes it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, reports: &Utf8Path) -> Result<()> {
        context::write(&reports.join(FILE), serde_json::to_string_pretty(self)?)
    }

    /// Reads what the `sbom` stage of this run has left.
    ///
    /// # Errors
    /// When there is none.
    pub fn read(reports: &Utf8Path) -> Result<Inventory> {
        let path = reports.join(FILE);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("could not read {path}, which the sbom stage leaves"))?;
        serde_json::from_str(&text).with_context(|| format!("{path} is not what the sbom stage leaves"))
    }
}

/// The line of each package's entry in a `uv.lock`, by name, and by name and version.
#[derive(Debug, Default)]
pub struct LockLines(BTreeMap<(String, Option<String>), u32>);

impl LockLines {
    /// Reads the text of a lock.
    ///
    /// # Errors
    /// When it is no TOML.
    pub fn of(text: &str) -> Result<LockLines> {
        #[derive(Deserialize)]
        struct Lock {
            #[serde(default)]
            package: Vec<Package>,
        }
        #[derive(Deserialize)]
        struct Package {
            name: toml::Spanned<String>,
            version: Option<String>,
        }
        let lock: Lock = toml::from_str(text)?;
        let mut lines = BTreeMap::new();
        for package in lock.package {
            let line = 1 + text[..package.name.span().start].matches('\n').count() as u32;
            let name = crate::manifest::normalise_name(package.name.get_ref());
            lines.entry((name.clone(), None)).or_insert(line);
            lines.entry((name, package.version)).or_insert(line);
        }
        Ok(LockLines(lines))
    }

    /// The line of a package, of just this version where the lock holds several.
    pub fn find(&self, name: &str, version: &str) -> Option<u32> {
        let exact = self.0.get(&(name.to_owned(), Some(version.to_owned())));
        exact.or_else(|| self.0.get(&(name.to_owned(), None))).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_lock() {
        let text =
            "version = 1\n\n[[package]]\nname = \"a\"\nversion = \"1\"\n[[package]]\nname = \"A\"\nversion='2'\n";
        let lines = LockLines::of(text).expect("valid TOML");
        assert_eq!(lines.find("a", "1"), Some(4));
        assert_eq!(lines.find("a", "2"), Some(7));
        assert_eq!(lines.find("a", "3"), Some(4));
        assert_eq!(lines.find("b", "1"), None);
    }
}
