//! The reports from made-up records: fingerprints, limits, what is told of a scan that failed.
//!
//! That the files are what GitLab's schemas ask for is tested with the real binary, in `tests/it/gitlab.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::stages;
use crate::verdict::{Coverage, Particulars, Severity, Verdict};

fn record(project: &str, stage: &str, cases: Vec<Case>) -> Record {
    let (stage, dir) = (stages::find(stage).expect("a stage"), Utf8PathBuf::from(format!("projects/{project}")));
    let (verdict, log) = (Verdict { cases, ..Verdict::default() }, "log".into());
    Record { project: project.to_owned(), dir, stage, verdict, elapsed: Duration::from_secs(2), log, blocked: false }
}

/// One finding for each line of a file; lines are counted from 1.
fn findings(path: &str, rule: &str, lines: impl IntoIterator<Item = u32>) -> Vec<Case> {
    lines.into_iter().map(|line| Case::fail(rule, format!("in line {line}")).at(path, Some(line))).collect()
}

fn lines_of(path: &str, text: &str) -> Lines {
    let lines = (1..).zip(text.lines().map(str::to_owned)).collect();
    BTreeMap::from([(path.into(), lines)])
}

fn file(made: &Made, name: &str) -> String {
    let file = made.files.iter().find(|it| it.name == name);
    file.unwrap_or_else(|| panic!("no {name} among {:?}", names(made))).text.clone()
}

fn json_of(made: &Made, name: &str) -> Value {
    serde_json::from_str(&file(made, name)).expect("JSON")
}

fn names(made: &Made) -> Vec<&str> {
    made.files.iter().map(|it| it.name.as_str()).collect()
}

fn prints(records: &[Record], lines: Lines) -> Vec<String> {
    let made = reports(&Input { records, lines, ..Input::default() });
    let report = json_of(&made, quality::NAME);
    let text = |it: &Value| it["fingerprint"].as_str().expect("a text").to_owned();
    report.as_array().expect("a list").iter().map(text).collect()
}

#[test]
fn a_fingerprint_stays_when_lines_above_it_come_and_go() {
    let path = "projects/a/x.py";
    let text = "import os\nimport  os\nimport re\nimport os\n";
    let at = |lines: &[u32]| vec![record("a", "ruff", findings(path, "F401", lines.iter().copied()))];
    let before = prints(&at(&[1, 2, 3, 4]), lines_of(path, text));
    assert_eq!(before.iter().collect::<BTreeSet<_>>().len(), 4, "each has its own: {before:?}");
    let moved = prints(&at(&[4, 5, 6, 7]), lines_of(path, &format!("\"\"\"Doc.\"\"\"\n\nx = 1\n{text}")));
    assert_eq!(before, moved);
    // The same line further to the right is the same line; another one is not.
    assert_eq!(before, prints(&at(&[1, 2, 3, 4]), lines_of(path, &text.replace("import", "  import"))));
    assert_ne!(before, prints(&at(&[1, 2, 3, 4]), lines_of(path, &text.replace("re", "abc"))));
}

#[test]
fn fingerprints_differ_between_projects_stages_rules_files_and_packages() {
    let alike =
        |project: &str, stage: &str, path: &str, rule: &str| record(project, stage, findings(path, rule, [1, 1]));
    let records = [
        alike("a", "ruff", "x.py", "F401"),
        alike("a", "ruff", "y.py", "F401"),
        alike("a", "radon", "x.py", "F401"),
        alike("a", "type-check", "x.py", "E1"),
        alike("b", "ruff", "x.py", "F401"),
        record("c", "ruff", vec![Case::error("", "ruff broke").named("ruff"), Case::error("", "again").named("two")]),
    ];
    let all = prints(&records, lines_of("x.py", "import os\n"));
    assert_eq!((all.len(), all.iter().collect::<BTreeSet<_>>().len()), (12, 12));
}

#[test]
fn no_report_of_stages_that_were_not_run_and_an_empty_one_of_clean_ones() {
    let lock = [record("a", "lock", vec![Case::pass("fine")])];
    assert_eq!(names(&reports(&Input { records: &lock, ..Input::default() })), ["metrics.txt"]);
    let clean = ["ruff", "bandit", "semgrep"].map(|stage| record("a", stage, vec![Case::pass("fine")]));
    let made = reports(&Input { records: &clean, ..Input::default() });
    assert_eq!(
        names(&made),
        [quality::NAME, "gl-sast-bandit.json", sast::COMMON, "gl-sast-semgrep.json", "metrics.txt"]
    );
    assert_eq!(file(&made, quality::NAME), "[]\n");
    assert_eq!(json_of(&made, "gl-sast-bandit.json")["scan"]["status"], "success");
}

#[test]
fn what_is_excepted_is_left_out_and_counted() {
    let mut waived = Case::fail("B602", "shell").at("x.py", Some(1));
    (waived.status, waived.message) = (crate::verdict::Status::Skip, "waived by somebody".to_owned());
    let records = [record("a", "bandit", vec![waived, Case::pass("nothing else found")])];
    let report = json_of(&reports(&Input { records: &records, ..Input::default() }), "gl-sast-bandit.json");
    assert_eq!(report["vulnerabilities"], json!([]));
    assert_eq!(report["scan"]["messages"][0]["level"], "info");
    assert!(report["scan"]["messages"][0]["value"].as_str().is_some_and(|it| it.ends_with(": 1")), "{report}");
}

#[test]
fn a_scan_that_did_not_see_everything_has_failed() {
    let status = |records: &[Record]| {
        let report = json_of(&reports(&Input { records, ..Input::default() }), dependencies::NAME);
        (report["scan"]["status"].as_str().map(str::to_owned), report["scan"]["messages"][0]["level"].clone())
    };
    let of = |verdict: Verdict| Record { verdict, ..record("a", "vulnerabilities", Vec::new()) };
    let fine = of(Verdict::of(Vec::new(), "fine"));
    let failed = (Some("failure".to_owned()), json!("fatal"));
    for verdict in [
        Verdict::not_checked("no database", false),
        Verdict::not_checked("no database", true),
        Verdict::not_started("--fail-fast"),
        Verdict::one(Case::error("", "grype broke")),
    ] {
        assert_eq!(status(&[fine.clone(), of(verdict.clone())]), failed, "{verdict:?}");
    }
    let needs = Record { blocked: true, ..of(Verdict::one(Case::skip("vulnerabilities", "needs sbom"))) };
    assert_eq!(status(&[needs]), failed);
    assert_eq!(status(&[fine]), (Some("success".to_owned()), Value::Null));
}

#[test]
fn members_of_a_workspace_share_a_finding_of_their_lock() {
    let known =
        Particulars { version: Some("2.0.5".to_owned()), severity: Some(Severity::High), ..Particulars::default() };
    let case = || Case::fail("GHSA-1", "is vulnerable").about("urllib3").at("uv.lock", Some(3)).with(known.clone());
    let records = [record("a", "vulnerabilities", vec![case()]), record("b", "vulnerabilities", vec![case()])];
    let report = json_of(&reports(&Input { records: &records, ..Input::default() }), dependencies::NAME);
    let all = report["vulnerabilities"].as_array().expect("a list");
    assert_eq!(all.len(), 1, "{report}");
    assert_eq!(all[0]["details"]["projects"]["items"][1]["value"], "b");
}

#[test]
fn a_report_that_would_be_too_large_says_what_is_left_out() {
    const MANY: u32 = 900;
    let long = "x".repeat(3_000);
    let case = |number: u32| {
        let severity = if number == MANY { Severity::Critical } else { Severity::Low };
        let version = Some(number.to_string());
        let known = Particulars { severity: Some(severity), version, ..Particulars::default() };
        Case::fail("R1", format!("{number} {long}")).about("p").at("projects/a/x.py", Some(number)).with(known)
    };
    let limit = 1_000_000;
    let made = |stage: &str| {
        let records = [record("a", stage, (1..=MANY).map(case).collect())];
        let input = Input { records: &records, ..Input::default() };
        match stage {
            "ruff" => quality::report(&input, limit),
            "semgrep" => sast::reports(&input, limit).pop(),
            _ => dependencies::report(&input, limit),
        }
    };
    for stage in ["ruff", "semgrep", "vulnerabilities"] {
        let text = made(stage).expect("a report").text;
        assert!(text.len() <= limit && text.len() > limit * 8 / 10, "{stage}: {}", text.len());
        let report: Value = serde_json::from_str(&text).expect("JSON");
        let list = report.as_array().or(report["vulnerabilities"].as_array()).expect("a list");
        let last = list.last().expect("an entry")["description"].as_str().expect("words");
        let left_out = MANY as usize - (list.len() - 1);
        assert!(last.starts_with(&format!("{left_out} more findings are left out")), "{stage}: {last}");
        assert!(text.contains(&format!("{MANY} xxx")), "{stage}: the worst one is kept");
    }
}

fn measured(project: &str, files: usize, lines: u32) -> Record {
    let lines = crate::verdict::Lines { covered: (1..=lines).collect(), missed: vec![lines + 1] };
    let path = |number: usize| Utf8PathBuf::from(format!("projects/{project}/a & <b>/{number}.py"));
    let files = (0..files).map(|number| (path(number), lines.clone())).collect();
    let mut record = record(project, "pytest", vec![Case::pass("t")]);
    record.verdict.coverage = Some(Coverage { files });
    record
}

#[test]
fn coverage_is_split_between_files_and_adds_up() {
    let records = [measured("a", 20, 50), measured("b", 20, 50)];
    let mut made = Made::default();
    cobertura::reports(&Input { records: &records, ..Input::default() }, 20_000, &mut made);
    assert!(made.files.len() > 3 && made.files.iter().all(|it| it.text.len() <= 20_000), "{:?}", names(&made));
    assert_eq!(made.files[1].name, "cobertura-2.xml");
    let (mut seen, mut sum) = (BTreeSet::new(), 0);
    for file in &made.files {
        let document = roxmltree::Document::parse(&file.text).unwrap_or_else(|error| panic!("{error}\n{}", file.text));
        sum +=
            document.root_element().attribute("lines-covered").and_then(|it| it.parse::<usize>().ok()).expect("a sum");
        for class in document.descendants().filter(|it| it.has_tag_name("class")) {
            assert!(seen.insert(class.attribute("filename").expect("a name").to_owned()));
        }
    }
    assert_eq!((seen.len(), sum), (40, 2_000));
    assert!(seen.contains("projects/b/a & <b>/19.py"), "{seen:?}");
    assert_eq!(made.notes, Vec::<String>::new());

    let records = [measured("a", 1, 5_000), measured("b", 1, 5)];
    let mut made = Made::default();
    cobertura::reports(&Input { records: &records, ..Input::default() }, 20_000, &mut made);
    assert_eq!(made.files.len(), 1);
    assert!(made.notes[0].contains("5001 lines"), "{:?}", made.notes);
}

#[test]
fn the_total_is_of_all_lines_and_never_rounded_up() {
    assert_eq!(total(&[measured("a", 1, 2), measured("b", 1, 5_998)]).as_deref(), Some("TOTAL coverage: 99.96 %"));
    // 5,999 of 8,000 would be 75.00 if it were rounded.
    let mut almost = measured("a", 1, 5_999);
    if let Some(coverage) = &mut almost.verdict.coverage {
        coverage.files.values_mut().for_each(|it| it.missed = (6_000..8_001).collect());
    }
    assert_eq!(total(&[almost]).as_deref(), Some("TOTAL coverage: 74.98 %"));
    assert_eq!(total(&[record("a", "pytest", vec![])]), None);
}

#[test]
fn a_large_sbom_becomes_several_that_hold_every_component_once() {
    let component = |number: usize| {
        json!({ "type": "library", "bom-ref": format!("pkg:pypi/p{number}@1"), "name": format!("p{number}"), "version": "1",
            "description": "d".repeat(100), "properties": [{ "name": "syft:package:type", "value": "python" }] })
    };
    let document = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "serialNumber": "urn:uuid:1",
        "metadata": { "component": { "bom-ref": "root" }, "properties": [
            { "name": "gitlab:dependency_scanning:input_file:path", "value": "uv.lock" }] },
        "components": (0..200).map(component).collect::<Vec<_>>(),
        "dependencies": [{ "ref": "root", "dependsOn": ["pkg:pypi/p0@1", "pkg:pypi/p199@1"] }],
    });
    for (limit, files, spared) in [(1_000_000, 1..=1, false), (50_000, 1..=1, true), (10_000, 4..=16, true)] {
        let mut made = Made::default();
        let sboms = vec![("a".to_owned(), document.clone())];
        sbom::reports(&Input { sboms, ..Input::default() }, limit, &mut made);
        assert!(
            files.contains(&made.files.len()) && made.notes.is_empty(),
            "{limit}: {:?} {:?}",
            names(&made),
            made.notes
        );
        let parts: Vec<Value> = made.files.iter().map(|it| serde_json::from_str(&it.text).expect("JSON")).collect();
        let references: Vec<&Value> =
            parts.iter().flat_map(|it| it["components"].as_array().expect("a list")).map(|it| &it["bom-ref"]).collect();
        assert_eq!((references.len(), references[199]), (200, &json!("pkg:pypi/p199@1")));
        for (part, file) in parts.iter().zip(&made.files) {
            assert!(file.text.len() <= limit);
            let properties = part["components"][0]["properties"].to_string();
            assert!(properties.contains("gitlab:dependency_scanning:category"), "{properties}");
            assert_eq!(properties.contains("syft"), !spared, "{limit}");
        }
        let last = &parts[parts.len() - 1]["dependencies"][0]["dependsOn"];
        assert_eq!(last.as_array().map(Vec::len), Some(if parts.len() == 1 { 2 } else { 1 }));
    }
}

#[test]
fn texts_and_addresses_that_gitlab_refuses() {
    for (text, fine) in [
        ("https://example.org/a", true),
        ("http://example.org", true),
        ("not available", false),
        ("", false),
        ("ftp://example.org", false),
        ("https://", false),
        ("https://a b", false),
    ] {
        assert_eq!(address(text).is_some(), fine, "{text}");
    }
    assert_eq!(clip("a\u{0}\u{1b}[31m\nb", 20), "a[31m\nb");
    assert_eq!((clip("abcdefgh", 8), clip("abcdefghi", 8)), ("abcdefgh".to_owned(), "abcd ...".to_owned()));
}
