"""Tables for people and for programs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """What a command prints.

    Attributes:
        columns: The names of the columns.
        rows: The rows, each with one text for each column.
    """

    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def text(self) -> str:
        """Write the table in columns.

        Returns:
            One line for the names and one for each row, without blanks at the end of a line.
        """
        lines = [self.columns, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    def json(self) -> str:
        """Write the table as JSON.

        Returns:
            A list with one object for each row.
        """
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return json.dumps(rows, indent=2, ensure_ascii=False)
