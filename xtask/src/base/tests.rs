//! Every row of the table of bases, and every way to lie to it.

use expect_test::expect;

use super::*;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const ZEROS: &str = "0000000000000000000000000000000000000000";

/// The surroundings that `NAME=VALUE` words describe.
fn with(words: &str) -> Surroundings {
    let pairs = words.split_whitespace().map(|it| it.split_once('=').expect("NAME=VALUE"));
    Surroundings::new(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())), None)
}

/// The row and what it wants, for a table that can be read.
fn short(s: &Surroundings) -> String {
    let Choice { row, wanted, .. } = choose(s);
    let wanted = match wanted {
        Wanted::Commit(id) => format!("commit {}", &id[..4]),
        Wanted::Ancestor(id) => format!("ancestor {}", &id[..4]),
        Wanted::MergeBase(with) => format!("merge base with {with}"),
        Wanted::Everything => "everything".to_owned(),
    };
    format!("{row}: {wanted}")
}

fn in_gitlab(words: &str) -> String {
    short(&with(&format!("CI=true GITLAB_CI=true CI_DEFAULT_BRANCH=main {words}")))
}

/// A row as GitLab has it: names in full, and ids.
fn full(row: &str) -> String {
    let name = |name: &str| match name {
        "SOURCE" => "CI_PIPELINE_SOURCE".to_owned(),
        "TAG" | "BRANCH" | "BEFORE_SHA" => format!("CI_COMMIT_{name}"),
        _ => name.replacen("MR_", "CI_MERGE_REQUEST_", 1),
    };
    let value = |value: &str| match value {
        "A" => A.to_owned(),
        "B" => B.to_owned(),
        "0" => ZEROS.to_owned(),
        _ => value.to_owned(),
    };
    let words = row.split(' ').map(|it| it.split_once('=').expect("NAME=VALUE"));
    words.map(|it| format!("{}={} ", name(it.0), value(it.1))).collect()
}

/// What the table makes of each row.
fn table(rows: &[&str]) -> String {
    rows.iter().map(|row| format!("{row}\n    {}\n", in_gitlab(&full(row)))).collect()
}

#[test]
fn every_row_of_merge_requests_children_and_tags() {
    let table = table(&[
        "SOURCE=push TAG=v1",
        "SOURCE=parent_pipeline TAG=v1",
        "SOURCE=schedule BRANCH=main BEFORE_SHA=A",
        "SOURCE=merge_request_event MR_EVENT_TYPE=merged_result MR_TARGET_BRANCH_SHA=A MR_DIFF_BASE_SHA=B",
        "SOURCE=merge_request_event MR_EVENT_TYPE=merged_result MR_DIFF_BASE_SHA=B",
        "SOURCE=merge_request_event MR_EVENT_TYPE=merge_train MR_TARGET_BRANCH_SHA=A MR_DIFF_BASE_SHA=B",
        "SOURCE=merge_request_event MR_EVENT_TYPE=detached MR_TARGET_BRANCH_SHA= MR_DIFF_BASE_SHA=B",
        "SOURCE=merge_request_event MR_EVENT_TYPE= MR_DIFF_BASE_SHA=B",
        "SOURCE=merge_request_event MR_DIFF_BASE_SHA=0 MR_TARGET_BRANCH_NAME=next",
        "SOURCE=merge_request_event MR_EVENT_TYPE=detached",
        "SOURCE=parent_pipeline MR_ID=70 MR_DIFF_BASE_SHA=B",
        "SOURCE=parent_pipeline BRANCH=main BEFORE_SHA=A",
    ]);
    expect![[r#"
        SOURCE=push TAG=v1
            tag: everything
        SOURCE=parent_pipeline TAG=v1
            tag: everything
        SOURCE=schedule BRANCH=main BEFORE_SHA=A
            schedule: everything
        SOURCE=merge_request_event MR_EVENT_TYPE=merged_result MR_TARGET_BRANCH_SHA=A MR_DIFF_BASE_SHA=B
            merged-result: commit aaaa
        SOURCE=merge_request_event MR_EVENT_TYPE=merged_result MR_DIFF_BASE_SHA=B
            merged-result: commit bbbb
        SOURCE=merge_request_event MR_EVENT_TYPE=merge_train MR_TARGET_BRANCH_SHA=A MR_DIFF_BASE_SHA=B
            merge-train: commit aaaa
        SOURCE=merge_request_event MR_EVENT_TYPE=detached MR_TARGET_BRANCH_SHA= MR_DIFF_BASE_SHA=B
            merge-request: commit bbbb
        SOURCE=merge_request_event MR_EVENT_TYPE= MR_DIFF_BASE_SHA=B
            merge-request: commit bbbb
        SOURCE=merge_request_event MR_DIFF_BASE_SHA=0 MR_TARGET_BRANCH_NAME=next
            merge-request: merge base with next
        SOURCE=merge_request_event MR_EVENT_TYPE=detached
            merge-request: everything
        SOURCE=parent_pipeline MR_ID=70 MR_DIFF_BASE_SHA=B
            merge-request: commit bbbb
        SOURCE=parent_pipeline BRANCH=main BEFORE_SHA=A
            child: everything
    "#]]
    .assert_eq(&table);
}

#[test]
fn every_row_of_branches() {
    let long = format!("SOURCE=push BRANCH=main BEFORE_SHA={}", "0".repeat(64));
    assert_eq!(in_gitlab(&full(&long)), "first-push-default: everything");
    let table = table(&[
        "SOURCE=push BRANCH=main BEFORE_SHA=A",
        "SOURCE=push BRANCH=main BEFORE_SHA=0",
        "SOURCE=push BRANCH=main",
        "SOURCE=push BRANCH=topic/x BEFORE_SHA=A",
        "SOURCE=push BRANCH=topic/x BEFORE_SHA=0",
        "SOURCE=webide BRANCH=topic/x BEFORE_SHA=A",
        "SOURCE=push",
        "SOURCE=web BRANCH=main",
        "SOURCE=web BRANCH=topic",
        "SOURCE=api BRANCH=topic",
        "SOURCE=chat BRANCH=main",
        "SOURCE=trigger BRANCH=topic",
        "SOURCE=pipeline BRANCH=topic",
        "SOURCE=external BRANCH=topic",
        "SOURCE=external_pull_request_event BRANCH=topic",
        "SOURCE=ondemand_dast_scan BRANCH=topic",
        "BRANCH=topic",
    ]);
    expect![[r#"
        SOURCE=push BRANCH=main BEFORE_SHA=A
            push-default: ancestor aaaa
        SOURCE=push BRANCH=main BEFORE_SHA=0
            first-push-default: everything
        SOURCE=push BRANCH=main
            first-push-default: everything
        SOURCE=push BRANCH=topic/x BEFORE_SHA=A
            push: merge base with main
        SOURCE=push BRANCH=topic/x BEFORE_SHA=0
            first-push: merge base with main
        SOURCE=webide BRANCH=topic/x BEFORE_SHA=A
            push: merge base with main
        SOURCE=push
            unknown-branch: everything
        SOURCE=web BRANCH=main
            asked-for-default: everything
        SOURCE=web BRANCH=topic
            asked-for: merge base with main
        SOURCE=api BRANCH=topic
            asked-for: merge base with main
        SOURCE=chat BRANCH=main
            asked-for-default: everything
        SOURCE=trigger BRANCH=topic
            triggered: everything
        SOURCE=pipeline BRANCH=topic
            triggered: everything
        SOURCE=external BRANCH=topic
            triggered: everything
        SOURCE=external_pull_request_event BRANCH=topic
            triggered: everything
        SOURCE=ondemand_dast_scan BRANCH=topic
            unknown-source: everything
        BRANCH=topic
            unknown-source: everything
    "#]]
    .assert_eq(&table);
}

#[test]
fn outside_of_gitlab() {
    assert_eq!(short(&with("")), "local: merge base with origin/HEAD");
    assert_eq!(short(&with("CI=false")), "local: merge base with origin/HEAD");
    assert_eq!(short(&with("CI=true")), "other-ci: everything");
    let setting = |name: &str| Surroundings { default_branch_setting: Some(name.to_owned()), ..with("") };
    assert_eq!(short(&setting("develop")), "local: merge base with develop");
    assert_eq!(short(&setting("--upload-pack=x")), "refused: everything");
    // gitlab-ci-local plays GitLab under its own name.
    assert_eq!(
        short(&with("CI=true GITLAB_CI=false CI_PIPELINE_SOURCE=push CI_COMMIT_BRANCH=t CI_DEFAULT_BRANCH=main")),
        "first-push: merge base with main"
    );
}

#[test]
fn a_setting_beats_gitlab_s_default_branch() {
    let mut s = with(
        "GITLAB_CI=true CI_DEFAULT_BRANCH=main CI_PIPELINE_SOURCE=push CI_COMMIT_BRANCH=main CI_COMMIT_BEFORE_SHA=",
    );
    s.vars.insert("CI_COMMIT_BEFORE_SHA".to_owned(), A.to_owned());
    assert_eq!(short(&s), "push-default: ancestor aaaa");
    s.default_branch_setting = Some("develop".to_owned());
    assert_eq!(short(&s), "push: merge base with develop");
}

#[test]
fn without_a_default_branch_everything_is_checked() {
    let s = with(&format!("GITLAB_CI=true CI_PIPELINE_SOURCE=push CI_COMMIT_BRANCH=t CI_COMMIT_BEFORE_SHA={A}"));
    assert_eq!(short(&s), "unknown-branch: everything");
}

#[test]
fn ids_of_both_lengths_in_any_case_and_nothing_else() {
    let push = |before: &str| {
        let words = "GITLAB_CI=true CI_DEFAULT_BRANCH=main CI_PIPELINE_SOURCE=push CI_COMMIT_BRANCH=main";
        let mut s = with(words);
        s.vars.insert("CI_COMMIT_BEFORE_SHA".to_owned(), before.to_owned());
        choose(&s)
    };
    assert_eq!(push(&"C".repeat(64)).wanted, Wanted::Ancestor("c".repeat(64)));
    assert_eq!(push(&format!(" {A}\n")).wanted, Wanted::Ancestor(A.to_owned()));
    for odd in ["HEAD", "--help", "$(reboot)", "abc123", &"a".repeat(41), "a\u{1b}[31m", "é"] {
        let it = push(odd);
        assert_eq!((it.row, &it.wanted), ("refused", &Wanted::Everything), "{odd}");
        assert!(it.because.contains("CI_COMMIT_BEFORE_SHA is \""), "{}", it.because);
        assert!(!it.because.contains('\u{1b}'), "{:?}", it.because);
    }
}

#[test]
fn a_refused_base_does_not_fall_back_to_another() {
    let words = format!(
        "CI_PIPELINE_SOURCE=merge_request_event CI_MERGE_REQUEST_EVENT_TYPE=merged_result \
         CI_MERGE_REQUEST_TARGET_BRANCH_SHA=main CI_MERGE_REQUEST_DIFF_BASE_SHA={B}"
    );
    assert_eq!(in_gitlab(&words), "refused: everything");
}

#[test]
fn names_of_branches() {
    for name in ["main", "release/1.x", "über", "a-b_c", "x@y"] {
        assert!(is_branch(name), "{name}");
    }
    for name in [
        "", "-x", "a b", "a..b", "a~1", "a^", "x:y", "*", "a//b", "/a", "a/", "a.lock", ".a", "@", "@{-1}", "HEAD",
        "a\n",
    ] {
        assert!(!is_branch(name), "{name}");
    }
}
