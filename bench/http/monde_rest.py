"""The world of the comparison over REST: two services that speak JSON, asked by the gateway and by Hive Gateway."""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from starlette.types import ASGIApp, Receive, Scope, Send

from bench.http.charge import Coeur, Serveur
from bench.http.lancement import lancer, maison, python
from bench.http.noeud import PAIRS, PairsAbsents, installer
from bench.http.requete import STATUTS, depuis
from fixtures.clients import clients_demo
from fixtures.monde import Monde
from fixtures.population.generateur import generer
from fixtures.rest import PREFIXE, Rest
from fixtures.serveurs import HOTE, Serveurs, reserver

LIGNE = """jeune {{ nom prenom dateNaissance telephone courriel adresse {{ codePostal }} {suivi} }} {suivi_a_cote}
  contrat {{ dateDebut dateFin employeur {{ siret denomination }} formation {{ intitule }} cfa {{ uai }} }} date"""
SUIVI = "suivi { situation conseiller }"
NOTRE = f"""query Bench($n: Int!, $depuis: Date!) {{
  ruptures(first: $n, filtre: {{depuis: $depuis, statut: [{", ".join(statut.name for statut in STATUTS)}]}}) {{
    edges {{ node {{ {LIGNE.format(suivi=SUIVI, suivi_a_cote="")} }} }} }} }}"""
LEUR = f"""query Bench($n: Int!, $code: String!) {{
  ruptures(code: $code, limite: $n) {{ {LIGNE.format(suivi="", suivi_a_cote=SUIVI)} }} }}"""
Ligne = dict[str, Any]
FICHIER = """nom = "{nom}"
genre = "{nom}"
base_url = "{url}"
[limites]
simultanes = 32
par_seconde = 4000.0
par_minute_locataire = 100000.0
[cache]
duree_secondes = 300
plancher_secondes = 0
[acces.defaut]
type = "entete"
nom = "X-Cle"
secret = "REST_CLE"
"""


@dataclass(slots=True)
class Chronometre:
    """Around the services: makes each call last, and remembers when one was in flight."""

    app: ASGIApp
    latence: float = 0.0  # seconds
    intervalles: list[tuple[float, float]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        debut = time.perf_counter()
        await asyncio.sleep(self.latence)
        await self.app(scope, receive, send)
        self.intervalles.append((debut, time.perf_counter()))

    def occupe(self) -> float:
        """Seconds during which one call at least was in flight, since last asked."""
        total, fin = 0.0, 0.0
        for debut, apres in sorted(self.intervalles):
            total += max(0.0, apres - max(debut, fin))
            fin = max(fin, apres)
        self.intervalles.clear()
        return total


@dataclass(frozen=True, slots=True)
class MondeRest:
    """The services, and the Mission locale whose ruptures are asked."""

    monde: Monde
    source: Rest
    services: Chronometre
    url: str
    structure: str

    def jeton(self) -> str:
        return self.monde.jeton("ml")

    def notre_corps(self, n: int) -> bytes:
        return self._corps(NOTRE, n)

    def notre_corps_frais(self, n: int) -> bytes:
        """The same page of fresh data: the services are asked."""
        return self._corps(NOTRE.replace("Date!) {", "Date!) @fraicheur(maxSecondes: 0) {"), n)

    def changer(self, rang: int) -> None:
        """Have one thing told otherwise of one of these young people."""
        self.source.changer(self.structure, rang)

    def leur_corps(self, n: int) -> bytes:
        return orjson.dumps({"query": LEUR, "variables": {"n": n, "code": self.structure}})

    def _corps(self, texte: str, n: int) -> bytes:
        dites = {"n": n, "depuis": depuis(self.monde.population.aujourdhui)}
        return orjson.dumps({"query": texte, "variables": dites})


@contextmanager
def ouvrir(jeunes: int) -> Iterator[MondeRest]:
    """A world whose young people are told by the REST services only: the registry knows one, of elsewhere."""
    population = generer(jeunes=jeunes)
    chez = clients_demo(population)["ml"].organisation
    au_registre = population.recits["registre"][""]
    population.recits["registre"] = {"": [recit for recit in au_registre if recit.personne.mission_locale != chez][:1]}
    prise, source = reserver(0), Rest(population)
    services = Chronometre(source.application())
    with Serveurs([(prise, services)]), Monde(population) as monde:
        monde.moissonner()
        yield MondeRest(monde, source, services, f"http://{HOTE}:{prise.getsockname()[1]}{PREFIXE}", chez)


@contextmanager
def passerelle(rest: MondeRest, dossier: Path, coeur: Coeur) -> Iterator[Serveur]:
    """The gateway over the REST services alone, keeping what they say five minutes; a caller may want it fresher."""
    env = {**maison(rest.monde, dossier), "REST_CLE": "demo"}
    for nom in ("ypareo", "gestibase", "aimaira", "imilo"):
        (dossier / "partenaires" / f"{nom}.toml").unlink(missing_ok=True)
    for nom in ("rest-contrats", "rest-suivis"):
        texte = FICHIER.format(nom=nom, url=f"{rest.url}/{nom.removeprefix('rest-')}")
        (dossier / "partenaires" / f"{nom}.toml").write_text(texte, encoding="utf-8")
    with lancer("gateway", python("bench.http.passerelle_rest"), env, coeur) as serveur:
        yield serveur


@contextmanager
def hive(rest: MondeRest, dossier: Path, coeur: Coeur) -> Iterator[Serveur]:
    """Hive Gateway over the same services, composed by Mesh. Raises PairsAbsents."""
    noeud, graphe = installer(), dossier / "supergraph.graphql"
    compose = [noeud, "node_modules/@graphql-mesh/compose-cli/esm/bin.js", "-c", "mesh.config.mjs", "-o", str(graphe)]
    env = {**os.environ, "REST": rest.url}
    fini = subprocess.run(compose, cwd=PAIRS, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    if fini.returncode:
        raise PairsAbsents(f"mesh-compose failed: {fini.stderr[-300:]}")
    commande = [noeud, "node_modules/@graphql-hive/gateway/dist/bin.js", "supergraph", str(graphe)]
    with lancer("Hive Gateway", commande, {"NODE_ENV": "production"}, coeur, PAIRS) as serveur:
        yield serveur


def nos_lignes(rendu: dict[str, Any]) -> list[Ligne]:
    return [arete["node"] for arete in rendu["data"]["ruptures"]["edges"]]


def leurs_lignes(rendu: dict[str, Any]) -> list[Ligne]:
    """Their rows in the shape of ours: the follow-up stands in the young person, and one that says nothing is none."""
    return [_comme_la_notre(dict(ligne)) for ligne in rendu["data"]["ruptures"]]


def _comme_la_notre(ligne: Ligne) -> Ligne:
    suivi = ligne.pop("suivi")
    return {**ligne, "jeune": {**ligne["jeune"], "suivi": suivi if any(suivi.values()) else None}}
