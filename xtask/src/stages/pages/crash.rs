//! What stopped sphinx before it was done, as a case with a place.
//!
//! A notebook that does not run through is the project's fault. Whatever else stops sphinx kept it from doing its work, a kernel that
//! does not start among it.

use anyhow::Result;
use camino::Utf8Path;

use super::{documents, warnings};
use crate::context::Context;
use crate::discover::Project;
use crate::proc::Done;
use crate::verdict::Case;

/// Where sphinx says goodbye; what follows is about sphinx's own developers.
const GOODBYE: &[&str] = &["You can ignore this", "The full traceback has been saved", "To report this error"];

/// The case for a process that ended with exit code 2.
///
/// # Errors
/// When nothing in its output says why.
pub fn case(ctx: &Context, project: &Project, tree: &Utf8Path, done: &Done) -> Result<Case> {
    let text = format!("{}\n{}", done.stdout, done.stderr);
    if let Some((_, rest)) = text.split_once("NotebookError: ") {
        return Ok(notebook(project, tree, rest));
    }
    let markdown = project.docs().join("index.md");
    if text.contains("unable to load the master document") && project.files.contains(&markdown) {
        return Ok(Case::fail("no-index", documents::MARKDOWN).at(markdown, None));
    }
    let Some(reason) = reason(&text) else { return Err(done.refused("sphinx")) };
    let plain = |text: &str| text.replace(&format!("{tree}/"), "");
    let what = format!("sphinx stopped: {}", plain(&reason));
    let case = Case::error("no-pages", what).detail(plain(&traceback(&text)));
    let raised = warnings::traceback_place(ctx, tree, &text);
    let (path, line) =
        raised.map_or_else(|| warnings::setting(ctx, project, &reason), |(path, line)| (path, Some(line)));
    Ok(case.at(path, line))
}

/// The last exception of a text, without the name where it says enough by itself.
fn reason(text: &str) -> Option<String> {
    let said = text.lines().take_while(|line| !line.contains("The full traceback has been saved"));
    let found = said.filter_map(|line| {
        let (name, message) = line.trim().split_once(": ")?;
        let short = name.rsplit('.').next()?;
        let is_one = name.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_'))
            && ["Error", "Exception", "Exit"].iter().any(|it| short.ends_with(it));
        is_one.then(|| if name.starts_with("sphinx.") { message.to_owned() } else { format!("{short}: {message}") })
    });
    found.last()
}

/// The last traceback of a text.
fn traceback(text: &str) -> String {
    let lines: Vec<&str> =
        text.lines().take_while(|line| !line.contains("The full traceback has been saved")).collect();
    let start = lines.iter().rposition(|it| it.trim_start().starts_with("Traceback")).unwrap_or_default();
    lines[start..].join("\n").trim_end().to_owned()
}

fn notebook(project: &Project, tree: &Utf8Path, rest: &str) -> Case {
    let said = rest.lines().map(str::trim_end).take_while(|line| !GOODBYE.iter().any(|it| line.contains(it)));
    let lines: Vec<&str> = said.collect();
    let head = lines.first().copied().unwrap_or_default();
    let file = head.split_once(" in ").map(|(_, file)| file.trim_end_matches(':')).unwrap_or_default();
    let last = lines.iter().rfind(|line| !line.trim().is_empty()).copied().unwrap_or(head);
    let path = project.docs().join(file);
    if never_started(head, last.trim()) {
        let what = format!("no Jupyter kernel started here, so the notebook was not run: {}", last.trim());
        let why = "it takes the loopback interface of the network, some free memory, and that nothing of the project's own \
                   environment hides a module of the kernel's; the log has the kernel's words, where it had any";
        return Case::error("notebook", what).detail(why).at(path, None);
    }
    let text = std::fs::read_to_string(tree.join(&path)).ok();
    let line = text.and_then(|text| failing_line(&text, &lines));
    Case::fail("notebook", last.trim()).at(path, line).detail(lines.join("\n").trim_end())
}

/// Did the kernel not even come up? What kills it in a cell is the notebook's doing.
fn never_started(head: &str, last: &str) -> bool {
    // In the words of jupyter_client. What a cell raises itself has another head.
    let words = ["Kernel died before replying", "Kernel didn't respond"];
    head.starts_with("NoSuchKernel in ")
        || head.starts_with("RuntimeError in ") && words.iter().any(|it| last.starts_with(it))
}

/// The line of the notebook's file that holds the innermost line of it in a traceback.
fn failing_line(notebook: &str, traceback: &[&str]) -> Option<u32> {
    let arrows = traceback.iter().rev().filter_map(|line| {
        let code = line.trim_start().strip_prefix("---")?.split_once("> ")?.1.trim_start();
        Some(code.trim_start_matches(|c: char| c.is_ascii_digit()).trim())
    });
    // Code that does not parse has no arrow: it stands below the number of its cell.
    let cells = traceback.windows(2).rev().filter(|it| it[0].trim_start().starts_with("Cell In["));
    let found = arrows.chain(cells.map(|it| it[1].trim())).filter(|code| !code.is_empty()).find_map(|code| {
        // In the file the line is a JSON string.
        let quoted = serde_json::to_string(code).ok()?;
        notebook.lines().position(|line| line.contains(quoted.trim_matches('"')))
    })?;
    u32::try_from(found + 1).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_last_exception() {
        let text = "Traceback\n=========\n  File \"x\", line 1\n    raise KeyError: no\nKeyError: 'a'\n\nsphinx.errors.ThemeError: no theme named 'b' found\n\nThe full traceback has been saved in:\n/tmp/x\n";
        assert_eq!(reason(text).as_deref(), Some("no theme named 'b' found"));
        assert_eq!(reason("      ValueError: mine\n").as_deref(), Some("ValueError: mine"));
        assert_eq!(reason("building: all well\n"), None);
    }

    #[test]
    fn a_kernel_that_never_came_up() {
        assert!(never_started("RuntimeError in a.ipynb:", "Kernel didn't respond in 60 seconds"));
        assert!(never_started("NoSuchKernel in a.ipynb:", "No such kernel named xtask"));
        assert!(!never_started("DeadKernelError in a.ipynb:", "Kernel died"));
        assert!(!never_started("CellExecutionError in a.ipynb:", "Kernel died before replying, says the cell"));
    }

    #[test]
    fn an_innermost_line_outside_the_notebook_is_passed_over() {
        let book = "{\"source\": [\n \"x = 1\\n\",\n \"call(\\\"a\\\")\"]}\n";
        let said =
            ["Cell In[1], line 2", "----> 2 call(\"a\")", "File ~/lib.py:9, in call", "----> 9 raise ValueError"];
        assert_eq!(failing_line(book, &said), Some(3));
        assert_eq!(failing_line(book, &["  Cell In[1], line 1", "    x = 1", "        ^"]), Some(2));
    }
}
