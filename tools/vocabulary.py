"""The words of a table, as docs/partenaires-table.md shows them: generated, so that the page says no other list than the code.

python -m tools.vocabulary            writes the table again
python -m tools.vocabulary --check    says whether it is what it must be
"""

import sys
from pathlib import Path
from typing import Any

from gateway.connectors import values
from gateway.connectors.table import vocabulary as words
from gateway.connectors.table.vocabulary import REQUIRED, WORDS

PAGE = Path(__file__).parents[1] / "docs" / "partenaires-table.md"
BEGIN, END = "<!-- vocabulaire : python -m tools.vocabulary -->", "<!-- fin du vocabulaire -->"
# By what reads it, what may be written there.
MEANINGS: tuple[tuple[Any, str], ...] = (
    (words.FirstDay, "une date"),
    (words.Day, "une date ; vide, ou faite de zéros : absente"),
    (words.Instant, "une date et une heure (de Paris, sans décalage)"),
    (values.Required, "un texte ou un nombre"),
    (values.Boolean, "true, 1, oui, O et leurs contraires"),
    (values.SexeValue, "M, H, 1 ; F, 2"),
    (values.Telephone, "un numéro français, de toute forme ; le premier de plusieurs"),
    (values.Courriel, "une adresse ; la première de plusieurs"),
    (values.CodePostalValue, "un code postal ; un zéro perdu est rendu si la ville le permet"),
    (values.CodeInseeValue, "un code Insee"),
    (values.UaiValue, "un UAI"),
    (values.Ine, "un INE"),
    (values.Rncp, "un code RNCP, avec ou sans son préfixe"),
    (values.Cfd, "un code formation diplôme"),
    (values.Level, "de 3 à 8"),
    (values.Naf, "un code NAF"),
    (values.NumeroContrat, "le numéro du contrat au registre (DECA) ; d'une autre forme : écarté"),
    (values.SiretValue, "un SIRET ; un SIREN, à défaut, sert à comparer"),
    (values.SirenValue, "un SIREN"),
    (words.Situation, "un mot de `SituationSuivi` (`RDV_PRIS`…) ; `codes` traduit les siens"),
    (words.Motifs, "un ou plusieurs mots de `MotifAccompagnement` ; `codes` traduit les siens"),
    (values.Text, "un texte"),
)


def table() -> str:
    """The table, a line a word."""
    lines = ["| dans | champ | ce qui s'y lit |", "| --- | --- | --- |"]
    for noun, fields in WORDS.items():
        for word, parser in fields.items():
            required = " **(obligatoire)**" if word in REQUIRED.get(noun, ()) else ""
            lines.append(f"| `{noun}` | `{word}`{required} | {_meaning(parser)} |")
    return "\n".join(lines)


def _meaning(parser: Any) -> str:
    return next(told for known, told in MEANINGS if parser is known)


def page() -> str:
    """The page, with the table as it must be."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


def main() -> int:
    """Write the page again, or say that it is stale."""
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if page() == PAGE.read_text(encoding="utf-8"):
        return 0
    print("docs/partenaires-table.md: the table of words is stale: python -m tools.vocabulary")
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
