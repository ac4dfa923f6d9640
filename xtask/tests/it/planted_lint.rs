//! Planted mistakes: lint.
