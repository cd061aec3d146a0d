"""Who counts what exactly: each profile, with its purpose and without, against the table of docs/statistiques.md typed again, and
sums by loops of their own."""

from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import pytest

from gateway.auth.authentication.clients import Viewer
from gateway.auth.policy.figure_rows import FigureRow
from gateway.auth.policy.policy import AccessPolicy
from gateway.auth.policy.rules import Profil
from gateway.errors import ConfigurationError
from gateway.statistiques.figure_rights import check_exact
from tests.support.access.small_world import CALLERS, CFAS, REGIONS, caller
from tests.support.access.tools import POLICY
from tests.support.published_world import MONTHS, Cell, PublishedWorld, blocks, draw_counts, published_world

pytestmark = pytest.mark.anyio

# docs/statistiques.md, Qui lit quoi: of one's own place, what is exact; the rest is protected.
STATUTS = {"apprentis", "inscrits", "rupturants", "abandons", "finsDeFormation"}
EXACT = {
    "MISSION_LOCALE": STATUTS | {"ruptures", "partTraitee"},
    "CFA": STATUTS | {"contratsCommences", "ruptures"},
    "TETE_DE_RESEAU": STATUTS | {"contratsCommences", "ruptures"},
    "DREETS": {"inscrits", "rupturants", "abandons"},
    "DDETS": {"inscrits", "rupturants", "abandons"},
    "ACADEMIE": {"inscrits", "rupturants", "abandons"},
    "FRANCE_TRAVAIL": {"inscrits"},
    "ARML": set[str](),
    "REGION": set[str](),
    "STATISTIQUES": set[str](),
}
# By residence: Missions locales; by training: CFAs. Of whom each profile is told.
BY_HOME = {"MISSION_LOCALE", "FRANCE_TRAVAIL", "ARML"}
CLASSES = {
    "apprentis": "APPRENTI",
    "inscrits": "INSCRIT",
    "rupturants": "RUPTURANT",
    "abandons": "ABANDON",
    "finsDeFormation": "FIN_DE_FORMATION",
}
LOTS = draw_counts(Random(4))
BLOCKS = blocks(LOTS)
YEAR = [month for month in MONTHS if "2025-11" <= month <= "2026-10"]
WINDOW = 'filtre: {depuis: "2025-11-01", jusqua: "2026-10-31"}'
NAMES = "apprentis inscrits rupturants abandons finsDeFormation contratsCommences ruptures partTraitee"
QUERY = (
    f"{{ statistiques({WINDOW}) {{ origine protection {{ exacte }} total {{ {NAMES} masques marges {{ champ }} }} }} }}"
)


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PublishedWorld]:
    async with published_world(tmp_path_factory.mktemp("blocs"), LOTS, BLOCKS) as world:
        yield world


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


def own_lots(who: Viewer) -> list[str]:
    """The CFAs or Missions locales of a perimeter, from the referential typed in the small world."""
    role, code = who.perimetre.profil.value, who.perimetre.organisation
    if role == "MISSION_LOCALE":
        return [f"MISSION_LOCALE:{code}"]
    if role in ("FRANCE_TRAVAIL", "ARML"):
        return [f"MISSION_LOCALE:{locale}" for locale in REGIONS[code]]
    kept: Callable[[str, Any], bool] = {
        "CFA": lambda uai, _: uai == code or uai in CFAS[code][4],
        "TETE_DE_RESEAU": lambda _, cfa: code in cfa[3],
        "DREETS": lambda _, cfa: cfa[0] == code,
        "REGION": lambda _, cfa: cfa[0] == code,
        "DDETS": lambda _, cfa: cfa[1] == code,
        "ACADEMIE": lambda _, cfa: cfa[2] == code,
        "STATISTIQUES": lambda *_: True,
    }[role]
    return [f"CFA:{uai}" for uai, cfa in CFAS.items() if kept(uai, cfa)]


def grid_of(who: Viewer, name: str) -> str:
    """The grid that answers a figure, of which a place is a CFA for whoever has CFAs, a département or a région otherwise."""
    role = who.perimetre.profil.value
    if role in BY_HOME:
        return "2c" if name == "ruptures" else "3c"
    of_cfas = role in ("CFA", "TETE_DE_RESEAU")
    family = "1" if name == "contratsCommences" else "2" if name == "ruptures" else "3"
    return family + ("b" if of_cfas else "a")


def is_counted(cell: Cell, name: str, grid: str) -> bool:
    maille, _, _, mois, classe = cell
    if maille != grid:
        return False
    if name in CLASSES:
        return mois == "2026-10" and classe == CLASSES[name]
    return mois in YEAR or (maille in ("1b", "2b") and mois == "2025-11")


def exact_of(who: Viewer, name: str) -> int:
    """From what its lots gave: the first grid of the population that a lot feeds."""
    grid = {"contratsCommences": "1a", "ruptures": "2a"}.get(name, "3a")
    if who.perimetre.profil.value in BY_HOME:
        grid = grid_of(who, name)
    return sum(n for lot in own_lots(who) for cell, n in LOTS[lot].items() if is_counted(cell, name, grid))


def protected_of(who: Viewer, name: str) -> int | None:
    grid = grid_of(who, name)
    places = {cell[1] for lot in own_lots(who) for cell in LOTS[lot] if cell[0] == grid}
    total = sum(m for cell, m in BLOCKS.items() if cell[1] in places and is_counted(cell, name, grid))
    return total if total >= 15 else None


READERS = [one for one in CALLERS if one.profil.value in EXACT and one.finalite is not None]


@pytest.mark.parametrize("who", READERS, ids=lambda who: f"{who.profil.value}-{who.organisation}-{who.finalite.value}")
async def test_each_profile_counts_exactly_what_the_table_says_and_the_rest_is_protected(
    world: PublishedWorld, who: Viewer
) -> None:
    told = (await world.ask(who, QUERY))["data"]["statistiques"]
    opened = who.finalite == caller(who.profil.value, who.organisation).finalite
    exact = EXACT[who.profil.value] if opened else set[str]()
    assert told["origine"] == "RELEVE"
    margins = {one["champ"] for one in told["total"]["marges"]}
    for name in [*CLASSES, "contratsCommences", "ruptures"]:
        if who.perimetre.profil.value in BY_HOME and name == "contratsCommences":
            assert told["total"][name] is None
        elif name in exact:
            assert told["total"][name] == exact_of(who, name), name
            assert name not in margins
        else:
            assert told["total"][name] == protected_of(who, name), name
            assert (name in margins) is (told["total"][name] is not None)


@pytest.mark.parametrize("who", READERS, ids=lambda who: f"{who.profil.value}-{who.organisation}-{who.finalite.value}")
async def test_what_is_beside_the_perimeter_is_protected_for_everybody(world: PublishedWorld, who: Viewer) -> None:
    text = f"{{ statistiques({WINDOW}) {{ comparaisons {{ dimensions {{ dimension code }} apprentis }} }} }}"
    told = (await world.ask(who, text))["data"]["statistiques"]["comparaisons"]
    assert told[-1]["dimensions"] == []
    grid = "3c" if who.perimetre.profil.value in BY_HOME else "3a"
    country = sum(m for cell, m in BLOCKS.items() if cell[0] == grid and is_counted(cell, "apprentis", grid))
    assert told[-1]["apprentis"] == country


async def test_a_state_service_reads_the_past_protected(world: PublishedWorld) -> None:
    """Whoever was INSCRIT in June may be an apprentice now, whom it does not read."""
    dreets = caller("DREETS", "32")
    text = '{ statistiques(filtre: {jusqua: "2026-06-30"}) { protection { exacte } total { inscrits } } }'
    told = (await world.ask(dreets, text))["data"]["statistiques"]
    cells = [m for (maille, lieu, _, mois, classe), m in BLOCKS.items() if (maille, mois, classe) == ("3a", "2026-06", "INSCRIT")
             and lieu in ("60", "02")]  # fmt: skip
    assert told == {"protection": {"exacte": False}, "total": {"inscrits": sum(cells)}}


async def test_a_delegate_of_a_mission_locale_counts_the_past_protected(world: PublishedWorld) -> None:
    """Counts of the past hold whom only a disability shows, and a delegate does not read it."""
    delegate = caller("SI_PARTENAIRE", "60002", comme="MISSION_LOCALE")
    told = (await world.ask(delegate, QUERY))["data"]["statistiques"]
    assert told["protection"] == {"exacte": False}
    assert told["total"]["ruptures"] == protected_of(delegate, "ruptures")


async def test_a_delegate_of_a_cfa_counts_what_its_principal_does(world: PublishedWorld) -> None:
    delegate, principal = caller("SI_PARTENAIRE", "0750001U", comme="CFA"), caller("CFA", "0750001U")
    assert await world.ask(delegate, QUERY) == await world.ask(principal, QUERY)


async def test_an_operator_of_skills_reads_by_sector_alone(world: PublishedWorld) -> None:
    opco = caller("OPCO", "OPCO")
    (error,) = (await world.ask(opco, "{ statistiques { origine } }"))["errors"]
    assert (error["extensions"]["code"], error["path"]) == ("ARGUMENT_REFUSE", ["statistiques"])
    assert "SECTEUR" in error["message"]
    for dimension in ("DEPARTEMENT", "CFA"):
        refused = await world.ask(opco, f"{{ statistiques(dimensions: [SECTEUR, {dimension}]) {{ origine }} }}")
        assert refused["errors"][0]["extensions"]["code"] == "ARGUMENT_REFUSE"
    fields = "comparaisons { secret } lignes { dimensions { code } contratsCommences }"
    text = f"{{ statistiques({WINDOW}, dimensions: [SECTEUR]) {{ {fields} }} }}"
    told = (await world.ask(opco, text))["data"]["statistiques"]
    assert told["comparaisons"] == []
    for line in told["lignes"]:
        code = line["dimensions"][0]["code"]
        cells = [
            m for cell, m in BLOCKS.items() if cell[0] == "1d" and cell[2] == code and "2025-11" <= cell[3] <= "2026-08"
        ]
        assert line["contratsCommences"] == sum(cells)


async def test_an_administrator_reads_no_figure(world: PublishedWorld) -> None:
    answer = await world.ask(caller("ADMINISTRATEUR", ""), "{ statistiques { origine } }")
    assert (answer["data"], answer["errors"][0]["extensions"]["code"]) == ({"statistiques": None}, "CHAMP_REFUSE")


@pytest.mark.parametrize("who", READERS, ids=lambda who: f"{who.profil.value}-{who.organisation}-{who.finalite.value}")
async def test_out_of_the_perimeter_there_is_no_line(world: PublishedWorld, who: Viewer) -> None:
    if who.profil.value == "STATISTIQUES":
        return
    region = "11" if who.organisation in ("32", "60001", "0600001A", "0600002B", "20", "mfr") else "32"
    foreign = f'filtre: {{regions: ["{region}"], depuis: "2025-11-01"}}, dimensions: [REGION]'
    told = (await world.ask(who, f"{{ statistiques({foreign}) {{ nombreDeLignes lignes {{ ruptures }} }} }}"))["data"]
    if who.organisation != "mfr":  # a network of both régions
        assert told["statistiques"] == {"nombreDeLignes": 0, "lignes": []}


def changed(profil: str, **update: object) -> AccessPolicy:
    rows = [row.model_copy(update=update) if Profil(profil) in row.profils else row for row in POLICY.agregat.lecture]
    figures = POLICY.agregat.model_copy(update={"lecture": tuple[FigureRow, ...](rows)})
    return POLICY.model_copy(update={"agregat": figures})


@pytest.mark.parametrize(
    ("profil", "exacts", "told"),
    [
        ("DREETS", ("apprentis",), "DDETS ne lit pas les personnes que compte apprentis|ACADEMIE"),
        ("ARML", ("ruptures",), "ne lit pas les personnes que compte ruptures"),
        ("CFA", ("partTraitee",), "ne lit pas les personnes que compte partTraitee"),
        ("FRANCE_TRAVAIL", ("rupturants",), "ne lit pas les personnes que compte rupturants"),
        ("FRANCE_TRAVAIL", ("inscrit",), "aucun chiffre ne s'appelle inscrit"),
    ],
)
def test_an_exact_count_of_persons_who_are_not_read_stops_the_start(
    profil: str, exacts: tuple[str, ...], told: str
) -> None:
    check_exact(POLICY)
    with pytest.raises(ConfigurationError, match=told):
        check_exact(changed(profil, exacts=exacts))
