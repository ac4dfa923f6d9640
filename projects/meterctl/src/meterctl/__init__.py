"""Meter readings on the command line."""

from meterctl.cli import main

__all__ = ["main"]
