"""Ids across what changes at the sources, asked in GraphQL: one operation after the other, over a real ledger.

The sources are told by hand here, so that a name may be corrected and two persons found to be one.
"""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.auth.formes import Formes
from gateway.auth.jugement import Juge
from gateway.auth.perimetre import Perimetre
from gateway.auth.politique import lire_politique
from gateway.auth.rules import Finalite, Profil
from gateway.auth.viewer import Viewer
from gateway.documents import Documents
from gateway.domain.liens import Connus
from gateway.enregistres import Enregistres
from gateway.execution.executeur import Executeur
from gateway.federation.annuaire import Annuaire
from gateway.federation.recolte import Recolte
from gateway.federation.temoignages import Temoignage
from gateway.operation import Demande, Passerelle, repondre
from gateway.schema.build import construire, graphe
from gateway.schema.nouns import Adresse, Contrat, Rupture
from gateway.schema.scalaires import CodePostal
from gateway.stores.liens import Liens
from tests.access.petit_monde import SansConsigne
from tests.unit.federation_outils import ANNUAIRE
from tests.unit.liens_outils import IDENTIFIANTS, T0, dit, lecteur

pytestmark = pytest.mark.anyio

ROMPU = date(2026, 9, 20)
BEAUVAIS = {"adresse": Adresse(code_postal=CodePostal("60000"))}


class Compte(Liens):
    """The real ledger, that counts its reads."""

    lectures = 0

    async def lire(self, cles: Collection[str]) -> Connus:
        self.lectures += 1
        return await super().lire(cles)


@dataclass
class Monde:
    """A gateway whose sources say what a test tells them to."""

    livre: Compte
    dits: list[Temoignage] = field(default_factory=list)
    version: int = 0

    def __post_init__(self) -> None:
        schema = construire()
        politique = lire_politique()
        self.passerelle = Passerelle(
            schema=schema,
            politique=politique,
            documents=Documents(graphe(schema)),
            enregistres=Enregistres({}),
            executeur=Executeur(graphe(schema), lambda _voie: None),
            juge=Juge(graphe(schema), politique),
            formes=Formes(graphe(schema), politique),
            candidate=None,
            arretee=lambda _: None,
            collecteur=self,  # type: ignore[arg-type]
            identifiants=IDENTIFIANTS,
            attributeur=lecteur(self.livre).attributeur,
            consigne=SansConsigne(),  # type: ignore[arg-type]
            annuaire=lambda: ANNUAIRE,
            etats=list,
            etat_de=lambda _: None,
            source_du_cfa=lambda _: None,
            maintenant=lambda: T0,
            jour=T0.date,
        )

    async def collecter(self, _: object, __: Annuaire, ___: object) -> Recolte:
        return Recolte(list(self.dits), registre=str(self.version), suivi_entendu=frozenset({"60001"}))

    def dire(self, *temoignages: Temoignage) -> None:
        self.dits, self.version = list(temoignages), self.version + 1

    async def demander(self, requete: str, code: str = "60001", **variables: Any) -> Any:
        qui = Profil.MISSION_LOCALE
        finalite = Finalite.ACCOMPAGNEMENT
        viewer = Viewer("c", "c", qui, code, "Mission locale", (finalite,), finalite, Perimetre(qui, code))
        reponse = await repondre(self.passerelle, viewer, Demande(requete, None, variables))
        assert not reponse.erreurs, reponse.erreurs
        return orjson.loads(orjson.dumps(reponse.data))


@pytest.fixture
async def monde(tmp_path: Path) -> AsyncIterator[Monde]:
    livre = Compte(f"sqlite+aiosqlite:///{tmp_path / 'liens.sqlite'}")
    yield Monde(livre)
    await livre.fermer()


def erp(cle: str, locataire: str, rompu: date | None = ROMPU, **valeurs: Any) -> Temoignage:
    rupture = Rupture(date=rompu) if rompu else None
    contrats = [Contrat(date_debut=date(2025, 9, 1), date_fin=date(2027, 8, 31), rupture=rupture)]
    return dit("ypareo", cle, locataire, contrats=contrats, **BEAUVAIS, **valeurs)


TOUS = "{ jeunes(first: 9) { edges { cursor node { id nom contrats { id rupture { id signaleeLe } } } } } }"
UN = """query U($j: ID!, $c: ID!, $r: ID!) { jeune(id: $j) { id nom } contrat(id: $c) { id } rupture(id: $r) { id }
 a: node(id: $j) { id } b: node(id: $c) { id } c: node(id: $r) { id } }"""


def ids(noeud: Any) -> dict[str, str]:
    contrat = noeud["contrats"][0]
    return {"j": noeud["id"], "c": contrat["id"], "r": contrat["rupture"]["id"]}


async def test_a_name_corrected_at_the_source_shows_under_the_same_ids(monde: Monde) -> None:
    monde.dire(erp("1", "A", nom="Le Gof"))
    (avant,) = (await monde.demander(TOUS))["jeunes"]["edges"]
    monde.dire(erp("1", "A", nom="Le Goff"))
    (apres,) = (await monde.demander(TOUS))["jeunes"]["edges"]
    assert (avant["node"]["nom"], apres["node"]["nom"]) == ("Le Gof", "Le Goff")
    assert ids(avant["node"]) == ids(apres["node"])
    assert (await monde.demander(UN, **ids(avant["node"])))["jeune"]["nom"] == "Le Goff"


async def test_ids_of_two_persons_found_to_be_one_open_the_survivor_and_cursors_go_on(monde: Monde) -> None:
    monde.dire(erp("1", "A"), erp("9", "B", nom="Martin"))
    liste = (await monde.demander(TOUS))["jeunes"]["edges"]
    monde.dire(erp("1", "A"), erp("9", "B"))
    (reste,) = (await monde.demander(TOUS))["jeunes"]["edges"]
    seul = ids(reste["node"])
    assert len({ids(arete["node"])["j"] for arete in liste}) == 2
    assert seul["j"] in [ids(arete["node"])["j"] for arete in liste]
    for arete in liste:
        lu = await monde.demander(UN, **ids(arete["node"]))
        assert lu["jeune"]["id"] == lu["a"]["id"] == seul["j"]
        assert lu["contrat"]["id"] == lu["b"]["id"] == seul["c"]
        assert lu["rupture"]["id"] == lu["c"]["id"] == seul["r"]
        suite = "query S($a: String) { jeunes(first: 9, after: $a) { totalCount } }"
        assert (await monde.demander(suite, a=arete["cursor"]))["jeunes"]["totalCount"] == 1


async def test_ids_of_before_open_nothing_out_of_perimeter(monde: Monde) -> None:
    monde.dire(erp("1", "A"), erp("9", "B", nom="Martin"))
    liste = (await monde.demander(TOUS))["jeunes"]["edges"]
    monde.dire(erp("1", "A"), erp("9", "B"))
    for arete in liste:
        lu = await monde.demander(UN, "60002", **ids(arete["node"]))
        assert set(lu.values()) == {None}


async def test_a_warm_view_reads_the_ledger_no_more(monde: Monde) -> None:
    monde.dire(erp("1", "A"))
    await monde.demander(TOUS)
    a_froid = monde.livre.lectures
    await monde.demander(TOUS)
    await monde.demander("{ ruptures(first: 1) { totalCount } }")
    assert monde.livre.lectures == a_froid > 0


async def test_a_rupture_that_no_source_dates_was_told_when_it_was_first_seen(monde: Monde) -> None:
    monde.dire(erp("1", "A"))
    (arete,) = (await monde.demander(TOUS))["jeunes"]["edges"]
    assert arete["node"]["contrats"][0]["rupture"]["signaleeLe"] == T0.date().isoformat()
    avance = "{ ruptures(first: 1) { edges { node { delaiSignalementJours avanceSurRegistreJours } } } }"
    (arete,) = (await monde.demander(avance))["ruptures"]["edges"]
    assert arete["node"] == {"delaiSignalementJours": (T0.date() - ROMPU).days, "avanceSurRegistreJours": None}


async def test_without_the_ledger_the_answer_goes_on_and_the_view_is_tried_again_later(monde: Monde) -> None:
    echecs: list[int] = []
    livre = Compte("sqlite+aiosqlite:////nowhere/liens.sqlite")
    sans = Monde(livre)
    object.__setattr__(sans.passerelle, "attributeur", lecteur(livre, echecs).attributeur)
    for un in (monde, sans):
        un.dire(erp("1", "A"))
    attendu = await monde.demander(TOUS)
    lu = await sans.demander(TOUS)
    assert ids(lu["jeunes"]["edges"][0]["node"]) == ids(attendu["jeunes"]["edges"][0]["node"])
    await sans.demander(TOUS)
    assert len(echecs) == 1
    ((_, vue),) = sans.passerelle.vues._connues.values()
    assert vue.perimee is not None
    vue.perimee -= timedelta(minutes=1).total_seconds()
    await sans.demander(TOUS)
    assert len(echecs) == 2
    await livre.fermer()
