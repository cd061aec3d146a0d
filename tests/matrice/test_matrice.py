"""Every fault on every partner, through a real gateway: no answer of 500 or more, and no row missing that is not said to be."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.monde import Monde
from tests.chiffres import noter
from tests.matrice.cellules import CELLULES, INDISPONIBLE, INVALIDE, PARTENAIRES, Cellule
from tests.matrice.lancer import Matrice
from tests.matrice.oracle import Sort

ECHEANCE = 60.0  # seconds a cell may take, its gateway's start included


@pytest.fixture
def matrice(monde: Monde, tmp_path: Path) -> Iterator[Matrice]:
    yield Matrice(monde, tmp_path)
    monde.controle.lever_pannes()


COURTE = (  # one a partner, one after the other and none lifted: in the end the registry alone is heard
    ("ypareo", Cellule("", "truncate", codes=frozenset({INVALIDE}))),
    ("gestibase", Cellule("", "wrong_length", "short", codes=frozenset({INVALIDE}))),
    ("imilo", Cellule("", "reset", "head", codes=frozenset({INDISPONIBLE}))),
    ("aimaira", Cellule("", "drift", "missing:Nom", codes=frozenset({INVALIDE}), reste={"operation": "Apprenant"})),
)


def test_partners_withheld_one_after_the_other_are_named_and_the_rest_is_whole(matrice: Matrice) -> None:
    retenus: list[str] = []
    with matrice.monde.gateway(GATEWAY_CONFIG=matrice.configuration("courte")) as lancee:
        for partenaire, cellule in COURTE:
            retenus.append(partenaire)
            matrice.monde.controle.panne(partenaire, cellule.kind, cellule.value, **cellule.reste)
            tous = Cellule("", "", codes=frozenset({INVALIDE, INDISPONIBLE}))
            assert matrice.juger(lancee, tous, retenus, Sort.RETENUES) == "", retenus
    noter(f"matrice courte : {len(COURTE)} cellules, 0 réponse ≥ 500, 0 ligne manquante sans le dire")


@pytest.mark.chaos
def test_no_fault_of_any_partner_hides_a_row_or_breaks_an_answer(matrice: Matrice) -> None:
    fautes: list[str] = []
    lignes: list[str] = []
    debut = time.monotonic()
    for cellule in CELLULES:
        vues = {partenaire: _une(matrice, cellule, partenaire, fautes) for partenaire in PARTENAIRES}
        lignes.append(f"{cellule.nom:24}" + "".join(f"{vues[partenaire]:>13}" for partenaire in PARTENAIRES))
        print(lignes[-1], flush=True)
    noter(f"matrice : {len(CELLULES)} pannes × {len(PARTENAIRES)} partenaires en {time.monotonic() - debut:.0f} s")
    noter(f"{'':24}" + "".join(f"{partenaire:>13}" for partenaire in PARTENAIRES))
    for ligne in lignes:
        noter(ligne)
    assert fautes == []


def _une(matrice: Matrice, cellule: Cellule, partenaire: str, fautes: list[str]) -> str:
    """A cell: what became of the rows, or that it does not exist, or what is wrong."""
    if cellule.kind == "wrong_tenant" and partenaire in ("registre", "referentiel"):
        return "-"
    debut = time.monotonic()
    try:
        faute = matrice.jouer(cellule, partenaire)
    except Exception as erreur:
        faute = f"{type(erreur).__name__}: {erreur}"
    if time.monotonic() - debut > ECHEANCE:
        faute = faute or f"took {time.monotonic() - debut:.0f} s"
    if faute:
        fautes.append(f"{cellule.nom}, {partenaire}: {faute}")
        print(fautes[-1], flush=True)
    return "FAULT" if faute else matrice.dit(cellule, partenaire)
