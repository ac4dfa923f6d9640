//! Planted mistakes: ship.
