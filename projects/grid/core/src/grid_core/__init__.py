"""Low voltage networks and what their lines carry."""

from grid_core.flow import Flow, flows
from grid_core.load import Case, load
from grid_core.network import GridError, Line, Network

__all__ = ["Case", "Flow", "GridError", "Line", "Network", "flows", "load"]
