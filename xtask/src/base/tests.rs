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

/// Variables as a line: without what all their names have in common, and with ids cut short.
fn brief(row: &str) -> String {
    let row = row.replace("CI_", "").replace("PIPELINE_SOURCE=", "").replace("MERGE_REQUEST_", "MR_");
    [A, B, ZEROS].iter().fold(row, |row, id| row.replace(id, &id[..4]))
}

#[test]
fn every_row() {
    let mr = "CI_PIPELINE_SOURCE=merge_request_event CI_MERGE_REQUEST_IID=7 CI_MERGE_REQUEST_EVENT_TYPE";
    let child = "CI_PIPELINE_SOURCE=parent_pipeline";
    let rows = [
        "CI_PIPELINE_SOURCE=push CI_COMMIT_TAG=v1".to_owned(),
        format!("CI_PIPELINE_SOURCE=schedule CI_COMMIT_BRANCH=main CI_COMMIT_BEFORE_SHA={ZEROS}"),
        format!("{mr}=merged_result CI_MERGE_REQUEST_TARGET_BRANCH_SHA={A} CI_MERGE_REQUEST_DIFF_BASE_SHA={B}"),
        format!("{mr}=merged_result CI_MERGE_REQUEST_DIFF_BASE_SHA={B}"),
        format!("{mr}=merge_train CI_MERGE_REQUEST_TARGET_BRANCH_SHA={A} CI_MERGE_REQUEST_DIFF_BASE_SHA={B}"),
        format!("{mr}=detached CI_MERGE_REQUEST_TARGET_BRANCH_SHA= CI_MERGE_REQUEST_DIFF_BASE_SHA={B}"),
        format!("{mr}= CI_MERGE_REQUEST_DIFF_BASE_SHA={B}"),
        format!("{mr}=detached CI_MERGE_REQUEST_DIFF_BASE_SHA={ZEROS} CI_MERGE_REQUEST_TARGET_BRANCH_NAME=next"),
        format!("{mr}=detached"),
        format!("{child} CI_MERGE_REQUEST_ID=70 CI_MERGE_REQUEST_DIFF_BASE_SHA={B}"),
        format!("{child} CI_COMMIT_BRANCH=main CI_COMMIT_BEFORE_SHA={A}"),
        format!("CI_PIPELINE_SOURCE=push CI_COMMIT_BRANCH=main CI_COMMIT_BEFORE_SHA={A}"),
        format!("CI_PIPELINE_SOURCE=push CI_COMMIT_BRANCH=main CI_COMMIT_BEFORE_SHA={ZEROS}"),
        format!("CI_PIPELINE_SOURCE=push CI_COMMIT_BRANCH=main CI_COMMIT_BEFORE_SHA={}", "0".repeat(64)),
        "CI_PIPELINE_SOURCE=push CI_COMMIT_BRANCH=main".to_owned(),
        format!("CI_PIPELINE_SOURCE=push CI_COMMIT_BRANCH=topic/x CI_COMMIT_BEFORE_SHA={A}"),
        format!("CI_PIPELINE_SOURCE=push CI_COMMIT_BRANCH=topic/x CI_COMMIT_BEFORE_SHA={ZEROS}"),
        format!("CI_PIPELINE_SOURCE=webide CI_COMMIT_BRANCH=topic/x CI_COMMIT_BEFORE_SHA={A}"),
        "CI_PIPELINE_SOURCE=push".to_owned(),
        "CI_PIPELINE_SOURCE=web CI_COMMIT_BRANCH=main".to_owned(),
        "CI_PIPELINE_SOURCE=web CI_COMMIT_BRANCH=topic".to_owned(),
        "CI_PIPELINE_SOURCE=api CI_COMMIT_BRANCH=topic".to_owned(),
        "CI_PIPELINE_SOURCE=chat CI_COMMIT_BRANCH=main".to_owned(),
        "CI_PIPELINE_SOURCE=trigger CI_COMMIT_BRANCH=topic".to_owned(),
        "CI_PIPELINE_SOURCE=pipeline CI_COMMIT_BRANCH=topic".to_owned(),
        "CI_PIPELINE_SOURCE=external CI_COMMIT_BRANCH=topic".to_owned(),
        "CI_PIPELINE_SOURCE=external_pull_request_event CI_COMMIT_BRANCH=topic".to_owned(),
        "CI_PIPELINE_SOURCE=ondemand_dast_scan CI_COMMIT_BRANCH=topic".to_owned(),
        "CI_COMMIT_BRANCH=topic".to_owned(),
    ];
    let table: String = rows.iter().map(|row| format!("{}\n    {}\n", brief(row), in_gitlab(row))).collect();
    expect![[r#"
        push COMMIT_TAG=v1
            tag: everything
        schedule COMMIT_BRANCH=main COMMIT_BEFORE_SHA=0000
            schedule: everything
        merge_request_event MR_IID=7 MR_EVENT_TYPE=merged_result MR_TARGET_BRANCH_SHA=aaaa MR_DIFF_BASE_SHA=bbbb
            merged-result: commit aaaa
        merge_request_event MR_IID=7 MR_EVENT_TYPE=merged_result MR_DIFF_BASE_SHA=bbbb
            merged-result: commit bbbb
        merge_request_event MR_IID=7 MR_EVENT_TYPE=merge_train MR_TARGET_BRANCH_SHA=aaaa MR_DIFF_BASE_SHA=bbbb
            merge-train: commit aaaa
        merge_request_event MR_IID=7 MR_EVENT_TYPE=detached MR_TARGET_BRANCH_SHA= MR_DIFF_BASE_SHA=bbbb
            merge-request: commit bbbb
        merge_request_event MR_IID=7 MR_EVENT_TYPE= MR_DIFF_BASE_SHA=bbbb
            merge-request: commit bbbb
        merge_request_event MR_IID=7 MR_EVENT_TYPE=detached MR_DIFF_BASE_SHA=0000 MR_TARGET_BRANCH_NAME=next
            merge-request: merge base with next
        merge_request_event MR_IID=7 MR_EVENT_TYPE=detached
            merge-request: everything
        parent_pipeline MR_ID=70 MR_DIFF_BASE_SHA=bbbb
            merge-request: commit bbbb
        parent_pipeline COMMIT_BRANCH=main COMMIT_BEFORE_SHA=aaaa
            child: everything
        push COMMIT_BRANCH=main COMMIT_BEFORE_SHA=aaaa
            push-default: ancestor aaaa
        push COMMIT_BRANCH=main COMMIT_BEFORE_SHA=0000
            first-push-default: everything
        push COMMIT_BRANCH=main COMMIT_BEFORE_SHA=0000000000000000000000000000
            first-push-default: everything
        push COMMIT_BRANCH=main
            first-push-default: everything
        push COMMIT_BRANCH=topic/x COMMIT_BEFORE_SHA=aaaa
            push: merge base with main
        push COMMIT_BRANCH=topic/x COMMIT_BEFORE_SHA=0000
            first-push: merge base with main
        webide COMMIT_BRANCH=topic/x COMMIT_BEFORE_SHA=aaaa
            push: merge base with main
        push
            unknown-branch: everything
        web COMMIT_BRANCH=main
            asked-for-default: everything
        web COMMIT_BRANCH=topic
            asked-for: merge base with main
        api COMMIT_BRANCH=topic
            asked-for: merge base with main
        chat COMMIT_BRANCH=main
            asked-for-default: everything
        trigger COMMIT_BRANCH=topic
            triggered: everything
        pipeline COMMIT_BRANCH=topic
            triggered: everything
        external COMMIT_BRANCH=topic
            triggered: everything
        external_pull_request_event COMMIT_BRANCH=topic
            triggered: everything
        ondemand_dast_scan COMMIT_BRANCH=topic
            unknown-source: everything
        COMMIT_BRANCH=topic
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
