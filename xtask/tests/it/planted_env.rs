//! Planted mistakes: lock, environments, type-check, pytest.

mod collected;
mod environments;
mod layouts;
mod lock;
mod pytest;
mod type_check;
