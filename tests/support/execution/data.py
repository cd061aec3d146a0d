"""Views filled with nouns drawn at random: nulls wherever they may be and, when asked, values that no connector would write."""

from collections.abc import Iterator
from dataclasses import is_dataclass, replace
from datetime import UTC, date, datetime
from enum import Enum
from random import Random
from types import SimpleNamespace
from typing import Any

from strawberry import ID
from strawberry.types.base import StrawberryList, StrawberryOptional
from strawberry.types.enum import StrawberryEnumDefinition

from gateway.auth.policy.policy import Affiliation
from gateway.auth.policy.rules import CategorieDonnee, Profil
from gateway.domain.referentiel import CommuneLine, MissionLocaleRow, OrganismeRow, Referentiel
from gateway.domain.seal import OpaqueIds, Sealer
from gateway.domain.statut import StatutApprenant
from gateway.errors import InvalidRequest
from gateway.federation.views.operation_context import OperationContext
from gateway.federation.views.view import Rights, View, ViewPerson
from gateway.schema.evidence import Provenance
from gateway.schema.nouns import Contrat, Jeune, Rupture, Statut
from gateway.schema.organisations import Cfa, Commune, MissionLocale, Source, Territoire, TypeTerritoire
from tests.support.access.tools import POLICY, viewer
from tests.support.attributes import attributes_of

IDS = OpaqueIds(Sealer(bytes(range(32))))
DAY = date(2026, 10, 15)
TEXTS = ("", "Anaïs", "L'Haÿ", 'dit "le grand"', "nom\nprenom", "数", "0", "None")
SIMPLE_ONES: dict[object, Any] = {
    str: lambda h: h.choice(TEXTS),
    int: lambda h: h.choice((0, 7, -3, 2**31 - 1)),
    float: lambda h: h.choice((0.0, 12.5, -1e-7, 3.0)),
    bool: lambda h: h.random() < 0.5,
    date: lambda h: date(2026, h.randint(1, 10), h.randint(1, 28)),
    datetime: lambda h: datetime(2026, 1, 1, 12, tzinfo=UTC),
}
WRONG = (
    None,
    3.5,
    2**40,
    "texte",
    float("nan"),
    InvalidRequest("faute"),
    b"octets",
    [None],
    date(2026, 1, 1),
    object(),
)
# The mask of the oracle walks these whatever is asked, and lists are cut by those: wrong there, nothing is shown at all.
INTACT = frozenset(
    [
        "id",
        "lignes",
        "motifs_priorite",
        "champ",
        "statut",
        "contrats",
        "ruptures",
        "depuis",
        "date",
        "date_debut",
        "nom",
        "prenom",
        "age",
    ]
)
HERE = "59010"  # the organisation of the viewers, whatever it is
AFFILIATION = Affiliation(HERE, frozenset({HERE}), HERE, HERE, *[frozenset({HERE})] * 5)
OWN = (Jeune, Contrat, Rupture)


def _value(type_: Any, randomness: Random) -> Any:
    if isinstance(type_, StrawberryOptional):
        return None if randomness.random() < 0.3 else _value(type_.of_type, randomness)
    if isinstance(type_, StrawberryList):
        return [_value(type_.of_type, randomness) for _ in range(randomness.randint(0, 3))]
    if isinstance(type_, StrawberryEnumDefinition):
        return randomness.choice(list(type_.wrapped_cls))
    if hasattr(type_, "__strawberry_definition__"):
        return None if type_ in OWN else noun(type_, randomness)
    return SIMPLE_ONES.get(type_, SIMPLE_ONES[str])(randomness)


def noun(kind: type, randomness: Random) -> Any:
    """An object of a noun; those that lead to a person are left out."""
    definition: Any = kind.__strawberry_definition__  # type: ignore[attr-defined]
    champs = [champ for champ in definition.fields if champ.base_resolver is None and _short(champ, randomness)]
    return kind(**{champ.python_name: _value(champ.type, randomness) for champ in champs})


def _short(champ: Any, randomness: Random) -> bool:
    """Deep places are drawn less often: they are all alike."""
    deep = champ.python_name in {"commune", "mission_locale", "source", "cfa"}
    return not (isinstance(champ.type, StrawberryList) and champ.type.of_type in OWN) and not (
        deep and isinstance(champ.type, StrawberryOptional) and randomness.random() < 0.5
    )


def _jeune(rank: int, randomness: Random) -> Jeune:
    jeune: Jeune = noun(Jeune, randomness)
    jeune.id, jeune.age = ID(f"J{rank}"), 20
    if randomness.random() < 0.8:  # else the lists without filter would be nearly always empty
        jeune.statut = Statut(valeur=StatutApprenant.RUPTURANT, depuis=DAY)
    jeune.steps = None if randomness.random() < 0.2 else [noun(Statut, randomness) for _ in range(3)]
    jeune.rows = _rows(randomness)
    jeune.contrats = [_contrat(jeune, f"{rank}-{place}", randomness) for place in range(randomness.randint(1, 2))]
    jeune.ruptures = [contrat.rupture for contrat in jeune.contrats if contrat.rupture]
    return jeune


def _rows(randomness: Random) -> list[Provenance]:
    rows = [noun(Provenance, randomness) for _ in range(3)]
    for line in rows:
        line.champ = randomness.choice(("telephone", "nom", "date", "numero", "rupture", "inconnu"))
    return rows


def _contrat(jeune: Jeune, suffix: str, randomness: Random) -> Contrat:
    contrat: Contrat = noun(Contrat, randomness)
    contrat.id, contrat.jeune, contrat.rows = ID(f"C{suffix}"), jeune, _rows(randomness)
    if randomness.random() < 0.8:
        rupture: Rupture = noun(Rupture, randomness)
        rupture.id, rupture.jeune, rupture.contrat = ID(f"R{suffix}"), jeune, contrat
        rupture.date = date(2026, 9, randomness.randint(1, 28))
        rupture.rows = None if randomness.random() < 0.2 else _rows(randomness)
        contrat.rupture = rupture
    return contrat


def view(randomness: Random, persons: int) -> View:
    """A view of that many persons, each read under categories of its own."""
    created = View()
    for rank in range(persons):
        categories = frozenset(c for c in CategorieDonnee if randomness.random() < 0.85)
        merged: Any = SimpleNamespace(jeune=_jeune(rank, randomness))
        person = ViewPerson(merged, AFFILIATION, categories)
        created.persons[person.jeune.id] = person
        for contrat in person.jeune.contrats or []:
            created.contrats[contrat.id] = (person, contrat)
            if contrat.rupture:
                created.ruptures[contrat.rupture.id] = (person, contrat.rupture)
    return created


def spoil_data(chosen: View, randomness: Random) -> None:
    """Put values where they have no place: a wrong class, a null that may not be, an exception, nothing at all."""
    kept_values = [item for person in chosen.persons.values() for item in _kept_values(person.jeune, set())]
    for item in randomness.choices(kept_values, k=10 * len(kept_values)):
        names = sorted(attributes_of(item).keys() - INTACT)
        if names and randomness.random() < 0.9:
            setattr(item, randomness.choice(names), randomness.choice(WRONG))
        elif names and not isinstance(item, OWN):  # the mask needs every attribute of those
            delattr(item, randomness.choice(names))


def _kept_values(item: Any, seen: set[int]) -> Iterator[Any]:
    if isinstance(item, list):
        for element in item:
            yield from _kept_values(element, seen)
    elif is_dataclass(item) and not isinstance(item, Enum) and id(item) not in seen:
        seen.add(id(item))
        yield item
        for value in attributes_of(item).values():
            yield from _kept_values(value, seen)


class TrainingDirectory:
    """Stands for the directory: one CFA, one Mission locale."""

    def __init__(self, randomness: Random) -> None:
        self._cfa = noun(Cfa, randomness)
        self._mission = noun(MissionLocale, randomness)
        self._commune: Commune = noun(Commune, randomness)
        self.territories: dict[Any, Any] = {}
        place = CommuneLine("59350", "Lille", ("59000",), "59", "32", "09", "59010")
        mission = MissionLocaleRow(1, "59010", "Lille", None, None, None)
        own = OrganismeRow(HERE, "", "CFA", None, "59", "32", "09")
        self.referentiel = Referentiel({"59350": place}, {"59010": mission}, {HERE: own})

    def commune(self, _insee: str) -> Commune:
        return self._commune

    def cfa(self, uai: str | None, siret: str | None = None) -> Cfa | None:
        return self._cfa if uai or siret else None

    def mission_locale(self, code: str) -> MissionLocale | None:
        return self._mission if code else None

    def territoire(self, nature: TypeTerritoire, code: str) -> Territoire:
        return Territoire(type=nature, code=code)

    def node(self, identifier: str) -> Any:
        return {"CFA": self._cfa, "ML": self._mission}.get(identifier)


def context(profil: Profil, decision: Any, chosen: View, directory: Any, sources: list[Source]) -> OperationContext:
    """The product's own context, over that view."""
    who = viewer(profil)
    return OperationContext(
        viewer=who,
        rights=Rights(POLICY, who.profil, who.finalite, replace(who.perimetre, uais=frozenset({HERE}))),
        decision=decision,
        directory=directory,
        opaque_ids=IDS,
        day=DAY,
        states=lambda: sources,
        source_of_cfa=lambda uai: sources[0].nom if sources else None,
        view=chosen,
    )
