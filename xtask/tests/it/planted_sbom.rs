//! Planted mistakes: sbom.
