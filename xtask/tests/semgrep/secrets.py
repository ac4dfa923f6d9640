"""Cases for ci/semgrep/secrets.yaml. Every token here is made up."""

import os

# --- secret-aws-access-key-id
# ruleid: secret-aws-access-key-id
aws_id = "AKIAQ2W3E4R5T6Y7U2I3"
# ruleid: secret-aws-access-key-id
session = {"id": "ASIAQ2W3E4R5T6Y7U2I3"}
# ok: secret-aws-access-key-id
aws_documented = "AKIAIOSFODNN7EXAMPLE"
# ok: secret-aws-access-key-id
product = "XAKIAQ2W3E4R5T6Y7U2I3X"
# ok: secret-aws-access-key-id
aws_from_env = os.environ["AWS_ACCESS_KEY_ID"]

# --- secret-private-key-block
# ruleid: secret-private-key-block
pem = """-----BEGIN RSA PRIVATE KEY-----
MIIBOgIBAAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8Qu
-----END RSA PRIVATE KEY-----"""
# ruleid: secret-private-key-block
one_line = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj"
# ok: secret-private-key-block
public = """-----BEGIN PUBLIC KEY-----
MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf
-----END PUBLIC KEY-----"""
# ok: secret-private-key-block
is_key = pem.startswith("-----BEGIN PRIVATE KEY-----")

# --- secret-gitlab-token
# ruleid: secret-gitlab-token
gitlab = "glpat-aaaaBBBBccccDDDDeeee"
# ruleid: secret-gitlab-token
runner = "glrt-aaaaBBBBccccDDDD1234"
# ok: secret-gitlab-token
prefix = "glpat-"
# ok: secret-gitlab-token
masked = "glpat-********************"

# --- secret-github-token
# ruleid: secret-github-token
github = "ghp_aaaaBBBBccccDDDDeeeeFFFFggggHHHHiiii"
# ruleid: secret-github-token
fine = "github_pat_11AAAAAAA0aaaabbbbccccddddeeeeffffgggghhhh"
# ok: secret-github-token
github_prefixes = ("ghp_", "gho_", "github_pat_")

# --- secret-service-token
# ruleid: secret-service-token
slack = "xoxb-000000000000-aaaaaaaaaaaa"
# ruleid: secret-service-token
google = "AIzaAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
# ruleid: secret-service-token
npm = "npm_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
# ok: secret-service-token
npm_home = "npm_config_cache"
# ok: secret-service-token
stripe_test = "sk_test_" + "0" * 24

# --- hardcoded-password-assignment
# ruleid: hardcoded-password-assignment
password = "correct-horse"
# ruleid: hardcoded-password-assignment
DB_PASSWORD = "hunter22"
# ruleid: hardcoded-password-assignment
SECRET_KEY: str = "d41d8cd98f00b204"
# ruleid: hardcoded-password-assignment
config = {"user": "me", "api_key": "0123456789abcdef"}


class Settings:
    """Settings of the service."""

    def __init__(self) -> None:
        """Set the defaults."""
        # ruleid: hardcoded-password-assignment
        self.client_secret = "s3cr3t-value"


# ruleid: hardcoded-password-assignment
def connect(host: str, password: str = "letmein1") -> str:
    """Connect."""
    return host + password


# ok: hardcoded-password-assignment
password = os.environ["DB_PASSWORD"]
# ok: hardcoded-password-assignment
password = ""
# ok: hardcoded-password-assignment
password_label = "Enter your password"
# ok: hardcoded-password-assignment
PASSWORD = "DB_PASSWORD"
# ok: hardcoded-password-assignment
secret = "<from the vault>"
# ok: hardcoded-password-assignment
api_key = "${API_KEY}"
# ok: hardcoded-password-assignment
AUTH_TOKEN = "auth_token"
# ok: hardcoded-password-assignment
password = "/run/secrets/db"
# ok: hardcoded-password-assignment
tokens = "abcdef123456"

# --- hardcoded-password-argument
# ruleid: hardcoded-password-argument
connect("db", password="correct-horse")
connect(
    host="db",
    # ruleid: hardcoded-password-argument
    api_key="0123456789abcdef",
)
# ok: hardcoded-password-argument
connect("db", password=os.environ["DB_PASSWORD"])
# ok: hardcoded-password-argument
connect("db", password="")
# ok: hardcoded-password-argument
connect("db", label="correct-horse")

# --- credentials-in-url
# ruleid: credentials-in-url
database = "postgresql://app:hunter22@db.internal/app"
# ok: credentials-in-url
database = f"postgresql://app:{password}@db.internal/app"
# ok: credentials-in-url
database = "postgresql://user:password@localhost/app"
# ok: credentials-in-url
database = "postgresql://db.internal:5432/app"
# ok: credentials-in-url
documented = "https://app:hunter22@www.example.com/"
