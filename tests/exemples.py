"""The examples of the GraphiQL page, read as the page reads them."""

import re
from dataclasses import dataclass
from pathlib import Path

FICHIER = Path(__file__).resolve().parent.parent / "gateway/web/source/exemples.graphql"


@dataclass(frozen=True, slots=True)
class Exemple:
    """A query and the demo clients it is written for."""

    clients: tuple[str, ...]
    qui: str
    titre: str
    requete: str


def exemples() -> list[Exemple]:
    """In the order of the menu: the first is the page's default query."""
    return [
        _exemple(morceau)
        for morceau in re.split(r"^# == ", FICHIER.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    ]


def _exemple(morceau: str) -> Exemple:
    tete, _, requete = morceau.partition("\n")
    clients, qui, titre = tete.split(" · ")
    return Exemple(tuple(clients.split(", ")), qui, titre, requete.strip())
