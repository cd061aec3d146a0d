"""S3: two simulated worlds that differ only by the dossiers of Missions locales on persons whose follow-up is closed to a caller
give it the same bytes, over HTTP: data, errors and extensions, but for ages, caches and the number of the request."""

import os
from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from random import Random, SystemRandom
from typing import Any

import pytest

from fixtures.gateway_process import LaunchedGateway
from fixtures.population.generator import generate
from fixtures.population.model import Account, Population
from fixtures.world import World
from tests.support.e2e.queries import until_complete
from tests.support.figures import note
from tests.support.security.crafted_world import crafted_world, told_by

TODAY, JEUNES, CASES = date(2026, 10, 15), 600, 300
CLIENTS = ("cfa", "reseau", "dreets", "france-travail")
FIELDS = {
    "jeunes(first: 60%s)": [
        *[
            "id",
            "nom",
            "prenom",
            "dateNaissance",
            "age",
            "mineur",
            "telephone",
            "courriel",
            "ine",
            "rqth",
            "adresse { voie }",
        ],
        *["commune { code }", "missionLocale { code }", "statut { valeur depuis }", "contrats { id numero }"],
        *["ruptures { id date sources signaleeLe etat prioritaire motifsPriorite }", "suivi { situation }"],
        *["collaboration { demandeeLe }", "provenance { champ source retenue divergente }"],
        *["rapprochements { champ accord sources niveau }", "representants { nom }", "parcours { valeur depuis }"],
    ],
    "ruptures(first: 60%s)": [
        *["id", "date", "cause", "sources", "signaleeLe", "etat", "prioritaire", "motifsPriorite", "nouveauContrat"],
        *[
            "jeune { id telephone courriel suivi { situation } }",
            "provenance { champ source }",
            "contrat { id numero }",
        ],
    ],
    "contrats(first: 60%s)": ["id", "numero", "dateDebut", "jeune { id courriel }", "rupture { id sources }"],
}
Worlds = tuple[tuple[World, LaunchedGateway], tuple[World, LaunchedGateway]]


def other_dossiers(population: Population, randomness: Random) -> Population:
    """The same people and the same CFAs; the dossiers of those for whom nobody asked for support are gone, rewritten or new."""
    other = deepcopy(population)
    asked = {person.numero for person in population.persons if person.collaboration}
    known, people = told_by(other, "imilo"), {person.numero: person for person in other.persons}
    for accounts in other.accounts["imilo"].values():
        accounts[:] = [a for a in accounts if a.person.numero in asked or randomness.random() < 0.5]
        for account in accounts:
            if account.person.numero not in asked:
                account.person.telephone = f"06{randomness.randrange(10**8):08}"
                account.person.courriel = f"secret{randomness.randrange(10**6)}@exemple.invalid"
    for numero, person in people.items():
        if numero not in known and randomness.random() < 0.3:
            copied = deepcopy(person)
            copied.telephone, copied.suivi = f"06{randomness.randrange(10**8):08}", deepcopy(_some_suivi(population))
            account = Account("imilo", person.mission_locale, str(800_000 + numero), copied)
            other.accounts["imilo"].setdefault(person.mission_locale, []).append(account)
    return other


def _some_suivi(population: Population) -> Any:
    return next(person.suivi for person in population.persons if person.suivi)


@pytest.fixture(scope="module")
def seed() -> int:
    return SystemRandom().randrange(2**48)


@pytest.fixture(scope="module")
def worlds(seed: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    population = generate(jeunes=JEUNES, departements=("60",), today=TODAY)
    other = other_dossiers(population, Random(seed))
    folders = [tmp_path_factory.mktemp(f"monde{rank}") for rank in (1, 2)]
    with crafted_world(population, folders[0]) as one, crafted_world(other, folders[1]) as two:
        yield one, two


def test_s3_two_worlds_that_differ_by_closed_dossiers_give_the_same_bytes(worlds: Worlds, seed: int) -> None:
    randomness, differing, rows = Random(seed), [], 0
    # What Missions locales read first must leave no trace in the ids of others.
    for world, gateway in worlds:
        for code in sorted(world.population.geographie.missions_locales)[:6]:
            until_complete(gateway, world.token(f"ml-{code}"), "{ jeunes(first: 500) { edges { node { id } } } }")
    for rank in range(CASES):
        client, text = CLIENTS[rank % len(CLIENTS)], _text(randomness)
        here, there = (_kept(until_complete(gateway, world.token(client), text)) for world, gateway in worlds)
        rows += len(repr(here))
        differing += [f"{client}: {text}"] if here != there else []
    note(f"S3 : {CASES} réponses de deux mondes par HTTP, {len(differing)} qui diffèrent (graine {seed})")
    assert rows > 100 * CASES, "the control: the answers are not empty"
    assert differing == [], f"seed {seed}"


def _text(randomness: Random) -> str:
    root, fields = randomness.choice(sorted(FIELDS.items()))
    kept = randomness.sample(fields, randomness.randint(1, len(fields)))
    wide = 'filtre: {statut: [INSCRIT APPRENTI RUPTURANT ABANDON], depuis: "2025-01-01"}'
    criteria = f", {wide}" if root.startswith("ruptures") else ""
    return f"{{ {root % criteria} {{ totalCount complet edges {{ node {{ {' '.join(kept)} }} }} }} }}"


def _kept(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what tells the time."""
    for source in answer["extensions"]["sources"]:
        for name in ("ageSecondes", "cache", "asOf"):
            source.pop(name, None)
    for error in answer.get("errors", []):
        error["extensions"].pop("requestId", None)
    return answer


@pytest.mark.skipif("AUTRE_DEPOT" in os.environ, reason="of this checkout only")
def test_s3_a_mission_locale_does_see_the_other_dossiers(worlds: Worlds) -> None:
    """The control: the worlds do differ."""
    text = "{ jeunes(first: 200) { totalCount edges { node { telephone suivi { situation } } } } }"
    here, there = (_kept(until_complete(gateway, world.token("ml"), text)) for world, gateway in worlds)
    assert here != there
