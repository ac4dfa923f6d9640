//! placeholder
use crate::{context::Context, discover::Project, verdict::Verdict};
pub fn run(_ctx: &Context, _projects: &[&Project]) -> anyhow::Result<Vec<Verdict>> {
    anyhow::bail!("not written yet")
}
