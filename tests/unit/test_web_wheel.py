"""What the wheel holds: the product with its policy and its built page, none of its sources or simulators."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from gateway.web.documentation import BUILT
from gateway.web.graphiql import DIST
from tools.release import wheel_of

ROOT = Path(__file__).resolve().parent.parent.parent


EPOCH = "1796000000"  # of the files in the wheel, whenever they were written
LEFT = shutil.ignore_patterns("node_modules", "__pycache__", ".*")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel_of(ROOT, tmp_path_factory.mktemp("la roue"), EPOCH)


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


def test_the_wheel_holds_the_documentation_when_it_was_built(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    built = {
        f"gateway/web/documentation/{file.relative_to(BUILT).as_posix()}" for file in BUILT.rglob("*") if file.is_file()
    }
    assert built <= names
    assert ("gateway/web/documentation/policies.json" in names) == BUILT.is_dir()


def test_the_wheel_imports_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    verify = "import gateway.app, gateway.web.graphiql as p; print(p.__file__)"
    rendered = subprocess.run([sys.executable, "-c", verify], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(rendered.stdout.strip()).is_relative_to(tmp_path)


def test_another_checkout_at_another_time_gives_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    """Who builds the wheel again can compare: it has no path, no date and no order of its own."""
    other = tmp_path / "ailleurs"
    shutil.copytree(ROOT / "gateway", other / "gateway", ignore=LEFT)
    shutil.copytree(ROOT / "examples", other / "examples", ignore=LEFT)
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, other)
    for file in other.rglob("*"):
        os.utime(file, (1_000_000_000, 1_000_000_000))
    again = wheel_of(other, tmp_path, EPOCH)
    assert (again.name, again.read_bytes()) == (wheel.name, wheel.read_bytes())
