"""Everything every source knows, joined, and told without a person in it: what an evaluator compares with a truth.

Knows plans, testimonies and joins; no viewer, no merge rule. A record is named as its source does; the registry, which has no
record of a person, by the numbers of its contracts.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gateway.domain.appariement import Lien
from gateway.federation.annuaire import Annuaire
from gateway.federation.collecte import Collecteur
from gateway.federation.plan import Plan
from gateway.federation.rapprochement import Groupe
from gateway.federation.temoignages import Temoignage
from gateway.schema.lieux import TypeSource

DELAI = 1800.0  # seconds for one plan: an evaluator waits for whoever is slow, and never judges half of the answers
LOT = 8  # CFAs or Missions locales of one plan, told as one step: a partner has to answer them all within its delay

Cle = tuple[tuple[str, str], str]  # installation, record


async def recenser(collecteur: Collecteur, annuaire: Annuaire, dire: Callable[[str], None]) -> list[Temoignage]:
    """The records of every CFA and of every Mission locale of the referential, and all that the registry says of them.

    A record may come twice. Raises ErreurSource when a source fails: half of a census is none.
    """
    patient, temoignages = replace(collecteur, delai=DELAI), list[Temoignage]()
    plans = _plans(annuaire)
    for rang, plan in enumerate(plans, 1):
        recolte = await patient.collecter(plan, annuaire)
        for erreur in recolte.erreurs.values():
            raise erreur
        temoignages += recolte.temoignages
        dire(f"[{rang}/{len(plans)}] {len(temoignages)} records read")
    return temoignages


def _plans(annuaire: Annuaire) -> list[Plan]:
    referentiel = annuaire.referentiel
    cfas = [Plan(vue=True, uais=lot) for lot in _lots(sorted(referentiel.organismes))]
    suivis = [Plan(vue=True, structures=lot) for lot in _lots(sorted(referentiel.missions_locales))]
    return cfas + suivis


def _lots(cles: Sequence[str]) -> Iterator[tuple[str, ...]]:
    return (tuple(cles[debut : debut + LOT]) for debut in range(0, len(cles), LOT))


def decrire(groupes: Iterable[Groupe]) -> Iterator[dict[str, Any]]:
    """One person a line: the ids of its records by source, the level of its join, the links that made it, and those that did
    not. A link says how far each criterion agrees, never a value."""
    groupes = list(groupes)
    noms = {(t.origine, t.dossier.cle): _ids(t) for groupe in groupes for t in groupe.temoignages}
    for groupe in groupes:
        par_source: dict[str, list[str]] = defaultdict(list)
        for temoignage in groupe.temoignages:
            par_source[temoignage.source] += _ids(temoignage)
        yield {
            "enregistrements": par_source,
            "niveau": groupe.niveau.value,
            "liens": [_lien(lien, noms) for lien in groupe.liens],
            "douteux": [_lien(lien, noms) for lien in groupe.douteux],
        }


def _lien(lien: Lien, noms: Mapping[Cle, list[str]]) -> dict[str, Any]:
    return {
        "entre": [{trait.origine[0]: noms[trait.rang]} for trait in (lien.un, lien.autre)],
        "score": round(lien.score, 1),
        "accords": dict(lien.ressemblance.accords),
    }


def _ids(temoignage: Temoignage) -> list[str]:
    """`<tenant>/<key>`; contract numbers for the registry."""
    if temoignage.type is TypeSource.REGISTRE_CONTRATS:
        return [contrat.numero for contrat in temoignage.jeune.contrats or [] if contrat.numero]
    return [f"{temoignage.locataire}/{temoignage.dossier.cle}"]
