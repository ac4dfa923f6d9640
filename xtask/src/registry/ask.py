"""Asks registries which images they have, by their HTTP interface.

Reads ``{"auths": {...}, "references": [...]}`` from standard input, where ``auths`` is what docker keeps in its
``config.json``, and prints a list with one answer for each reference: ``{"digest": ...}``, ``{"absent": true}``, or
``{"why": ...}`` where the registry could not be asked. No answer holds a credential.
"""

import concurrent.futures
import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request

KINDS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
SECONDS = 15
AT_ONCE = 8


class Unreachable(Exception):
    """Nothing answers at a registry."""


def is_loopback(host):
    """Is the registry on this machine? Then it needs no certificate, as for docker."""
    name = host if host.startswith("[") else host.split(":")[0]
    return name == "localhost" or name.startswith("127.") or name.startswith("[::1]")


def credentials(auths, host, path):
    """The longest entry of docker's configuration that is about a repository, as user and password in base64."""
    parts = [host, *path.split("/")]
    for length in range(len(parts), 0, -1):
        name = "/".join(parts[:length])
        for key in (name, "https://" + name, "http://" + name, "https://" + name + "/v1/"):
            entry = auths.get(key)
            if entry and entry.get("auth"):
                return entry["auth"]
    return None


def send(url, method, headers):
    """One request; the answer's code, headers and content."""
    request = urllib.request.Request(url, method=method)
    for name, value in headers.items():
        # Not sent on to whatever the registry redirects to.
        request.add_unredirected_header(name, value)
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, b""
    except (OSError, ValueError) as error:
        raise Unreachable(str(getattr(error, "reason", error))) from None


def token(challenge, auth):
    """A token from the service that the registry names."""
    words = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    realm = words.pop("realm", "")
    words.pop("error", None)
    url = urllib.parse.urlsplit(realm)
    if url.scheme != "https" and not is_loopback(url.netloc):
        return None
    code, _, content = send(
        realm + ("&" if url.query else "?") + urllib.parse.urlencode(words),
        "GET",
        {"Authorization": "Basic " + auth} if auth else {},
    )
    if code != 200:
        return None
    said = json.loads(content)
    return said.get("token") or said.get("access_token")


def ask(reference, auths):
    """What a registry says of one image."""
    name, _, tag = reference.rpartition(":")
    host, _, path = name.partition("/")
    scheme = "http" if is_loopback(host) else "https"
    server = "registry-1.docker.io" if host == "docker.io" else host
    url = f"{scheme}://{server}/v2/{urllib.parse.quote(path)}/manifests/{urllib.parse.quote(tag)}"
    headers = {"Accept": ", ".join(KINDS)}
    auth = credentials(auths, host, path)
    code, answer, _ = send(url, "HEAD", headers)
    if code == 401:
        challenge = answer.get("WWW-Authenticate", "")
        if challenge.lower().startswith("bearer"):
            found = token(challenge, auth)
            headers["Authorization"] = f"Bearer {found}" if found else ""
        elif auth:
            headers["Authorization"] = "Basic " + auth
        if not headers.get("Authorization"):
            return {"why": f"{host} does not let us in" + ("" if auth else ": there are no credentials for it")}
        code, answer, _ = send(url, "HEAD", headers)
    if code == 404:
        return {"absent": True}
    digest = answer.get("Docker-Content-Digest", "")
    if code == 200 and re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        return {"digest": digest}
    if code in (401, 403):
        return {"why": f"{host} does not let us in"}
    return {"why": f"{host} answers with {code}" + (" and no digest" if code == 200 else "")}


def main():
    """Asks about all."""
    given = json.load(sys.stdin)
    dead = {}

    def one(reference):
        host = reference.partition("/")[0]
        if host in dead:
            return {"why": dead[host]}
        try:
            return ask(reference, given["auths"])
        except Unreachable as error:
            dead[host] = f"{host} cannot be reached ({error})"
            return {"why": dead[host]}
        except Exception as error:  # noqa: BLE001, what cannot be understood is no answer
            return {"why": f"{host} gave an answer that makes no sense ({type(error).__name__})"}

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        print(json.dumps(list(pool.map(one, given["references"]))))


main()
