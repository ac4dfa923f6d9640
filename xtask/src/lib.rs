//! The CI of a monorepo of Python projects.
//!
//! One direction: flags -> discover -> plan -> run -> report. Modules in reading order; a module uses only those
//! above it or beside it, and `docs/architecture.md` draws the whole. The library exists for the binary and its tests.

pub mod stages;

pub mod verdict;

pub mod affected;
pub mod around;
pub mod config;
pub mod difference;
pub mod discover;
pub mod facts;
pub mod files;
pub mod images;
pub mod inputs;
pub mod lock;
pub mod locked;
pub mod manifest;
pub mod names;
pub mod packages;
pub mod place;
pub mod policy;
pub mod reach;
pub mod reads;
pub mod refuse;
pub mod ruby;
pub mod rules;
pub mod side;
pub mod suggest;
pub mod survey;
pub mod touched;
pub mod tree;

pub mod audit;
pub mod base;
pub mod decide;
pub mod git;
pub mod handover;
pub mod plan;
pub mod planview;
pub mod revisions;

pub mod context;
pub mod engine;
pub mod environments;
pub mod graph;
pub mod live;
pub mod proc;
pub mod recorded;
pub mod registry;
pub mod remember;
pub mod run;
pub mod sources;
pub mod threads;
pub mod times;
pub mod tools;
pub mod verdicts;
pub mod waivers;

pub mod check;
pub mod clean;
pub mod doctor;
pub mod elsewhere;
pub mod emission;
pub mod emit;
pub mod flags;
pub mod gitlab;
pub mod graphview;
pub mod image;
pub mod init;
pub mod junit;
pub mod leave;
pub mod lint;
pub mod report;
pub mod schema;
