"""Cases for ci/semgrep/web.yaml."""

import os
from pathlib import Path

import flask
import httpx
import requests
from flask import Flask, redirect, request, url_for

app = Flask(__name__)
TARGETS = {"home": "/", "help": "/help"}
HOSTS = {"a": "https://a.internal"}


# --- flask-debug-on
def main(debug: bool, parser):
    """Serve."""
    # ruleid: flask-debug-on
    app.run(debug=True)
    # ruleid: flask-debug-on
    app.debug = True
    # ruleid: flask-debug-on
    app.config["DEBUG"] = True
    # ok: flask-debug-on
    app.run(debug=False)
    # ok: flask-debug-on
    app.run(debug=debug)
    # ok: flask-debug-on
    parser.parse("x", debug=True)


# --- open-redirect
def go():
    """Send the browser on."""
    # ruleid: open-redirect
    return redirect(request.args["next"])


def go_by_variable():
    """Send the browser on."""
    target = request.form.get("next", "/")
    # ruleid: open-redirect
    return flask.redirect(f"{target}?done=1")


def go_home(name: str):
    """Send the browser to a place we know."""
    if request.args.get("help"):
        # ok: open-redirect
        return redirect(url_for("help"))
    if request.args.get("by_name"):
        # ok: open-redirect
        return redirect(TARGETS[request.args["name"]])
    # ok: open-redirect
    return redirect("/")


# --- server-side-request
def proxy():
    """Fetch for somebody."""
    url = request.args["url"]
    # ruleid: server-side-request
    a = requests.get(url, timeout=5)
    # ruleid: server-side-request
    b = httpx.get("https://" + request.json["host"])
    # ok: server-side-request
    c = requests.get("https://a.internal", params={"q": request.args["q"]}, timeout=5)
    # ok: server-side-request
    d = requests.get(HOSTS[request.args["host"]], timeout=5)
    return a, b, c, d


# --- path-from-request
def download():
    """Hand out a file."""
    name = request.args["name"]
    # ruleid: path-from-request
    a = open(os.path.join("/srv", name))
    # ruleid: path-from-request
    b = Path("/srv", name).read_text()
    # ruleid: path-from-request
    c = flask.send_file("/srv/" + name)
    # ok: path-from-request
    d = flask.send_from_directory("/srv", name)
    # ok: path-from-request
    e = open(os.path.join("/srv", os.path.basename(name)))
    # ok: path-from-request
    f = open("/srv/fixed.txt")
    return a, b, c, d, e, f
