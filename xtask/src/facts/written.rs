//! How facts are written down for the next plan: short, so that ten thousand of them are read in no time.
//!
//! Pure. For serde's `with`: a digest is hexadecimal text. Must not say what is written.

use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

use super::Digest;
use crate::sources::hex;
use crate::tree::Id;

/// What a manifest does not say is not written down.
pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

pub fn serialize<S: Serializer>(digest: &Digest, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex(digest))
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
    let id = Id::from_hex(<&str>::deserialize(deserializer)?).map_err(D::Error::custom)?;
    id.as_bytes().try_into().map_err(D::Error::custom)
}

/// The same of one that need not be there; it is left out where it is not.
pub mod or_none {
    use super::*;

    pub fn serialize<S: Serializer>(digest: &Option<Digest>, serializer: S) -> Result<S::Ok, S::Error> {
        super::serialize(&digest.unwrap_or_default(), serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Digest>, D::Error> {
        super::deserialize(deserializer).map(Some)
    }
}
