"""The worlds that servers are measured over, warm: harvested, ids given, every copy of the stores alike."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.http.charge import Serveur
from bench.http.comparaison import Banc, complet
from bench.http.lancement import lancer, maison, python
from bench.http.reglages import Reglages
from bench.http.requete import corps
from fixtures.monde import Monde
from gateway.schema.connexions import PAGE_MAX

PASSERELLE = "gateway"


@dataclass(frozen=True, slots=True)
class Chaud:
    """A warm world, how it is loaded, and where its servers keep their stores."""

    monde: Monde
    banc: Banc
    dossier: Path
    reglages: Reglages

    @contextmanager
    def lances(self, modules: Mapping[str, Sequence[str]]) -> Iterator[list[Serveur]]:
        """Servers that are Python modules, each over its own copy of the stores."""
        with ExitStack() as pile:
            yield [
                pile.enter_context(lancer(nom, module, maison(self.monde, self.dossier / nom), self.reglages.serveur))
                for nom, module in modules.items()
            ]


@contextmanager
def chaud(reglages: Reglages, jeunes: int) -> Iterator[Chaud]:
    """A world whose gateway has answered once: the copies of its stores give the same ids."""
    with Monde.genere(jeunes=jeunes) as monde, TemporaryDirectory(prefix="banc ") as dossier:
        monde.moissonner()
        banc = reglages.banc(lambda n: corps(n, monde.population.aujourdhui), lambda: monde.jeton("ml"))
        with lancer("first", python("gateway", "serve"), monde.environnement, reglages.serveur) as premier:
            complet(banc.muni(premier), banc.corps(PAGE_MAX))
        yield Chaud(monde, banc, Path(dossier), reglages)
