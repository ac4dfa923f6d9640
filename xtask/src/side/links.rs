//! Symbolic links of a revision: what a path means when every link on it is followed.
//!
//! Pure: targets come from what was read. Must not say what a link means to a stage.

use camino::{Utf8Path, Utf8PathBuf};

use super::Scene;

impl Scene {
    /// A path with every link on it followed, the links noted; `None` when that leads out of the repository, or nowhere.
    pub fn real(&self, path: &Utf8Path, links: &mut Vec<Utf8PathBuf>) -> Option<Utf8PathBuf> {
        let is_link = |it: &str| self.links.contains_key(it);
        let text = path.as_str();
        let is_plain = text.split('/').all(|it| !matches!(it, "" | "." | ".."));
        // Most paths have no link on them.
        if is_plain && (self.links.is_empty() || !prefixes(text).any(is_link)) {
            return Some(path.to_owned());
        }
        real(path, &mut |it| self.links.get(it.as_str()).cloned(), links)
    }

    /// The links below a directory, and the directory where it is one.
    pub fn links_below<'a>(&'a self, dir: &'a Utf8Path) -> impl Iterator<Item = &'a Utf8Path> {
        let dir = dir.as_str();
        let first = if dir.is_empty() { String::new() } else { format!("{dir}/") };
        let itself = self.links.get_key_value(dir).into_iter();
        let below = self.links.range(first.clone()..).take_while(move |it| it.0.starts_with(&first));
        itself.chain(below).map(|(path, _)| Utf8Path::new(path))
    }
}

/// A path and the directories above it, without the root; the shortest first.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|it| &path[..it.0]).chain(std::iter::once(path))
}

/// The same where `target` gives what a path links to, and `None` for what is no link.
pub fn real(
    path: &Utf8Path,
    target: &mut dyn FnMut(&Utf8Path) -> Option<String>,
    links: &mut Vec<Utf8PathBuf>,
) -> Option<Utf8PathBuf> {
    let mut left: Vec<String> = path.as_str().rsplit('/').map(str::to_owned).collect();
    let (mut out, mut steps) = (Utf8PathBuf::new(), 0);
    while let Some(part) = left.pop() {
        match part.as_str() {
            "" | "." => {}
            ".." if !out.pop() => return None,
            ".." => {}
            _ => {
                out.push(part);
                let Some(target) = target(&out) else { continue };
                // As many steps as the kernel takes.
                steps += 1;
                if steps > 40 || target.starts_with('/') {
                    return None;
                }
                links.push(out.clone());
                out.pop();
                left.extend(target.rsplit('/').map(str::to_owned));
            }
        }
    }
    Some(out)
}
