//! `cobertura.xml`, `cobertura-2.xml`, ...: which lines the tests of all projects ran. Pure.
//!
//! Paths are relative to the repository and there is no `<source>`: GitLab then takes them as they are. Where files would
//! be too large for GitLab they are split between source files.

use std::fmt::Write as _;

use camino::Utf8Path;

use super::{File, Input, Made};
use crate::verdict::Lines;

/// GitLab reads no larger file: 10 MiB.
pub const LIMIT: usize = 10 * 1024 * 1024;
/// Room for what stands around the classes.
const AROUND: usize = 2_000;

/// One part of the report: whole source files of some projects.
#[derive(Default)]
struct Part {
    packages: Vec<Package>,
    bytes: usize,
}

/// The source files of a project that are in a part.
struct Package {
    project: String,
    /// The `<class>` elements.
    classes: String,
    covered: usize,
    all: usize,
}

/// The files, when the run has measured anything.
pub fn reports(input: &Input, limit: usize, made: &mut Made) {
    let mut parts: Vec<Part> = Vec::new();
    for record in super::of(input, &["pytest"]) {
        let Some(coverage) = &record.verdict.coverage else { continue };
        for (path, lines) in &coverage.files {
            let class = class(path, lines);
            // As if each file were the first of its project in its part: a little too much is no harm.
            let bytes = class.len() + record.project.len() + 150;
            if bytes + AROUND > limit {
                made.notes.push(format!(
                    "{path} is not in cobertura.xml: its {} lines alone are more than GitLab reads in one file",
                    lines.covered.len() + lines.missed.len()
                ));
                continue;
            }
            if parts.last().is_none_or(|it| it.bytes + bytes + AROUND > limit) {
                parts.push(Part::default());
            }
            if let Some(part) = parts.last_mut() {
                part.bytes += bytes;
                part.add(&record.project, &class, lines);
            }
        }
    }
    for (index, part) in parts.iter().enumerate() {
        let name = if index == 0 { "cobertura.xml".to_owned() } else { format!("cobertura-{}.xml", index + 1) };
        made.files.push(File { name, text: part.xml(input.ended) });
    }
}

impl Part {
    fn add(&mut self, project: &str, class: &str, lines: &Lines) {
        if self.packages.last().is_none_or(|it| it.project != project) {
            self.packages.push(Package { project: project.to_owned(), classes: String::new(), covered: 0, all: 0 });
        }
        if let Some(package) = self.packages.last_mut() {
            package.classes += class;
            package.covered += lines.covered.len();
            package.all += lines.covered.len() + lines.missed.len();
        }
    }

    fn xml(&self, time: u64) -> String {
        let covered = self.packages.iter().map(|it| it.covered).sum();
        let all = self.packages.iter().map(|it| it.all).sum();
        let mut out = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <coverage line-rate=\"{}\" branch-rate=\"0\" lines-covered=\"{}\" lines-valid=\"{}\" branches-covered=\"0\" \
             branches-valid=\"0\" complexity=\"0\" version=\"{}\" timestamp=\"{}\">\n<packages>\n",
            rate(covered, all),
            covered,
            all,
            env!("CARGO_PKG_VERSION"),
            time * 1_000
        );
        for it in &self.packages {
            // Writing into a text cannot fail.
            let _ = writeln!(
                out,
                "<package name=\"{}\" line-rate=\"{}\" branch-rate=\"0\" complexity=\"0\"><classes>",
                escaped(&it.project),
                rate(it.covered, it.all)
            );
            out += &it.classes;
            out += "</classes></package>\n";
        }
        out + "</packages>\n</coverage>\n"
    }
}

fn class(path: &Utf8Path, lines: &Lines) -> String {
    let mut all: Vec<(u32, u8)> =
        lines.covered.iter().map(|it| (*it, 1)).chain(lines.missed.iter().map(|it| (*it, 0))).collect();
    all.sort_unstable();
    let mut out = format!(
        "<class name=\"{}\" filename=\"{}\" line-rate=\"{}\" branch-rate=\"0\" complexity=\"0\"><methods/><lines>\n",
        escaped(path.file_name().unwrap_or_default()),
        escaped(path.as_str()),
        rate(lines.covered.len(), all.len())
    );
    for (number, hits) in all {
        let _ = writeln!(out, "<line number=\"{number}\" hits=\"{hits}\"/>");
    }
    out + "</lines></class>\n"
}

/// A share between 0 and 1, cut after four digits.
fn rate(covered: usize, all: usize) -> String {
    let parts = (covered * 10_000).checked_div(all).unwrap_or(10_000);
    format!("{}.{:04}", parts / 10_000, parts % 10_000)
}

/// Text for an attribute.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            // XML has no way to write the others.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('?'),
            c => out.push(c),
        }
    }
    out
}
