"""What the wheel holds: the product with its policy and its built page, none of its sources or simulators."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gateway.web.pages import DIST

RACINE = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def roue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dossier = tmp_path_factory.mktemp("la roue")
    construire = [
        "pip",
        "wheel",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
    ]
    subprocess.run([sys.executable, "-m", *construire, dossier, RACINE], check=True, cwd=RACINE)
    (fichier,) = dossier.glob("*.whl")
    return fichier


def test_the_wheel_holds_the_product_and_nothing_else(roue: Path) -> None:
    noms = set(zipfile.ZipFile(roue).namelist())
    assert {"gateway/app.py", "gateway/auth/policy.toml", "gateway/web/pages.py"} <= noms
    assert {nom.split("/")[0].split("-")[0] for nom in noms} == {"gateway", "passerelle_apprentissage"}
    assert [nom for nom in noms if "node_modules" in nom or "__pycache__" in nom] == []


def test_the_wheel_holds_the_page_when_it_was_built(roue: Path) -> None:
    noms = set(zipfile.ZipFile(roue).namelist())
    construits = {f"gateway/web/dist/{fichier.relative_to(DIST).as_posix()}" for fichier in DIST.rglob("*.*")}
    assert construits <= noms
    assert ("gateway/web/dist/index.html" in noms) == DIST.is_dir()


def test_the_wheel_imports_without_the_checkout(roue: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(roue).extractall(tmp_path)
    verifier = "import gateway.app, gateway.web.pages as p; print(p.__file__)"
    rendu = subprocess.run([sys.executable, "-c", verifier], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(rendu.stdout.strip()).is_relative_to(tmp_path)
