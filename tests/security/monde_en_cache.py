"""The small world behind the sources as they are: partners over a counted transport, flights, cache, validators, upkeep's
clock. What is asked of the same world without any cache is what it must answer."""

import asyncio
import hashlib
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import httpx
from prometheus_client import CollectorRegistry

from gateway.auth.viewer import Viewer
from gateway.cache.seam import Cache, cache_local
from gateway.connectors.base import Connecteur, Dossier, Lecture, Locataire, Lu, Requete
from gateway.schema.lieux import ModeSource, TypeSource
from gateway.sources.fetch import Socle, Sources
from gateway.sources.fichier import CacheFichier, LimitesFichier
from gateway.sources.locataires import Abonne
from gateway.sources.mesures import Mesures
from gateway.sources.partenaires import Partenaire
from gateway.sources.resilience.rythme import Rythme
from gateway.sources.transport import Transport
from gateway.sources.unites import Ressource, Unite
from tests.access.petit_monde import CFAS, RECU, REGIONS, Habitant, PetitMonde, connu, dossier

UNITES = [
    *(Unite("erp", Ressource.CFA, uai) for uai in CFAS),
    *(Unite("imilo", Ressource.STRUCTURE, code) for codes in REGIONS.values() for code in codes),
]


class MondeEnCache:
    """People who may change, and the gateway that keeps what it was told of them. `minute[0]`: seconds since 1970."""

    def __init__(self, habitants: list[Habitant], cache: Callable[[Callable[[], float]], Cache] = cache_local) -> None:
        self.habitants, self.minute = habitants, [1_000_000.0]
        self.demandes = 0
        self.cache = cache(lambda: self.minute[0])
        transport = Transport(lambda: RECU, lambda: httpx.MockTransport(self._repondre))
        rythme = Rythme(lambda: self.minute[0], lambda _duree: asyncio.sleep(0), lambda: 0.5)
        socle = Socle(transport, self.cache, Mesures(CollectorRegistry()), lambda: RECU, rythme)
        connecteurs = {"erp": self._connecteur("erp", dossier), "imilo": self._connecteur("imilo", connu)}
        self.sources = Sources({nom: _partenaire(nom) for nom in connecteurs}, connecteurs, socle)
        # what is judged is what it answers, not how busy this machine is
        self.monde = PetitMonde(habitants, interrogeables=self.sources, secondes=lambda: self.minute[0], delai=60.0)

    async def demander(self, viewer: Viewer, texte: str, **variables: Any) -> str:
        """What is judged of the answer: its data and its errors."""
        return octets(await self.monde.demander(viewer, texte, **variables))

    async def sans_cache(self, viewer: Viewer, texte: str, **variables: Any) -> str:
        """What a gateway that has just started, and keeps nothing, answers: the model."""
        return octets(await PetitMonde(self.habitants).demander(viewer, texte, **variables))

    async def vieillir(self, secondes: float) -> None:
        """Time passes."""
        self.minute[0] += secondes

    async def evenement(self) -> None:
        """Partners tell that something changed; what was read just before serves two seconds more."""
        for unite in UNITES:
            await self.sources.invalider(unite)
        await self.vieillir(3.0)

    async def repos(self) -> None:
        """Let what is asked behind come."""
        await asyncio.gather(*self.sources._vols._flights._flights.values())

    def _repondre(self, demande: httpx.Request) -> httpx.Response:
        self.demandes += 1
        siens = {un.numero for un in self._de(demande.url.path.rpartition("/")[2])}
        lignes = [{"numero": un.numero, "dit": repr(un)} for un in self.habitants if un.numero in siens]
        marque = f'"{hashlib.sha256(json.dumps(lignes).encode()).hexdigest()}"'
        if demande.headers.get("If-None-Match") == marque:
            return httpx.Response(304)
        return httpx.Response(200, json=lignes, headers={"ETag": marque} if "/erp/" in demande.url.path else {})

    def _de(self, cle: str) -> list[Habitant]:
        return [un for un in self.habitants if cle == un.cfa or cle in un.suivi_par]

    def _connecteur(self, nom: str, dire: Callable[[Habitant], Dossier]) -> Connecteur:
        def lecture(locataire: Locataire, _jour: date) -> Lecture[Lu]:
            ((lignes,),) = yield [Requete("liste", f"/liste/{locataire.cle}")]
            numeros = {ligne["numero"] for ligne in lignes}
            return Lu([dire(un) for un in self.habitants if un.numero in numeros])

        if nom == "erp":
            return Connecteur(nom, TypeSource.ERP_CFA, ModeSource.INTERROGATION, dossiers_cfa=lecture)
        return Connecteur(nom, TypeSource.MISSION_LOCALE, ModeSource.INTERROGATION, dossiers_structure=lecture)


def _partenaire(nom: str) -> Partenaire:
    return Partenaire(
        nom=nom,
        genre=nom,
        base_url=f"http://127.0.0.1:9/{nom}",
        acces={},
        abonnes={uai: Abonne(Locataire(uai, code=uai)) for uai in CFAS} if nom == "erp" else None,
        limites=LimitesFichier(par_seconde=100_000, par_minute_locataire=1_000_000, simultanes=50),
        cache=CacheFichier(),
    )


def octets(reponse: dict[str, Any]) -> str:
    return json.dumps({cle: reponse.get(cle) for cle in ("data", "errors")}, ensure_ascii=False)
