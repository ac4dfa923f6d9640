//! Which jobs of GitLab a plan becomes: one to one, whatever the shape.

use std::collections::{BTreeMap, BTreeSet};

use expect_test::expect_file;
use xtask::plan::Plan;

use crate::made::{Made, group};
use crate::read::{self, Job};

/// Two libraries and a service of which little is affected, and one that ships as an image.
fn small(gitlab: &str) -> Made {
    let reason = "p/a/src/a.py changed".to_owned();
    let because = format!("{reason}, which b needs");
    let all =
        vec!["docker-build", "lock", "ruff", "radon", "type-check", "pytest", "license-check", "bandit", "semgrep"];
    let rest = vec!["sbom", "vulnerabilities", "build", "pages"];
    let projects = [
        ("a".to_owned(), reason, all.into_iter().chain(rest).collect()),
        ("b".to_owned(), because, vec!["type-check", "pytest", "sbom", "vulnerabilities", "build"]),
        ("c".to_owned(), "p/c/README.md changed".to_owned(), vec!["pages"]),
    ];
    Made::new(&projects, gitlab).with_image("a")
}

#[test]
fn the_child_of_a_small_plan() {
    expect_file!["small.yml"].assert_eq(&small("jobs = \"stage\"").text());
    expect_file!["small-auto.yml"].assert_eq(&small("").text());
    let both = "jobs = \"group\"\nplatforms = [\"linux/arm64\", \"linux/amd64\"]\nretry = 0\ncache = false\n\
                [gitlab.image]\n\"linux/amd64\" = \"registry.example.org/ci@sha256:00\"";
    expect_file!["small-both.yml"].assert_eq(&small(both).text());
}

#[test]
fn the_same_plan_gives_the_same_bytes() {
    assert_eq!(small("").text(), small("").text());
}

/// What runs locally: the ids of the plan's jobs. What runs in GitLab: those of the jobs' parts, as their scripts take them.
fn scripts(jobs: &[Job]) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for job in jobs {
        let Some(handed) = job.handed() else { continue };
        let script = job.list("script")[0];
        let (stages, project) = script.split_once(" --project ").unwrap_or((script, ""));
        let stages: Vec<String> = stages.split(' ').skip(2).map(str::to_owned).collect();
        let projects: Vec<String> = (!project.is_empty()).then(|| project.to_owned()).into_iter().collect();
        let whole = handed.plan.jobs.len();
        let run = handed.only(&stages, &projects).expect("what the script names is in its plan").plan;
        assert_eq!(run.jobs.len(), whole, "{}: the script takes less than it is handed", job.name);
        for it in &run.jobs {
            *found.entry(format!("{} because {}", it.id(), it.because)).or_default() += 1;
        }
    }
    found
}

fn ids(plan: &Plan) -> BTreeMap<String, usize> {
    plan.jobs.iter().map(|it| (format!("{} because {}", it.id(), it.because), 1)).collect()
}

#[test]
fn every_job_of_the_plan_is_in_one_job_of_gitlab() {
    for shape in ["stage", "group", "project", "auto"] {
        for made in [small(&format!("jobs = \"{shape}\"")), Made::full(30, &format!("jobs = \"{shape}\""))] {
            let jobs = read::jobs(&made.text());
            assert_eq!(scripts(&jobs), ids(&made.plan), "{shape}");
        }
    }
}

#[test]
fn in_several_files_too() {
    let made = Made::full(1200, "jobs = \"stage\"\ntier = \"premium\"\nrunners = 400\nstart-up = \"1s\"");
    let input = xtask::emit::Input {
        plan: &made.plan,
        known: &made.known,
        config: &xtask::config::Config {
            gitlab: crate::made::config("runners = 5000\nstart-up = \"1s\"").gitlab,
            ..made.config.clone()
        },
        around: &made.around,
        times: &BTreeMap::new(),
    };
    let emission = xtask::emit::pipeline(&input).expect("a pipeline");
    assert!(emission.files.len() > 2, "{}", emission.said);
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for (_, text) in &emission.files[1..] {
        for (id, count) in scripts(&read::jobs(text)) {
            *found.entry(id).or_default() += count;
        }
    }
    assert_eq!(found, ids(&made.plan));
    // The jobs that make the parts make just these.
    let relay = read::jobs(&emission.files[0].1);
    let makers: Vec<&Job> = relay.iter().filter(|it| it.name.starts_with("generate-")).collect();
    assert_eq!(makers.len() + 1, emission.files.len());
    for (maker, (_, text)) in makers.iter().zip(&emission.files[1..]) {
        let script = maker.list("script")[0];
        assert!(script.starts_with("xtask emit --base 0123456789abcdef0123456789abcdef01234567 --part "), "{script}");
        let (_, rest) = script.split_once("--part ").expect("a part");
        let (split, number) = xtask::emit::Split::parse(rest.split(' ').next().unwrap_or_default()).expect("a part");
        assert_eq!(&xtask::emit::part(&input, &split, number).expect("the part"), text);
    }
}

#[test]
fn needs_stay_within_a_project_and_verdicts_decide() {
    let made = Made::full(5, "jobs = \"stage\"");
    let jobs = read::jobs(&made.text());
    let build = jobs.iter().find(|it| it.name == "service-00003.build").expect("a build");
    let others = |it: &&str| !it.starts_with("service-00003.") && it.contains("service");
    assert_eq!(build.list("needs").into_iter().filter(others).collect::<Vec<_>>(), Vec::<&str>::new());
    // It runs however they end; each project's own verdicts hold it back, which is shown as a warning.
    assert_eq!(build.text("when"), "always");
    assert_eq!(build.get("allow_failure")["exit_codes"][0].as_i64(), Some(3));
    let waits: BTreeSet<String> =
        build.handed().expect("a plan").elsewhere.iter().map(|(project, stage)| format!("{project}.{stage}")).collect();
    let stage = xtask::stages::find("build").expect("a stage");
    assert_eq!(waits, stage.needs.iter().map(|it| format!("service-00003.{it}")).collect());
    let ruff = jobs.iter().find(|it| it.name == "ruff").expect("a batch");
    assert_eq!((ruff.text("stage"), ruff.list("needs").len(), ruff.text("when")), (group("ruff"), 0, ""));
}

#[test]
fn one_job_fills_a_cache() {
    for shape in ["stage", "auto"] {
        let made = Made::full(12, &format!("jobs = \"{shape}\""));
        let mut policies: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for job in read::jobs(&made.text()).iter().filter(|it| !it.name.starts_with("clear-cache")) {
            for cache in job.get("cache").as_vec().into_iter().flatten() {
                let text = |key: &str| cache[key].as_str().unwrap_or_default().to_owned();
                assert!(!text("key").contains('/') && text("key").contains("arm64"), "{}", text("key"));
                policies.entry(text("key")).or_default().push(text("policy"));
            }
        }
        assert!(!policies.is_empty());
        for (key, policies) in policies {
            assert_eq!(policies.iter().filter(|it| *it == "pull-push").count(), 1, "{key}: {policies:?}");
        }
    }
}

#[test]
fn a_published_site_is_whole() {
    let mut made = small("jobs = \"stage\"");
    made.around.deploys = true;
    let jobs = read::jobs(&made.text());
    let site = jobs.iter().find(|it| !it.get("pages").is_badvalue()).expect("a job that publishes");
    assert_eq!(site.get("pages")["publish"].as_str(), Some("target/ci/site"));
    assert_eq!(site.get("interruptible").as_bool(), Some(false));
    let of: Vec<String> = site.handed().expect("a plan").plan.jobs.iter().map(xtask::plan::Job::id).collect();
    assert_eq!(of, ["a.pages", "b.pages", "c.pages"]);
    // Older servers know another word for what is published.
    made.config.gitlab.minimum_version = "17.6".to_owned().try_into().expect("a version");
    let jobs = read::jobs(&made.text());
    let site = jobs.iter().find(|it| !it.get("pages").is_badvalue()).expect("a job that publishes");
    assert_eq!((site.get("pages").as_bool(), site.text("publish")), (Some(true), "target/ci/site"));
    made.around.deploys = false;
    assert!(read::jobs(&made.text()).iter().all(|it| it.get("pages").is_badvalue()));
}

#[test]
fn nothing_to_do_is_one_real_job() {
    let made = Made::new(&[("a".to_owned(), String::new(), Vec::new())], "");
    let jobs = read::jobs(&made.text());
    assert_eq!(jobs.len(), 1);
    assert_eq!((jobs[0].name.as_str(), jobs[0].text("stage")), ("nothing-to-do", "nothing"));
    assert_eq!(jobs[0].get("variables")["GIT_STRATEGY"].as_str(), Some("none"));
    assert_eq!(jobs[0].handed().expect("a plan").plan.jobs.len(), 0);
}
