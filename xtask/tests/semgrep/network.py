"""Cases for ci/semgrep/network.yaml."""

import ftplib
import http.client
import smtplib
import socket
import ssl
import urllib.request
from urllib.request import urlopen

import aiohttp
import httpx
import paramiko
import requests
import uvicorn
from requests import get as fetch


# --- request-without-timeout
def calls(url: str, cache, **options):
    """Fetch something."""
    # ruleid: request-without-timeout
    requests.get(url)
    # ruleid: request-without-timeout
    requests.request("GET", url, headers={})
    # ruleid: request-without-timeout
    fetch(url)
    # ruleid: request-without-timeout
    urllib.request.urlopen(url)
    # ruleid: request-without-timeout
    urlopen(url, data=b"x")
    # ruleid: request-without-timeout
    http.client.HTTPSConnection("host")
    # ruleid: request-without-timeout
    smtplib.SMTP("host", 25)
    # ruleid: request-without-timeout
    socket.create_connection(("host", 80))
    # ok: request-without-timeout
    requests.get(url, timeout=10)
    # ok: request-without-timeout
    requests.get(url, **options)
    # ok: request-without-timeout
    urlopen(url, None, 10)
    # ok: request-without-timeout
    urlopen(url, timeout=3)
    # ok: request-without-timeout
    httpx.get(url)
    # ok: request-without-timeout
    cache.get(url)
    # ok: request-without-timeout
    http.client.HTTPSConnection("host", timeout=5)
    # ok: request-without-timeout
    socket.create_connection(("host", 80), 5)
    # ok: request-without-timeout
    socket.create_connection(("host", 80), timeout=5)


def sessions(url: str, known: requests.Session, table: dict):
    """Fetch through a session."""
    session = requests.Session()
    # ruleid: request-without-timeout
    session.get(url)
    # ok: request-without-timeout
    session.get(url, timeout=5)
    # ok: request-without-timeout
    table.get(url)
    with requests.Session() as inner:
        # ruleid: request-without-timeout
        inner.post(url, json={})
    # ruleid: request-without-timeout
    known.get(url)


# --- request-timeout-none
def endless(url: str):
    """Wait for ever."""
    # ruleid: request-timeout-none
    requests.get(url, timeout=None)
    # ruleid: request-timeout-none
    httpx.Client(timeout=None)
    # ok: request-timeout-none
    httpx.Client(timeout=5)
    # ok: request-timeout-none
    requests.get(url, timeout=5, params=None)


# --- tls-verification-off
def unverified(url: str, session: requests.Session, context: ssl.SSLContext, store):
    """Trust anybody."""
    # ruleid: tls-verification-off
    requests.get(url, timeout=5, verify=False)
    # ruleid: tls-verification-off
    httpx.Client(verify=False)
    # ruleid: tls-verification-off
    session.post(url, verify=False, timeout=5)
    # ruleid: tls-verification-off
    session.verify = False
    # ruleid: tls-verification-off
    context.check_hostname = False
    # ruleid: tls-verification-off
    context.verify_mode = ssl.CERT_NONE
    # ruleid: tls-verification-off
    ssl._create_unverified_context()
    # ruleid: tls-verification-off
    aiohttp.TCPConnector(ssl=False)
    # ok: tls-verification-off
    requests.get(url, timeout=5, verify="/etc/ssl/ca.pem")
    # ok: tls-verification-off
    context.check_hostname = True
    # ok: tls-verification-off
    context.verify_mode = ssl.CERT_REQUIRED
    # ok: tls-verification-off
    store.check(url, verify=False)


# --- tls-old-protocol
def old():
    """Speak an old protocol."""
    # ruleid: tls-old-protocol
    a = ssl.SSLContext(ssl.PROTOCOL_TLSv1)
    # ruleid: tls-old-protocol
    a.minimum_version = ssl.TLSVersion.TLSv1_1
    # ok: tls-old-protocol
    b = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # ok: tls-old-protocol
    b.minimum_version = ssl.TLSVersion.TLSv1_2
    return a, b


# --- cleartext-protocol
def clear():
    """Speak in clear text."""
    # ruleid: cleartext-protocol
    a = ftplib.FTP("host")
    # ok: cleartext-protocol
    b = ftplib.FTP_TLS("host")
    return a, b


# --- bind-all-interfaces
def servers(sock: socket.socket, app, host: str):
    """Listen."""
    # ruleid: bind-all-interfaces
    sock.bind(("0.0.0.0", 80))
    # ruleid: bind-all-interfaces
    app.run(host="0.0.0.0", port=80)
    # ruleid: bind-all-interfaces
    uvicorn.run(app, host="::")
    # ok: bind-all-interfaces
    sock.bind(("127.0.0.1", 80))
    # ok: bind-all-interfaces
    app.run(host=host)
    # ok: bind-all-interfaces
    is_any = host == "0.0.0.0"
    return is_any


# ruleid: bind-all-interfaces
def listen(host: str = "0.0.0.0") -> str:
    """Listen on the host."""
    return host


# --- ssh-auto-add-policy
def ssh(client: paramiko.SSHClient):
    """Connect to a host."""
    # ruleid: ssh-auto-add-policy
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    # ruleid: ssh-auto-add-policy
    client.set_missing_host_key_policy(paramiko.WarningPolicy)
    # ok: ssh-auto-add-policy
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    # ok: ssh-auto-add-policy
    client.load_system_host_keys()
