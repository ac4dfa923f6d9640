//! Planted mistakes: env.
