//! The emitted pipeline as a value: its text, its shapes, its budget, and what hostile names become. No tool runs.

#[path = "emit/fuzz.rs"]
mod fuzz;
#[path = "emit/made.rs"]
mod made;
#[path = "emit/read.rs"]
mod read;
#[path = "emit/shapes.rs"]
mod shapes;
#[path = "emit/sizes.rs"]
mod sizes;
