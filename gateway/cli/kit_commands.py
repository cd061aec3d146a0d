"""The names of the commands of the kit. What their arguments need takes long to import: the other commands start without it."""

from collections.abc import Sequence

from gateway.cli.kit import Add

KIT = {
    "partenaire": "écrit les fichiers d'un partenaire, d'après une page d'exemple",
    "verifier": "lit un partenaire comme la passerelle le lirait, et dit ce que cela montre",
}


def add_kit(argv: Sequence[str], add: Add) -> None:
    """The commands of the kit; with their arguments, when one of them is called."""
    if argv and argv[0] in KIT:
        from gateway.cli.kit.command_line import add_commands  # noqa: PLC0415

        add_commands(add, KIT)
        return
    for name, summary in KIT.items():
        add(name, lambda _: None, summary)
