"""The fictitious population: who lives in it, and at which rates. A failing rate means that the demo stopped being realistic."""

import hashlib
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta

import pytest

from fixtures.population.generator import generate
from fixtures.population.model import Contrat, Population, ViewPerson
from fixtures.population.organismes import UAI_LETTERS
from fixtures.population.spellings import letters
from fixtures.population.told import ERPS
from fixtures.population.truth import truth
from fixtures.population.vendors import RARER
from tests.support.figures import note

TODAY = date(2026, 10, 15)
RESERVES = re.compile(r"063998\d{4}|(019900|026191|035301|046571|053649)\d{4}")


@pytest.fixture(scope="module")
def population() -> Population:
    return generate(seed=1, jeunes=5000, today=TODAY)


def digest(population: Population) -> str:
    """Everything that a population holds, in one number."""
    everything = (population.persons, population.accounts, population.cfas, population.noises)
    return hashlib.sha256(repr(everything).encode()).hexdigest()


def every_person(population: Population) -> Iterable[ViewPerson]:
    """The people of the truth, then every copy a system has of them."""
    yield from population.persons
    for tenants in population.accounts.values():
        for accounts in tenants.values():
            yield from (account.person for account in accounts)


def luhn(figures: str) -> bool:
    doubles = [int(c) * (1 + rank % 2) for rank, c in enumerate(reversed(figures))]
    return sum(d - 9 if d > 9 else d for d in doubles) % 10 == 0


def test_a_seed_gives_the_same_population_in_another_process_whatever_the_hash_seed() -> None:
    command = (
        "from datetime import date; from fixtures.population.generator import generate;"
        "from tests.unit.test_population import digest;"
        "print(digest(generate(seed=7, jeunes=300, today=date(2026, 3, 2))))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", command], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert told == {digest(generate(seed=7, jeunes=300, today=date(2026, 3, 2)))}
    assert digest(generate(seed=8, jeunes=300, today=date(2026, 3, 2))) not in told


def test_noise_changes_what_systems_tell_and_never_the_truth() -> None:
    quiet, noisy = (generate(seed=3, jeunes=400, today=TODAY, noise=noise) for noise in (0, 3))
    assert quiet.persons == noisy.persons
    assert set(quiet.noises) <= {"nom_tronque"}
    assert sum(noisy.noises.values()) > 1000


def test_establishments_have_valid_and_distinct_identifiers(population: Population) -> None:
    for cfa in population.cfas.values():
        assert UAI_LETTERS[int(cfa.uai[:7]) % 23] == cfa.uai[7]
        assert len(cfa.siret) == 14
        assert luhn(cfa.siret)
        assert luhn(cfa.siret[:9])
        assert cfa.commune in population.geographie.communes
    employeurs = {c.employeur.siret: c.employeur for p in population.persons for c in p.contrats}
    assert all(luhn(siret) for siret in employeurs)
    assert len({cfa.siret for cfa in population.cfas.values()}) == len(population.cfas)
    by_employeur = sum(len(p.contrats) for p in population.persons) / len(employeurs)
    assert 1.5 < by_employeur < 3


def test_every_vendor_serves_four_cfas_and_two_have_none(population: Population) -> None:
    erps = Counter(cfa.erp for cfa in population.cfas.values())
    assert all(erps[erp] >= 4 for erp in ERPS if erp not in RARER)
    assert all(erps[erp] == 1 for erp in RARER)
    assert erps[None] in (2, 3)
    assert {cfa.nature for cfa in population.cfas.values()} == {"responsable_formateur", "formateur"}
    for cfa in population.cfas.values():
        assert cfa.responsable_uai in {None, *population.cfas} - {cfa.uai}
    assert {uai for uai, cfa in population.cfas.items() if cfa.erp} == {
        uai for erp in ERPS for uai in population.accounts[erp]
    }


def test_nobody_can_be_called_or_written_to(population: Population) -> None:
    persons = list(every_person(population))
    assert sum(bool(person.telephone) for person in persons) > 5000
    assert sum(bool(person.courriel) for person in persons) > 5000
    assert sum(bool(keeper.telephone) for person in persons for keeper in person.representants) > 100
    assert population.geographie.missions_locales
    for person in persons:
        assert not person.telephone or RESERVES.fullmatch(person.telephone)
        assert not person.courriel or person.courriel.endswith(".invalid")
        for keeper in person.representants:
            assert keeper.telephone is None or RESERVES.fullmatch(keeper.telephone)
            assert keeper.courriel is None or keeper.courriel.endswith(".invalid")
    for mission in population.geographie.missions_locales.values():
        assert RESERVES.fullmatch(mission.telephone)
        assert mission.courriel.endswith(".invalid")


def test_names_have_what_breaks_joins(population: Population) -> None:
    names = {person.nom for person in population.persons}
    prenoms = {person.prenom for person in population.persons}
    assert any("-" in prenom for prenom in prenoms)
    for chunk in ("'", " ", "-", "œ", "é", "Ç"):
        assert any(chunk in name for name in names), chunk
    homonyms = Counter((p.nom, p.prenom) for p in population.persons)
    assert sum(n > 1 for n in homonyms.values()) > 50
    exacts = Counter((letters(p.nom), letters(p.prenom), p.date_naissance) for p in population.persons)
    assert 2 <= sum(n > 1 for n in exacts.values()) <= 8


def test_twins_share_all_but_their_first_name(population: Population) -> None:
    pairs = [
        (one, other)
        for one, other in zip(population.persons, population.persons[1:], strict=False)
        if (one.nom, one.date_naissance, one.adresse) == (other.nom, other.date_naissance, other.adresse)
    ]
    assert 15 <= len(pairs) <= 60
    assert all(one.prenom != other.prenom for one, other in pairs)
    assert all(one.formations[-1].uai == other.formations[-1].uai for one, other in pairs)


def test_ages_disability_and_contracts_are_those_of_the_field(population: Population) -> None:
    ages = sorted((TODAY - p.date_naissance).days / 365.25 for p in population.persons)
    assert ages[0] >= 14.5
    assert 17 < ages[len(ages) // 2] < 22
    assert ages[-1] < 42
    rqth = sum(p.rqth for p in population.persons) / len(population.persons)
    assert 0.014 < rqth < 0.022
    numeros = [c.numero for p in population.persons for c in p.contrats]
    assert len(set(numeros)) == len(numeros)
    assert all(re.fullmatch(r"\d{3}20\d\d(0[1-9]|1[0-2])[0-7]\d{5}", numero) for numero in numeros)
    types = Counter(c.type for p in population.persons for c in p.contrats)
    assert set(types) == {"11", "21", "22", "23"}
    avenants = Counter(a.type for p in population.persons for c in p.contrats for a in c.avenants)
    assert set(avenants) == {str(code) for code in range(31, 39)}


def broken_off_before(contrats: list[Contrat], days: int) -> float:
    return sum(c.rupture is not None and (c.rupture.date - c.debut).days <= days for c in contrats) / len(contrats)


def test_contracts_break_at_the_rates_of_the_field(population: Population) -> None:
    """DARES: 9.1 % within three months, 21 % within nine; 60 % of those find no new contract within six months."""
    former_ids = [
        contrat
        for person in population.persons
        for contrat in person.contrats
        if contrat.debut <= TODAY - timedelta(days=270) and (contrat.fin - contrat.debut).days > 300
    ]
    three, fresh, every_month = (broken_off_before(former_ids, days) for days in (90, 270, 2000))
    alone, retries = 0, 0
    for person in population.persons:
        for contrat, following in zip(person.contrats, [*person.contrats[1:], None], strict=False):
            if contrat.rupture and contrat.rupture.date <= TODAY - timedelta(days=180):
                taken_up = following and (following.debut - contrat.rupture.date).days <= 180
                alone, retries = alone + (not taken_up), retries + bool(taken_up)
    without_return = alone / (alone + retries)
    note(
        f"population : {three:.1%} rompus en 3 mois, {fresh:.1%} en 9 mois, {every_month:.1%} en tout ; "
        f"{without_return:.0%} sans contrat dans les six mois"
    )
    assert 0.08 < three < 0.105
    assert 0.19 < fresh < 0.235
    assert 0.22 < every_month < 0.29
    assert 0.55 < without_return < 0.70


@pytest.mark.parametrize("day", [date(2026, 1, 10), date(2026, 5, 3), date(2026, 8, 20), date(2026, 10, 15)])
def test_on_any_day_of_the_year_there_are_fresh_ruptures_ends_and_starts_to_come(day: date) -> None:
    rows = list(truth(generate(seed=2, jeunes=1500, today=day)))
    statuts = Counter(line["statut_reel"] for line in rows)
    dates = [c["rupture"]["date"] for line in rows for c in line["contrats"] if c["rupture"]]
    recent = sum((day - timedelta(days=180)).isoformat() <= d <= day.isoformat() for d in dates)
    futures = sum(c["date_debut"] > day.isoformat() for line in rows for c in line["contrats"])
    assert 0.03 < recent / len(rows) < 0.15
    assert min(statuts[s] for s in ("APPRENTI", "INSCRIT", "RUPTURANT", "ABANDON", "FIN_DE_FORMATION")) > 10
    assert futures >= 2


def test_a_population_of_twenty_thousand_grows_its_cfas_and_stays_quick(population: Population) -> None:
    told: list[str] = []
    larger = generate(seed=1, jeunes=20_000, departements=("59", "62", "80"), today=TODAY, progression=told.append)
    assert len(larger.persons) == 20_000
    assert len(larger.cfas) == 68
    assert len({p.ine for p in larger.persons if p.ine}) == sum(1 for p in larger.persons if p.ine)
    assert told[-1] == "20000 jeunes, dits par 7 systèmes"
