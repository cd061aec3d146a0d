"""Plays the cells of the matrix: a fresh gateway a cell, over HTTP, whose answer the oracle judges."""

import shutil
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
from tests.matrice.cellules import Cellule, panne
from tests.matrice.oracle import LISTE, Lue, Oracle, Sort

DELAI_REPONSE = 4.0  # seconds the gateway gives its answer
ESSAIS = 5  # answers asked for while a partner that is not faulted is late: the machine is busy, not the partner


@dataclass
class Matrice:
    """The cells of one world. `dossier` holds a configuration a cell."""

    monde: Monde
    dossier: Path

    def __post_init__(self) -> None:
        self.oracle = Oracle(self.monde, self.monde.clients["ml"].organisation)
        self._autorite = Autorite(self.dossier)

    def jouer(self, cellule: Cellule, partenaire: str) -> str:
        """What is wrong with a cell, "" when nothing is."""
        faire = {"registre": self._moissonner}.get(partenaire, self._demander)
        try:
            return faire(cellule, partenaire)
        finally:
            self.monde.controle.lever_pannes()

    def _demander(self, cellule: Cellule, partenaire: str) -> str:
        """Armed before the gateway starts: the referential is asked then, the others when a query comes."""
        with ExitStack() as pile:
            env = self._environnement(pile, cellule, partenaire)
            self.monde.controle.panne(**panne(cellule, partenaire))
            lancee = pile.enter_context(self.monde.gateway(0, HOTE, **env))
            sort = Sort.SERVIES if partenaire == "referentiel" else cellule.devenir(partenaire)
            return self.juger(lancee, cellule, [partenaire], sort)

    def _environnement(self, pile: ExitStack, cellule: Cellule, partenaire: str) -> dict[str, str]:
        if cellule.kind != "tls":
            return {"GATEWAY_CONFIG": self.configuration("saine")}
        url = pile.enter_context(self.monde.porte_tls(partenaire, self._autorite))
        return {
            "GATEWAY_CONFIG": self.configuration("tls", {partenaire: url}),
            "SSL_CERT_FILE": str(self._autorite.fichier),
        }

    def _moissonner(self, cellule: Cellule, partenaire: str) -> str:
        """The registry is harvested by night: what could not be is absent, and its age says so."""
        base = self.dossier / "registre.sqlite"
        base.unlink(missing_ok=True)
        with ExitStack() as pile:
            env = self._environnement(pile, cellule, partenaire)
            env["GATEWAY_DATABASE_URL"] = f"sqlite+aiosqlite:///{base}"
            self.monde.controle.panne(**panne(cellule, partenaire))
            entiere = self._moisson(env)
            self.monde.controle.lever_pannes()
            lancee = pile.enter_context(self.monde.gateway(0, HOTE, **env))
            if cellule.devenir(partenaire) is Sort.SELON and not entiere:
                return self._a_demi(lancee)
            return self.juger(lancee, cellule, [partenaire], Sort.SERVIES if entiere else Sort.RETENUES)

    def _moisson(self, env: dict[str, str]) -> bool:
        """Whether the harvest ended well."""
        with self.monde.nuit():
            try:
                passerelle.moissonner({**self.monde.environnement, **env})
            except PasserelleEnPanne:
                return False
        return True

    def _a_demi(self, lancee: PasserelleLancee) -> str:
        """A harvest cut in the middle: either nothing was kept and an error says so, or the age tells up to when."""
        reponse = self._reponse(lancee)
        vue: dict[str, str] = next((une for une in reponse["extensions"]["sources"] if une["nom"] == "registre"), {})
        jour = self.monde.population.aujourdhui.isoformat()
        ancienne = vue.get("asOf", "") < jour
        return "" if ancienne or "registre" in Lue.de(reponse).erreurs else f"half a harvest said to be of {vue}"

    def juger(self, lancee: PasserelleLancee, cellule: Cellule, retenus: list[str], sort: Sort) -> str:
        lue = Lue.de(self._reponse(lancee, retenus))
        faute = self.oracle.faute(lue, retenus, sort)
        inattendus = {lue.erreurs[nom] for nom in retenus if nom in lue.erreurs} - cellule.codes
        return faute or (f"named {sorted(inattendus)}" if inattendus and "registre" not in retenus else "")

    def _reponse(self, lancee: PasserelleLancee, retenus: list[str] | None = None) -> dict[str, Any]:
        """The answer; again while a healthy partner was late. A status of 500 or more is raised."""
        for _ in range(ESSAIS):
            with client_http(lancee.url) as http:
                recue = http.post("/graphql", json={"query": LISTE, "variables": {"n": 100}}, headers=self._entetes())
            if recue.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
                raise AssertionError(f"HTTP {recue.status_code}")
            reponse: dict[str, Any] = recue.json()
            tardives = {n for n, code in Lue.de(reponse).erreurs.items() if code == "SOURCE_DELAI_DEPASSE"}
            if not tardives - set(retenus or ()):
                return reponse
        return reponse

    @staticmethod
    def dit(cellule: Cellule, partenaire: str) -> str:
        """What became of the rows, for the table."""
        return "kept copy" if partenaire == "referentiel" else cellule.devenir(partenaire).value

    def _entetes(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.monde.jeton('ml')}"}

    def configuration(self, nom: str, adresses: dict[str, str] | None = None) -> str:
        """A copy of the world's configuration: what is kept serves nobody, and some partners are asked elsewhere."""
        assert self.monde.dossier is not None
        copie = self.dossier / nom
        shutil.rmtree(copie, ignore_errors=True)
        shutil.copytree(self.monde.dossier / "partenaires", copie / "partenaires")
        shutil.copy(self.monde.dossier / "clients.toml", copie)
        for fichier in (copie / "partenaires").glob("*.toml"):
            texte = fichier.read_text(encoding="utf-8").replace("duree_secondes = 300", SANS_CACHE)
            texte = texte.replace("[limites]\n", "[limites]\noctets_max = 4000000\n")
            if url := (adresses or {}).get(fichier.stem):
                texte = texte.replace(self.monde.url_simulateurs, url)
            fichier.write_text(texte, encoding="utf-8")
        texte = (self.monde.dossier / "gateway.toml").read_text(encoding="utf-8")
        texte = texte.replace('dossier = "donnees"', f'dossier = "{self.monde.dossier / "donnees"}"')
        (copie / "gateway.toml").write_text(f"{texte}\n[reponse]\ndelai_secondes = {DELAI_REPONSE}\n", encoding="utf-8")
        return str(copie)


SANS_CACHE = "duree_secondes = 0.01\nperime_secondes = 0.01\nsecours_secondes = 0.01\nplancher_secondes = 0"
