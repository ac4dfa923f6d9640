//! What a project's own table may and may not do to the policy.

use super::*;

const POLICY: &str = "line-length = 100\ntarget-version = 'py311'\n[lint]\nselect = ['D', 'I', 'F']\n\
                      [lint.pydocstyle]\nconvention = 'google'\n[format]\ndocstring-code-format = true\n";

fn made(text: &str) -> (Table, Vec<String>, Vec<String>) {
    let policy: Table = toml::from_str(POLICY).expect("a valid policy");
    let own = Source::parse("p/pyproject.toml".into(), text).expect("valid TOML");
    let inputs = Inputs {
        policy: &policy,
        own: own.as_ref(),
        first_party: vec!["mine".to_owned()],
        requires_python: Some(">=3.11"),
    };
    let made = of(&inputs).expect("settings");
    let cases = made.cases.into_iter().map(|it| format!("{} {}", it.name, it.message)).collect();
    (toml::from_str(&made.text).expect("settings are TOML"), cases, made.notes)
}

fn texts(table: &Table, keys: &[&str]) -> Vec<String> {
    let value = keys.iter().try_fold(Value::Table(table.clone()), |value, key| value.get(*key).cloned());
    let list = value.and_then(|it| it.as_array().cloned()).unwrap_or_default();
    list.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect()
}

#[test]
fn a_project_adds_rules_and_describes_itself() {
    let (table, cases, notes) = made(
        "[tool.ruff]\nline-length = 88\n[tool.ruff.lint]\nextend-select = ['B', 'F']\nignore = ['E501']\n\
         [tool.ruff.lint.isort]\nknown-first-party = ['other']\n[tool.ruff.lint.flake8-bugbear]\nx = 1\n",
    );
    assert_eq!((cases, notes), (vec![], vec![]));
    assert_eq!(table["line-length"].as_integer(), Some(88));
    assert_eq!(texts(&table, &["lint", "select"]), ["D", "I", "F", "B"]);
    assert_eq!(texts(&table, &["lint", "ignore"]), ["E501"]);
    assert_eq!(texts(&table, &["lint", "isort", "known-first-party"]), ["other", "mine"]);
    assert!(table["lint"]["flake8-bugbear"].is_table());
}

#[test]
fn taking_a_family_away_is_a_finding_on_its_line() {
    for (text, expected) in [
        ("[tool.ruff.lint]\nselect = ['F', 'E']\n", "policy p/pyproject.toml:2 `select` leaves out D, I of the policy"),
        ("[tool.ruff]\n\nselect = ['D', 'I']\n", "policy p/pyproject.toml:3 `select` leaves out F of the policy"),
        ("[tool.ruff.lint]\nignore = ['D']\n", "policy p/pyproject.toml:2 `ignore` takes D of the policy away"),
        (
            "[tool.ruff.lint.extend-per-file-ignores]\n'tests/*' = ['ALL']\n",
            "policy p/pyproject.toml:2 `extend-per-file-ignores` takes ALL of the policy away for tests/*",
        ),
    ] {
        let (table, cases, _) = made(text);
        assert_eq!(cases.len(), 1, "{text}");
        assert!(cases[0].starts_with(expected), "{} is not {expected}", cases[0]);
        for family in ["D", "I", "F"] {
            assert!(texts(&table, &["lint", "select"]).contains(&family.to_owned()));
        }
        assert_eq!(texts(&table, &["lint", "ignore"]), Vec::<String>::new());
    }
}

#[test]
fn a_select_that_keeps_the_policy_is_fine() {
    for text in ["select = ['ALL']", "select = ['D', 'I', 'F', 'B']", "select = ['B']\nextend-select = ['D', 'I', 'F']"]
    {
        assert_eq!(made(&format!("[tool.ruff.lint]\n{text}\n")).1, Vec::<String>::new(), "{text}");
    }
}

#[test]
fn what_would_weaken_has_no_effect_and_is_remarked() {
    let (table, cases, notes) = made(
        "[tool.ruff]\nexclude = ['src']\nbuiltins = ['x']\n[tool.ruff.lint]\nignore = ['D103', 'E501']\n\
         dummy-variable-rgx = '.*'\n[tool.ruff.lint.per-file-ignores]\n'a.py' = ['F401', 'E501']\n\
         [tool.ruff.lint.pydocstyle]\nconvention = 'pep257'\nignore-decorators = ['x']\n\
         [tool.ruff.lint.pyflakes]\nallowed-unused-imports = ['os']\n\
         [tool.ruff.format]\nexclude = ['a.py']\ndocstring-code-format = false\nquote-style = 'single'\n",
    );
    assert_eq!(cases, Vec::<String>::new());
    assert_eq!(
        notes,
        ["p/pyproject.toml: without effect: builtins, exclude, format.docstring-code-format, format.exclude, \
          lint.dummy-variable-rgx, lint.pydocstyle.convention, lint.pydocstyle.ignore-decorators, lint.pyflakes, \
          ignore D103, per-file-ignores F401 for a.py"]
    );
    assert_eq!(texts(&table, &["exclude"]), Vec::<String>::new());
    assert_eq!(texts(&table, &["lint", "ignore"]), ["E501"]);
    assert_eq!(texts(&table, &["lint", "per-file-ignores", "a.py"]), ["E501"]);
    assert_eq!(table["lint"]["pydocstyle"]["convention"].as_str(), Some("google"));
    assert_eq!(table["format"]["quote-style"].as_str(), Some("single"));
    assert_eq!(table["format"]["docstring-code-format"].as_bool(), Some(true));
    let (table, _, notes) = made("[tool.ruff.format]\nquote-style = 'preserve'\n");
    assert!(notes[0].contains("format.quote-style") && table["format"].get("quote-style").is_none(), "{notes:?}");
}

#[test]
fn the_oldest_python() {
    for (requires, expected) in [
        (">=3.11", Some("py311")),
        ("<4,>=3.12.1", Some("py312")),
        ("==3.13.*", Some("py313")),
        ("~=3.10", Some("py310")),
        ("<4", None),
        (">=4", None),
    ] {
        assert_eq!(oldest_python(requires).as_deref(), expected, "{requires}");
    }
}
