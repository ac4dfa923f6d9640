//! A file that breaks each rule, and beside it the nearest one that does not: a table, nothing else.

use super::{Options, check, rules, version};

/// A rule, where the file stands and for which GitLab, the file that breaks the rule, and one that just does not.
struct Case {
    rule: &'static str,
    options: Options,
    wrong: String,
    right: String,
    /// Other options for the file that is right.
    newer: Option<Options>,
}

const PARENT: Options = Options { minimum: version(17, 0), level: 0, needs: 50, jobs: None };
const CHILD: Options = Options { level: 1, ..PARENT };
const GRANDCHILD: Options = Options { level: 2, ..PARENT };

fn on(major: u32, minor: u32) -> Options {
    Options { minimum: version(major, minor), ..PARENT }
}

fn case(rule: &'static str, options: Options, wrong: &str, right: &str) -> Case {
    Case { rule, options, wrong: wrong.to_owned(), right: right.to_owned(), newer: None }
}

/// A file with one job, `j`, with these keywords.
fn job(rule: &'static str, options: Options, wrong: &str, right: &str) -> Case {
    let whole = |keywords: &str| format!("{WORKFLOW}j:\n  {}\n", keywords.replace('\n', "\n  "));
    Case { rule, options, wrong: whole(wrong), right: whole(right), newer: None }
}

const WORKFLOW: &str = "workflow: {rules: [{when: always}]}\n";

/// A parent that makes a child, with these keywords for the trigger.
fn parent(rule: &'static str, wrong: &str, right: &str) -> Case {
    let whole = |trigger: &str| {
        format!(
            "stages: [make, run]\nmake: {{stage: make, script: [x], artifacts: {{paths: [child.yml, all/]}}}}\n\
             test: {{stage: run, script: [x]}}\nrun:\n  stage: run\n  {}\n",
            trigger.replace('\n', "\n  ")
        )
    };
    Case { rule, options: PARENT, wrong: whole(wrong), right: whole(right), newer: None }
}

fn nested(levels: usize) -> String {
    format!("j: {{script: [x], variables: {{A: {}x{}}}}}\n", "[".repeat(levels), "]".repeat(levels))
}

fn long(length: usize) -> String {
    format!("{}: {{script: [x]}}\n", "é".repeat(length))
}

fn list(count: usize) -> String {
    (0..count).map(|it| format!("n{it}")).collect::<Vec<_>>().join(", ")
}

fn needing(count: usize) -> String {
    let jobs: String = (0..count).map(|it| format!("n{it}: {{script: [x]}}\n")).collect();
    format!("{jobs}j: {{script: [x], needs: [{}]}}\n", list(count))
}

fn chain(length: usize) -> String {
    let links: String = (0..length).map(|it| format!(".b{it}: {{extends: .b{}}}\n", it + 1)).collect();
    format!("{links}.b{length}: {{script: [x]}}\nj: {{extends: .b0}}\n")
}

fn component(inputs: &str, body: &str) -> String {
    format!("spec:\n  inputs: {inputs}\n---\n{body}\n")
}

fn files() -> Vec<Case> {
    let one = "j: {script: [x]}\n";
    let big = |count: usize| (0..count).map(|it| format!("job{it}: {{script: [x]}}\n")).collect::<String>();
    vec![
        case("yaml", PARENT, "j: [", one),
        case("yaml", PARENT, "- j", one),
        case("yaml", PARENT, "", one),
        case("yaml", PARENT, "j: {script: [x]}\n---\nk: {script: [x]}\n", one),
        case("yaml", PARENT, "j: {script: *nothing}", "x-: &x {script: [x]}\nj: {<<: *x}\n"),
        case(
            "duplicate-key",
            CHILD,
            &format!("{WORKFLOW}{one}j: {{script: [y]}}\n"),
            &format!("{WORKFLOW}{one}k: {{script: [y]}}\n"),
        ),
        case("duplicate-key", PARENT, "j:\n  script: [x]\n  script: [y]\n", "j:\n  script: [x]\nk:\n  script: [y]\n"),
        case(
            "duplicate-key",
            PARENT,
            "j: {script: [x], variables: {A: '1', \"A\": '2'}}",
            "j: {script: [x], variables: {A: '1', a: '2'}}",
        ),
        case("yaml-size", PARENT, &big(6000), &big(2000)),
        case("yaml-depth", PARENT, &nested(98), &nested(97)),
        case(
            "default-keyword",
            PARENT,
            "default: {script: [x]}\nj: {script: [x]}\n",
            "default: {before_script: [x]}\nj: {script: [x]}\n",
        ),
        case(
            "default-timeout",
            PARENT,
            "default: {timeout: 1h}\nj: {script: [x]}\n",
            "j: {script: [x], timeout: 1h}\n",
        ),
        case(
            "jobs-too-many",
            Options { jobs: Some(1), ..PARENT },
            "j: {script: [x]}\nk: {script: [x]}\n",
            "j: {script: [x]}\n.k: &k {script: [x]}\n",
        ),
        case("no-visible-job", PARENT, ".j: {script: [x]}\n", "j: {script: [x]}\n"),
        case("no-visible-job", PARENT, "variables: {A: b}\n", "include: other.yml\n"),
        case(
            "only-edge-stages",
            PARENT,
            "j: {stage: .pre, script: [x]}\n",
            "j: {stage: .pre, script: [x]}\nk: {script: [x]}\n",
        ),
    ]
}

fn names() -> Vec<Case> {
    vec![
        case("name-type", PARENT, "1: {script: [x]}\n", "'1': {script: [x]}\n"),
        case("name-length", PARENT, &long(256), &long(255)),
        case(
            "name-reserved",
            PARENT,
            "k: {script: [x]}\nimage: {script: [x]}\n",
            "k: {script: [x]}\nimages: {script: [x]}\n",
        ),
        case(
            "name-reserved",
            PARENT,
            "'pages:deploy': {stage: deploy, script: [x]}\n",
            "'pages:deploy': {stage: test, script: [x]}\n",
        ),
        case("name-discouraged", PARENT, "'true': {script: [x]}\n", "'true-job': {script: [x]}\n"),
        case(
            "name-discouraged",
            PARENT,
            "pages: {script: [x]}\n",
            "pages: {script: [x], artifacts: {paths: [public]}}\n",
        ),
        case(
            "name-discouraged",
            on(17, 10),
            "pages: {script: [x], artifacts: {paths: [public]}}\n",
            "pages: {script: [x], pages: true}\n",
        ),
        case("name-grouped", PARENT, "'ruff: [a]': {script: [x]}\n", "'ruff [a] b': {script: [x]}\n"),
        case("name-grouped", PARENT, "test 1/3: {script: [x]}\n", "test-1/3: {script: [x]}\n"),
        case("hidden-unused", PARENT, "j: {script: [x]}\n.k: {script: [x]}\n", "j: {extends: .k}\n.k: {script: [x]}\n"),
        case(
            "hidden-unused",
            PARENT,
            "j: {script: [x]}\n.k: {script: [x]}\n",
            "j: {script: [!reference [.k, script]]}\n.k: {script: [x]}\n",
        ),
        case(
            "hidden-unused",
            PARENT,
            "j: {script: [x]}\n.k:\n  script: [x]\n",
            ".k: &k\n  script: [x]\nj:\n  <<: *k\n",
        ),
    ]
}

fn needs() -> Vec<Case> {
    let two = |k: &str| format!("stages: [a, b]\nj: {{stage: a, script: [x]}}\nk: {{{k}}}\n");
    vec![
        case("stage-undeclared", PARENT, &two("stage: c, script: [x]"), &two("stage: .post, script: [x]")),
        case("stage-undeclared", PARENT, "stages: [a]\nj: {script: [x]}\n", "stages: [test]\nj: {script: [x]}\n"),
        case(
            "stage-undeclared",
            PARENT,
            "j: {stage: lint, script: [x]}\n",
            "include: a.yml\nj: {stage: lint, script: [x]}\n",
        ),
        case("stage-name", PARENT, "stages: [test, 1]\nj: {script: [x]}\n", "stages: [test, '1']\nj: {script: [x]}\n"),
        case(
            "needs-missing",
            PARENT,
            &two("stage: b, script: [x], needs: [i]"),
            &two("stage: b, script: [x], needs: [j]"),
        ),
        case(
            "needs-missing",
            PARENT,
            &two("stage: b, script: [x], needs: [{job: i}]"),
            &two("stage: b, script: [x], needs: [{job: i, optional: true}]"),
        ),
        case(
            "needs-missing",
            PARENT,
            &two("stage: b, script: [x], needs: [.j]"),
            &two("stage: b, script: [x], needs: [{job: i, pipeline: $P}]"),
        ),
        case(
            "needs-missing",
            PARENT,
            "j: {script: [x]}\nk: {script: [x], needs: [j 1/2]}\n",
            "j: {script: [x], parallel: 2}\nk: {script: [x], needs: [j 1/2]}\n",
        ),
        case("needs-self", PARENT, &two("stage: b, script: [x], needs: [k]"), &two("stage: b, script: [x], needs: []")),
        case(
            "needs-cycle",
            PARENT,
            "i: {script: [x], needs: [j]}\nj: {script: [x], needs: [k]}\nk: {script: [x], needs: [i]}\n",
            "i: {script: [x], needs: [j, k]}\nj: {script: [x], needs: [k]}\nk: {script: [x]}\n",
        ),
        case(
            "needs-later",
            PARENT,
            "stages: [a, b]\nj: {stage: a, script: [x], needs: [k]}\nk: {stage: b, script: [x]}\n",
            "stages: [a, b]\nj: {stage: b, script: [x], needs: [k]}\nk: {stage: b, script: [x]}\n",
        ),
        case("needs-too-many", PARENT, &needing(51), &needing(50)),
        case("needs-too-many", Options { needs: 5, ..PARENT }, &needing(6), &needing(5)),
        case(
            "needs-twice",
            PARENT,
            &two("stage: b, script: [x], needs: [j, {job: j}]"),
            &two("stage: b, script: [x], needs: [j]"),
        ),
        case(
            "dependencies",
            PARENT,
            &two("stage: b, script: [x], dependencies: [i]"),
            &two("stage: b, script: [x], dependencies: [j]"),
        ),
        case(
            "dependencies",
            PARENT,
            &two("stage: b, script: [x], dependencies: [j], needs: [i]}\ni: {stage: a, script: [x]"),
            &two("stage: b, script: [x], dependencies: [j], needs: [j]"),
        ),
        case(
            "extends-missing",
            PARENT,
            "j: {extends: .k, script: [x]}\n",
            "include: k.yml\nj: {extends: .k, script: [x]}\n",
        ),
        case(
            "extends-cycle",
            PARENT,
            ".k: {extends: j}\nj: {extends: .k, script: [x]}\n",
            ".k: {image: a}\nj: {extends: .k, script: [x]}\n",
        ),
        case("extends-depth", PARENT, &chain(11), &chain(10)),
    ]
}

fn values() -> Vec<Case> {
    let cached = |cache: &str| format!("script: [x]\ncache: {cache}");
    let cache = |rule, wrong: &str, right: &str| job(rule, PARENT, &cached(wrong), &cached(right));
    let keys = |count: usize| format!("{{key: a, fallback_keys: [{}], paths: [a]}}", list(count));
    vec![
        job("job-without-script", PARENT, "stage: test", "stage: test\nscript: [x]"),
        case("job-without-script", PARENT, "j: text\nk: {script: [x]}\n", "k: {script: [x]}\n"),
        case(
            "job-without-script",
            PARENT,
            ".k: {image: a}\nj: {extends: .k}\n",
            ".k: {script: [x]}\nj: {extends: .k}\n",
        ),
        job("script-empty", PARENT, "script: []", "script: ['true']"),
        job("script-empty", PARENT, "script: ''", "script: x\nbefore_script: []"),
        cache("cache-key", "{key: a/b, paths: [a]}", "{key: a-b, paths: [a/b]}"),
        cache("cache-key", "{key: '..', paths: [a]}", "{key: '.a.', paths: [a]}"),
        cache(
            "cache-key",
            "{key: {files: [a], prefix: a/b}, paths: [a]}",
            "{key: {files: [a/b], prefix: a-b}, paths: [a]}",
        ),
        cache(
            "cache-key",
            "{key: a, fallback_keys: [a%2Fb], paths: [a]}",
            "{key: a, fallback_keys: [a-b], paths: [a]}",
        ),
        cache("cache-files", "{key: {files: [a, b, c]}, paths: [a]}", "{key: {files: [a, b]}, paths: [a]}"),
        cache("cache-files", "{key: {files: []}, paths: [a]}", "{key: {files: [a]}, paths: [a]}"),
        cache(
            "cache-count",
            "[{key: a}, {key: b}, {key: c}, {key: d}, {key: e}]",
            "[{key: a}, {key: b}, {key: c}, {key: d}]",
        ),
        cache("fallback-keys", &keys(6), &keys(5)),
        case(
            "cache-key",
            PARENT,
            "default: {cache: {key: a/b}}\nj: {script: [x]}\n",
            "default: {cache: {key: a}}\nj: {script: [x]}\n",
        ),
        job(
            "retry",
            PARENT,
            "script: [x]\nretry: {max: 3, when: [api_failure]}",
            "script: [x]\nretry: {max: 2, when: [api_failure]}",
        ),
        job(
            "retry-when",
            PARENT,
            "script: [x]\nretry: {max: 1, when: runner_failure}",
            "script: [x]\nretry: {max: 1, when: runner_system_failure}",
        ),
        job("retry-script-failure", CHILD, "script: [x]\nretry: 1", "script: [x]\nretry: 0"),
        job(
            "retry-script-failure",
            CHILD,
            "script: [x]\nretry: {max: 1, when: [script_failure]}",
            "script: [x]\nretry: {max: 1, when: [unknown_failure]}",
        ),
        job("parallel", PARENT, "script: [x]\nparallel: 201", "script: [x]\nparallel: 200"),
        job("parallel", PARENT, "script: [x]\nparallel: 0", "script: [x]\nparallel: 1"),
        job(
            "parallel",
            PARENT,
            &format!("script: [x]\nparallel: {{matrix: [{{A: [{0}], B: [{0}]}}]}}", list(15)),
            &format!("script: [x]\nparallel: {{matrix: [{{A: [{0}], B: [{0}]}}]}}", list(14)),
        ),
        job(
            "tags",
            PARENT,
            &format!("script: [x]\ntags: [{}]", list(50)),
            &format!("script: [x]\ntags: [{}]", list(49)),
        ),
        job(
            "report-directory",
            CHILD,
            "script: [x]\nartifacts: {reports: {junit: target/junit/}}",
            "script: [x]\nartifacts: {reports: {junit: target/junit/*.xml}, paths: [target/]}",
        ),
        job(
            "report-directory",
            CHILD,
            "script: [x]\nartifacts: {reports: {coverage_report: {coverage_format: cobertura, path: a/}}}",
            "script: [x]\nartifacts: {reports: {coverage_report: {coverage_format: cobertura, path: a}}}",
        ),
        job(
            "manual-blocks",
            CHILD,
            "script: [x]\nrules: [{when: manual}]",
            "script: [x]\nrules: [{when: manual, allow_failure: true}]",
        ),
        job("manual-blocks", CHILD, "script: [x]\nrules: [{when: manual}]", "script: [x]\nwhen: manual"),
        job(
            "rules-with-only",
            PARENT,
            "script: [x]\nrules: [{when: always}]\nonly: [main]",
            "script: [x]\nonly: [main]",
        ),
    ]
}

fn triggers() -> Vec<Case> {
    let artifact = |file: &str| format!("needs: [make]\ntrigger: {{include: [{file}], strategy: depend}}");
    let from = |rule, wrong: &str, right: &str| parent(rule, &artifact(wrong), &artifact(right));
    let good = artifact("{artifact: child.yml, job: make}");
    vec![
        parent("trigger-keyword", &format!("{good}\ntags: [a]"), &good),
        parent(
            "trigger-keyword",
            &format!("{good}\nretry: {{max: 1, when: [api_failure]}}"),
            &format!("{good}\nallow_failure: true"),
        ),
        parent("trigger-keyword", &format!("{good}\ntimeout: 1h"), &format!("{good}\ninherit: {{variables: false}}")),
        parent("trigger-keyword", &format!("{good}\nscript: [x]"), &format!("{good}\nvariables: {{A: b}}")),
        parent("trigger-keyword", &format!("{good}\nwhen: delayed"), &format!("{good}\nwhen: always")),
        parent("trigger-strategy", &good.replace(", strategy: depend", ""), &good),
        from(
            "trigger-includes",
            "{local: a.yml}, {local: b.yml}, {local: c.yml}, {local: d.yml}",
            "{local: a.yml}, {local: b.yml}, {local: c.yml}",
        ),
        from("trigger-file", "{artifact: all/child.json, job: make}", "{artifact: all/child.yaml, job: make}"),
        from("trigger-file", "local.txt", "local.yml"),
        from("trigger-job", "{artifact: child.yml}", "{artifact: child.yml, job: make}"),
        from("trigger-job", "{artifact: child.yml, job: build}", "{artifact: child.yml, job: make}"),
        parent(
            "trigger-job",
            "needs: []\ntrigger: {include: [{artifact: child.yml, job: make}], strategy: depend}",
            "trigger: {include: [{artifact: child.yml, job: make}], strategy: depend}",
        ),
        case(
            "trigger-job",
            PARENT,
            "stages: [a, b]\nr: {stage: a, trigger: {include: [{artifact: c.yml, job: m}], strategy: depend}}\nm: {stage: b, script: [x], artifacts: {paths: [c.yml]}}\n",
            "stages: [a, b]\nr: {stage: b, trigger: {include: [{artifact: c.yml, job: m}], strategy: depend}}\nm: {stage: a, script: [x], artifacts: {paths: ['*.yml']}}\n",
        ),
        from("trigger-path", "{artifact: other.yml, job: make}", "{artifact: all/other.yml, job: make}"),
        case(
            "trigger-levels",
            GRANDCHILD,
            &format!("{WORKFLOW}j: {{trigger: {{include: a.yml, strategy: depend}}}}\n"),
            &format!("{WORKFLOW}j: {{trigger: {{project: a/b}}}}\n"),
        ),
    ]
}

fn children() -> Vec<Case> {
    vec![
        case("child-workflow", CHILD, "j: {script: [x]}\n", "j: {script: [x], rules: [{when: always}]}\n"),
        case(
            "child-workflow",
            CHILD,
            "workflow: {name: a}\nj: {script: [x]}\n",
            "workflow: {rules: [{when: always}]}\nj: {script: [x]}\n",
        ),
        job("child-only", CHILD, "script: [x]\nonly: [main]", "script: [x]"),
        job("child-only", CHILD, "script: [x]\nexcept: [tags]", "script: [x]"),
        case(
            "child-include",
            CHILD,
            "include: [{local: $A.yml}]\nj: {script: [x]}\n",
            "include: [{local: a.yml}]\nj: {script: [x]}\n",
        ),
        job(
            "child-source",
            CHILD,
            "script: [x]\nrules: [{if: '$CI_PIPELINE_SOURCE == \"merge_request_event\"'}]",
            "script: [x]\nrules: [{if: '$CI_PIPELINE_SOURCE == \"parent_pipeline\"'}]",
        ),
        case(
            "child-source",
            CHILD,
            "workflow: {rules: [{if: $CI_PIPELINE_SOURCE == 'push'}]}\nj: {script: [x]}\n",
            "workflow: {rules: [{if: $CI_MERGE_REQUEST_ID}, {when: always}]}\nj: {script: [x]}\n",
        ),
    ]
}

fn components() -> Vec<Case> {
    let body = "j: {script: ['$[[ inputs.a ]]']}";
    let pair = |rule, wrong: (&str, &str), right: (&str, &str)| {
        case(rule, on(18, 7), &component(wrong.0, wrong.1), &component(right.0, right.1))
    };
    let typed = |rule, wrong: &str, right: &str| pair(rule, (wrong, body), (right, body));
    vec![
        pair(
            "input-undeclared",
            ("{a: }", "j: {script: ['$[[ inputs.a ]] $[[ inputs.b ]]']}"),
            ("{a: , b: }", "j: {script: ['$[[ inputs.a ]] $[[inputs.b | truncate(0,3)]]']}"),
        ),
        pair("input-unused", ("{a: , b: }", body), ("{a: }", body)),
        typed("input-spec", "{a: {type: text}}", "{a: {type: string}}"),
        typed("input-spec", "{a: {default: 1}}", "{a: {default: '1'}}"),
        typed("input-spec", "{a: {options: [b, c], default: d}}", "{a: {options: [b, c], default: c}}"),
        typed(
            "input-spec",
            &format!("{{a: {{options: [{}]}}}}", list(51)),
            &format!("{{a: {{options: [{}]}}}}", list(50)),
        ),
        pair("component-global", ("{a: }", &format!("stages: [test]\n{body}")), ("{a: }", body)),
        // Inputs are put in with their types, so that the rules see what GitLab will see.
        pair(
            "parallel",
            ("{a: {type: number, default: 201}}", "j: {script: [x], parallel: '$[[ inputs.a ]]'}"),
            ("{a: {type: number, default: 200}}", "j: {script: [x], parallel: '$[[ inputs.a ]]'}"),
        ),
        pair(
            "tags",
            (
                "{a: {type: array, default: []}}",
                &format!("j: {{script: [x], services: '$[[ inputs.a ]]', tags: [{}]}}", list(50)),
            ),
            ("{a: {type: array, default: []}}", "j: {script: [x], tags: '$[[ inputs.a ]]'}"),
        ),
    ]
}

fn versions() -> Vec<Case> {
    // The same file, on the version before and on the version that knows it.
    let since = |before: (u32, u32), from: (u32, u32), text: &str| Case {
        newer: Some(on(from.0, from.1)),
        ..case("too-new", on(before.0, before.1), text, text)
    };
    vec![
        since((18, 1), (18, 2), "j: {trigger: {include: a.yml, strategy: mirror}}\n"),
        since((17, 0), (17, 1), "j: {script: [x], when: manual, manual_confirmation: sure}\n"),
        since((17, 4), (17, 5), "j: {script: [x], retry: {max: 1, exit_codes: [137]}}\n"),
        since((17, 5), (17, 6), "site: {script: [x], pages: true, artifacts: {paths: [public]}}\n"),
        since((17, 8), (17, 9), "j: {script: [x], pages: {publish: a}, artifacts: {paths: [a]}}\n"),
        since((17, 8), (17, 9), "j: {script: [x], pages: {path_prefix: a}, artifacts: {paths: [public]}}\n"),
        since((17, 9), (17, 10), "j: {script: [x], pages: {publish: a}}\n"),
        since((18, 10), (18, 11), "j: {script: [x], artifacts: {reports: {sarif: a.sarif}}}\n"),
        since((18, 11), (19, 0), "j: {script: [x], retry: {max: 1, when: [runner_interrupted]}}\n"),
        since(
            (18, 6),
            (18, 7),
            "spec: {inputs: {a: {rules: [{if: $A, default: b}]}}}\n---\nj: {script: ['$[[ inputs.a ]]']}\n",
        ),
        since((18, 6), (18, 7), "spec: {component: [version]}\n---\nj: {script: ['$[[ component.version ]]']}\n"),
        since((18, 5), (18, 6), "spec: {inputs: {a: }}\n---\nj: {script: ['$[[ inputs.a | posix_escape ]]']}\n"),
    ]
}

#[test]
fn each_rule_finds_its_mistake_and_nothing_beside_it() {
    let mut seen = std::collections::BTreeSet::new();
    let mut wrong = String::new();
    let all = [files(), names(), needs(), values(), triggers(), children(), components(), versions()];
    for case in all.into_iter().flatten() {
        seen.insert(case.rule);
        let found = check(&case.wrong, &case.options);
        if found.is_empty() || found.iter().any(|it| it.rule.id != case.rule) {
            wrong += &format!("not just {}:\n{}\n{found:#?}\n\n", case.rule, case.wrong);
        }
        let found = check(&case.right, &case.newer.unwrap_or(case.options));
        if !found.is_empty() {
            wrong += &format!("a near miss of {}:\n{}\n{found:#?}\n\n", case.rule, case.right);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    for rule in rules::ALL {
        assert!(seen.contains(rule.id), "no example of {}", rule.id);
    }
}

#[test]
fn hostile_text_is_a_finding_and_no_crash() {
    let laughs = (1..9).fold("a0: &a0 [x, x]\n".to_owned(), |text, nth| {
        text + &format!("a{nth}: &a{nth} [{}]\n", vec![format!("*a{}", nth - 1); 9].join(", "))
    });
    for text in [
        &laughs,
        &"[".repeat(5000),
        &"- ".repeat(5000),
        "\u{0}",
        "a: \"\u{1b}",
        "? {a: b}\n: c",
        "!!binary x",
        "--- \n...\n--- ",
    ] {
        assert!(!check(text, &CHILD).is_empty(), "{text:?}");
    }
    let text = "workflow: {rules: [{when: always}]}\nj:\n  script: [\"\u{e9}: $[[ x ]]\"]\n  cache: {key: a, paths: ['\u{1f600}']}\n";
    assert!(check(text, &CHILD).is_empty());
    for end in (0..text.len()).filter(|it| text.is_char_boundary(*it)) {
        check(&text[..end], &CHILD);
        check(&text[end..], &CHILD);
    }
}

#[test]
fn a_finding_says_where_and_who_says_so() {
    let text = "workflow:\n  rules:\n  - when: always\nunits ruff:\n  script:\n  - x\n  needs:\n  - unit lock\nunits lock:\n  script:\n  - x\n";
    let shown: Vec<String> = check(text, &CHILD).iter().map(|it| it.show("child.yml")).collect();
    let wanted = "child.yml:7: [needs-missing] `units ruff` needs `unit lock`, which is no job here; did you mean \
                  `units lock`? (lib/gitlab/ci/yaml_processor.rb)";
    assert_eq!(shown, [wanted]);
}
