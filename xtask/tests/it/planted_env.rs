//! Planted mistakes: lock, environments, type-check, pytest.

mod environments;
mod lock;
mod pytest;
mod type_check;
