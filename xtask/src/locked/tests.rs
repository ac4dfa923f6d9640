//! What counts in a lock, and what a partial reading finds.

use super::*;

const LOCK: &str = r#"version = 1
revision = 3
requires-python = ">=3.11"

[manifest]
members = ["app", "lib"]

[[package]]
name = "app"
version = "1"
source = { editable = "app" }
dependencies = [{ name = "lib" }, { name = "web", extra = ["fast"] }]

[package.dev-dependencies]
dev = [{ name = "tester" }]

[package.metadata]
requires-dist = [{ name = "lib", editable = "lib" }]
requires-dev = { dev = [{ name = "tester" }] }

[[package]]
name = "lib"
version = "2"
source = { virtual = "lib" }

[[package]]
name = "tester"
version = "7"
source = { registry = "https://example.org/simple" }
wheels = [{ url = "https://example.org/t.whl", hash = "sha256:aa", size = 3, upload-time = "2024-01-01T00:00:00Z" }]

[[package]]
name = "web"
version = "3"
source = { registry = "https://example.org/simple" }
dependencies = [{ name = "lib" }]

[package.optional-dependencies]
fast = [{ name = "speed" }]
slow = [{ name = "brake" }]

[[package]]
name = "speed"
version = "4"
source = { registry = "https://example.org/simple" }

[[package]]
name = "brake"
version = "5"
source = { registry = "https://example.org/simple" }
"#;

fn lines(text: &str, scope: Scope) -> Vec<(String, String)> {
    let locked = Locked::parse("uv.lock".into(), text).expect("a valid lock");
    let lines = locked.lines("app", scope, false).expect("it knows app");
    lines.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

#[test]
fn what_is_reached() {
    let names = |scope| -> Vec<String> { lines(LOCK, scope).into_iter().map(|(key, _)| key).collect() };
    let runtime = ["package app", "package lib", "package speed", "package web", "requires-python", "version"];
    assert_eq!(names(Scope::Runtime), runtime);
    assert!(names(Scope::Dev).contains(&"package tester".to_owned()), "and not the brake");
    assert_eq!(names(Scope::Dev).len(), runtime.len() + 2);
    let locked = Locked::parse("uv.lock".into(), LOCK).expect("a valid lock");
    assert_eq!(locked.way("app", Scope::Dev, "speed"), ["app", "web", "speed"]);
    assert!(locked.lines("other", Scope::Dev, false).is_none());
}

#[test]
fn what_counts() {
    let same = |from: &str, to: &str, scope| {
        assert!(LOCK.contains(from), "{from}");
        lines(LOCK, scope) == lines(&LOCK.replacen(from, to, 1), scope)
    };
    assert!(same("revision = 3", "revision = 4", Scope::Dev));
    assert!(same("2024-01-01", "2025-01-01", Scope::Dev));
    assert!(same("size = 3", "size = 4", Scope::Dev));
    assert!(same("https://example.org/t.whl", "https://mirror.example.org/t.whl", Scope::Dev));
    assert!(same("\"app\", \"lib\"]", "\"app\", \"lib\", \"new\"]", Scope::Dev));
    assert!(same("version = \"7\"", "version = \"8\"", Scope::Runtime));
    assert!(!same("version = \"7\"", "version = \"8\"", Scope::Dev));
    assert!(!same("sha256:aa", "sha256:ab", Scope::Dev));
    assert!(!same("{ name = \"lib\", editable", "{ name = \"lib\", specifier = \">1\", editable", Scope::Runtime));
    assert!(!same("tester\" }] }", "tester\", specifier = \">1\" }] }", Scope::Dev));
    assert!(same("tester\" }] }", "tester\", specifier = \">1\" }] }", Scope::Runtime));
    assert!(!same(">=3.11", ">=3.12", Scope::Runtime));
    assert!(same("dev = [{", "dev = [{ name = \"lib\" }, {", Scope::Runtime));
    assert!(!same("dev = [{", "dev = [{ name = \"lib\" }, {", Scope::Dev));
    assert!(same("version = \"5\"", "version = \"6\"", Scope::Dev));
}

#[test]
fn a_scan_finds_the_same_local_packages() {
    let names = |it: Locked| -> Vec<(String, Option<Utf8PathBuf>)> {
        it.locals().map(|it| (it.name.clone(), it.local.clone())).collect()
    };
    let path = Utf8Path::new("uv.lock");
    for text in [
        LOCK.to_owned(),
        LOCK.replace('\n', "\r\n"),
        LOCK.replace(" = ", "="),
        LOCK.replace("source = { virtual", "  source = { virtual"),
        LOCK.replace("source = { virtual = \"lib\" }", "[package.source]\nvirtual = \"lib\""),
        LOCK.replace("[[package]]\nname = \"lib\"", "[[ package ]] # a remark\nname = \"lib\""),
    ] {
        let all = names(Locked::parse(path, &text).expect("a valid lock"));
        assert_eq!(names(Locked::scan(path, &text).expect("a valid lock")), all);
        assert_eq!(all.len(), 2);
    }
}

#[test]
fn what_reaches_a_local_package() {
    let reached = |text: &str| -> Vec<(Scope, Vec<String>)> {
        let locked = Locked::parse("uv.lock".into(), text).expect("a valid lock");
        locked.local_dirs("app", false).into_iter().map(|it| (it.scope, it.by.into_iter().collect())).collect()
    };
    let direct = "dependencies = [{ name = \"lib\" }, { name = \"web\", extra = [\"fast\"] }]";
    let with = |needs: &str| LOCK.replace(direct, needs);
    assert_eq!(reached(LOCK), [(Scope::Runtime, Vec::new())]);
    let extra = with("optional-dependencies = { All_Of = [{ name = \"web\" }] }");
    assert_eq!(reached(&extra), [(Scope::Runtime, vec!["all-of".to_owned()])]);
    let group = with("").replace("dev = [{ name = \"tester\" }]\n", "dev = [{ name = \"lib\" }]\n");
    assert_eq!(reached(&group), [(Scope::Dev, Vec::new())]);
    assert_eq!(reached(&with("")), []);
}

#[test]
fn the_groups_of_others_make_a_lock_stale() {
    let other = LOCK.replace(
        "source = { virtual = \"lib\" }",
        "source = { virtual = \"lib\" }\nmetadata = { requires-dev = { x = [] } }",
    );
    let lines = |text: &str, whole| {
        let locked = Locked::parse("uv.lock".into(), text).expect("a valid lock");
        locked.lines("app", Scope::Dev, whole).expect("it knows app").to_vec()
    };
    assert_eq!(lines(LOCK, false), lines(&other, false));
    assert_ne!(lines(LOCK, true), lines(&other, true));
}

#[test]
fn blocks_say_what_the_whole_says() {
    let path = Utf8Path::new("uv.lock");
    let mut packages = Packages::default();
    for text in [
        LOCK.to_owned(),
        LOCK.replacen("version = \"7\"", "version = \"8\"", 1),
        LOCK.replace("[manifest]", "package = []\n[manifest]"),
        LOCK.replace("[[package]]\nname = \"lib\"", "[[ package ]] # a remark\nname = \"lib\""),
        LOCK.replace("version = \"2\"", "x = \"\"\"\n[[package]]\n\"\"\""),
        format!("{LOCK}[options]\nprerelease = \"allow\"\n"),
        format!("{LOCK}[[package]]\nname = \"app\"\nname = \"app\"\n"),
    ] {
        let show = |it: Result<Locked>| it.map(|it| (it.lines("app", Scope::Dev, true), it.local_dirs("app", true)));
        let [all, parts] =
            [Locked::parse(path, &text), Locked::parse_with(path, &text, &mut packages)].map(|it| show(it).ok());
        assert_eq!(all, parts, "{text}");
    }
    let whole = Locked::parse_with(path, LOCK, &mut packages).expect("a valid lock");
    let dirs = |it: Locked| it.local_dirs("app", true);
    assert_eq!(dirs(whole.scanned().expect("uv's own way")), dirs(Locked::scan(path, LOCK).expect("a valid lock")));
}
