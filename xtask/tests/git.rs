//! What git is asked, held against real repositories made in temporary directories.
//!
//! Nothing of the user's git settings reaches these repositories, but for the tests that bring hostile ones along.

#[path = "git/anything.rs"]
mod anything;
#[path = "git/find.rs"]
mod find;
#[path = "git/history.rs"]
mod history;
#[path = "git/index.rs"]
mod index;
#[path = "git/place.rs"]
mod place;
#[path = "git/remembered.rs"]
mod remembered;
#[path = "git/trees.rs"]
mod trees;
#[path = "git/work_tree.rs"]
mod work_tree;
