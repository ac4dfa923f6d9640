//! The common site: one directory for each project and an index page.
//!
//! Every change is a rename under a lock, so that a reader, or a second project that ends at the same moment, never sees
//! half of it.

use std::fs::File;

use anyhow::{Context as _, Result};
use camino::Utf8Path;

use crate::context::{self, Context};
use crate::discover::Project;
use crate::environments::{self, Kind};
use crate::manifest;

/// Puts a finished documentation in place and writes the index anew.
pub fn publish(ctx: &Context, project: &Project, html: &Utf8Path) -> Result<()> {
    let site = ctx.out.join("site");
    std::fs::create_dir_all(&site).with_context(|| format!("could not create {site}"))?;
    let lock_path = ctx.out.join("site.lock");
    let lock = File::create(&lock_path).with_context(|| format!("could not create {lock_path}"))?;
    lock.lock().with_context(|| format!("could not lock {lock_path}"))?;
    link_back(html, html, &escape(&ctx.repo.config.pages.title))?;
    let target = site.join(&project.name);
    if target.is_dir() {
        std::fs::remove_dir_all(&target).with_context(|| format!("could not remove {target}"))?;
    }
    std::fs::rename(html, &target).with_context(|| format!("could not move {html} to {target}"))?;
    drop_strangers(ctx, &site)?;
    context::write(&site.join("index.html"), index(ctx, &site))
}

/// Puts a link to the index above every page, whatever theme it has. What sphinx only copies is no page.
fn link_back(top: &Utf8Path, dir: &Utf8Path, title: &str) -> Result<()> {
    const COPIED: &[&str] = &["_static", "_downloads", "_images", "_sources"];
    for entry in dir.read_dir_utf8().with_context(|| format!("could not list {dir}"))? {
        let path = entry?.into_path();
        let inner = path.strip_prefix(top)?;
        if path.is_dir() {
            if !COPIED.contains(&inner.as_str()) {
                link_back(top, &path, title)?;
            }
        } else if path.extension() == Some("html") {
            let text = std::fs::read_to_string(&path).with_context(|| format!("could not read {path}"))?;
            if let Some(text) = with_link(&text, &"../".repeat(inner.components().count()), title) {
                context::write(&path, text)?;
            }
        }
    }
    Ok(())
}

/// A page with the link at the start of its body; `up` leads to the index's directory.
fn with_link(text: &str, up: &str, title: &str) -> Option<String> {
    let body = text.find("<body")?;
    let at = body + text[body..].find('>')? + 1;
    let link = format!("<nav style=\"{NAV}\"><a href=\"{up}index.html\">&larr; {title}</a></nav>");
    Some(format!("{}\n{link}{}", &text[..at], &text[at..]))
}

/// By itself, so that it looks the same in every theme.
const NAV: &str = "padding: .5rem 1rem; font: 15px/1.4 Georgia, serif; text-align: left";

/// Pages of projects that are no longer there would be published for ever.
fn drop_strangers(ctx: &Context, site: &Utf8Path) -> Result<()> {
    for entry in site.read_dir_utf8().with_context(|| format!("could not list {site}"))? {
        let entry = entry?;
        let known = ctx.repo.projects.iter().any(|it| it.name == entry.file_name());
        if entry.file_type()?.is_dir() && !known {
            std::fs::remove_dir_all(entry.path()).with_context(|| format!("could not remove {}", entry.path()))?;
        }
    }
    Ok(())
}

/// The version that is installed, else the one the manifest states.
pub fn version(ctx: &Context, project: &Project) -> String {
    let lib = environments::path(&ctx.out, project, Kind::Dev).join("lib");
    let python = lib.read_dir_utf8().into_iter().flatten().flatten().next();
    let packages = python.and_then(|it| it.path().join("site-packages").read_dir_utf8().ok());
    let installed = packages.into_iter().flatten().flatten().find_map(|entry| {
        let (name, version) = entry.file_name().strip_suffix(".dist-info")?.rsplit_once('-')?;
        (manifest::normalise_name(name) == project.name).then(|| version.to_owned())
    });
    let stated = || project.manifest.at(&["project", "version"])?.as_str().map(str::to_owned);
    installed.or_else(stated).unwrap_or_default()
}

fn index(ctx: &Context, site: &Utf8Path) -> String {
    let title = escape(&ctx.repo.config.pages.title);
    let mut rows = String::new();
    for project in ctx.repo.projects.iter().filter(|it| site.join(&it.name).join("index.html").is_file()) {
        let summary =
            project.manifest.at(&["project", "description"]).and_then(toml::Value::as_str).unwrap_or_default();
        rows += &format!(
            "<li><a href=\"{name}/index.html\">{name}</a> <small>{version}</small><p>{summary}</p></li>\n",
            name = escape(&project.name),
            version = escape(&version(ctx, project)),
            summary = escape(summary),
        );
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n<ul>\n{rows}</ul>\n</main>\n</body>\n</html>\n"
    )
}

const STYLE: &str = "\
:root { color-scheme: light dark; }
body { font: 17px/1.5 Georgia, serif; margin: 0; }
main { max-width: 52rem; margin: 3rem auto; padding: 0 1.5rem; }
h1 { font-weight: normal; border-bottom: 1px solid #8886; padding-bottom: .5rem; }
ul { list-style: none; padding: 0; display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1rem; }
li { border: 1px solid #8886; border-radius: .4rem; padding: .8rem 1rem; }
li a { font-size: 1.15rem; }
small { opacity: .7; margin-left: .4rem; }
p { margin: .3rem 0 0; }
";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_is_the_first_thing_of_the_body() {
        let page = "<html><head><title>x</title></head><body class=\"a\">\n<p>y</p></body></html>";
        let linked = with_link(page, "../../", "All &amp; more").unwrap_or_default();
        let link = format!("<nav style=\"{NAV}\"><a href=\"../../index.html\">&larr; All &amp; more</a></nav>");
        assert!(linked.contains(&format!("<body class=\"a\">\n{link}\n<p>y</p>")), "{linked}");
        assert_eq!(with_link("<frameset></frameset>", "../", "x"), None);
    }
}
