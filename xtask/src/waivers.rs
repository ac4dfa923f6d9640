//! Exceptions: the one place where a finding stops being red, and the settings that differ in a project.
//!
//! Pure. A waiver is shown wherever it works, an expired one excuses nothing, and an error is never waived.

use anyhow::{Context as _, Result};
use glob::{MatchOptions, Pattern};

use crate::config::Waiver;
use crate::discover::{Project, Repo};
use crate::manifest;
use crate::verdict::{Case, Status, Verdict};

/// How the remark about an override begins.
pub const OVERRIDE: &str = "override: ";

/// A date as YYYYMMDD, which compares as dates do.
pub type Day = u32;

/// Applies the waivers of the repository and of the project to a verdict.
pub fn apply(verdict: &mut Verdict, repo: &Repo, project: &Project, stage: &str, today: Day) {
    let all: Vec<&Waiver> = repo
        .config
        .waiver
        .iter()
        .chain(&project.manifest.typed.tool.xtask.waiver)
        .filter(|it| it.stage == stage)
        .collect();
    if all.is_empty() {
        return;
    }
    for case in verdict.cases.iter_mut().filter(|case| case.status == Status::Fail) {
        let matching: Vec<&Waiver> = all.iter().copied().filter(|waiver| covers(waiver, project, case)).collect();
        if let Some(waiver) = matching.iter().find(|waiver| expiry(waiver) >= today) {
            case.status = Status::Skip;
            case.message =
                format!("waived by {} until {}: {} ({})", waiver.owner, waiver.expires, waiver.reason, case.message);
            continue;
        }
        for waiver in matching {
            case.message += &format!(" (the waiver of {} expired on {})", waiver.owner, waiver.expires);
        }
    }
    let waived = verdict.cases.iter().filter(|case| case.status == Status::Skip).count();
    if waived > 0 && verdict.cases.iter().all(|case| case.status == Status::Skip) {
        verdict.cases.insert(0, Case::pass("nothing else found"));
    }
}

/// How many waivers of a stage of a project have not expired.
pub fn in_force(repo: &Repo, project: &Project, stage: &str, today: Day) -> usize {
    let all = repo.config.waiver.iter().chain(&project.manifest.typed.tool.xtask.waiver);
    all.filter(|it| it.stage == stage && expiry(it) >= today).count()
}

fn covers(waiver: &Waiver, project: &Project, case: &Case) -> bool {
    let fits = |glob: &Option<String>, text: Option<&str>| match (glob, text) {
        (None, _) => true,
        (Some(_), None) => false,
        // Invalid globs were refused when the settings were read.
        (Some(glob), Some(text)) => Pattern::new(glob).is_ok_and(|it| it.matches(text)),
    };
    // Advisories are spelled in capitals here and in small letters there; distributions in whatever their author likes.
    let any_case = MatchOptions { case_sensitive: false, ..MatchOptions::new() };
    let is_meant = |name: &String| Pattern::new(&waiver.rule).is_ok_and(|it| it.matches_with(name, any_case));
    let package = waiver.package.as_deref().map(manifest::normalise_name);
    let normal = case.package.as_deref().map(manifest::normalise_name);
    std::iter::once(&case.rule).chain(&case.aliases).any(is_meant)
        && fits(&waiver.project, Some(&project.name))
        && (fits(&waiver.package, case.package.as_deref()) || fits(&package, normal.as_deref()))
        && fits(&waiver.path, case.place.as_ref().map(|place| place.path.as_str()))
}

/// The last day on which a waiver holds.
pub fn expiry(waiver: &Waiver) -> Day {
    waiver.expires.date.map_or(0, |it| u32::from(it.year) * 10_000 + u32::from(it.month) * 100 + u32::from(it.day))
}

/// Today in UTC.
pub fn today() -> Day {
    in_days(0)
}

/// The day that comes so many days after today, in UTC.
pub fn in_days(days: u64) -> Day {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    day_of(since.as_secs() / 86_400 + days)
}

/// The civil date of a number of days since 1970-01-01, counted in eras of 400 years that begin in March.
pub fn day_of(days: u64) -> Day {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year * 10_000 + month * 100 + day) as Day
}

/// A time in seconds since 1970 as "2024-02-29T23:59:59", in UTC.
pub fn clock(seconds: u64) -> String {
    let (day, rest) = (day_of(seconds / 86_400), seconds % 86_400);
    let (year, month, day) = (day / 10_000, day / 100 % 100, day % 100);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", rest / 3_600, rest / 60 % 60, rest % 60)
}

/// A setting as it holds for a project, with the remark that shows an override.
///
/// # Errors
/// When the override's value is of another type.
pub fn setting<T: serde::de::DeserializeOwned>(
    project: &Project,
    key: &str,
    general: T,
) -> Result<(T, Option<String>)> {
    let Some(it) = project.manifest.typed.tool.xtask.overrides.iter().find(|it| it.setting == key) else {
        return Ok((general, None));
    };
    let value = it.value.clone().try_into().with_context(|| {
        format!("{}: [[tool.xtask.override]] of {key} has the value {}", project.path("pyproject.toml"), it.value)
    })?;
    Ok((value, Some(format!("{OVERRIDE}{key} is {} here: {}", it.value, it.reason))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days() {
        assert_eq!(day_of(0), 19_700_101);
        assert_eq!(day_of(11_016), 20_000_229);
        assert_eq!(day_of(20_454), 20_260_101);
        assert_eq!(day_of(20_453), 20_251_231);
        assert_eq!(clock(1_709_251_199), "2024-02-29T23:59:59");
    }
}
