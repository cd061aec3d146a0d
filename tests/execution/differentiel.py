"""Compiled execution against graphql-core: the same data in the same order, the same errors.

    python -m tests.execution.differentiel --operations 20000 --graine 1

The oracle is graphql-core over masked copies, with what the decision refuses set to null by a function of its own, and the
errors below it left out: nothing is read there.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson
from graphql import ExecutionResult, execute_sync

from gateway.auth.decide import Decision, decider
from gateway.auth.rules import Profil
from gateway.documents import Document, Documents
from gateway.errors import ErreurAppelant
from gateway.execution.executeur import Executeur, Voie
from gateway.federation.contexte import ContexteOperation
from gateway.federation.views import Vue
from gateway.schema.lieux import Source
from tests.access.outils import POLITIQUE, SCHEMA, viewer
from tests.execution.donnees import Annuaire, contexte, gater, noun, vue
from tests.execution.operations import operation

OPERATIONS_PAR_MONDE = 40


@dataclass
class Monde:
    """Data that operations are asked of."""

    hasard: Random
    gatee: bool
    vue: Vue = field(init=False)
    annuaire: Annuaire = field(init=False)
    sources: list[Source] = field(init=False)

    def __post_init__(self) -> None:
        self.vue = vue(self.hasard, self.hasard.randint(0, 3))
        self.annuaire = Annuaire(self.hasard)
        self.sources = [noun(Source, self.hasard) for _ in range(2)]
        if self.gatee:
            gater(self.vue, self.hasard)

    def contexte(self, profil: Profil, decision: Decision) -> ContexteOperation:
        return contexte(profil, decision, self.vue, self.annuaire, self.sources)


class Banc:
    """Asks each operation three times of the product, and once of the oracle."""

    def __init__(self) -> None:
        self.documents = Documents(SCHEMA)
        self.voies: Counter[str] = Counter()
        self.issues: Counter[str] = Counter()
        self.ecarts: list[str] = []
        self.executeur = Executeur(SCHEMA, lambda voie: self.voies.update([voie.value]))

    def essayer(self, texte: str, variables: dict[str, Any], profil: Profil, monde: Monde) -> None:
        """Compare; keep what differs."""
        try:
            document = self.documents.lire(texte, None)
            lues = document.variables(SCHEMA, variables)
            qui = viewer(profil)
            decision = decider(SCHEMA, document.arbre, document.operation, lues.coerced, qui, POLITIQUE)
        except ErreurAppelant as erreur:
            self.issues[type(erreur).__name__] += 1
            return
        self.issues["executee"] += 1
        attendu = _vu(_oracle(document, variables, monde.contexte(profil, decision)))
        self.issues["non_vide"] += any(signe in attendu[0] for signe in ("[{", ': {"'))
        self.issues["en_erreur"] += bool(attendu[1])
        for _ in range(3):
            rendu = self.executeur.executer(document, lues, monde.contexte(profil, decision))
            if _vu(rendu) != attendu:
                self.ecarts.append(f"{profil.value} {json.dumps(variables)}\n{texte}\n  {attendu}\n  {_vu(rendu)}")

    def generer(self, graine: int, operations: int) -> None:
        """That many operations of a seed, over worlds of which half are damaged."""
        hasard, profils = Random(graine), [*Profil, *[Profil.MISSION_LOCALE, Profil.CFA, Profil.SI_PARTENAIRE] * 3]
        monde = Monde(hasard, gatee=False)
        for rang in range(operations):
            if rang % OPERATIONS_PAR_MONDE == 0:
                monde = Monde(hasard, gatee=rang % (2 * OPERATIONS_PAR_MONDE) == 0)
            texte, variables = operation(hasard)
            self.essayer(texte, variables, hasard.choice(profils), monde)

    def figure(self) -> str:
        """What was compared, in one line."""
        return f"{len(self.ecarts)} écart(s) ; {dict(self.issues)} ; voies {dict(self.voies)}"


def _oracle(document: Document, variables: dict[str, Any], ou: ContexteOperation) -> ExecutionResult:
    resultat = execute_sync(SCHEMA, document.arbre, context_value=ou, variable_values=variables)
    nuls = list(ou.decision.nuls)
    for chemin, coordonnee in nuls:
        _vider(resultat.data, chemin, coordonnee)
    caches = tuple(chemin for chemin, _ in nuls)
    erreurs = [erreur for erreur in resultat.errors or [] if not _dessous(erreur.path or [], caches)]
    return ExecutionResult(resultat.data, erreurs)


def _dessous(chemin: Sequence[str | int], caches: Sequence[Sequence[str]]) -> bool:
    cles = tuple(cle for cle in chemin if isinstance(cle, str))
    return any(cles[: len(cache)] == tuple(cache) for cache in caches)


def _vider(data: Any, chemin: Sequence[str], coordonnee: str) -> None:
    for objet in data if isinstance(data, list) else [data]:
        if isinstance(objet, list):
            _vider(objet, chemin, coordonnee)
        elif isinstance(objet, dict) and chemin[0] in objet:
            if len(chemin) == 1:
                objet[chemin[0]] = None
            else:
                _vider(objet[chemin[0]], chemin[1:], coordonnee)


def _vu(resultat: ExecutionResult) -> tuple[str, list[tuple[str, Any, Any]]]:
    """Data as text, so that the order of keys and the class of values count, and the errors."""
    erreurs = [
        (e.message, e.path, [(lieu.line, lieu.column) for lieu in e.locations or []]) for e in resultat.errors or []
    ]
    return json.dumps(resultat.data, default=_fragment), erreurs


def _fragment(fragment: Any) -> Any:
    """What was kept encoded, read again."""
    return orjson.loads(orjson.dumps(fragment))


def main() -> int:
    """Compare, print, and fail on a difference."""
    analyseur = argparse.ArgumentParser(description=__doc__)
    analyseur.add_argument("--operations", type=int, default=20_000)
    analyseur.add_argument("--graine", type=int, default=1)
    voulu = analyseur.parse_args()
    banc = Banc()
    banc.generer(voulu.graine, voulu.operations)
    print(banc.figure())
    print("\n\n".join(banc.ecarts[:10]))
    return 1 if banc.ecarts or not banc.voies[Voie.PLAN.value] else 0


if __name__ == "__main__":
    raise SystemExit(main())
