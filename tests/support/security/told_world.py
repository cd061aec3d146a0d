"""A small world told by totals alone: people drawn into a view, callers who ask how many match, and whom the look-ups name.

What matches a filter is worked out here again, from the attributes drawn; nothing of the product's own filters.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any, cast

from strawberry import ID

from gateway.audit.answered_sets import AnsweredSets
from gateway.auth.authorization.decide import Decision
from gateway.domain.referentiel import CommuneLine, Referentiel
from gateway.domain.statut import StatutApprenant
from gateway.federation.organisation_directory import Directory
from gateway.federation.views.operation_context import OperationContext
from gateway.federation.views.view import View, ViewPerson
from gateway.schema.filters import FiltreContrats, FiltreJeunes, FiltreRuptures
from gateway.schema.nouns import Contrat, Jeune, Rupture, Statut
from gateway.schema.orders import TriContrats, TriJeunes, TriRuptures
from gateway.schema.organisations import Cfa, Commune, Territoire, TypeTerritoire
from gateway.schema.query import PageArgs
from gateway.schema.scalars import UAI, CodeInsee
from tests.support.access.small_world import IDS, caller

TODAY = date(2026, 10, 15)
NOON = datetime(2026, 10, 15, 12, tzinfo=UTC)
COMMUNES = [f"{departement}00{rank}" for departement in ("59", "62") for rank in range(4)]
CFAS = ["0590001A", "0590002B", "0620003C"]
STATUTS = [StatutApprenant.INSCRIT, StatutApprenant.APPRENTI, StatutApprenant.RUPTURANT, StatutApprenant.ABANDON]
DIRECTORY = Directory(
    Referentiel(
        communes={code: CommuneLine(code, "", (), code[:2], "32", "09", None) for code in COMMUNES}, missions_locales={}
    ),
    IDS,
)
TOTAL_ONLY = PageArgs(0, None)


@dataclass(frozen=True)
class Drawn:
    """Somebody, as drawn: one contract, which is broken for some."""

    ident: str
    nom: str
    commune: str
    cfa: str
    statut: StatutApprenant
    age: int
    debut: date
    rupture: date | None
    prioritaire: bool
    modifie: datetime


def draw(randomness: Random, number: int) -> list[Drawn]:
    """People under names of five letters, some of which begin alike."""
    people = []
    for rank in range(number):
        statut = randomness.choice(STATUTS)
        broken = statut in (StatutApprenant.RUPTURANT, StatutApprenant.ABANDON)
        people.append(
            Drawn(
                ident=f"J{rank}",
                nom="".join(randomness.choices("AB", k=4)) + "KLMNOPQRST"[rank % 10] + "KLMNOPQRST"[rank // 10],
                commune=randomness.choice(COMMUNES),
                cfa=randomness.choice(CFAS),
                statut=statut,
                age=randomness.randint(16, 25),
                debut=date(2025, 9, 1) + timedelta(days=randomness.randrange(60)),
                rupture=TODAY - timedelta(days=randomness.randrange(300)) if broken else None,
                prioritaire=randomness.random() < 0.5,
                modifie=NOON - timedelta(days=hash((number, rank)) % 30),
            )
        )
    return people


def suits(one: Drawn, root: str, criteria: dict[str, Any]) -> bool:
    """Whether somebody is listed, by the letter of the graph's description of each criterion."""
    if root == "ruptures":
        depuis, jusqua = criteria.get("depuis", TODAY - timedelta(days=180)), criteria.get("jusqua", TODAY)
        criteria = {"statut": [StatutApprenant.RUPTURANT], **criteria}
        if one.rupture is None or not depuis <= one.rupture <= jusqua:
            return False
    if root == "contrats":
        first, last = criteria.get("debut_depuis", date.min), criteria.get("debut_jusqua", date.max)
        if not first <= one.debut <= last or criteria.get("rompus") not in (None, one.rupture is not None):
            return False
    return (
        criteria.get("cfa") in (None, one.cfa)
        and ("statut" not in criteria or one.statut in criteria["statut"])
        and ("communes" not in criteria or one.commune in criteria["communes"])
        and ("departements" not in criteria or one.commune[:2] in criteria["departements"])
        and one.nom.startswith(criteria.get("nom", ""))
        and criteria.get("recherche", "") in one.nom
        and one.modifie >= criteria.get("modifie_depuis", one.modifie)
        and one.age <= criteria.get("age_max", 99)
        and criteria.get("mineur") in (None, one.age < 18)
        and criteria.get("prioritaire") in (None, one.prioritaire)
    )


def view_of(people: Iterable[Drawn]) -> View:
    """These people as a view holds them."""
    view = View()
    for one in people:
        cfa = Cfa(uai=UAI(one.cfa))
        departement = Territoire(type=TypeTerritoire.DEPARTEMENT, code=one.commune[:2], nom="")
        commune = Commune(
            code=CodeInsee(one.commune), nom="", codes_postaux=[], departement=departement, region=departement
        )
        jeune = Jeune(id=ID(IDS.seal("Jeune", one.ident)), nom=one.nom, prenom="A", age=one.age, mineur=one.age < 18)
        jeune.departement, jeune.modifie = departement.code, one.modifie
        jeune.commune, jeune.statut = commune, Statut(valeur=one.statut, depuis=TODAY)
        contrat = Contrat(id=ID(IDS.seal("Contrat", one.ident)), date_debut=one.debut, cfa=cfa)
        contrat.jeune = jeune
        jeune.contrats = [contrat]
        merged = cast("Any", SimpleNamespace(jeune=jeune))
        person = view.persons[jeune.id] = ViewPerson(merged, cast("Any", None), frozenset())
        view.contrats[contrat.id] = (person, contrat)
        if one.rupture:
            rupture = Rupture(id=ID(IDS.seal("Rupture", one.ident)), date=one.rupture, prioritaire=one.prioritaire)
            rupture.jeune, rupture.contrat, contrat.rupture = jeune, contrat, rupture
            view.ruptures[rupture.id] = (person, rupture)
    return view


@dataclass
class Counters:
    """Asks totals for accounts of one organisation. `named`: the persons of the look-ups made so far; `misses`: of names."""

    view: View
    answered_sets: AnsweredSets = field(default_factory=AnsweredSets)
    named: set[str] = field(default_factory=set)
    misses: int = 0

    def ask(self, root: str, account: str = "a", page: PageArgs = TOTAL_ONLY, **criteria: Any) -> int:
        """The total of a list."""
        context = self._context(root, account)
        total: int = _ROOTS[root](context, criteria, page)
        for persons in self.answered_sets.looked_up(context):
            for person in persons:
                opened = IDS.open(person)
                assert opened is not None
                self.named.add(opened[1])
        for told in context.tally.told:
            self.view.told[told.mark] = None
        self.misses += context.tally.not_found
        return total

    def _context(self, root: str, account: str) -> OperationContext:
        viewer = caller("DREETS", "32")
        coordinates = frozenset({f"{root[0].upper()}{root[1:-1]}Connection.totalCount", f"Query.{root}"})
        decision = Decision(frozenset(), coordinates, ((root, root),), frozenset({root}), (), frozenset(), True)
        return OperationContext(
            viewer=cast("Any", SimpleNamespace(client="c", account=account)),
            rights=cast("Any", _Rights(viewer.profil, viewer.finalite, viewer.perimetre)),
            decision=decision,
            directory=DIRECTORY,
            opaque_ids=IDS,
            day=TODAY,
            states=list,
            source_of_cfa=lambda _: None,
            view=self.view,
        )


@dataclass(frozen=True)
class _Rights:
    profil: Any
    finalite: Any
    perimetre: Any


def _total(connection: Any) -> int:
    return int(connection.total_count)


_ROOTS: dict[str, Any] = {
    "jeunes": lambda context, criteria, page: _total(
        context.jeunes(FiltreJeunes(**criteria) if criteria else None, TriJeunes.NOM_ASC, page)
    ),
    "contrats": lambda context, criteria, page: _total(
        context.contrats(FiltreContrats(**criteria) if criteria else None, TriContrats.DEBUT_DESC, page)
    ),
    "ruptures": lambda context, criteria, page: _total(
        context.ruptures(FiltreRuptures(**criteria) if criteria else None, TriRuptures.DATE_DESC, page)
    ),
}
