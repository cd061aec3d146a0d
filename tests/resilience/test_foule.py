"""A crowd that asks one same list while it is slow to come, and the readers of others meanwhile, in virtual time."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from prometheus_client import CollectorRegistry, Gauge
from starlette.types import Message

from gateway.admission import HALF, SLOTS, RequestSlots
from gateway.auth.viewer import Viewer
from gateway.errors import Sature, SourceDelaiDepasse
from gateway.federation.attribution import Attribution
from gateway.federation.liens import Grappe
from gateway.federation.signalements import Fait
from gateway.operation import Demande, Passerelle, repondre
from gateway.sources.unites import Echec, Resultat, Unite
from tests.access.petit_monde import PetitMonde, SansLivre, Sources, appelant, tirer
from tests.chiffres import noter
from tests.simulation.boucle import BoucleVirtuelle, derouler

LISTE = "{ ruptures(first: 3) { totalCount edges { node { id jeune { nom } } } } }"
FOULE_DE, AUTRES = appelant("MISSION_LOCALE", "60001"), appelant("MISSION_LOCALE", "75002")
LENTEUR = 2.0  # seconds that a reading of the crowd's takes, then a view


class Pendue(Sources):
    """The system of the crowd's Mission locale hangs until its deadline."""

    async def lire(
        self, unites: Sequence[Unite], delai: float, age_max: float | None, compte: object
    ) -> list[Resultat | Echec]:
        lus = await super().lire(unites, delai, age_max, compte)
        if all(unite.cle != FOULE_DE.organisation for unite in unites):
            return lus
        await asyncio.sleep(LENTEUR)
        return [Echec(unite, SourceDelaiDepasse(unite.source, "")) for unite in unites]


class Livre(SansLivre):
    """A ledger of links that may be slow."""

    lenteur = 0.0

    async def attribuer(self, grappes: Sequence[Grappe], faits: Sequence[Fait]) -> Attribution:
        await asyncio.sleep(self.lenteur)
        return await super().attribuer(grappes, faits)


class Salle:
    """A gateway and its places; clients stay."""

    def __init__(self, passerelle: Passerelle) -> None:
        self.passerelle = passerelle
        self._jauge = Gauge("en_cours", "", registry=CollectorRegistry())
        self._places = RequestSlots(self._jauge)

    @property
    def prises(self) -> float:
        return float(self._jauge._value.get())

    async def demander(self, viewer: Viewer, combien: int) -> Counter[str]:
        """So many at once: what became of them."""
        return Counter(await asyncio.gather(*(self._demander(viewer) for _ in range(combien))))

    async def _demander(self, viewer: Viewer) -> str:
        try:
            async with self._places.hold(_rester):
                await repondre(self.passerelle, viewer, Demande(LISTE, None, {}))
        except Sature:
            return "refusée"
        return "répondue"


async def _rester() -> Message:
    await asyncio.sleep(3600)
    raise AssertionError("nobody waits that long")


def test_une_foule_qui_demande_la_meme_liste_laisse_la_moitie_des_places() -> None:
    """They held all of them until their deadline: of a hundred readers of others, 55 were refused. Those of a reading and
    those of the view that is made of it are one crowd: the next reading does not bring a hundred more."""

    async def faire(boucle: BoucleVirtuelle) -> None:
        livre, habitants = Livre(), tirer(Random(3), 20)
        monde = PetitMonde(habitants, interrogeables=Pendue(habitants), secondes=boucle.time)
        salle = Salle(replace(monde.passerelle, attributeur=livre))  # type: ignore[arg-type]
        assert await salle.demander(AUTRES, 1) == {"répondue": 1}
        livre.lenteur = LENTEUR
        premiers = asyncio.create_task(salle.demander(FOULE_DE, 300))
        autres = Counter[str]()
        for _ in ("during the reading", "while the view is made"):
            await asyncio.sleep(LENTEUR / 2)
            assert (salle.prises, await salle.demander(FOULE_DE, 1)) == (HALF, {"refusée": 1})
            autres += await salle.demander(AUTRES, 100)
            await asyncio.sleep(LENTEUR / 2)
        issues = await premiers
        noter(f"300 demandent une liste qui tarde : {dict(issues)} ; 100 lecteurs d'autres, deux fois : {dict(autres)}")
        assert issues == {"répondue": HALF, "refusée": 200}
        assert autres == {"répondue": 200}
        assert await salle.demander(FOULE_DE, 1) == {"répondue": 1}

    assert HALF * 2 == SLOTS
    derouler(Random(1), faire)
