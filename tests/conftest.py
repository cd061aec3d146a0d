"""What every test may ask for: the world of the simulators and a gateway that asks it, each started once."""

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from fixtures.monde import Monde
from fixtures.passerelle import PasserelleLancee
from tests.canaris import traces
from tests.chiffres import CHIFFRES, noter
from tests.paire import MondeDouble, mesures
from tests.redis_aide import serveur_redis

AUJOURDHUI = date(2026, 10, 15)  # a fixed day: the same people, the same ruptures, in every run


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--deux-passerelles",
        action="store_true",
        help="each gateway of the world is two processes of one Redis and one PostgreSQL behind a balancer",
    )


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def monde(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monde]:
    """The default population, told by six simulators over HTTP, its registry harvested; in a directory with a space."""
    dossier: Path = tmp_path_factory.mktemp("le monde")
    genre = MondeDouble if request.config.getoption("--deux-passerelles") else Monde
    with genre.genere(dossier, aujourdhui=AUJOURDHUI) as ouvert:
        ouvert.moissonner()
        yield ouvert
        if isinstance(ouvert, MondeDouble):
            ouvert.copier_la_base()
        _chercher_les_canaris(ouvert, dossier)


@pytest.fixture(scope="session")
def passerelle(monde: Monde) -> Iterator[PasserelleLancee]:
    """A gateway of that world, as its own process."""
    with monde.gateway() as lancee:
        yield lancee
        assert monde.dossier is not None
        (monde.dossier / "metrics.txt").write_text(mesures(lancee), encoding="utf-8")


@pytest.fixture(scope="session")
def url_redis() -> Iterator[str]:
    """A Redis for this session."""
    with serveur_redis() as url:
        yield url


@pytest.fixture(scope="session")
def patiente(monde: Monde, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Configuration of a gateway that waits longer: what is judged is what it answers, not how busy this machine is."""
    assert monde.dossier is not None
    copie = tmp_path_factory.mktemp("patiente")
    shutil.copytree(monde.dossier / "partenaires", copie / "partenaires")
    shutil.copy(monde.dossier / "clients.toml", copie)
    texte = (monde.dossier / "gateway.toml").read_text(encoding="utf-8")
    donnees = texte.replace('dossier = "donnees"', f'dossier = "{monde.dossier / "donnees"}"')
    assert donnees != texte
    (copie / "gateway.toml").write_text(f"{donnees}\n[reponse]\ndelai_secondes = 8.0\n", encoding="utf-8")
    return str(copie)


def _chercher_les_canaris(monde: Monde, dossier: Path) -> None:
    """After all the tests of this world: no value of a person in a log, a metric or a file that its gateways wrote."""
    ecrits = [fichier for fichier in sorted(dossier.rglob("*")) if fichier.is_file()]
    if not any(fichier.name == "passerelle.log" for fichier in ecrits):
        return  # no gateway of this world was started
    assert any(fichier.parent.name == "donnees" for fichier in ecrits)
    trouvees = traces(monde.population, ecrits)
    assert trouvees == [], "values of persons where none may be"
    noter(f"canaris : 0 valeur de personne dans {len(ecrits)} fichiers (journaux, métriques, bases)")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures that the project promises, measured by this run."""
    if CHIFFRES:
        terminalreporter.section("chiffres")
        for ligne in CHIFFRES:
            terminalreporter.write_line(ligne)
