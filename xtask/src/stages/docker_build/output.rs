//! Who is at fault when a build ends badly, by the builder's own words.
//!
//! Pure. Builders tell the step that failed; their exit codes do not tell a missing wheel from a missing network.

/// Who.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// A step that works with the project's own files.
    Step {
        /// What the step is for.
        step: &'static str,
        /// The line that says most.
        why: String,
    },
    /// This machine cannot run what is in the image.
    Machine(String),
    /// Something else, in words.
    Other(String),
}

/// The steps of `ci/project.Dockerfile` in which a project can be wrong, by a word that only their command has.
const STEPS: &[(&str, &str)] = &[
    ("--no-install-local", "installing the dependencies"),
    ("--no-editable", "installing the project"),
    ("import_module", "importing the packages in the image"),
];

/// How the builders begin the line that names the failed command.
const FAILED: &[&str] = &["building at STEP", "executor failed running", "process \"/bin/sh", "process '/bin/sh"];

/// What uv says when it could not reach the package index.
const NETWORK: &[&str] = &[
    "Failed to fetch",
    "error sending request",
    "dns error",
    "Request failed after",
    "tcp connect error",
    "operation timed out",
];

/// Reads the whole output of a build that failed.
pub fn fault(output: &str) -> Fault {
    if output.contains("exec format error") || output.contains("Exec format error") {
        return Fault::Machine(
            "the image is for another machine than this one, and nothing here emulates it (Debian: apt-get install qemu-user-static)".to_owned(),
        );
    }
    // buildx and BuildKit quote the Dockerfile before they say what failed; the last such line counts.
    let failed = output.lines().rev().find(|line| FAILED.iter().any(|it| line.contains(it)));
    let Some(failed) = failed else { return Fault::Other("building the image".to_owned()) };
    let Some((_, step)) = STEPS.iter().find(|(word, _)| failed.contains(word)) else {
        // buildah prints each command before it runs: the words in the command itself say nothing.
        let says = |line: &&str| line.contains("the base image is for") && !line.contains("$(uname");
        if let Some(line) = output.lines().find(says) {
            return Fault::Other(format!("building the image, because {}", words(line)));
        }
        return Fault::Other("a step of ci/project.Dockerfile that has nothing to do with the project".to_owned());
    };
    if let Some(line) = output.lines().find(|line| NETWORK.iter().any(|it| line.contains(it))) {
        return Fault::Other(format!("{step}, for want of the package index ({})", words(line)));
    }
    Fault::Step { step, why: reason(output) }
}

/// The line that says most: the last of an exception, or the first that says "error".
fn reason(output: &str) -> String {
    let lines: Vec<&str> = output.lines().map(words).collect();
    let exception = lines.iter().rev().find(|line| {
        let name = line.split(':').next().unwrap_or_default();
        name != "Error"
            && line.contains(": ")
            && (name.ends_with("Error") || name.ends_with("Exception"))
            && name.chars().all(|c| c.is_alphanumeric() || "._".contains(c))
    });
    let error = || lines.iter().find(|line| line.starts_with("error: ") || line.starts_with("\u{d7} "));
    exception.or_else(error).map_or_else(|| "see the lines below".to_owned(), |it| (*it).to_owned())
}

/// A line without BuildKit's "#12 3.456 " before it.
fn words(line: &str) -> &str {
    let line = line.trim();
    let Some(rest) = line.strip_prefix('#') else { return line };
    let number = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    match rest.splitn(3, ' ').collect::<Vec<_>>()[..] {
        [step, time, text] if number(step) && number(time) => text.trim(),
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: &'static str, why: &str) -> Fault {
        Fault::Step { step, why: why.to_owned() }
    }

    #[test]
    fn a_step_of_the_project() {
        let buildah = "STEP 7/7: RUN python -c 'import importlib, ...'\nTraceback (most recent call last):\n  File \"<string>\"\n\
             ModuleNotFoundError: No module named 'alpha'\nsubprocess exited with status 1\n\
             Error: building at STEP \"RUN python -c 'import importlib, sys; [importlib.import_module(name) ...\": exit status 1\n";
        let why = "ModuleNotFoundError: No module named 'alpha'";
        assert_eq!(fault(buildah), step("importing the packages in the image", why));
        let buildkit = "#12 0.310 error: Failed to build `alpha`\n#12 ERROR: executor failed running [/bin/sh -c cd \"/app/$ROOT\" && uv sync --frozen $SYNC --no-editable --no-cache]: exit code: 2\n";
        assert_eq!(fault(buildkit), step("installing the project", "error: Failed to build `alpha`"));
        let buildx = "ERROR: failed to solve: process \"/bin/sh -c cd x && uv sync --frozen $SYNC --no-install-local\" did not complete successfully: exit code: 2\n";
        assert_eq!(fault(buildx), step("installing the dependencies", "see the lines below"));
    }

    #[test]
    fn not_the_project() {
        let base =
            "the base image is for x86_64, not aarch64\nError: building at STEP \"RUN [ -z ...\": exit status 1\n";
        let expected = "building the image, because the base image is for x86_64, not aarch64";
        assert_eq!(fault(base), Fault::Other(expected.to_owned()));
        let network = "error: Failed to fetch: `https://example.org/simple/idna/`\nError: building at STEP \"RUN uv sync --no-install-local\": exit status 2\n";
        assert!(matches!(fault(network), Fault::Other(why) if why.contains("want of the package index")));
        assert!(matches!(fault("Error: pulling\n"), Fault::Other(_)));
        assert!(matches!(fault("exec /bin/sh: exec format error\n"), Fault::Machine(_)));
        let uv = "ERROR: No matching distribution found for uv\nError: building at STEP \"RUN pip install -r /app/uv.txt\": exit status 1\n";
        assert!(matches!(fault(uv), Fault::Other(_)));
        let echoed = format!("STEP 4/5: RUN [ ... ] || echo \"the base image is for $(uname -m), not $MACHINE\"\n{uv}");
        assert!(matches!(fault(&echoed), Fault::Other(why) if why.starts_with("a step of ci/project.Dockerfile")));
    }
}
