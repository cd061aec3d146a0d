"""What the wheel holds: the product with its policy and its built page, none of its sources or simulators."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gateway.web.graphiql import DIST

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    record = tmp_path_factory.mktemp("la roue")
    build = [
        "pip",
        "wheel",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
    ]
    subprocess.run([sys.executable, "-m", *build, record, ROOT], check=True, cwd=ROOT)
    (file,) = record.glob("*.whl")
    return file


def test_the_wheel_holds_the_product_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"gateway/app.py", "gateway/auth/policy.toml", "gateway/web/graphiql.py"} <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"gateway", "passerelle_apprentissage"}
    assert [name for name in names if "node_modules" in name or "__pycache__" in name] == []


def test_the_wheel_holds_the_page_when_it_was_built(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    built = {f"gateway/web/dist/{file.relative_to(DIST).as_posix()}" for file in DIST.rglob("*.*")}
    assert built <= names
    assert ("gateway/web/dist/index.html" in names) == DIST.is_dir()


def test_the_wheel_imports_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    verify = "import gateway.app, gateway.web.graphiql as p; print(p.__file__)"
    rendered = subprocess.run([sys.executable, "-c", verify], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(rendered.stdout.strip()).is_relative_to(tmp_path)
