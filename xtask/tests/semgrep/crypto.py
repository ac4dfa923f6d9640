"""Cases for ci/semgrep/crypto.yaml."""

import hashlib
import random
import secrets

import jwt
from Crypto.Cipher import AES, DES
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import algorithms, modes


# --- weak-hash
def hashes(data: bytes):
    """Hash something."""
    # ruleid: weak-hash
    a = hashlib.md5(data)
    # ruleid: weak-hash
    b = hashlib.sha1(data).hexdigest()
    # ruleid: weak-hash
    c = hashlib.new("md5", data)
    # ruleid: weak-hash
    d = hashlib.sha1(data, usedforsecurity=True)
    # ok: weak-hash
    e = hashlib.sha256(data)
    # ok: weak-hash
    f = hashlib.md5(data, usedforsecurity=False)
    # ok: weak-hash
    g = hashlib.new("sha256", data)
    return a, b, c, d, e, f, g


# --- weak-random-secret
def make_token(rng: random.SystemRandom) -> str:
    """Make a token."""
    # ruleid: weak-random-secret
    token = "".join(random.choice("abc") for _ in range(20))
    # ruleid: weak-random-secret
    reset_password = random.randint(0, 999999)
    # ok: weak-random-secret
    token = secrets.token_urlsafe()
    # ok: weak-random-secret
    token = "".join(random.SystemRandom().choice("abc") for _ in range(20))
    # ok: weak-random-secret
    index = random.randint(0, 10)
    # ok: weak-random-secret
    broken_tokens = random.sample(["a", "b"], 1)
    return f"{token}{reset_password}{index}{broken_tokens}"


def new_session_id() -> int:
    """Make the id of a session."""
    # ruleid: weak-random-secret
    return random.getrandbits(64)


def new_colour() -> int:
    """Choose a colour."""
    # ok: weak-random-secret
    return random.getrandbits(24)


# --- weak-cipher
def ciphers(key: bytes, iv: bytes):
    """Encrypt something."""
    # ruleid: weak-cipher
    a = DES.new(key, DES.MODE_CBC)
    # ruleid: weak-cipher
    b = AES.new(key, AES.MODE_ECB)
    # ruleid: weak-cipher
    c = algorithms.TripleDES(key)
    # ruleid: weak-cipher
    d = modes.ECB()
    # ok: weak-cipher
    e = AES.new(key, AES.MODE_GCM)
    # ok: weak-cipher
    f = algorithms.AES(key)
    # ok: weak-cipher
    g = modes.GCM(iv)
    return a, b, c, d, e, f, g


# --- weak-key-size
def keys():
    """Make a key."""
    # ruleid: weak-key-size
    a = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    # ruleid: weak-key-size
    b = rsa.generate_private_key(65537, 512)
    # ok: weak-key-size
    c = rsa.generate_private_key(public_exponent=65537, key_size=3072)
    # ok: weak-key-size
    d = rsa.generate_private_key(65537, 2048)
    return a, b, c, d


# --- jwt-decode-unverified
def tokens(text: str, key: str):
    """Read a token."""
    # ruleid: jwt-decode-unverified
    a = jwt.decode(text, options={"verify_signature": False})
    # ruleid: jwt-decode-unverified
    b = jwt.decode(text, key, algorithms=["HS256", "none"])
    # ruleid: jwt-decode-unverified
    c = jwt.decode(text, verify=False)
    # ok: jwt-decode-unverified
    d = jwt.decode(text, key, algorithms=["HS256"])
    # ok: jwt-decode-unverified
    e = jwt.decode(text, key, algorithms=["HS256"], options={"verify_signature": True})
    # ok: jwt-decode-unverified
    f = jwt.encode({}, key, algorithm="HS256")
    return a, b, c, d, e, f
