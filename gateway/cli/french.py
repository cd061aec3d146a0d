"""argparse in French: its help and its own errors, in the language of every other message to operators. Knows no command."""

import argparse
import re
import sys
from typing import Any, NoReturn

HELP = "montre cette aide et s'arrête"
_ERRORS = (  # the sentences that argparse makes by itself, as Python 3.11 to 3.13 write them
    (r"the following arguments are required: (.+)", r"il manque \1"),
    (r"unrecognized arguments: (.+)", r"inconnu : \1"),
    (r"ambiguous option: (.+?) could match (.+)", r"\1 : ambigu, \2"),
    (r"argument (.+?): expected one argument", r"\1 : une valeur est attendue"),
    (r"argument (.+?): invalid choice: (.+?) \(choose from (.+)\)", r"\1 : \2 inconnu ; au choix \3"),
    (r"argument (.+?): ignored explicit argument (.+)", r"\1 : ne prend pas de valeur, \2 est en trop"),
)


def french_error(message: str) -> str:
    """What argparse says is wrong, in French. A sentence that no list knows would be English: its subject is all that is told."""
    for pattern, told in _ERRORS:
        if found := re.fullmatch(pattern, message, re.DOTALL):
            return found.expand(told)
    subject = re.match(r"argument (.+?): ", message)
    return f"{subject[1]} : valeur invalide" if subject else "arguments mal formés"


class FrenchCommand(argparse.ArgumentParser):
    """A command whose help and errors are in French, and those of its subcommands."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, add_help=False, formatter_class=_FrenchHelp)
        self.add_argument("-h", "--help", action="help", help=HELP)

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog} : {french_error(message)}\n")


class _FrenchHelp(argparse.HelpFormatter):
    def add_usage(self, usage: str | None, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, "usage : " if prefix is None else prefix)

    def start_section(self, heading: str | None) -> None:
        super().start_section("arguments " if heading == "positional arguments" else f"{heading} ")
