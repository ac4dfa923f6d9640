//! What plans keep for the next plan: it changes no plan, whatever happens to it.

use camino::Utf8PathBuf;

use crate::support::{Sandbox, finish};

/// Sixty small projects, each but the first in need of the one before.
fn many() -> Sandbox {
    let sandbox = Sandbox::new();
    for number in 0..60_u32 {
        let mut text = format!("[project]\nname = \"p{number}\"\nversion = \"1\"\n");
        if let Some(before) = number.checked_sub(1) {
            text += &format!(
                "dependencies = [\"p{before}\"]\n[tool.uv.sources]\np{before} = {{ path = \"../p{before}\" }}\n"
            );
        }
        sandbox.write(&format!("projects/p{number}/pyproject.toml"), &text);
        sandbox.write(&format!("projects/p{number}/src/p{number}/__init__.py"), "\"\"\"Nothing.\"\"\"\n");
    }
    sandbox.commit("many");
    sandbox
}

#[test]
fn a_plan_is_the_same_with_and_without() {
    let sandbox = many();
    let cache = sandbox.root.parent().expect("a directory").join("cache");
    let plan = |dir: &str| {
        let ran = finish(sandbox.command(&["plan", "--json", "--base", "HEAD"]).env("XTASK_CACHE_DIR", dir));
        assert_eq!(ran.code, 0, "{}", ran.all());
        (ran.stdout, ran.stderr)
    };
    // A place that cannot be written, so that nothing is ever known.
    sandbox.write("../file", "");
    let never = sandbox.root.parent().expect("a directory").join("file");
    let kept = || -> Option<Utf8PathBuf> {
        let mut files = cache.join("plans").read_dir_utf8().ok()?;
        files.next().and_then(Result::ok).map(|it| it.into_path())
    };
    let same = |what: &str, warned: &str| {
        let (known, said) = plan(cache.as_str());
        let (fresh, without) = plan(never.as_str());
        assert!(known == fresh, "{what}: the plans differ");
        assert!(said.contains(warned) && said.is_empty() == warned.is_empty(), "{what}: {said}");
        assert!(without.contains("not kept for the next plan"), "{without}");
        known
    };

    let nothing = same("first", "");
    let file = kept().expect("sixty manifests are worth keeping");
    assert_eq!(same("again", ""), nothing);
    // Another name, so another content: what was known of the old one must not answer for it.
    sandbox.append("projects/p3/pyproject.toml", "[tool.hatch]\nx = 1\n");
    let changed = same("a manifest has changed", "");
    assert!(changed != nothing && changed.contains("projects/p3/pyproject.toml changed, which p4 needs"), "{changed}");
    let text = std::fs::read_to_string(&file).expect("it is kept");
    for (what, damaged) in [("cut off", &text[..text.len() / 2]), ("emptied", ""), ("no text", "\u{0}\n{}")] {
        std::fs::write(&file, damaged).expect("written");
        assert_eq!(same(what, "is damaged and was deleted"), changed);
        assert_eq!(same(what, ""), changed);
    }
    let damaged = text.replace("\"p3\"", "\"q3\"");
    assert_ne!(damaged, text);
    std::fs::write(&file, damaged).expect("written");
    assert_eq!(same("another name", "is damaged and was deleted"), changed);
}
