//! Tests that drive the real binary with the real tools in throw-away repositories.
//!
//! What a tool needs is fetched on first use, as for a user; nothing is skipped.

mod support;

mod affected;
mod audit;
mod check;
mod checkouts;
mod cli;
mod doctor;
mod elsewhere;
mod emit;
mod fakes;
mod gitlab;
mod hostile;
mod init;
mod planted_env;
mod planted_lint;
mod planted_sbom;
mod planted_ship;
mod planted_undeclared;
mod remembered;
mod running;
mod sbom;
mod semgrep_rules;
mod times;
