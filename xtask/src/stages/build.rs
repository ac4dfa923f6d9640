//! placeholder
use crate::{context::Context, discover::Project, verdict::Verdict};
pub fn run(_ctx: &Context, _project: &Project) -> anyhow::Result<Verdict> {
    anyhow::bail!("not written yet")
}
