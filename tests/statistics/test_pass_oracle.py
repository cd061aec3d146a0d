"""What the nightly pass keeps of a world, against a recount of its truth: every grid, every place, every month."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Any

import pytest

from tests.support.databases import at_rest
from tests.support.statistics import recount
from tests.support.statistics.counted_world import CountedWorld, counted_world

TODAY = date(2026, 10, 15)
SINCE = date(2024, 8, 1)  # the school quarter of two years ago
DAYS = recount.month_ends(SINCE, TODAY)
SHORT = 5  # letters, that come by chance in some bytes
OF_CFAS = {"1b": recount.issues, "2b": recount.ruptures}
OF_HOMES = {"2c": recount.treatments, "2f": recount.first_steps}
Recount = Callable[[Sequence[recount.Person], date, date], recount.Cells]


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CountedWorld]:
    """Where every system spells everybody alike: what is counted is exactly what is true."""
    with counted_world(tmp_path_factory.mktemp("sans bruit"), jeunes=600, today=TODAY, noise=0.0) as counted:
        yield counted


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CountedWorld]:
    """The ordinary world, where some persons are told in two ways."""
    with counted_world(tmp_path_factory.mktemp("avec bruit"), jeunes=600, today=TODAY) as counted:
        yield counted


@pytest.mark.parametrize("maille", [*OF_CFAS, *OF_HOMES])
def test_flows_are_those_of_the_truth(silent: CountedWorld, maille: str) -> None:
    assert silent.cells(maille) == (OF_CFAS | OF_HOMES)[maille](silent.persons, SINCE, TODAY)


@pytest.mark.parametrize(("maille", "told"), [("2d", recount.after_ruptures), ("2e", recount.reports)])
def test_what_follows_a_rupture_is_that_of_the_truth(silent: CountedWorld, maille: str, told: Recount) -> None:
    departements = _departements(silent)
    wanted: recount.Cells = Counter()
    for (uai, cohort, classe), number in told(silent.persons, SINCE, TODAY).items():
        wanted[departements[uai], cohort, classe] += number
    assert silent.cells(maille) == wanted


Keyed = Counter[tuple[str, str, str, str]]
KEYS: dict[str, Callable[[recount.Person, dict[str, Any], date], str]] = {
    "1a": lambda person, contrat, debut: recount.level(contrat),
    "1c": lambda person, contrat, debut: "/".join(
        (recount.level(contrat), person["sexe"], recount.age_group(person, debut))
    ),
    "1d": lambda person, contrat, debut: recount.sector(contrat),
}


@pytest.mark.parametrize("maille", KEYS)
def test_contracts_are_those_of_the_truth_key_by_key(silent: CountedWorld, maille: str) -> None:
    """By level of a département and a month; by level, sex and age, or by sector, of a région and a quarter."""
    place_of = _departements(silent) if maille == "1a" else _regions(silent)
    wanted: Keyed = Counter()
    for uai, keys, debut, classe in recount.keyed_issues(silent.persons, SINCE, TODAY, KEYS[maille]):
        cohort = f"{debut:%Y-%m}" if maille == "1a" else recount.quarter(debut)
        wanted[place_of[uai], keys, cohort, classe] += 1
    assert silent.keyed_cells(maille) == wanted
    assert len({keys for _, keys, _, _ in wanted}) > len(KEYS)


def test_ruptures_are_those_of_the_truth_level_by_level(silent: CountedWorld) -> None:
    departements = _departements(silent)
    wanted: Keyed = Counter()
    for _, contrat, day in recount.told_ruptures(silent.persons, TODAY):
        if day >= SINCE:
            wanted[departements[contrat["uai"]], recount.level(contrat), f"{day:%Y-%m}", "RUPTURE"] += 1
    assert silent.keyed_cells("2a") == wanted


def _in_departements(cells: recount.Cells, departements: dict[str, str]) -> recount.Cells:
    told: recount.Cells = Counter()
    for (uai, month, statut), number in cells.items():
        told[departements[uai], month, statut] += number
    return told


def test_stocks_of_departements_are_those_of_their_cfas(silent: CountedWorld) -> None:
    """Whatever the level: each inscription of a CFA is one of its département, in the same status."""
    assert silent.cells("3a") == _in_departements(silent.cells("3b"), _departements(silent))
    assert {keys for _, keys, _, _ in silent.keyed_cells("3a")} <= {"3", "4", "5", "6", "7", "INCONNU"}


def test_stocks_of_departements_are_those_of_the_truth_level_by_level(silent: CountedWorld) -> None:
    """Every status of every month-end, but for who is in two CFAs: neither knows of the other's session."""
    departements = _departements(silent)
    wanted: Keyed = Counter()
    for (uai, niveau, month, statut), number in recount.inscriptions_by_level(silent.persons, DAYS).items():
        wanted[departements[uai], niveau, month, statut] += number
    counted = silent.keyed_cells("3a")
    moved = [person for person in silent.persons if len(_uais(person)) > 1]
    assert not wanted - counted
    assert (counted - wanted).total() <= 0.05 * len(moved) * len(DAYS)
    assert {code for code, _, _, _ in counted - wanted} <= {departements[uai] for one in moved for uai in _uais(one)}
    assert len({keys for _, keys, _, _ in wanted}) > len(KEYS)


def _regions(counted: CountedWorld) -> dict[str, str]:
    geographie = counted.world.population.geographie
    return {uai: geographie.departements[code][1] for uai, code in _departements(counted).items()}


def _departements(counted: CountedWorld) -> dict[str, str]:
    population = counted.world.population
    return {uai: population.geographie.communes[cfa.commune].departement for uai, cfa in population.cfas.items()}


def test_stocks_of_missions_locales_are_those_of_the_truth_at_each_month_end(silent: CountedWorld) -> None:
    assert silent.cells("3c") == recount.residents(silent.persons, DAYS)


def test_stocks_of_cfas_are_those_of_the_truth_but_for_who_is_in_two(silent: CountedWorld) -> None:
    """A CFA does not know of another's session: who left for one without a contract is an inscription in both."""
    counted, wanted = silent.cells("3b"), recount.inscriptions(silent.persons, DAYS)
    single = [person for person in silent.persons if len(_uais(person)) < 2]
    moved = len(silent.persons) - len(single)
    assert not wanted - counted
    assert (counted - wanted).total() <= 0.05 * moved * len(DAYS)
    assert {uai for uai, _, _ in counted - wanted} <= set().union(
        *(_uais(p) for p in silent.persons if p not in single)
    )


def _uais(person: dict[str, Any]) -> set[str]:
    return {told["uai"] for told in (*person["sessions"], *person["contrats"])}


@pytest.mark.parametrize("maille", ["1b", "2b", "2c", "3b", "3c"])
def test_only_who_is_told_in_two_ways_is_counted_otherwise(noisy: CountedWorld, maille: str) -> None:
    counted, told = noisy.cells(maille), _told(maille, noisy.persons)
    odd = _told(maille, [p for p in noisy.persons if not p["rapprochable"] or len(_uais(p)) > 1])
    assert (counted - told).total() + (told - counted).total() <= 2 * odd.total()
    assert abs(counted.total() - told.total()) <= 0.01 * told.total()


def _told(maille: str, persons: Sequence[recount.Person]) -> recount.Cells:
    stocks = {"3b": recount.inscriptions, "3c": recount.residents}
    flows: dict[str, Recount] = {**OF_CFAS, **OF_HOMES}
    return stocks[maille](persons, DAYS) if maille in stocks else flows[maille](persons, SINCE, TODAY)


def test_each_grid_of_a_population_holds_the_same_units(noisy: CountedWorld) -> None:
    totals = {maille: noisy.cells(maille).total() for maille in
              ("1a", "1b", "1c", "1d", "2a", "2b", "2d", "2e", "2c", "2f", "3a", "3b")}  # fmt: skip
    assert len({totals[maille] for maille in ("1a", "1b", "1c", "1d")}) == 1
    assert len({totals[maille] for maille in ("2a", "2b", "2d", "2e")}) == 1
    assert totals["2c"] == totals["2f"]
    assert totals["3a"] == totals["3b"]


def test_nothing_of_a_person_is_kept(noisy: CountedWorld) -> None:
    kept = asyncio.run(at_rest(noisy.url))
    content = b"\n".join(file.read_bytes() for file in (noisy.record / "donnees").glob("statistiques.sqlite*"))
    assert b"APPRENTI" in kept  # the files are those that hold the counts
    told = {value for person in noisy.persons for value in _values(person) if len(value) > SHORT}
    assert [value for value in told if value.encode() in content] == []


def _values(person: dict[str, Any]) -> Iterator[str]:
    """All that tells who somebody is: names as they are and in capitals, birth date, contacts, records, contracts, employers."""
    for name in (person["nom"], person["prenom"]):
        yield from (name, name.upper(), name.casefold())
    yield from (person["date_naissance"], person["telephone"], person["courriel"])
    for keys in person["enregistrements"].values():
        yield from (key.rpartition("/")[2] for key in keys)
    for contrat in person["contrats"]:
        yield from (contrat["numero"], contrat["employeur_siret"])


def test_rates_of_closed_cohorts_are_the_plain_ratio(silent: CountedWorld) -> None:
    """Of contracts begun a year and a half ago: broken in their first nine months, over begun."""
    cohort = "2025-02"
    begun = [(contrat, debut) for _, contrat, debut in recount.told_contrats(silent.persons, TODAY)]
    broken = {contrat["numero"]: day for _, contrat, day in recount.told_ruptures(silent.persons, TODAY)}
    own = [(contrat["numero"], debut) for contrat, debut in begun if recount.quarter(debut) == cohort]
    early = [number for number, debut in own if number in broken and broken[number] < recount.months_later(debut, 9)]
    classes: Counter[str] = Counter()
    for (_, month, classe), number in silent.cells("1b").items():
        if month == cohort:
            classes[classe] += number
    assert classes.total() == len(own) > 0
    assert classes["R3"] + classes["R6"] + classes["R9"] == len(early)
