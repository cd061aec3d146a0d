"""A list chosen and ordered by a criterion does not depend on what the caller may not read of each of its persons.

Ten thousand drawn lists of drawn callers, each asked twice: of a few people, and of the same with other values wherever
the caller reads nothing. New draws in every run; the seed is printed.
"""

import os
from collections.abc import Callable
from datetime import date, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any

from strawberry import ID

from gateway.auth.policy.policy import Affiliation
from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.auth.policy.rules import required_by_field
from gateway.domain.statut import StatutApprenant
from gateway.federation.lists import CONTRATS, JEUNES, RUPTURES, WAITING, ListDefinition, ListQuery
from gateway.federation.views.build import _bound_wait, _set_traitement
from gateway.federation.views.view import Rights, View, ViewPerson, readable
from gateway.schema.filters import FiltreContrats, FiltreJeunes, FiltreRuptures, FiltreSansContrat
from gateway.schema.nouns import (
    Adresse,
    Collaboration,
    Contrat,
    Employeur,
    EtapeSuivi,
    EtatTraitement,
    Jeune,
    Representant,
    Rupture,
    SituationSuivi,
    Suivi,
)
from gateway.schema.orders import TriContrats, TriJeunes, TriRuptures, TriSansContrat
from gateway.schema.organisations import Cfa, Commune, Territoire, TypeTerritoire
from gateway.schema.sans_contrat import SansContrat
from gateway.schema.scalars import UAI, CodeInsee
from tests.access.test_droit_product import ASKED_AT, draw_person, draw_rights
from tests.support.access.tools import POLICY, SCHEMA
from tests.support.figures import note

CASES = 10_000
PEOPLE = 5
LISTS_EACH = 5  # lists of the same people
People = list[tuple[Jeune, Affiliation]]
DAY = date(2026, 10, 15)
COMMUNES = ("60057", "60175", "75056")


def _commune(randomness: Random) -> Commune:
    code = randomness.choice(COMMUNES)
    place = Territoire(type=TypeTerritoire.DEPARTEMENT, code=code[:2])
    return Commune(code=CodeInsee(code), nom=code, codes_postaux=[], departement=place, region=place)


def _day(randomness: Random, back: int) -> date:
    return DAY - timedelta(days=randomness.randrange(back))


def _changed(randomness: Random) -> datetime:
    return ASKED_AT - timedelta(hours=randomness.randrange(48))


# What stands under each category: written anew, with other values, where the caller does not read it.
def _identite(jeune: Jeune, r: Random) -> None:
    jeune.nom, jeune.prenom = r.choice(("Durand", "Dupont", "Durance", "Martin")), r.choice(("Anne", "Zoé"))


def _adresse(jeune: Jeune, r: Random) -> None:
    jeune.commune = _commune(r)
    jeune.adresse = Adresse(voie=str(r.random()), commune=jeune.commune)


def _contrat(jeune: Jeune, r: Random) -> None:
    for contrat in jeune.contrats or []:
        contrat.date_debut, contrat.numero = _day(r, 700), str(r.random())
        contrat.employeur = Employeur(denomination=str(r.random()))


def _rupture(jeune: Jeune, r: Random) -> None:
    for contrat in jeune.contrats or []:
        assert contrat.rupture is not None
        contrat.rupture.date = _day(r, 260)
        contrat.rupture.jours_depuis = (DAY - contrat.rupture.date).days


def _suivi(jeune: Jeune, r: Random) -> None:
    steps = [EtapeSuivi(situation=r.choice(list(SituationSuivi)), date=ASKED_AT)]
    jeune.suivi = Suivi(situation=steps[0].situation, date=ASKED_AT, historique=steps, souhaite_rdv=r.random() < 0.5)


def _wait(jeune: Jeune, r: Random) -> None:
    spent = r.randrange(180)
    jeune.sans_contrat = SansContrat(
        depuis=DAY - timedelta(days=spent),
        jours=spent,
        echeance=DAY + timedelta(days=90 - spent),
        jours_restants=90 - spent,
        depassee=spent >= 90,
        contrat_prevu=DAY if r.random() < 0.3 else None,
    )


def _cause(jeune: Jeune, r: Random) -> None:
    for rupture in jeune.ruptures or []:
        rupture.cause = str(r.random())


WRITE: dict[C, Callable[[Jeune, Random], None]] = {
    C.IDENTITE: _identite,
    C.CONTACT: lambda jeune, r: setattr(jeune, "telephone", str(r.random())),
    C.ADRESSE: _adresse,
    C.SENSIBLE: lambda jeune, r: setattr(jeune, "rqth", r.random() < 0.5),
    C.REPRESENTANT: lambda jeune, r: setattr(jeune, "representants", [Representant(nom=str(r.random()))]),
    C.IDENTIFIANT_NATIONAL: lambda jeune, r: setattr(jeune, "ine", str(r.random())),
    C.CONTRAT: _contrat,
    C.RUPTURE: _rupture,
    C.SUIVI: _suivi,
    C.COLLABORATION: _cause,
    C.SANS_CONTRAT: _wait,
    C.TECHNIQUE: lambda jeune, r: setattr(jeune, "modifie", _changed(r)),
}


def _drawn(rank: int, randomness: Random) -> tuple[Jeune, Affiliation]:
    """Somebody with a broken contract in each of their CFAs, everything told."""
    jeune, affiliation, _ = draw_person(randomness)
    jeune.id, jeune.mineur = ID(f"J{rank}"), (jeune.age or 0) < 18
    for uai in sorted(affiliation.uais):
        rupture = Rupture(id=ID(f"R{rank}{uai}"), jeune=jeune)
        rupture.contrat = Contrat(id=ID(f"C{rank}{uai}"), cfa=Cfa(uai=UAI(uai)), rupture=rupture, jeune=jeune)
        jeune.contrats = [*(jeune.contrats or []), rupture.contrat]
        jeune.ruptures = [*(jeune.ruptures or []), rupture]
    rqth = jeune.rqth
    for write in WRITE.values():
        write(jeune, randomness)
    jeune.rqth = rqth
    return jeune, affiliation


def _people(seed: float) -> People:
    randomness = Random(seed)
    return [_drawn(rank, randomness) for rank in range(PEOPLE)]


def _view(people: People, rights: Rights) -> View:
    """What these rights see of these people, with the state and the priority of ruptures as the product tells them."""
    view = View()
    for jeune, affiliation in people:
        granted = readable(jeune, affiliation, rights)
        if not granted:
            continue
        person = ViewPerson(SimpleNamespace(jeune=jeune), affiliation, granted)  # type: ignore[arg-type]
        view.persons[jeune.id] = person
        _bound_wait(jeune, rights.perimetre, suivi_known=True)
        for contrat in jeune.contrats or []:
            assert contrat.rupture is not None
            _set_traitement(contrat.rupture, person)
            view.contrats[contrat.id] = person, contrat
            view.ruptures[contrat.rupture.id] = person, contrat.rupture
    return view


def _hide(people: People, rights: Rights, randomness: Random) -> People:
    """Other values wherever the caller reads nothing of these people, a request that it does not read included."""
    for jeune, affiliation in people:
        granted = readable(jeune, affiliation, rights)
        for categorie in WRITE.keys() - granted if granted else ():
            WRITE[categorie](jeune, randomness)
        if granted and C.COLLABORATION not in granted:
            before, jeune.collaboration = jeune.collaboration, Collaboration(demandee_le=ASKED_AT, uai="0999999Z")
            if readable(jeune, affiliation, rights) != granted:
                jeune.collaboration = before
    return people


LISTS: tuple[tuple[C, ListDefinition[Any, Any], type[Any], type[Any]], ...] = (
    (C.PARCOURS, JEUNES, FiltreJeunes, TriJeunes),
    (C.CONTRAT, CONTRATS, FiltreContrats, TriContrats),
    (C.RUPTURE, RUPTURES, FiltreRuptures, TriRuptures),
    (C.SANS_CONTRAT, WAITING, FiltreSansContrat, TriSansContrat),
)
VALUES: dict[str, Callable[[Random], Any]] = {
    "statut": lambda r: r.sample(list(StatutApprenant), 3),
    "cfa": lambda r: UAI(r.choice(("0600001A", "0600002B", "0750001U"))),
    "communes": lambda r: [CodeInsee(r.choice(COMMUNES))],
    "departements": lambda r: [r.choice(("60", "75"))],
    "nom": lambda r: r.choice(("dur", "durand", "mar")),
    "depuis": lambda r: _day(r, 260),
    "jusqua": lambda r: _day(r, 120),
    "etat": lambda r: r.choice(list(EtatTraitement)),
    "prioritaire": lambda r: r.random() < 0.5,
    "ageMax": lambda r: r.choice((17, 20, 30)),
    "mineur": lambda r: r.random() < 0.5,
    "debutDepuis": lambda r: _day(r, 700),
    "debutJusqua": lambda r: _day(r, 350),
    "depassee": lambda r: r.random() < 0.5,
    "contratPrevu": lambda r: r.random() < 0.5,
    "rompus": lambda r: r.random() < 0.5,
    "recherche": lambda r: r.choice(("ran", "zoe dur", "tin")),
    "modifieDepuis": _changed,
}
PYTHON = {
    "ageMax": "age_max",
    "debutDepuis": "debut_depuis",
    "debutJusqua": "debut_jusqua",
    "contratPrevu": "contrat_prevu",
    "modifieDepuis": "modifie_depuis",
}


def _asked(randomness: Random, usable: frozenset[C], opened: frozenset[C]) -> ListQuery[Any, Any]:
    """A list that the caller opens, chosen and ordered by criteria of these categories."""
    _, definition, filtre, orders = randomness.choice([each for each in LISTS if each[0] in opened])
    fields = SCHEMA.type_map[filtre.__name__].fields  # type: ignore[attr-defined]
    keys = [name for name, field in fields.items() if required_by_field(field) <= usable]
    chosen = randomness.sample(keys, min(len(keys), randomness.randint(0, 2)))
    values = {PYTHON.get(key, key): VALUES[key](randomness) for key in chosen}
    if definition is RUPTURES:
        values.setdefault("statut", list(StatutApprenant))
    tri = randomness.choice([order for order in orders if order.asks <= usable])
    return ListQuery(definition, filtre(**values), tri, DAY)


def _ids(query: ListQuery[Any, Any], view: View) -> list[str]:
    return [element.id for element in query.sort(view).elements]


def _compare(randomness: Random, usable: Callable[[Rights], frozenset[C]]) -> list[bool]:
    """Of some lists of a drawn caller that sees somebody, whether each is the same in both worlds."""
    rights, _ = draw_rights(randomness)
    opened = POLICY.categories(rights.profil, rights.finalite, rights.perimetre.profil)
    seed = randomness.random()
    here = _view(_people(seed), rights)
    if C.PARCOURS not in opened or not here.persons:
        return []
    there = _view(_hide(_people(seed), rights, randomness), rights)
    assert here.persons.keys() == there.persons.keys()
    queries = [_asked(randomness, usable(rights), opened) for _ in range(LISTS_EACH)]
    return [_ids(query, here) == _ids(query, there) for query in queries]


def _filterable(rights: Rights) -> frozenset[C]:
    return POLICY.filterable(rights.profil, rights.finalite, rights.perimetre.profil)


def test_s1_a_list_does_not_depend_on_what_is_not_read_of_each_of_its_persons() -> None:
    seed = int.from_bytes(os.urandom(6))
    randomness, cases = Random(seed), 0
    while cases < CASES:
        same = _compare(randomness, _filterable)
        assert all(same), (seed, cases)
        cases += len(same)
    note(f"critères : {cases} listes, 0 qui dépende de ce qui n'est pas lu (graine {seed})")


def test_a_criterion_that_is_refused_would_have_told_something() -> None:
    """The control: with every criterion allowed, the comparison above sees what it looks for."""
    randomness = Random(1)
    assert not all(same for _ in range(300) for same in _compare(randomness, lambda _: frozenset(C)))
