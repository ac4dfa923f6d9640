//! Made-up plans and settings.

use std::collections::BTreeMap;

use camino::Utf8Path;
use xtask::affected::{Affected, Reason};
use xtask::config::Config;
use xtask::emit::estimate::Times;
use xtask::emit::units::Known;
use xtask::emit::{self, Emission, Input, Surroundings};
use xtask::plan::{Candidate, Plan, runnable};
use xtask::stages;

/// A monorepo and what is affected in it.
pub struct Made {
    pub plan: Plan,
    pub known: BTreeMap<String, Known>,
    pub config: Config,
    pub around: Surroundings,
}

/// Settings with this `[gitlab]` table.
pub fn config(gitlab: &str) -> Config {
    let text = format!("projects = []\n[gitlab]\n{gitlab}\n[grype]\nversion = \"1\"\nsha256 = {{}}\n");
    Config::parse(Utf8Path::new("ci/xtask.toml"), &text).expect("valid settings")
}

impl Made {
    /// Projects with names, reasons and stages.
    pub fn new(projects: &[(String, String, Vec<&str>)], gitlab: &str) -> Made {
        let candidates: Vec<Candidate> = projects
            .iter()
            .map(|(name, ..)| Candidate { name: name.clone(), dir: format!("p/{name}").into(), image: false })
            .collect();
        let mut affected = Affected::default();
        for (name, reason, wanted) in projects {
            let reason = Reason { text: reason.as_str().into(), chain: [].into() };
            let stages = runnable().filter(|it| wanted.contains(&it.name)).map(|it| (it, reason.clone())).collect();
            affected.projects.insert(name.clone(), stages);
        }
        let mut plan = Plan::of(&candidates, &affected, &[]).expect("a plan");
        plan.base = Some("0123456789abcdef0123456789abcdef01234567".to_owned());
        plan.head = "work tree".to_owned();
        plan.because = "a merge request".to_owned();
        let known = projects.iter().map(|(name, ..)| {
            let lock = Some((format!("p/{name}").into(), format!("lock of {name}")));
            (name.clone(), Known { lock, ..Known::default() })
        });
        Made { plan, known: known.collect(), config: config(gitlab), around: Surroundings::default() }
    }

    /// So many projects in which every stage is affected.
    pub fn full(count: usize, gitlab: &str) -> Made {
        let all: Vec<&str> = runnable().map(|it| it.name).collect();
        let reason = "libs/core/src/core/model.py changed, which it needs".to_owned();
        let projects: Vec<_> = (0..count).map(|it| (format!("service-{it:05}"), reason.clone(), all.clone())).collect();
        Made::new(&projects, gitlab)
    }

    /// Makes a project ship as an image.
    pub fn with_image(mut self, name: &str) -> Made {
        self.known.get_mut(name).expect("a project").image = true;
        self
    }

    pub fn emission(&self) -> anyhow::Result<Emission> {
        let Made { plan, known, config, around } = self;
        emit::pipeline(&Input { plan, known, config, around, times: &Times::new() })
    }

    /// The text, when it is in one file.
    pub fn text(&self) -> String {
        let emission = self.emission().unwrap_or_else(|error| panic!("{error:#}"));
        assert_eq!(emission.files.len(), 1, "{}", emission.said);
        emission.files[0].1.clone()
    }
}

/// A stage's group.
pub fn group(stage: &str) -> &'static str {
    stages::find(stage).expect("a stage").group
}
