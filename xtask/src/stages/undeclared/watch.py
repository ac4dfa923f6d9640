"""Writes down which files of the repository a Python process reads, and on whose behalf.

Loaded at the start of every interpreter of a `dev` environment by a `.pth` file beside it; does nothing unless a stage
asks for it in the variable `XTASK_WATCH`. Each path is written once, at once and in one piece, so that nothing is lost
when a process forks, is killed, or leaves through `os._exit`. Must not decide what may be read, must not import
anything that an interpreter has not loaded by itself, and must never make an operation of the project fail.
"""

import os
import sys

# The import system looks for modules, pytest for tests: what they list is no input.
FINDERS = ("importlib", "_frozen_importlib_external", "pkgutil", "zipimport", "pkg_resources", "_pytest")
STANDARD = getattr(sys, "stdlib_module_names", frozenset())
ESCAPES = {**{code: f"\\u{code:04x}" for code in range(32)}, 34: '\\"', 92: "\\\\"}
# What separates the words of a shell's command line, and of the code after `python -c`.
MARKS = {ord(mark): " " for mark in ";|&<>()[]{}'\"`,=\n\t"}
# Events by which a path comes to hold what the process put there, with the position of that path.
MAKES = {"os.rename": 1, "os.link": 1, "os.symlink": 1}
LISTS = ("os.listdir", "os.scandir")
STARTS = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system")
OTHERS = frozenset((*LISTS, "sqlite3.connect", *STARTS, *MAKES))


def settings():
    """What the stage asks for: from the environment or, where a test has started us without it, from those before us."""
    text, pid = os.environ.get("XTASK_WATCH"), os.getppid()
    for _ in range(4):
        if text or pid <= 1:
            break
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                variables = file.read().split(b"\0")
            with open(f"/proc/{pid}/stat", "rb") as file:
                pid = int(file.read().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            break
        text = next((os.fsdecode(it[12:]) for it in variables if it.startswith(b"XTASK_WATCH=")), None)
    return text.split("\n") if text else None


class Watch:
    """What is known of this process so far. Keeps what it calls: a test may replace functions of `os`."""

    def __init__(self, log, root, skip, tree):
        self.log, self.root, self.skip, self.tree = log, root, skip, tree
        self.seen = set()
        self.open, self.put, self.close = os.open, os.write, os.close
        self.getcwd, self.fsdecode, self.environ = os.getcwd, os.fsdecode, os.environ
        self.join, self.normpath, self.frame = os.path.join, os.path.normpath, sys._getframe
        self.line("start", sys.executable or "", None, None)

    def line(self, *fields):
        names = ("kind", "path", "test", "at")
        pairs = [f'"{name}":"{value.translate(ESCAPES)}"' for name, value in zip(names, fields) if value]
        text = ("{" + ",".join(pairs) + "}\n").encode("utf-8", "replace")
        # No file stays open: a test may close whatever it finds, or count it.
        file = self.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            self.put(file, text)
        finally:
            self.close(file)

    def inside(self, path):
        return path.startswith(self.root) and (not path.startswith(self.skip) or path.startswith(self.tree))

    def note(self, kind, path):
        """Writes a path down if it is one of the repository and not known yet."""
        if type(path) is not str:
            if path is None or isinstance(path, int):
                return
            path = self.fsdecode(path)
        if path[:1] != "/":
            path = self.join(self.getcwd(), path)
        # Most paths have nothing of the kind; hidden directories are common.
        if "/../" in path or "/./" in path or "//" in path or path.endswith(("/", "/.", "/..")):
            path = self.normpath(path)
        # A directory is listed by its own name, the root among them.
        if not self.inside(path + "/" if kind == "list" else path) or (kind, path) in self.seen:
            return
        counts, at = self.origin(kind)
        if counts:
            self.line(kind, path, self.environ.get("PYTEST_CURRENT_TEST"), at)
            self.seen.add((kind, path))

    def origin(self, kind):
        """Does what happens now count, and at which line of the repository does it happen?"""
        frame, user, at = self.frame(4), None, None
        if kind == "list" and frame.f_globals.get("__name__", "").partition(".")[0] in FINDERS:
            return False, None
        while frame and not (user and at):
            top = (frame.f_globals.get("__name__") or "").partition(".")[0]
            if top not in STANDARD:
                user = user or top
            file = frame.f_code.co_filename
            if not at and self.inside(file):
                at = f"{file}:{frame.f_lineno}"
            frame = frame.f_back
        # coverage reads sources to count their lines.
        return user != "coverage" and not (kind == "list" and user in FINDERS), at

    def command(self, words, cwd):
        """What a command names may be a file of the repository."""
        base = self.join(self.getcwd(), self.fsdecode(cwd)) if cwd else self.getcwd()
        words = [words] if isinstance(words, (str, bytes)) or hasattr(words, "__fspath__") else words
        for word in words:
            word = self.fsdecode(word)
            for part in {word, *word.translate(MARKS).split()}:
                if 0 < len(part) < 4096 and "\n" not in part and "\0" not in part:
                    self.note("named", self.join(base, part))

    def opened(self, path, flags):
        if not isinstance(flags, int) or flags & os.O_ACCMODE == os.O_RDONLY:
            self.note("read", path)
        elif flags & (os.O_TRUNC | os.O_EXCL):
            self.note("made", path)
        elif flags & os.O_ACCMODE == os.O_RDWR:
            self.note("read", path)

    def other(self, event, args):
        if event in LISTS:
            self.note("list", "." if args[0] is None else args[0])
        elif event in MAKES:
            self.note("made", args[MAKES[event]])
            if event == "os.symlink":
                # What is read through a link elsewhere has another name there.
                target = self.join(self.join(self.fsdecode(args[1]), ".."), self.fsdecode(args[0]))
                self.note("linked", target)
        elif event == "sqlite3.connect":
            path = args[0]
            # An address says more than a path; one with escapes in it stays unseen.
            self.note("read", path[5:].partition("?")[0] if isinstance(path, str) and path[:5] == "file:" else path)
        else:
            self.command(args[0], None)
            if event != "os.system":
                self.command(args[1], args[2] if event == "subprocess.Popen" else None)


def start(log, root, skip, tree):
    watch = Watch(log, root, skip, tree)
    opened, other = watch.opened, watch.other

    # Called a thousand times for each event that matters.
    def hook(event, args):
        if event == "open":
            try:
                opened(args[0], args[2])
            except Exception:
                pass
        elif event in OTHERS:
            try:
                other(event, args)
            except Exception:
                pass

    sys.addaudithook(hook)


wanted = settings()
if wanted:
    start(*wanted)
