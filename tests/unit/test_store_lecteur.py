"""From the rows of the store to persons: who is one person, what their latest contract tells, and what is kept in memory."""

from collections.abc import AsyncIterator, Collection
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.connectors.base import Dossier
from gateway.connectors.registre import contrat as plier
from gateway.errors import RegistreIndisponible, SourceIndisponible
from gateway.federation.registre import lire_registre
from gateway.schema.nouns import Jeune, Sexe
from gateway.sources.moisson import moissonner
from gateway.sources.registre import LECTURES_MAX, LecteurRegistre
from gateway.stores.grange import Grange
from gateway.stores.registre import Avancee, ContratStocke, Registre
from tests.unit.registre_outils import SCEAU, Partenaire, champ, charge, charge_lba

SOIR = datetime(2026, 7, 1, 20, 30, tzinfo=UTC)
JOUR = date(2026, 6, 30)
PREMIER = {"debut": "2025-09-01", "fin": "2027-08-31"}
SUIVANT = {"debut": "2026-01-05", "fin": "2027-07-31"}

Charges = tuple[dict[str, Any], ...]


class Memoire:
    """A store in memory, that counts its reads."""

    def __init__(self, *contrats: tuple[str, Charges]) -> None:
        self.stockes = [
            ContratStocke(f"c{rang}", qui, bytes([rang]), dites) for rang, (qui, dites) in enumerate(contrats)
        ]
        self.version, self.lectures, self.ouvertures = "1", 0, 0

    async def avancee(self) -> Avancee:
        return Avancee(JOUR, SOIR, len(self.stockes), self.version)

    async def contrats(self, *_: object) -> list[ContratStocke]:
        self.lectures += 1
        return self.stockes

    def charges(self, stocke: ContratStocke) -> Charges:
        self.ouvertures += 1
        return stocke.lignes

    def empreinte(self, *ensembles: Collection[str]) -> str:
        return repr([sorted(ensemble) for ensemble in ensembles])


async def lus(*contrats: tuple[str, Charges]) -> list[Dossier]:
    return list((await LecteurRegistre(Memoire(*contrats), plier).dossiers(["59000"], [], [])).dossiers)


def parts(dossiers: list[Dossier]) -> dict[str, list[str | None]]:
    return {dossier.cle: [contrat.numero for contrat in dossier.jeune.contrats or []] for dossier in dossiers}


@pytest.mark.anyio
async def test_contracts_that_follow_each_other_are_one_person() -> None:
    rompu = charge("A", **PREMIER, rupture="2026-01-04")
    dossiers = await lus(("p", (charge("B", **SUIVANT),)), ("p", (rompu,)), ("q", (charge("C"),)))
    assert parts(dossiers) == {"p": ["A", "B"], "q": ["C"]}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fin_du_premier", "attendu"),
    [("2026-03-06", {"p": ["A", "B"]}), ("2026-03-07", {"c0": ["A"], "c1": ["B"]})],
    ids=["60 days together", "61 days together"],
)
async def test_contracts_that_run_together_too_long_are_homonyms(
    fin_du_premier: str, attendu: dict[str, list[str]]
) -> None:
    premier = charge("A", debut="2025-09-01", fin=fin_du_premier)
    assert parts(await lus(("p", (premier,)), ("p", (charge("B", **SUIVANT),)))) == attendu


@pytest.mark.anyio
async def test_an_annulled_contract_contradicts_nothing() -> None:
    nul = charge("A", **PREMIER, statut="Annulé")
    assert parts(await lus(("p", (nul,)), ("p", (charge("B", **SUIVANT),)))) == {"p": ["A", "B"]}


@pytest.mark.anyio
async def test_homonyms_of_one_cfa_with_nothing_else_in_common_are_two_persons() -> None:
    """The same name, birth date and CFA, and another home: who tells a home in common is one person."""
    ancien: dict[str, Any] = {"debut": "2023-09-01", "fin": "2025-08-31"}
    ailleurs, chez_lui = charge("A", **ancien, code_postal="33000"), charge("A", **ancien)
    ailleurs["alternant"] |= {"telephone": "0639980002", "courriel": "autre@exemple.invalid"}
    suivant = charge("B", **SUIVANT)
    assert parts(await lus(("p", (ailleurs,)), ("p", (suivant,)))) == {"c0": ["A"], "c1": ["B"]}
    assert parts(await lus(("p", (chez_lui,)), ("p", (suivant,)))) == {"p": ["A", "B"]}


@pytest.mark.anyio
async def test_two_sexes_are_two_persons() -> None:
    garcon = charge("A", debut="2023-09-01", fin="2025-08-31", sexe="1")
    assert parts(await lus(("p", (garcon,)), ("p", (charge("B", **SUIVANT),)))) == {"c0": ["A"], "c1": ["B"]}


@pytest.mark.anyio
async def test_each_thing_is_what_the_latest_contract_tells_of_it() -> None:
    ancien = charge("A", debut="2023-09-01", fin="2025-08-31", code_postal="33000")
    dernier = charge_lba("B", **SUIVANT)
    (dossier,) = await lus(("p", (ancien,)), ("p", (dernier,)))
    jeune = dossier.jeune
    assert jeune.adresse is not None
    assert (jeune.adresse.code_postal, jeune.sexe, jeune.telephone) == ("33000", Sexe.F, "0639980017")
    assert [(f.date_debut, f.date_fin) for f in jeune.formations or []] == [
        (date(2023, 9, 1), date(2025, 8, 31)),
        (date(2026, 1, 5), date(2027, 7, 31)),
    ]


@pytest.mark.anyio
async def test_rows_that_cannot_be_read_cost_their_contract_only() -> None:
    assert parts(await lus(("p", ({"alternant": None},)), ("p", ()), ("q", (charge("C"),)))) == {"q": ["C"]}


@pytest.mark.anyio
async def test_what_was_read_is_kept_until_the_next_harvest() -> None:
    memoire = Memoire(("p", (charge("A"),)))
    instants = iter((0.0, 0.5, 0.99, 1.0))  # of each call
    lecteur = LecteurRegistre(memoire, plier, lambda: next(instants))
    premier = await lecteur.dossiers(["59000", "59800"], [], ["x"])
    assert await lecteur.dossiers(["59800", "59000"], (), {"x"}) is premier
    assert (premier.as_of, premier.version, memoire.lectures) == (SOIR, "1", 1)
    memoire.version = "2"
    assert await lecteur.dossiers(["59000", "59800"], [], ["x"]) is premier  # seen within a second
    assert (await lecteur.dossiers(["59000", "59800"], [], ["x"])).version == "2"
    assert memoire.lectures == 2


@pytest.mark.anyio
async def test_a_contract_is_unsealed_and_folded_again_only_when_its_rows_changed() -> None:
    memoire = Memoire(("p", (charge("A"),)), ("q", (charge("B"),)))
    instants = iter((0.0, 0.0, 1.0))
    lecteur = LecteurRegistre(memoire, plier, lambda: next(instants))
    await lecteur.dossiers(["59000"], [], [])
    await lecteur.dossiers(["59000"], [], ["x"])
    assert (memoire.lectures, memoire.ouvertures) == (2, 2)
    memoire.version = "2"
    memoire.stockes[0] = ContratStocke("c0", "p", b"autre", (charge("A", rupture="2026-03-01"),))
    (premier, _) = (await lecteur.dossiers(["59000"], [], [])).dossiers
    assert memoire.ouvertures == 3
    assert [contrat.rupture is not None for contrat in premier.jeune.contrats or []] == [True]


@pytest.mark.anyio
async def test_a_store_that_does_not_answer_is_a_source_that_is_missing() -> None:
    class Absent(Memoire):
        async def avancee(self) -> Avancee:
            raise RegistreIndisponible

    lecteur = LecteurRegistre(Absent(), plier)
    assert await lecteur.version() == ""
    lue = await lire_registre(lecteur, "registre", 3.0, (["59000"], [], []))
    assert isinstance(lue, SourceIndisponible)
    assert (lue.source, str(lue)) == ("registre", "la copie du registre ne répond pas")


@pytest.mark.anyio
async def test_what_is_kept_is_bounded_and_the_least_used_goes_first() -> None:
    memoire = Memoire()
    lecteur = LecteurRegistre(memoire, plier)
    for rang in range(LECTURES_MAX):
        await lecteur.dossiers([str(rang)], [], [])
    await lecteur.dossiers(["0"], [], [])
    await lecteur.dossiers(["de plus"], [], [])
    assert memoire.lectures == LECTURES_MAX + 1
    await lecteur.dossiers(["0"], [], [])
    assert memoire.lectures == LECTURES_MAX + 1
    await lecteur.dossiers(["1"], [], [])
    assert memoire.lectures == LECTURES_MAX + 2


@pytest.fixture
async def registre(url: str) -> AsyncIterator[Registre]:
    ouvert = Registre(url, SCEAU)
    await ouvert.ouvrir()
    yield ouvert
    await ouvert.fermer()


@pytest.mark.anyio
async def test_both_views_of_a_contract_are_one_contract_and_one_view_is_enough(registre: Registre) -> None:
    source = Partenaire()
    source.dire(JOUR, charge("A"))
    source.dire(JOUR, charge_lba("a"), "LBA")
    source.dire(JOUR, charge("B", nom="TBA SEUL"))
    source.dire(JOUR, charge_lba("C", nom="LBA SEUL"), "LBA")
    await moissonner(champ(source, JOUR), Grange(registre), lambda: SOIR, lambda _: None)
    lecteur = LecteurRegistre(registre, plier)
    dossiers = (await lecteur.dossiers([], ["0590001F"], [])).dossiers
    assert sorted(_vues(dossier.jeune) for dossier in dossiers) == [
        ("CANARI", ["a"], True, True),
        ("LBA SEUL", ["C"], False, True),
        ("TBA SEUL", ["B"], True, False),
    ]
    assert (await lecteur.dossiers([], ["0590001F"], [])).as_of == SOIR


def _vues(jeune: Jeune) -> tuple[str | None, list[str | None], bool, bool]:
    contrats = jeune.contrats or []
    logee = jeune.adresse is not None and jeune.adresse.code_postal is not None
    employes = [contrat.employeur is not None and contrat.employeur.siret is not None for contrat in contrats]
    return jeune.nom, [contrat.numero for contrat in contrats], logee, all(employes)


def lendemain(jour: date) -> datetime:
    return datetime(jour.year, jour.month, jour.day + 1, 20, 30, tzinfo=UTC)


ETATS = [
    charge("A"),
    charge("A", avenant="1", fin="2027-12-31"),
    charge("A", avenant="1", fin="2027-12-31", rupture="2026-03-01", statut="Rompu"),
]


@pytest.mark.anyio
@pytest.mark.parametrize("ordre", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (2, 0, 1)])
async def test_a_contract_is_the_same_whatever_the_order_of_import(registre: Registre, ordre: tuple[int, ...]) -> None:
    for mois in ordre:
        jour = date(2026, 1 + mois, 1)
        source = Partenaire({jour: [("TBA", ETATS[mois])]})
        await moissonner(champ(source, jour), Grange(registre), partial(lendemain, jour), lambda _: None)
    (dossier,) = (await LecteurRegistre(registre, plier).dossiers(["59000"], [], [])).dossiers
    (contrat,) = dossier.jeune.contrats or []
    assert contrat.date_fin == date(2027, 12, 31)
    assert contrat.rupture is not None
    assert contrat.rupture.date == date(2026, 3, 1)


@settings(deadline=None)
@given(vues=st.sets(st.sampled_from(["TBA", "LBA"]), min_size=1), etapes=st.integers(1, 3))
def test_a_view_more_or_less_changes_what_is_known_and_never_the_contract(vues: set[str], etapes: int) -> None:
    def objets(vue: str) -> list[dict[str, Any]]:
        dits = {"avenant": "", "fin": "2027-08-31"}, {"avenant": "1", "fin": "2027-12-31"}, {"rupture": "2026-03-01"}
        return [(charge if vue == "TBA" else charge_lba)("A", **dit) for dit in dits[:etapes]]

    lu = plier([objet for vue in sorted(vues) for objet in objets(vue)])
    assert lu is not None
    jeune, contrat = lu
    assert (contrat.numero, contrat.date_debut) == ("A", date(2025, 9, 1))
    assert contrat.date_fin == (date(2027, 8, 31) if etapes == 1 else date(2027, 12, 31))
    assert (contrat.rupture is not None) == (etapes == 3)
    assert (jeune.adresse is not None) == ("TBA" in vues)
    assert (contrat.employeur is not None) == ("LBA" in vues)
