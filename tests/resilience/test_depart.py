"""A start that cannot succeed is one line on standard error and an exit code, never a trace (SECURITY §5, start)."""

import base64
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fixtures.monde import Monde
from fixtures.passerelle import RACINE, environnement
from gateway.__main__ import main
from tests.chiffres import noter
from tests.e2e.requetes import jusqu_a_complete

Casse = Callable[[Path, dict[str, str]], None]
AUTRE_CLE = base64.urlsafe_b64encode(b"7" * 32).decode()


@pytest.fixture
def essai(monde: Monde, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, dict[str, str]]:
    """A configuration that would start, with data of its own, and its environment."""
    assert monde.dossier is not None
    shutil.copytree(monde.dossier / "partenaires", tmp_path / "partenaires")
    for fichier in ("gateway.toml", "clients.toml"):
        shutil.copy(monde.dossier / fichier, tmp_path)
    return tmp_path, {**monde.environnement, "GATEWAY_CONFIG": str(tmp_path), "PORT": "0"}


@pytest.fixture
def occupe() -> Iterator[str]:
    """A port where somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as prise:
        yield str(prise.getsockname()[1])


def remplacer(fichier: str, avant: str, apres: str) -> Casse:
    def casser(dossier: Path, _: dict[str, str]) -> None:
        texte = (dossier / fichier).read_text(encoding="utf-8")
        assert avant in texte
        (dossier / fichier).write_text(texte.replace(avant, apres, 1), encoding="utf-8")

    return casser


def regler(**env: str) -> Casse:
    return lambda _, environ: environ.update(env)


def retirer(nom: str) -> Casse:
    return lambda _, environ: environ.__delitem__(nom)


def _sans_emetteur(dossier: Path, _: dict[str, str]) -> None:
    texte = (dossier / "gateway.toml").read_text(encoding="utf-8")
    (ligne,) = [ligne for ligne in texte.splitlines() if ligne.startswith("jwks_url")]
    (dossier / "gateway.toml").write_text(texte.replace(ligne, 'jwks_url = "http://127.0.0.1:9/jwks"'))


def _dossier_qui_n_en_est_pas_un(dossier: Path, _: dict[str, str]) -> None:
    (dossier / "donnees").write_text("")


def _secret_de_partenaire(_: Path, environ: dict[str, str]) -> None:
    del environ[next(nom for nom in environ if "IMILO" in nom)]


def _base_d_une_autre_cle(dossier: Path, environ: dict[str, str]) -> None:
    with pytest.MonkeyPatch.context() as proche:
        for nom, valeur in (environ | {"GATEWAY_CLE": AUTRE_CLE}).items():
            proche.setenv(nom, valeur)
        assert main(["journal", "verifier"]) == 0


CASSES: dict[str, tuple[Casse, str]] = {
    "invalid TOML": (remplacer("gateway.toml", "[jetons]", "[jetons"), "gateway.toml : TOML invalide"),
    "unknown key": (remplacer("gateway.toml", "[donnees]", "[donnees]\ninconnue = 1"), "donnees.inconnue"),
    "register of clients": (remplacer("clients.toml", "profil", "profile"), "clients.toml"),
    "no configuration": (regler(GATEWAY_CONFIG="/nulle/part"), "/nulle/part/gateway.toml"),
    "no sealing key": (retirer("GATEWAY_CLE"), "GATEWAY_CLE : absente"),
    "no partner's secret": (_secret_de_partenaire, "imilo.toml"),
    "verify = false": (remplacer("partenaires/imilo.toml", "base_url", "verify = false\nbase_url"), "verify"),
    "missing policy": (regler(GATEWAY_POLITIQUE_CANDIDATE="/nulle/part.toml"), "part.toml"),
    "unreachable key set": (_sans_emetteur, "jetons.jwks_url"),
    "no directory for data": (_dossier_qui_n_en_est_pas_un, "donnees.dossier"),
    "sealed by another key": (_base_d_une_autre_cle, "autre GATEWAY_CLE"),
    "GATEWAY_CACHE_URL": (regler(GATEWAY_CACHE_URL="ftp://cache"), "GATEWAY_CACHE_URL"),
    "GATEWAY_DATABASE_URL": (regler(GATEWAY_DATABASE_URL="mysql://base"), "GATEWAY_DATABASE_URL"),
    "GATEWAY_JOURNAL_URL": (regler(GATEWAY_JOURNAL_URL="rien"), "GATEWAY_JOURNAL_URL"),
    "PostgreSQL down": (regler(GATEWAY_JOURNAL_URL="postgresql+asyncpg://u:p@127.0.0.1:9/b"), "journal"),
    "an address of another": (regler(HOST="192.0.2.1"), "HOST et PORT : 192.0.2.1:0"),
}


def lancer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], environ: dict[str, str]) -> list[str]:
    """The lines of a start that fails."""
    for nom in [nom for nom in os.environ if nom.startswith("GATEWAY_")]:
        monkeypatch.delenv(nom)
    for nom, valeur in environ.items():
        monkeypatch.setenv(nom, valeur)
    capsys.readouterr()
    assert main(["serve"]) == 2
    return capsys.readouterr().err.splitlines()


@pytest.mark.parametrize("cas", CASSES)
def test_a_wrong_start_is_one_line(
    cas: str,
    essai: tuple[Path, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    dossier, environ = essai
    casser, dit = CASSES[cas]
    casser(dossier, environ)
    (ligne,) = [ligne for ligne in lancer(monkeypatch, capsys, environ) if "WARNING" not in ligne]
    assert ligne.startswith("configuration : ")
    assert dit in ligne
    for secret in (environ.get("GATEWAY_CLE", AUTRE_CLE), "u:p@"):
        assert secret not in ligne


def test_a_port_that_is_taken_is_one_line(
    essai: tuple[Path, dict[str, str]],
    occupe: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (ligne,) = lancer(monkeypatch, capsys, essai[1] | {"PORT": occupe})
    assert ligne.startswith(f"configuration : variables d'environnement HOST et PORT : 127.0.0.1:{occupe} : ")


@pytest.mark.chaos
def test_each_wrong_start_ends_by_itself(monde: Monde, tmp_path: Path) -> None:
    """The whole process, as an operator starts it."""
    assert monde.dossier is not None
    durees = {}
    for rang, (cas, (casser, dit)) in enumerate(CASSES.items()):
        dossier = shutil.copytree(monde.dossier, tmp_path / str(rang), ignore=shutil.ignore_patterns("donnees"))
        environ = {**monde.environnement, "GATEWAY_CONFIG": str(dossier), "PORT": "0"}
        casser(dossier, environ)
        debut = time.monotonic()
        commande = [sys.executable, "-m", "gateway", "serve"]
        fini = subprocess.run(
            commande, env=environnement(environ), cwd=RACINE, capture_output=True, text=True, check=False
        )
        durees[cas] = time.monotonic() - debut
        assert (fini.returncode, dit in fini.stderr, "Traceback" in fini.stderr) == (2, True, False), cas
    pire = max(durees, key=durees.__getitem__)
    noter(f"départ : {len(durees)} configurations cassées, fini en {durees[pire]:.1f} s au plus ({pire}) (< 5)")


@pytest.mark.chaos
def test_without_redis_it_starts_slower(monde: Monde, patiente: str) -> None:
    with monde.gateway(GATEWAY_CONFIG=patiente, GATEWAY_CACHE_URL="redis://127.0.0.1:9/0") as seule:
        reponse = jusqu_a_complete(seule, monde.jeton("ml"), "{ ruptures(first: 1) { totalCount complet } }")
    assert reponse["data"]["ruptures"]["complet"] is True
