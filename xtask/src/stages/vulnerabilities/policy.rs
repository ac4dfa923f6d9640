//! Which matches are findings and which are warnings, and what a match says.
//!
//! Pure.

use crate::config::Vulnerabilities;

/// How bad, in grype's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Negligible,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// `None` for a word that says nothing ("Unknown").
    pub fn of(word: &str) -> Option<Severity> {
        Some(match word.to_ascii_lowercase().as_str() {
            "negligible" => Severity::Negligible,
            "low" => Severity::Low,
            "medium" => Severity::Medium,
            "high" => Severity::High,
            "critical" => Severity::Critical,
            _ => return None,
        })
    }
}

/// From where on a match is a finding.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// For what the project depends on.
    pub closure: Severity,
    /// For what the image holds beside it.
    pub image: Severity,
    /// There, only where a fixed version exists.
    pub image_only_fixed: bool,
}

impl Policy {
    /// From the settings and the threshold as it holds for the project; `None` when a word is no severity.
    pub fn of(settings: &Vulnerabilities, threshold: &str) -> Option<Policy> {
        Some(Policy {
            closure: Severity::of(threshold)?,
            image: Severity::of(&settings.image_severity)?,
            image_only_fixed: settings.image_only_fixed,
        })
    }

    /// Is it a finding? A severity that nobody knows counts as the threshold.
    pub fn fails(&self, severity: &str, fixed: bool, in_image: bool) -> bool {
        let threshold = if in_image { self.image } else { self.closure };
        let severe = Severity::of(severity).is_none_or(|it| it >= threshold);
        severe && (!in_image || fixed || !self.image_only_fixed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds() {
        let policy = Policy::of(&Vulnerabilities::default(), "medium").expect("severities");
        let closure = |severity: &str| policy.fails(severity, false, false);
        assert!(closure("Critical") && closure("Medium") && closure("Unknown") && closure(""));
        assert!(!closure("Low") && !closure("Negligible"));
        assert!(policy.fails("High", true, true) && policy.fails("Unknown", true, true));
        assert!(!policy.fails("Critical", false, true) && !policy.fails("Medium", true, true));
        assert!(Policy::of(&Vulnerabilities::default(), "none").is_none());
    }
}
