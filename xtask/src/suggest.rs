//! "Did you mean": the nearest of the names that exist. Pure.

/// ` (did you mean ...?)` or the list of names, to end an error message with.
pub fn did_you_mean(word: &str, names: &[&str]) -> String {
    // Half of a name says more than letters that are alike.
    let part = names.iter().filter(|it| word.len() > 2 && it.contains(word)).min_by_key(|it| it.len());
    if let Some(name) = part {
        return format!("; did you mean `{name}`?");
    }
    let nearest = names.iter().map(|name| (strsim::damerau_levenshtein(word, name), *name)).min();
    match nearest {
        Some((distance, name)) if distance <= 1 + word.len() / 3 => format!("; did you mean `{name}`?"),
        _ if names.is_empty() => String::new(),
        _ => {
            let shown = names.iter().take(20).copied().collect::<Vec<_>>().join(", ");
            let more = if names.len() > 20 { ", ..." } else { "" };
            format!("; there are: {shown}{more}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_recognised_and_a_stranger_is_not() {
        assert_eq!(did_you_mean("rufff", &["radon", "ruff"]), "; did you mean `ruff`?");
        assert_eq!(did_you_mean("api", &["acme-api-server", "apo"]), "; did you mean `acme-api-server`?");
        assert_eq!(did_you_mean("nothing", &["radon", "ruff"]), "; there are: radon, ruff");
    }
}
