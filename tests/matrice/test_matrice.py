"""Every fault on every partner, through a real gateway: no answer of 500 or more, and no row missing that is not said to be."""

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from fixtures.monde import Monde
from tests.chiffres import CHIFFRES, noter
from tests.matrice.cellules import CELLULES, INDISPONIBLE, INVALIDE, PARTENAIRES, Cellule
from tests.matrice.lancer import Matrice
from tests.matrice.oracle import Sort

ECHEANCE = 60.0  # seconds a cell may take, its gateway's start included


@pytest.fixture
def matrice(monde: Monde, tmp_path: Path) -> Iterator[Matrice]:
    yield Matrice(monde, tmp_path)
    monde.controle.lever_pannes()


COURTE: tuple[
    tuple[str, str, str | None, dict[str, str]], ...
] = (  # one a partner, one after the other and none lifted: in the end the registry alone is heard
    ("ypareo", "truncate", None, {}),
    ("gestibase", "wrong_length", "short", {}),
    ("imilo", "reset", "head", {}),
    ("aimaira", "drift", "missing:Nom", {"operation": "Apprenant"}),
)


def test_partners_withheld_one_after_the_other_are_named_and_the_rest_is_whole(matrice: Matrice) -> None:
    retenus: dict[str, Sort] = {}
    with matrice.monde.gateway(GATEWAY_CONFIG=matrice.configuration({})) as lancee:
        for partenaire, genre, valeur, reste in COURTE:
            matrice.monde.controle.panne(partenaire, genre, valeur, **reste)
            retenus[partenaire] = Sort.RETENUES
            assert matrice.juger(lancee, retenus, {INVALIDE, INDISPONIBLE}) == "", partenaire
    noter(f"matrice courte : {len(COURTE)} cellules, 0 réponse ≥ 500, 0 ligne manquante sans le dire")


@pytest.mark.chaos
def test_no_fault_of_any_partner_hides_a_row_or_breaks_an_answer(matrice: Matrice) -> None:
    fautes: list[str] = []
    debut = time.monotonic()
    noter(f"{'':24}" + "".join(f"{partenaire:>13}" for partenaire in PARTENAIRES))
    for cellule in CELLULES:
        if os.environ.get("PANNE", cellule.nom) == cellule.nom:
            noter(_ligne(cellule, _jouer(matrice, cellule, fautes)))
            print(CHIFFRES[-1], *fautes, sep="\n", flush=True)
    noter(f"matrice : {len(CELLULES)} pannes × {len(PARTENAIRES)} partenaires en {time.monotonic() - debut:.0f} s")
    assert fautes == []


def _ligne(cellule: Cellule, vues: Mapping[str, str]) -> str:
    return f"{cellule.nom:24}" + "".join(f"{vues.get(partenaire, '-'):>13}" for partenaire in PARTENAIRES)


def _jouer(matrice: Matrice, cellule: Cellule, fautes: list[str]) -> dict[str, str]:
    """A row: what became of the rows of each partner, or that something is wrong, which is added to `fautes`."""
    vues: dict[str, str] = {}
    debut = time.monotonic()
    for partenaire, trouvee in _cellules(matrice, cellule):
        duree, debut = time.monotonic() - debut, time.monotonic()
        faute = trouvee or (f"took {duree:.0f} s" if duree > ECHEANCE else "")
        if faute:
            fautes.append(f"{cellule.nom}, {partenaire}: {faute}")
        vues[partenaire] = "FAULT" if faute else _devenir(cellule, partenaire)
    return vues


def _cellules(matrice: Matrice, cellule: Cellule) -> Iterator[tuple[str, str]]:
    yield from matrice.vivants(cellule)
    if cellule.kind != "wrong_tenant":  # those two have one tenant
        yield "registre", matrice.registre(cellule)
        yield "referentiel", matrice.referentiel(cellule)


def _devenir(cellule: Cellule, partenaire: str) -> str:
    return {"referentiel": "kept copy", "registre": "age told"}.get(partenaire, cellule.devenir(partenaire).value)
