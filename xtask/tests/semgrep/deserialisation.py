"""Cases for ci/semgrep/deserialisation.yaml."""

import json
import marshal
import pickle
import shelve
from pickle import loads as unpickle

import dill
import joblib
import jsonpickle
import numpy as np
import pandas as pd
import torch
import yaml
from yaml import SafeLoader


def pickles(file, text: bytes):
    """Read a pickle."""
    # ruleid: pickle-load
    a = pickle.load(file)
    # ruleid: pickle-load
    b = unpickle(text)
    # ruleid: pickle-load
    c = dill.loads(text)
    # ok: pickle-load
    d = json.load(file)
    # ok: pickle-load
    e = pickle.dumps(text)
    return a, b, c, d, e


def marshals(file):
    """Read what marshal wrote."""
    # ruleid: marshal-load
    a = marshal.load(file)
    # ok: marshal-load
    b = marshal.dumps(a)
    return b


def shelves(path: str, shop):
    """Open a shelf."""
    # ruleid: shelve-open
    a = shelve.open(path)
    # ok: shelve-open
    b = shop.open(path)
    return a, b


def documents(text: str):
    """Read YAML."""
    # ruleid: yaml-unsafe-load
    a = yaml.load(text)
    # ruleid: yaml-unsafe-load
    b = yaml.load(text, Loader=yaml.Loader)
    # ruleid: yaml-unsafe-load
    c = yaml.load(text, Loader=yaml.UnsafeLoader)
    # ruleid: yaml-unsafe-load
    d = yaml.unsafe_load(text)
    # ok: yaml-unsafe-load
    e = yaml.safe_load(text)
    # ok: yaml-unsafe-load
    f = yaml.load(text, Loader=yaml.SafeLoader)
    # ok: yaml-unsafe-load
    g = yaml.load(text, Loader=SafeLoader)
    # ok: yaml-unsafe-load
    h = yaml.load(text, yaml.CSafeLoader)
    # ok: yaml-unsafe-load
    i = json.loads(text)
    return a, b, c, d, e, f, g, h, i


def json_pickles(text: str):
    """Read JSON."""
    # ruleid: jsonpickle-decode
    a = jsonpickle.decode(text)
    # ok: jsonpickle-decode
    b = jsonpickle.encode(a)
    # ok: jsonpickle-decode
    c = json.loads(text)
    return b, c


def models(path: str):
    """Read a model or a table."""
    # ruleid: model-file-with-pickle
    a = np.load(path, allow_pickle=True)
    # ruleid: model-file-with-pickle
    b = pd.read_pickle(path)
    # ruleid: model-file-with-pickle
    c = joblib.load(path)
    # ruleid: model-file-with-pickle
    d = torch.load(path)
    # ok: model-file-with-pickle
    e = np.load(path)
    # ok: model-file-with-pickle
    f = torch.load(path, weights_only=True)
    # ok: model-file-with-pickle
    g = pd.read_csv(path)
    return a, b, c, d, e, f, g
