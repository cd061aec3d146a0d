"""The consumer of a queue: invalidated, then acknowledged; given again, in disorder, poisoned, down (SECURITY §2.3)."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import respx
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from gateway.cache.memoire import CacheMemoire
from gateway.cache.seam import Cache, CacheLocal, Cle
from gateway.connectors.imilo import CONNECTEUR
from gateway.schema.lieux import EtatSource
from gateway.sources.evenements import ESSAIS_MAX, Consommateur
from gateway.sources.mesures import Mesures
from gateway.sources.partenaires import Acces, Partenaire
from gateway.sources.unites import Ressource, Unite
from tests.resilience.test_cache_partage import processus
from tests.sources_aide import BASE, Banc, banc, partenaire, transport

pytestmark = pytest.mark.anyio
EVENTS = f"{BASE}/operateurs/events"
A, B = "02001", "02002"


class Fini(Exception):
    """Enough turns of a loop that has no end."""


@dataclass
class File:
    """A queue as the partner keeps it, and the dossiers that it tells of."""

    routeur: respx.MockRouter
    attente: list[dict[str, Any]]
    lieux: dict[str, str]  # dossier → structure
    appels: list[str]
    panne: str = ""  # the last word of the paths that fail

    def __post_init__(self) -> None:
        self.routeur.route(host="127.0.0.1").mock(side_effect=self._repondre)

    def evenement(self, identifiant: str, dossier: object, genre: str = "DOSSIER") -> None:
        self.attente.append({"identifiant": identifiant, "idDossier": dossier, "type": genre, "action": "UPDATE"})

    def _repondre(self, requete: httpx.Request) -> httpx.Response:
        chemin = requete.url.path.removeprefix("/erp")
        *_, avant, dernier = chemin.split("/")
        self.appels.append(f"{dernier} {avant}" if dernier == "ack" else chemin)
        if self.panne and dernier == self.panne:
            return httpx.Response(500)
        if dernier == "events":
            return httpx.Response(200, json=self.attente)
        if dernier == "ack":
            self.attente[:] = [e for e in self.attente if e["identifiant"] != avant]
            return httpx.Response(204)
        if dernier == "dossiers":
            return httpx.Response(200, json=[_dossier(n, code) for n, code in self.lieux.items() if code == avant])
        return self._un_dossier(dernier)

    def _un_dossier(self, numero: str) -> httpx.Response:
        if numero == "404":
            return httpx.Response(404)
        if numero not in self.lieux:
            return httpx.Response(200)
        return httpx.Response(200, json=_dossier(numero, self.lieux[numero]))


def _dossier(numero: str, code: str) -> dict[str, Any]:
    etat_civil = {"nomNaissance": "ZZNOM", "prenom": "Zoé", "dateNaissance": "2006-03-07"}
    return {"idDossier": int(numero), **etat_civil, "structureRattachement": {"codeStructure": code}}


def imilo() -> Partenaire:
    cle = SecretStr("k")
    acces = {nom: Acces("entete", "X-Cle", cle) for nom in ("dossier", "events")}
    return partenaire(acces=acces, abonnes=None)


@dataclass
class Essai:
    """A consumer over two structures already read, and what it stands on."""

    file: File
    banc: Banc
    cache: Cache
    registre: CollectorRegistry
    consommateur: Consommateur

    async def invalidees(self) -> list[str]:
        codes = [A, B]
        versions = await self.banc.sources.tenues([unite(code) for code in codes])
        return [code for code, version in zip(codes, versions, strict=True) if version is None]

    async def lire(self) -> list[list[str]]:
        lus = await self.banc.sources.lire([unite(A), unite(B)], 5.0)
        return [[d.cle for d in lu.dossiers] for lu in lus]  # type: ignore[union-attr]

    def issues(self, issue: str) -> float:
        etiquettes = {"partenaire": "erp", "issue": issue}
        return self.registre.get_sample_value("passerelle_evenements_total", etiquettes) or 0.0


def unite(code: str) -> Unite:
    return Unite("erp", Ressource.STRUCTURE, code)


@asynccontextmanager
async def ouvrir(routeur: respx.MockRouter, cache: Cache | None = None) -> AsyncIterator[Essai]:
    file = File(routeur, [], {"1": A, "2": A, "9": B}, [])
    secondes = [1_000_000.0]
    cache = cache or CacheLocal(CacheMemoire(100, 10_000_000, lambda: secondes[0]), lambda: secondes[0])
    registre = CollectorRegistry()
    async with banc(transport(routeur), imilo(), CONNECTEUR, cache) as ouvert:
        consommateur = Consommateur(imilo(), _file(), 1.0, ouvert.sources, cache, Mesures(registre))
        essai = Essai(file, ouvert, cache, registre, consommateur)
        await essai.lire()
        secondes[0] += 30
        file.appels.clear()
        yield essai


def _file() -> Any:
    assert CONNECTEUR.file
    return CONNECTEUR.file


async def tours(consommateur: Consommateur, nombre: int) -> list[float]:
    """The waits of so many turns."""
    attentes: list[float] = []

    async def dormir(secondes: float) -> None:
        attentes.append(secondes)
        if len(attentes) == nombre:
            raise Fini

    with pytest.raises(Fini):
        await consommateur.veiller(dormir)
    return attentes


async def test_un_evenement_invalide_sa_structure_puis_est_acquitte(routeur: respx.MockRouter) -> None:
    async with ouvrir(routeur) as essai:
        essai.file.evenement("e1", 1)
        assert await essai.consommateur.consommer()
        assert essai.file.appels == ["/operateurs/events", "/sue/dossiers/1", "ack e1"]
        assert await essai.invalidees() == [A]
        assert essai.issues("invalide") == 1


async def test_dix_fois_le_meme_dossier_une_demande(routeur: respx.MockRouter) -> None:
    """Duplicates, under one identifier or several, in whatever order."""
    async with ouvrir(routeur) as essai:
        for rang in (5, 3, 3, 1, 4, 2, 5, 0, 0, 1):
            essai.file.evenement(f"e{rang}", "1")
        await essai.consommateur.consommer()
        assert essai.file.appels.count("/sue/dossiers/1") == 1
        assert sorted(a for a in essai.file.appels if a.startswith("ack")) == [f"ack e{rang}" for rang in range(6)]


async def test_cinquante_evenements_ne_passent_pas_devant_les_appelants(
    routeur: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two requests at once, whatever waits in the queue."""
    async with ouvrir(routeur) as essai:
        executer, en_cours, maximum = essai.banc.sources.executer, 0, 0

        async def compter(*demande: Any) -> Any:
            nonlocal en_cours, maximum
            en_cours += 1
            maximum = max(maximum, en_cours)
            await asyncio.sleep(0)  # a mock answers without waiting
            rendu = await executer(*demande)
            en_cours -= 1
            return rendu

        monkeypatch.setattr(essai.banc.sources, "executer", compter)
        for rang in range(50):
            essai.file.evenement(f"e{rang}", rang)
        await essai.consommateur.consommer()
        assert (essai.file.attente, maximum) == ([], 2)


async def test_c04_un_demenagement_invalide_les_deux_structures(routeur: respx.MockRouter) -> None:
    async with ouvrir(routeur) as essai:
        essai.file.lieux["1"] = B
        essai.file.evenement("e1", 1)
        await essai.consommateur.consommer()
        assert await essai.invalidees() == [A, B]
        assert await essai.lire() == [["2"], ["1", "9"]]


async def test_c04_une_suppression_invalide_la_structure_qui_le_montrait(routeur: respx.MockRouter) -> None:
    """C04, deletion at the source: the partner no longer says where the dossier was."""
    async with ouvrir(routeur) as essai:
        del essai.file.lieux["9"]
        essai.file.evenement("e1", 9)
        await essai.consommateur.consommer()
        assert await essai.invalidees() == [B]
        assert essai.file.attente == []


async def test_une_creation_invalide_la_structure_qui_ne_le_montrait_pas(routeur: respx.MockRouter) -> None:
    async with ouvrir(routeur) as essai:
        essai.file.lieux["3"] = B
        essai.file.evenement("e1", 3)
        await essai.consommateur.consommer()
        assert await essai.invalidees() == [B]


async def test_un_rendez_vous_est_acquitte_sans_rien_demander(routeur: respx.MockRouter) -> None:
    async with ouvrir(routeur) as essai:
        essai.file.evenement("e1", 1, "RDV")
        await essai.consommateur.consommer()
        assert essai.file.appels == ["/operateurs/events", "ack e1"]
        assert (await essai.invalidees(), essai.issues("sans_objet")) == ([], 1)


async def test_mourir_entre_l_invalidation_et_l_acquittement_ne_perd_rien(routeur: respx.MockRouter) -> None:
    """The partner hears no acknowledgement: the event comes again, and costs one request more."""
    async with ouvrir(routeur) as essai:
        essai.file.evenement("e1", 1)
        essai.file.panne = "ack"
        await essai.consommateur.consommer()
        assert await essai.invalidees() == [A]
        assert [e["identifiant"] for e in essai.file.attente] == ["e1"]
        essai.file.panne = ""
        await essai.consommateur.consommer()
        assert (essai.file.attente, await essai.invalidees()) == ([], [A])


async def test_rien_n_est_acquitte_tant_que_le_cache_ne_repond_pas(routeur: respx.MockRouter) -> None:
    class Muet(CacheLocal):
        async def invalider(self, cle: Cle) -> bool:
            return False

    async with ouvrir(routeur, Muet(CacheMemoire(10, 1_000_000, lambda: 0.0), lambda: 0.0)) as essai:
        essai.file.evenement("e1", 1)
        await tours(essai.consommateur, 3)
        assert [e["identifiant"] for e in essai.file.attente] == ["e1"]
        assert not any(appel.startswith("ack") for appel in essai.file.appels)


async def test_un_evenement_empoisonne_est_abandonne_sans_retenir_les_autres(
    routeur: respx.MockRouter, caplog: pytest.LogCaptureFixture
) -> None:
    async with ouvrir(routeur) as essai:
        for dossier in (404, "../../sue", None, 2):
            essai.file.evenement(f"e-{str(dossier).strip('./')}".replace("/", ""), dossier)
        essai.file.attente.append({"identifiant": "../..", "idDossier": 1, "type": "DOSSIER"})
        with caplog.at_level(logging.WARNING):
            for _ in range(ESSAIS_MAX - 1):
                await essai.consommateur.consommer()
                essai.file.evenement("vivant", 2)
            assert {e["idDossier"] for e in essai.file.attente} == {404, "../../sue", 1, 2}
            await essai.consommateur.consommer()
        assert [e["identifiant"] for e in essai.file.attente] == [
            "../.."
        ]  # cannot stand in a path: cannot be acknowledged
        assert (essai.issues("abandonne"), essai.issues("sans_objet")) == (2, 1)
        assert await essai.invalidees() == [A]
    assert "404" not in caplog.text.replace("SOURCE_INVALIDE", "")
    assert "sue" not in caplog.text


async def test_un_partenaire_en_panne_ne_fait_rien_abandonner(routeur: respx.MockRouter) -> None:
    """Whatever the time it takes: what failed is the partner, not the event."""
    async with ouvrir(routeur) as essai:
        essai.file.evenement("e1", 1)
        essai.file.panne = "1"
        attentes = await tours(essai.consommateur, 20)
        assert [e["identifiant"] for e in essai.file.attente] == ["e1"]
        assert attentes == [2.0, 4.0, 8.0, 16.0, *[30.0] * 16]
        essai.file.panne = ""
        await essai.consommateur.consommer()
        assert (essai.file.attente, await essai.invalidees()) == ([], [A])


async def test_une_file_en_panne_est_regardee_de_moins_en_moins_puis_comme_avant(routeur: respx.MockRouter) -> None:
    async with ouvrir(routeur) as essai:
        essai.file.panne = "events"
        attentes: list[float] = []

        async def dormir(secondes: float) -> None:
            attentes.append(secondes)
            essai.file.panne = "events" if len(attentes) < 7 else ""
            if len(attentes) == 9:
                raise Fini

        with pytest.raises(Fini):
            await essai.consommateur.veiller(dormir)
        assert attentes == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 1.0, 1.0]


async def test_la_file_ne_dit_rien_de_l_etat_du_partenaire(routeur: respx.MockRouter) -> None:
    """Neither that its dossiers are fresh because it answers, nor that they are not because it fails."""
    async with ouvrir(routeur) as essai:
        avant = essai.banc.sources.etats()
        essai.file.evenement("e1", 404)
        essai.file.panne = "events"
        await tours(essai.consommateur, 5)
        essai.file.panne = ""
        await tours(essai.consommateur, 5)
        assert essai.banc.sources.etats() == avant
        assert (avant[0].etat, avant[0].taux_erreur) == (EtatSource.DISPONIBLE, 0.0)


async def test_deux_processus_regardent_la_file_comme_un_seul(routeur: respx.MockRouter, url_redis: str) -> None:
    """The one that holds the lease reads; the other waits, and takes over when it is given back."""
    async with processus(url_redis) as un, processus(url_redis) as autre, ouvrir(routeur, un.cache) as essai:
        second = Consommateur(imilo(), _file(), 1.0, essai.banc.sources, autre.cache, Mesures(CollectorRegistry()))
        tenu = asyncio.Event()

        async def longuement(_: float) -> None:
            tenu.set()
            await asyncio.sleep(3600)

        premier = asyncio.create_task(essai.consommateur.veiller(longuement))
        await tenu.wait()
        assert essai.file.appels == ["/operateurs/events"]
        assert await tours(second, 3) == [1.0, 1.0, 1.0]
        assert essai.file.appels == ["/operateurs/events"]
        premier.cancel()
        await asyncio.gather(premier, return_exceptions=True)
        await tours(second, 1)
        assert essai.file.appels == ["/operateurs/events"] * 2
