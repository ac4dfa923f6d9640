"""Reports on what the lines of a low voltage network carry."""

from grid_report.render import FORMATS, Row, rows

__all__ = ["FORMATS", "Row", "rows"]
