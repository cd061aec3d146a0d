"""What systems tell of the population, and the truth as the judge reads it."""

import json
import re
import time
from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fixtures.population.generator import generate
from fixtures.population.model import Account, Population
from fixtures.population.noise import DEFORMATIONS, OWN_DEFORMATIONS, RATE, SPELLINGS
from fixtures.population.spellings import identity, write_ville
from fixtures.population.told import ERPS, Residences, ville
from fixtures.population.truth import truth
from fixtures.population.vendors import RARER
from tests.support.figures import note

Row = dict[str, Any]

TODAY = date(2026, 10, 15)
ANSWERS_KEYS = {
    *("nom", "prenom", "date_naissance", "insee", "mission_locale", "rqth", "statut", "contrats", "enregistrements"),
    *("telephone", "courriel", "sexe", "sessions", "suivi", "parcours_dit"),
}
CONTRAT_KEYS = {
    *("uai", "date_debut", "date_fin", "employeur_siret", "rupture", "revele_par"),
    *("niveau", "naf", "signalements"),
}
SYSTEMS = {*ERPS, "registre"}


@pytest.fixture(scope="module")
def population() -> Population:
    debut = time.perf_counter()
    population = generate(seed=1, jeunes=5000, today=TODAY)
    note(f"population : 5 000 jeunes en {time.perf_counter() - debut:.1f} s")
    return population


@pytest.fixture(scope="module")
def rows(population: Population) -> list[Row]:
    return [json.loads(json.dumps(line, ensure_ascii=False)) for line in truth(population)]


def accounts(population: Population, *systems: str) -> list[Account]:
    return [r for s in systems for tenant in population.accounts[s].values() for r in tenant]


def test_truth_has_the_shape_that_was_promised(population: Population, rows: list[Row]) -> None:
    assert len(rows) == 5000
    for line in rows:
        assert set(line) >= ANSWERS_KEYS
        assert line["insee"] in population.geographie.communes
        for contrat in line["contrats"]:
            assert set(contrat) >= CONTRAT_KEYS
            assert contrat["rupture"] is None or set(contrat["rupture"]) == {"date"}


def test_every_contract_that_began_is_told_and_none_is_invented(population: Population, rows: list[Row]) -> None:
    assert sum(len(line["contrats"]) for line in rows) > 5000
    for line in rows:
        for contrat in line["contrats"]:
            assert set(contrat["revele_par"]) <= set(contrat["dit_par"]) <= SYSTEMS
            if contrat["date_debut"] <= TODAY.isoformat():
                assert contrat["dit_par"], contrat["numero"]
            if not contrat["rupture"]:
                assert contrat["revele_par"] == contrat["dit_par"]
    true_values = {c.numero for p in population.persons for c in p.contrats}
    assert {c.numero for r in accounts(population, *SYSTEMS) for c in r.person.contrats} <= true_values


def test_ruptures_are_told_late_by_some_and_never_by_others(rows: list[Row]) -> None:
    threshold = (TODAY - timedelta(days=180)).isoformat()
    recent = [
        c
        for line in rows
        for c in line["contrats"]
        if c["rupture"] and threshold <= c["rupture"]["date"] <= "2026-10-15"
    ]
    count = Counter(len(contrat["revele_par"]) for contrat in recent)
    assert all(count[n] > len(recent) * 0.1 for n in (0, 1, 2))
    par = Counter(system for contrat in recent for system in contrat["revele_par"])
    assert all(par[system] > 10 for system in SYSTEMS - set(RARER))
    assert all(par[system] > 0 for system in RARER)


def test_the_registry_knows_weeks_later_and_nothing_of_today(population: Population) -> None:
    delays = []
    for account in accounts(population, "registre"):
        assert {c.numero for c in account.person.contrats} == set(account.processings)
        for contrat in account.person.contrats:
            processing = account.processings[contrat.numero]
            days = [processing.depot, *processing.avenants.values(), *filter(None, [processing.rupture])]
            assert max(days) < TODAY
            assert min(days) == processing.depot
            assert set(processing.avenants) == {a.numero for a in contrat.avenants}
            assert (processing.rupture is None) == (contrat.rupture is None)
            if contrat.rupture and processing.rupture and processing.signalement:
                assert contrat.rupture.date <= processing.signalement <= processing.rupture
                delays.append((processing.rupture - contrat.rupture.date).days)
    assert 30 < sorted(delays)[len(delays) // 2] < 80


def test_a_registry_person_never_works_twice_at_once(population: Population) -> None:
    """A succession that was deposited proves the rupture before it."""
    lives = [account.person.contrats for account in accounts(population, "registre")]
    successions = [pair for contrats in lives for pair in pairwise(contrats)]
    assert len(successions) > 100
    for one, following in successions:
        fin = one.rupture.date if one.rupture else one.fin
        assert (fin - following.debut).days <= 60


def test_erps_forget_old_sessions_and_other_schools(population: Population) -> None:
    assert all(population.accounts[erp] for erp in ERPS)
    for account in accounts(population, *ERPS):
        assert account.person.formations
        assert all(f.uai == account.tenant and f.fin >= date(2025, 8, 1) for f in account.person.formations)
        assert all(c.uai == account.tenant for c in account.person.contrats)
    assert all(r.person.suivi is None for r in accounts(population, *ERPS, "registre"))


def test_record_ids_are_unique_in_their_tenant(population: Population) -> None:
    keys = Counter((r.system, r.tenant, r.key) for r in accounts(population, *population.accounts))
    assert max(keys.values()) == 1
    assert all(r.key.isdecimal() for r in accounts(population, "ypareo", "aimaira", "imilo"))
    assert all(r.key.startswith("E00") for r in accounts(population, "gestibase"))


def test_the_published_table_of_noise_is_the_one_applied() -> None:
    readme = (Path(__file__).parents[2] / "fixtures" / "README.md").read_text(encoding="utf-8")
    published = dict(re.findall(r"^\| `(\w+)` \| (0\.\d+) \|", readme, re.MULTILINE))
    assert {kind: float(rate) for kind, rate in published.items()} == RATE


def test_noise_of_spelling_keeps_to_its_table(population: Population) -> None:
    total = len(accounts(population, *population.accounts))
    absorbable = sum(population.noises[kind] for kind in SPELLINGS) / total
    fuzzy = [*DEFORMATIONS, *OWN_DEFORMATIONS, "nom_tronque"]
    fuzzy_share = sum(population.noises.get(kind, 0) for kind in fuzzy) / total
    note(
        f"population : {total} enregistrements, {absorbable:.1%} d'écritures que la normalisation absorbe, "
        f"{fuzzy_share:.1%} que seule une ressemblance relierait"
    )
    assert 0.18 < absorbable < 0.30
    assert 0.02 < fuzzy_share < 0.04
    for kind in (*SPELLINGS, *DEFORMATIONS, *OWN_DEFORMATIONS):
        assert population.noises[kind] > 5


def test_without_noise_every_record_joins_unless_two_people_share_an_identity() -> None:
    population = generate(seed=4, jeunes=1000, today=TODAY, noise=0)
    true_values = {p.numero: identity(p) for p in population.persons}
    shared = {key for key, n in Counter(true_values.values()).items() if n > 1}
    assert len(shared) < len(true_values) / 10
    assert len(accounts(population, *population.accounts)) > 1000
    for account in accounts(population, *population.accounts):
        assert len(account.person.nom) == 25 or identity(account.person) == true_values[account.person.numero]
    for person, line in zip(population.persons, truth(population), strict=True):
        if line["enregistrements"] and len(person.nom) <= 25:
            assert line["rapprochable"] == (true_values[person.numero] not in shared)


def test_people_that_only_likeness_could_join_are_marked(population: Population, rows: list[Row]) -> None:
    writes: dict[int, set[tuple[str, str, str]]] = defaultdict(set)
    for account in accounts(population, *population.accounts):
        writes[account.person.numero].add(identity(account.person))
    for person, line in zip(population.persons, rows, strict=True):
        if len(writes[person.numero]) != 1:
            assert not line["rapprochable"]
    assert 0.9 < sum(line["rapprochable"] for line in rows) / len(rows) < 0.97


def test_mission_locale_dossiers_are_few_enough_for_a_page(population: Population) -> None:
    sizes = {code: len(tenant) for code, tenant in population.accounts["imilo"].items()}
    assert set(sizes) == set(population.geographie.missions_locales)
    assert max(sizes.values()) <= 120
    followed = [r.person.suivi for r in accounts(population, "imilo")]
    assert all(followed)
    situations = Counter(suivi.situation for suivi in followed if suivi)
    assert len(situations) == 13  # the twelve, and none yet
    for suivi in followed:
        if suivi and suivi.historique:
            assert suivi.situation == suivi.historique[0].situation
            assert suivi.historique == sorted(suivi.historique, key=lambda step: step.date, reverse=True)
    assert sum(r.person.collaboration is not None for r in accounts(population, "imilo")) > 30


def test_towns_are_told_in_many_ways_and_recognised() -> None:
    randomness = Random(1)
    for name in ("Saint-Quentin", "Boulogne-sur-Mer", "Le Quesnoy", "L'Haÿ-les-Roses", "Œuilly", "Sainte-Geneviève"):
        records = {write_ville(name, randomness) for _ in range(200)}
        assert len(records) >= 3
        assert {ville(told) for told in records} == {ville(name)}


def test_home_is_told_by_the_erp_first_and_an_ambiguous_postal_code_tells_nothing(
    population: Population, rows: list[Row]
) -> None:
    communes = population.geographie.communes
    by_numero = {p.numero: line for p, line in zip(population.persons, rows, strict=True)}
    for account in accounts(population, *ERPS):
        if account.person.adresse.ville != "Le Bourg":
            assert (
                by_numero[account.person.numero]["mission_locale"]
                == communes[account.person.adresse.insee].mission_locale
            )
    assert any(line["mission_locale"] is None and line["enregistrements"] for line in rows)
    elsewhere = [li for li in rows if li["mission_locale"] not in (None, li["mission_locale_reelle"])]
    assert all(not set(line["enregistrements"]) & set(ERPS) for line in elsewhere)
    assert elsewhere  # moved since the registry heard of them
    assert Residences(population.geographie).mission_locale([]) is None


def test_the_statuses_told_end_in_the_one_of_today(rows: list[Row]) -> None:
    for line in rows:
        begun = [etape for etape in line["parcours_dit"] if etape["depuis"] <= TODAY.isoformat()]
        last = (begun or line["parcours_dit"][:1])[-1:]
        assert [etape["statut"] for etape in last] == [line["statut"]] * bool(line["statut"])
        assert {etape["uai"] for etape in line["parcours_dit"]} <= {session["uai"] for session in line["sessions"]}


def test_a_level_is_told_by_an_erp_or_by_the_code_of_the_diploma(population: Population, rows: list[Row]) -> None:
    told = Counter(
        (contrat["niveau"], session["niveau"])
        for line in rows
        for contrat in line["contrats"]
        for session in line["sessions"][:1]
        if len(line["sessions"]) == 1
    )
    assert {pair for pair in told if pair[0] and pair[0] != pair[1]} == set()
    assert 0 < sum(number for pair, number in told.items() if pair[0] is None) < 0.03 * told.total()
    assert {niveau for niveau, _ in told} == {None, 3, 4, 5, 6, 7}


def test_whoever_tells_a_rupture_tells_since_when(rows: list[Row]) -> None:
    for contrat in (contrat for line in rows for contrat in line["contrats"]):
        assert set(contrat["signalements"]) == (set(contrat["revele_par"]) if contrat["rupture"] else set())
        # An ERP that writes the last day worked, or a rupture still to come, tells of it before it.
        earliest = min(contrat["signalements"].values(), default="9999")
        assert earliest >= min(contrat["rupture"]["date"] if contrat["rupture"] else "", TODAY.isoformat())


def test_a_follow_up_is_told_with_its_steps_and_what_they_make_of_the_rupture(rows: list[Row]) -> None:
    told = [line["suivi"] for line in rows if line["suivi"]]
    assert {line["suivi"] is not None for line in rows if "imilo" in line["enregistrements"]} == {True}
    assert set(Counter(suivi["etat"] for suivi in told)) == {"A_TRAITER", "INJOIGNABLE", "TRAITE"}
    for suivi in told:
        assert suivi["etapes"] == sorted(suivi["etapes"])
        assert suivi["premiere_etape"] == next(iter(suivi["etapes"]), None)
        assert (suivi["note_le"] is None) == (suivi["etat"] == "A_TRAITER")
