"""What authorization adds to a warm query of 100 rows, beside the same query with everything granted and nothing checked.

    python -m bench.autorisation

The two take turns in one process, over the same fake sources: decide, perimeter on the row, mask and sentinel on one side;
a decision made beforehand, no look at rows and no mask on the other. Prints medians and their ratio; asserts nothing.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any
from unittest.mock import patch

from gateway.federation import contexte, vitrine
from gateway.federation.views import Shown
from gateway.sources.unites import EtatCache, Resultat, Unite
from tests.access.petit_monde import RECU, PetitMonde, appelant, tirer
from tests.e2e.requetes import TOUT

HABITANTS, TOURS = 120, 400
ML = appelant("MISSION_LOCALE", "60001")
REQUETE = TOUT.replace(
    "ruptures(first: $n, after: $apres)", "ruptures(first: $n, after: $apres, filtre: {statut: [%s]})"
)
REQUETE %= "INSCRIT APPRENTI RUPTURANT ABANDON FIN_DE_FORMATION"


def _tel_quel(_vitrine: Any, _personne: Any, objet: Any) -> Any:
    return Shown(objet, {})


async def _gardees(unites: Sequence[Unite]) -> list[Resultat | None]:
    """Every answer is kept: a warm query asks none of them again."""
    return [Resultat(unite, (), RECU, EtatCache.TOUCHE, "1") for unite in unites]


async def _chronometrer(monde: PetitMonde) -> float:
    debut = time.process_time()  # others on this machine must not weigh on one side
    reponse = await monde.demander(ML, REQUETE, n=100)
    duree = time.process_time() - debut
    if "errors" in reponse:
        raise SystemExit(str(reponse["errors"]))
    return duree * 1000


async def _sans(monde: PetitMonde, jugement: Any) -> float:
    rien: Callable[..., Any] = lambda *_: jugement  # noqa: E731
    with patch.object(vitrine.Vitrine, "montrer", _tel_quel), patch("gateway.operation._juger", rien):
        return await _chronometrer(monde)


async def mesurer() -> None:
    """Both sides in turn, each first every other time; no page is kept, or neither would have anything to do."""
    tous = tirer(Random(1), HABITANTS)
    monde = PetitMonde([replace(un, mission_locale="60001", cfa="0600001A", statut="RUPTURANT", age=18) for un in tous])
    monde.sources.tenues = _gardees  # type: ignore[method-assign]
    lignes = (await monde.demander(ML, REQUETE, n=100))["data"]["ruptures"]["edges"]
    (garde,) = monde.passerelle.juge._connus.values()
    durees: dict[str, list[float]] = {"avec": [], "sans": []}
    contexte.ContexteOperation.figes = False  # type: ignore[method-assign, assignment]
    for tour in range(TOURS):
        for cote in ("avec", "sans") if tour % 2 else ("sans", "avec"):
            duree = await (_chronometrer(monde) if cote == "avec" else _sans(monde, garde[1]))
            durees[cote].append(duree)
    avec, sans = statistics.median(durees["avec"]), statistics.median(durees["sans"])
    print(
        f"{len(lignes)} lignes, {TOURS} tours : {avec:.2f} ms avec autorisation, {sans:.2f} ms sans ({avec / sans - 1:+.1%})"
    )


if __name__ == "__main__":
    asyncio.run(mesurer())
