"""Modules from beside this checkout: where somebody else's subjects are, ``--with PATH``."""

from __future__ import annotations

import argparse
import os
import shlex
import sys

from reports.schema import given_path

_option = ""


def add_option(parser: argparse.ArgumentParser) -> None:
    """Let a session be told where the modules of its subjects are."""
    parser.add_argument(
        "--with",
        dest="beside",
        action=_Beside,
        type=given_path,
        metavar="PATH",
        help="a folder or a wheel in which MODULE is found, beside this checkout",
    )


def option() -> str:
    """Return the option that finds the same modules again, with a space before it."""
    return _option


class _Beside(argparse.Action):
    """Lets modules be imported from there, in this process and in those that it starts."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Take it as the command line is read."""
        global _option
        path = str(values)
        if not os.path.exists(path):
            parser.error(f"{option_string} {path}: there is no such folder or wheel")
        sys.path.insert(0, path)
        others = [each for each in (os.environ.get("PYTHONPATH"),) if each]
        os.environ["PYTHONPATH"] = os.pathsep.join([os.path.abspath(path), *others])
        _option = f" --with {shlex.quote(path)}"
        setattr(namespace, self.dest, values)
