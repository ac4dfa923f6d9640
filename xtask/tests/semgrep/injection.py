"""Cases for ci/semgrep/injection.yaml."""

import ast
import asyncio
import importlib
import os
import subprocess
import sys

import flask
import jinja2
import sqlalchemy
from jinja2 import Environment, select_autoescape

TABLE = "items"


# --- sql-formatted-query
def queries(db, cursor, engine, pool, name: str, count: int):
    """Look something up."""
    # ruleid: sql-formatted-query
    cursor.execute(f"SELECT * FROM items WHERE name = '{name}'")
    # ruleid: sql-formatted-query
    cursor.execute("SELECT * FROM items WHERE name = '" + name + "'")
    # ruleid: sql-formatted-query
    cursor.execute("DELETE FROM items WHERE name = '%s'" % name)
    # ruleid: sql-formatted-query
    cursor.execute("INSERT INTO items VALUES ('{}')".format(name))
    # ruleid: sql-formatted-query
    db.executescript(f"DROP TABLE {name}")
    # ruleid: sql-formatted-query
    db.execute(sqlalchemy.text(f"UPDATE items SET name = '{name}'"))
    # ruleid: sql-formatted-query
    db.execute(f"""
        SELECT id
        FROM items
        WHERE name = '{name}'
    """)
    # ok: sql-formatted-query
    cursor.execute("SELECT * FROM items WHERE name = ?", (name,))
    # ok: sql-formatted-query
    cursor.execute(f"SELECT * FROM {TABLE} WHERE name = ?", (name,))
    # ok: sql-formatted-query
    cursor.execute("SELECT * FROM items " + "WHERE name = ?", (name,))
    # ok: sql-formatted-query
    cursor.execute(f"SELECT * FROM {db.TABLE} LIMIT 1")
    # ok: sql-formatted-query
    db.execute(sqlalchemy.text("SELECT 1"))
    # ok: sql-formatted-query
    pool.execute(f"task {name}")
    # ok: sql-formatted-query
    engine.log(f"SELECT {name}")


def query_by_variable(cursor, name: str):
    """Build the query first."""
    query = f"SELECT * FROM items WHERE name = '{name}'"
    # ruleid: sql-formatted-query
    cursor.execute(query)


def safe_query_by_variable(cursor, name: str):
    """Pass the value apart."""
    query = "SELECT * FROM items WHERE name = ?"
    # ok: sql-formatted-query
    cursor.execute(query, (name,))


# --- subprocess-shell
def shells(name: str):
    """Run a command."""
    # ruleid: subprocess-shell
    subprocess.run(f"ls {name}", shell=True)
    # ruleid: subprocess-shell
    subprocess.Popen("ls", stdout=None, shell=True)
    # ruleid: subprocess-shell
    subprocess.getoutput("ls " + name)
    # ruleid: subprocess-shell
    asyncio.create_subprocess_shell("ls " + name)
    # ok: subprocess-shell
    subprocess.run(["ls", name], check=True)
    # ok: subprocess-shell
    subprocess.run(["ls", name], shell=False)
    # ok: subprocess-shell
    asyncio.create_subprocess_exec("ls", name)


# --- os-system-call
def systems(name: str, robot):
    """Run a command."""
    # ruleid: os-system-call
    os.system("rm " + name)
    # ruleid: os-system-call
    os.popen("ls").read()
    # ok: os-system-call
    os.remove(name)
    # ok: os-system-call
    robot.system("start")


# --- eval-exec
def evals(text: str, model, cursor):
    """Work something out."""
    # ruleid: eval-exec
    a = eval(text)
    # ruleid: eval-exec
    exec(text, {})
    # ok: eval-exec
    b = ast.literal_eval(text)
    # ok: eval-exec
    model.eval()
    # ok: eval-exec
    cursor.exec(text)
    # ok: eval-exec
    c = eval("1 + 1")
    return a, b, c


# --- dynamic-import-from-input
def plugins(name: str):
    """Load a plug-in."""
    # ruleid: dynamic-import-from-input
    a = importlib.import_module(sys.argv[1])
    chosen = os.environ["PLUGIN"]
    # ruleid: dynamic-import-from-input
    b = importlib.import_module(f"plugins.{chosen}")
    # ok: dynamic-import-from-input
    c = importlib.import_module("json")
    # ok: dynamic-import-from-input
    d = importlib.import_module(name)
    return a, b, c, d


# --- jinja2-autoescape-off
# ruleid: jinja2-autoescape-off
plain = jinja2.Environment()
# ruleid: jinja2-autoescape-off
off = Environment(loader=None, autoescape=False)
# ok: jinja2-autoescape-off
on = jinja2.Environment(autoescape=True)
# ok: jinja2-autoescape-off
chosen = Environment(loader=None, autoescape=select_autoescape(["html"]))


def by_name(name: str | None) -> bool:
    """Say which templates are HTML."""
    return bool(name and name.endswith(".html"))


# ok: jinja2-autoescape-off
by_function = jinja2.Environment(autoescape=by_name)

# --- template-from-variable
PAGE = "<p>{{ name }}</p>"


def pages(text: str):
    """Render a page."""
    # ruleid: template-from-variable
    a = flask.render_template_string(text)
    # ruleid: template-from-variable
    b = flask.render_template_string("<p>" + text + "</p>")
    # ok: template-from-variable
    c = flask.render_template_string("<p>{{ text }}</p>", text=text)
    # ok: template-from-variable
    d = flask.render_template_string(PAGE, name=text)
    # ok: template-from-variable
    e = flask.render_template("page.html", text=text)
    return a, b, c, d, e
