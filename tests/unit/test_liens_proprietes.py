"""Whatever is joined and parted, in whatever order: what must hold of ids after each reading."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import combinations
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.liens import Alias, Cle, Connus, Ecritures, Lien
from gateway.federation.liens import Decision, Grappe, decider, inconnues
from tests.unit.liens_outils import T0, deriver

RECORDS = [Cle(f"record {rang}", identite=f"identity {rang % 3}", origine=f"source {rang % 4}") for rang in range(7)]


@dataclass
class Livre:
    """The ledger, written apart: two dictionaries."""

    liens: dict[str, Lien] = field(default_factory=dict)
    alias: dict[str, Alias] = field(default_factory=dict)

    def decider(self, grappes: Sequence[Grappe], heure: int) -> Decision:
        cousins = list(self.liens.values()) if inconnues(grappes, self.connus(grappes)) else []
        connus = replace(self.connus(grappes), cousins=cousins)
        return decider(grappes, connus, deriver, T0 + timedelta(hours=heure))

    def connus(self, grappes: Sequence[Grappe]) -> Connus:
        cles = {cle.cle for grappe in grappes for cle in grappe.cles}
        return Connus({cle: self.liens[cle] for cle in cles & set(self.liens)}, (), self.alias)

    def ecrire(self, ecritures: Ecritures) -> None:
        for lien in ecritures.nouveaux:
            self.liens.setdefault(lien.cle.cle, lien)
        for ancien, lien in ecritures.changes:
            assert self.liens[lien.cle.cle].objet == ancien
            self.liens[lien.cle.cle] = lien
        for alias in ecritures.alias:
            self.alias.setdefault(alias.ancien, alias)
        for ancien in ecritures.rompus:
            self.alias[ancien] = replace(self.alias[ancien], rompu=True)


@st.composite
def lectures(draw: st.DrawFn) -> list[list[Grappe]]:
    """Readings: each sees some of the records, grouped anyhow."""
    return [_grappes(draw(st.lists(st.integers(0, 4), min_size=7, max_size=7))) for _ in range(draw(st.integers(1, 6)))]


def _grappes(places: Sequence[int]) -> list[Grappe]:
    """Group of each record; 0: not heard this time."""
    membres = [
        tuple(record for record, place in zip(RECORDS, places, strict=True) if place == rang) for rang in range(1, 5)
    ]
    porteurs = Counter(identite for siens in membres for identite in {cle.identite for cle in siens})
    return [Grappe(siens, _semblables(siens, porteurs)) for siens in membres if siens]


def _semblables(siens: Sequence[Cle], porteurs: Counter[str]) -> frozenset[str]:
    identites = frozenset(cle.identite for cle in siens)
    return identites if all(porteurs[identite] == 1 for identite in identites) else frozenset()


def seul(livre: Livre, cle: Cle) -> str:
    """The id of a record read alone."""
    return livre.decider([Grappe((cle,))], 99).objets[cle.cle]


@settings(max_examples=60, deadline=None)
@given(lectures(), st.randoms(use_true_random=False))
def test_whatever_is_joined_and_parted(suite: list[list[Grappe]], hasard: Random) -> None:
    livre = Livre()
    for heure, grappes in enumerate(suite):
        decision = livre.decider(grappes, heure)
        melees = hasard.sample(grappes, len(grappes))
        assert livre.decider(melees, heure).objets == decision.objets
        livre.ecrire(decision.ecritures)
        relue = livre.decider(grappes, heure)
        assert not relue.ecritures
        assert relue.objets == decision.objets
        _tient(livre, grappes, relue)


def _tient(livre: Livre, grappes: Sequence[Grappe], decision: Decision) -> None:
    montres = set(decision.objets.values())
    assert len(montres) == len(grappes), "an id is one group's"
    assert set(decision.anciens.values()) <= montres
    assert not set(decision.anciens) & montres
    for grappe in grappes:
        for cle in grappe.cles:
            fonde = deriver(cle.cle)
            assert fonde not in montres or decision.objets[grappe.premiere] == fonde, "an id goes with its first record"
            assert decision.anciens.get(fonde, decision.objets[grappe.premiere]) == decision.objets[grappe.premiere]
    for un, autre in combinations(grappes, 2):
        ici, la = ({seul(livre, cle) for cle in grappe.cles} for grappe in (un, autre))
        assert not ici & la, "what was seen apart is never shown under one id"
