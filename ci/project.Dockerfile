# The image of one project. `cargo xtask stage docker-build` builds it from a context that it writes itself:
#   uv.txt     the pinned uv, with hashes
#   locked/    manifests and locks of the project's closure, at their paths in the repository
#   sources/   every file of the closure, at its path in the repository, so that "../units" in a manifest still holds
# The project's CMD is added at the end. This file alone is a valid Dockerfile as well.

# A reference with a digest (name:tag@sha256:...) may stand here.
ARG BASE=docker.io/arm64v8/python:3.11-slim-bookworm

FROM ${BASE} AS base
# Debian packages that the project needs at run time (the article: curl and pandoc). None is the default.
ARG PACKAGES=
# buildah labels an image for the platform asked for even when the base is for another one; MACHINE is what must run.
ARG MACHINE=
RUN --mount=type=secret,id=network [ ! -f /run/secrets/network ] || . /run/secrets/network; \
    [ -z "$MACHINE" ] || [ "$(uname -m)" = "$MACHINE" ] || { echo "the base image is for $(uname -m), not $MACHINE" >&2; exit 1; }; \
    [ -z "$PACKAGES" ] || { apt-get update \
    && apt-get install -y --no-install-recommends $PACKAGES \
    && rm -rf /var/lib/apt/lists/*; }
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    VIRTUAL_ENV=/app/.venv \
    PATH=/app/.venv/bin:$PATH

# Holds uv and the sources; only its environment goes on into the image below.
FROM base AS install
ENV UV_PROJECT_ENVIRONMENT=/app/.venv \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never
COPY uv.txt /app/
# The secrets are optional: `network` sets variables (index, proxy, certificates), `ca` and `netrc` are files it names.
# None of them stays in a layer.
RUN --mount=type=secret,id=network --mount=type=secret,id=ca --mount=type=secret,id=netrc \
    [ ! -f /run/secrets/network ] || . /run/secrets/network; \
    pip install --no-cache-dir --require-hashes -r /app/uv.txt

# The directory that holds uv.lock, and what is synchronised there. The article's form is SYNC=--all-groups.
ARG ROOT
ARG SYNC="--no-default-groups --all-extras"
# Dependencies first: this layer stays while only first-party code changes.
COPY locked/ /app/
RUN --mount=type=secret,id=network --mount=type=secret,id=ca --mount=type=secret,id=netrc \
    --mount=type=cache,target=/root/.cache/uv \
    [ ! -f /run/secrets/network ] || . /run/secrets/network; \
    cd "/app/$ROOT" && uv sync --frozen $SYNC --no-install-local

# Without a cache on purpose: uv may take a wheel of a local package from its cache after the package's code changed.
COPY sources/ /app/
RUN --mount=type=secret,id=network --mount=type=secret,id=ca --mount=type=secret,id=netrc \
    [ ! -f /run/secrets/network ] || . /run/secrets/network; \
    cd "/app/$ROOT" && uv sync --frozen $SYNC --no-editable --no-cache

FROM base
COPY --from=install /app/.venv /app/.venv
WORKDIR /app
# A number needs no entry in /etc/passwd, and lets an orchestrator see that it is not root.
USER 10001:10001
# A package whose files were left out of the context can still build, as an empty wheel.
ARG IMPORTS=
RUN python -c 'import importlib, sys; [importlib.import_module(name) for name in sys.argv[1:]]' $IMPORTS
CMD ["/bin/bash"]
