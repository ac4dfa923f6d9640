"""The command line: options in, table out."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from meterctl.commands import COMMANDS, MODELS, Options

BAD_INPUT = 2
"""The exit status for input that cannot be used."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        arguments: The command line without the program's name; by default, the real one.

    Returns:
        The exit status.
    """
    options = Options(**vars(make_parser().parse_args(arguments)))
    try:
        result = COMMANDS[options.command](options)
    except ValueError as problem:
        print(f"meterctl: {problem}", file=sys.stderr)
        return BAD_INPUT
    print(result.table.json() if options.json else result.table.text())
    return result.status


def make_parser() -> argparse.ArgumentParser:
    """Describe the command line.

    Returns:
        A parser whose result has the names of the fields of :class:`meterctl.commands.Options`.
    """
    parser = argparse.ArgumentParser(prog="meterctl", description="Work with meter readings.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    check = _command(commands, "check", "find readings that need a look")
    check.add_argument("--max-gap", type=float, default=24, metavar="HOURS")
    check.add_argument("--max-power", type=float, default=14, metavar="KW")

    usage = _command(commands, "usage", "add up the usage of each day")
    cost = _command(commands, "cost", "compare tariffs")
    cost.add_argument(
        "--tariff",
        dest="tariffs",
        type=Path,
        action="extend",
        nargs=1,
        required=True,
        metavar="FILE",
        help="a tariff file; give the option again to compare",
    )
    forecast = _command(commands, "forecast", "forecast the usage of the next hours")
    forecast.add_argument("--steps", type=_count, default=24, metavar="HOURS")
    forecast.add_argument("--model", choices=sorted(MODELS), default="profile")

    for command in (usage, cost, forecast):
        command.add_argument("--digits", type=_count, help="digits of the register")
    for command in (usage, forecast):
        command.add_argument("--zone", type=_zone, default=ZoneInfo("UTC"), help="time zone")
    return parser


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, summary: str
) -> argparse.ArgumentParser:
    """Add a command with what all commands take."""
    parser = commands.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument("file", type=Path, help="readings in CSV or JSON")
    parser.add_argument("--meter", help="the meter, where the file has several")
    return parser


def _count(text: str) -> int:
    """Read a number that is at least one."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def _zone(name: str) -> ZoneInfo:
    """Read the name of a time zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise argparse.ArgumentTypeError(f"there is no time zone {name!r}") from None
