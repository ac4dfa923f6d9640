//! What identifies a content.
//!
//! A value. Must not know how it is worked out.

use std::fmt;
use std::hash::{Hash, Hasher};

use anyhow::{Result, bail};

/// What identifies a content: git's object id, of 20 bytes in a sha1 repository and 32 in a sha256 one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    length: u8,
    bytes: [u8; 32],
}

impl Id {
    /// From 20 or 32 bytes.
    ///
    /// # Errors
    /// On any other number of bytes.
    pub fn new(bytes: &[u8]) -> Result<Id> {
        if !matches!(bytes.len(), 20 | 32) {
            bail!("an object id has 20 or 32 bytes, not {}", bytes.len());
        }
        let mut id = Id { length: bytes.len() as u8, bytes: [0; 32] };
        id.bytes[..bytes.len()].copy_from_slice(bytes);
        Ok(id)
    }

    /// From 40 or 64 hexadecimal digits.
    ///
    /// # Errors
    /// On any other text.
    pub fn from_hex(text: &str) -> Result<Id> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            b'A'..=b'F' => Some(byte - b'A' + 10),
            _ => None,
        };
        let mut bytes = [0; 32];
        let whole = matches!(text.len(), 40 | 64)
            && text.as_bytes().chunks(2).zip(&mut bytes).all(|(pair, byte)| match (digit(pair[0]), digit(pair[1])) {
                (Some(high), Some(low)) => {
                    *byte = high << 4 | low;
                    true
                }
                _ => false,
            });
        if !whole {
            bail!("{text:?} is no object id: 40 or 64 hexadecimal digits");
        }
        Ok(Id { length: (text.len() / 2) as u8, bytes })
    }

    /// As lower-case hexadecimal.
    pub fn to_hex(self) -> String {
        crate::sources::hex(self.as_bytes())
    }

    /// Its 20 or 32 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl Hash for Id {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // It is a hash already.
        state.write(&self.bytes[..8]);
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_hex())
    }
}
