"""Plays the cells of the matrix: a fresh gateway a fault, over HTTP, whose answers the oracle judges."""

import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from fixtures import passerelle
from fixtures.certificats import Autorite
from fixtures.monde import Monde
from fixtures.passerelle import PasserelleEnPanne, PasserelleLancee
from fixtures.serveurs import HOTE
from fixtures.telecommande import client_http
from tests.matrice.cellules import VIVANTS, Cellule, panne
from tests.matrice.oracle import LISTE, Lue, Oracle, Sort

DELAI_REPONSE = 4.0  # seconds the gateway gives its answer
DELAI = 10  # seconds it waits for a partner, whatever the answer does
ESSAIS = 5  # answers asked for while a partner that is not faulted is late: the machine is busy, not the partner


@dataclass
class Matrice:
    """The cells of one world. `dossier` holds a configuration a cell."""

    monde: Monde
    dossier: Path

    def __post_init__(self) -> None:
        self.oracle = Oracle(self.monde, self.monde.clients["ml"].organisation)
        self._autorite = Autorite(self.dossier)

    def vivants(self, cellule: Cellule) -> Iterator[tuple[str, str]]:
        """Each partner asked at query time, and what is wrong with its cell ("": nothing). The fault is armed on one after
        the other and never lifted: in the end all of them have it."""
        sorts: dict[str, Sort] = {}
        with ExitStack() as pile:
            pile.callback(self.monde.controle.lever_pannes)
            lancee = pile.enter_context(self.monde.gateway(0, HOTE, **self._environnement(pile, cellule, VIVANTS)))
            for partenaire in VIVANTS:
                self.monde.controle.panne(**panne(cellule, partenaire))
                sorts[partenaire] = cellule.devenir(partenaire)
                if cellule.kind != "tls":
                    yield partenaire, self.juger(lancee, sorts, cellule.codes)
            if (
                cellule.kind == "tls"
            ):  # a door hands on the links as they are, and they are not of TLS: all have the flaw
                faute = self.juger(lancee, sorts, cellule.codes)
                yield from ((partenaire, faute) for partenaire in VIVANTS)

    def referentiel(self, cellule: Cellule) -> str:
        """It is harvested when the gateway starts: one that cannot be leaves the copy of the disk, and nothing lacks."""
        with ExitStack() as pile:
            pile.callback(self.monde.controle.lever_pannes)
            env = self._environnement(pile, cellule, ("referentiel",))
            self.monde.controle.panne(**panne(cellule, "referentiel"))
            lancee = pile.enter_context(self.monde.gateway(0, HOTE, **env))
            return self.juger(lancee, {})

    def registre(self, cellule: Cellule) -> str:
        """It is harvested by night: what could not be is absent, and either an error or its age says so."""
        base = self.dossier / "registre.sqlite"
        base.unlink(missing_ok=True)
        with ExitStack() as pile:
            pile.callback(self.monde.controle.lever_pannes)
            env = self._environnement(pile, cellule, ("registre",))
            env["GATEWAY_DATABASE_URL"] = f"sqlite+aiosqlite:///{base}"
            self.monde.controle.panne(**panne(cellule, "registre"))
            entiere = self._moisson(env)
            self.monde.controle.lever_pannes()
            lancee = pile.enter_context(self.monde.gateway(0, HOTE, **env))
            if entiere:
                return self.juger(lancee, {})
            return self._a_demi(lancee)

    def _environnement(self, pile: ExitStack, cellule: Cellule, partenaires: Sequence[str]) -> dict[str, str]:
        if cellule.kind != "tls":
            return {"GATEWAY_CONFIG": self.configuration({})}
        portes = {nom: pile.enter_context(self.monde.porte_tls(nom, self._autorite)) for nom in partenaires}
        return {"GATEWAY_CONFIG": self.configuration(portes), "SSL_CERT_FILE": str(self._autorite.fichier)}

    def _moisson(self, env: dict[str, str]) -> bool:
        """Whether the harvest ended well."""
        with self.monde.nuit():
            try:
                passerelle.moissonner({**self.monde.environnement, **env})
            except PasserelleEnPanne:
                return False
        return True

    def _a_demi(self, lancee: PasserelleLancee) -> str:
        """Nothing was kept and an error says so, or the age tells up to when it was."""
        reponse = self._reponse(lancee, {"registre"})
        lue = Lue.de(reponse)
        if "registre" in lue.erreurs:
            return self.oracle.faute(lue, {"registre": Sort.RETENUES})
        vue: dict[str, str] = next((une for une in reponse["extensions"]["sources"] if une["nom"] == "registre"), {})
        jour = self.monde.population.aujourdhui.isoformat()
        return "" if vue.get("asOf", "9999") < jour else f"half a harvest said to be of {vue}"

    def juger(self, lancee: PasserelleLancee, sorts: Mapping[str, Sort], codes: Collection[str] = ()) -> str:
        retenus = {nom for nom, sort in sorts.items() if sort is Sort.RETENUES}
        lue = Lue.de(self._reponse(lancee, retenus))
        autres = set(lue.erreurs.values()) - set(codes)
        return self.oracle.faute(lue, sorts) or (f"named by {sorted(autres)}" if autres else "")

    def _reponse(self, lancee: PasserelleLancee, retenus: Collection[str]) -> dict[str, Any]:
        """The answer; again while a healthy partner was late. A status of 500 or more is raised."""
        for _ in range(ESSAIS):
            with client_http(lancee.url) as http:
                recue = http.post("/graphql", json={"query": LISTE, "variables": {"n": 100}}, headers=self._entetes())
            if recue.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
                raise AssertionError(f"HTTP {recue.status_code}\n{lancee.journal.read_text(encoding='utf-8')[-2000:]}")
            reponse: dict[str, Any] = recue.json()
            tardives = {nom for nom, code in Lue.de(reponse).erreurs.items() if code == "SOURCE_DELAI_DEPASSE"}
            if not tardives - set(retenus):
                break
        return reponse

    def _entetes(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.monde.jeton('ml')}"}

    def configuration(self, adresses: Mapping[str, str]) -> str:
        """A copy of the world's configuration: what is kept serves nobody, and some partners are asked elsewhere."""
        assert self.monde.dossier is not None
        copie = self.dossier / "configuration"
        shutil.rmtree(copie, ignore_errors=True)
        shutil.copytree(self.monde.dossier / "partenaires", copie / "partenaires")
        shutil.copy(self.monde.dossier / "clients.toml", copie)
        for fichier in (copie / "partenaires").glob("*.toml"):
            texte = fichier.read_text(encoding="utf-8").replace("duree_secondes = 300", SANS_CACHE)
            texte = re.sub(r"delai_secondes = \d+\n", "", texte)
            texte = texte.replace("[limites]\n", f"[limites]\noctets_max = 4000000\ndelai_secondes = {DELAI}\n")
            if url := adresses.get(fichier.stem):
                texte = texte.replace(self.monde.url_simulateurs, url)
            fichier.write_text(texte, encoding="utf-8")
        texte = (self.monde.dossier / "gateway.toml").read_text(encoding="utf-8")
        texte = texte.replace('dossier = "donnees"', f'dossier = "{self.monde.dossier / "donnees"}"')
        (copie / "gateway.toml").write_text(f"{texte}\n[reponse]\ndelai_secondes = {DELAI_REPONSE}\n", encoding="utf-8")
        return str(copie)


SANS_CACHE = "duree_secondes = 0.01\nperime_secondes = 0.01\nsecours_secondes = 0.01\nplancher_secondes = 0"
