//! Symbolic links of a revision: what a path means when every link on it is followed.
//!
//! Pure: targets come from what was read. Must not say what a link means to a stage.

use std::ops::Bound;

use camino::{Utf8Path, Utf8PathBuf};

use super::Side;

impl Side {
    /// A path with every link on it followed, the links noted; `None` when that leads out of the repository, or nowhere.
    pub fn real(&self, path: &Utf8Path, links: &mut Vec<Utf8PathBuf>) -> Option<Utf8PathBuf> {
        real(path, &mut |it| self.links.get(it).cloned(), links)
    }

    /// The links below a directory.
    pub fn links_below<'a>(&'a self, dir: &'a Utf8Path) -> impl Iterator<Item = &'a Utf8Path> {
        let from = self.links.range::<Utf8Path, _>((Bound::Included(dir), Bound::Unbounded));
        from.map(|(path, _)| path.as_path()).take_while(move |it| it.starts_with(dir))
    }
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
