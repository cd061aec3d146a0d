"""The repository itself: what a reader may count on in every file of it."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

RACINE = Path(__file__).resolve().parent.parent.parent
LIGNES_MAX = 350
SEULS_A_PARLER_HTTP = {"gateway/sources/transport.py", "gateway/sources/acces.py"}


def _suivis(*motifs: str) -> list[Path]:
    """The files git knows or would take, so that what a build leaves around is not looked at."""
    commande = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *motifs]
    liste = subprocess.run(commande, cwd=RACINE, capture_output=True, text=True, check=True).stdout
    return [RACINE / nom for nom in liste.split("\0") if nom and (RACINE / nom).is_file()]


def _nom(chemin: Path) -> str:
    return chemin.relative_to(RACINE).as_posix()


MODULES = _suivis("gateway/*.py", "fixtures/*.py", "bench/*.py", "tests/*.py")
PRODUIT = [module for module in MODULES if _nom(module).startswith(("gateway/", "fixtures/"))]
VERROUS = _suivis("requirements/*.txt")


def _importes(module: Path) -> set[str]:
    """Full names of the modules that a file imports, wherever in it."""
    noms: set[str] = set()
    for noeud in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(noeud, ast.Import):
            noms |= {alias.name for alias in noeud.names}
        elif isinstance(noeud, ast.ImportFrom) and noeud.module:
            noms.add(noeud.module)
    return noms


def _importent(paquet: str, modules: list[Path]) -> set[str]:
    return {_nom(un) for un in modules if any(nom.split(".")[0] == paquet for nom in _importes(un))}


def test_the_lists_are_not_empty() -> None:
    assert len(PRODUIT) > 40
    assert {_nom(verrou) for verrou in VERROUS} == {
        f"requirements/{nom}.txt" for nom in ("runtime", "dev", "web", "lien")
    }


@pytest.mark.parametrize("module", MODULES, ids=_nom)
def test_a_module_opens_with_its_purpose(module: Path) -> None:
    texte = module.read_text(encoding="utf-8")
    assert texte == "" or ast.get_docstring(ast.parse(texte))


def test_a_file_stays_readable() -> None:
    tailles = {_nom(module): len(module.read_text(encoding="utf-8").splitlines()) for module in PRODUIT}
    assert {nom: taille for nom, taille in tailles.items() if taille > LIGNES_MAX} == {}


def test_httpx_enters_the_product_by_the_transport_only() -> None:
    produit = [module for module in PRODUIT if _nom(module).startswith("gateway/")]
    assert _importent("httpx", produit) <= SEULS_A_PARLER_HTTP
    assert _importent("httpx2", MODULES) == set()


def test_aiocache_stays_in_its_room() -> None:
    assert {nom for nom in _importent("aiocache", PRODUIT) if not nom.startswith("gateway/cache/")} == set()


def test_nothing_is_pickled() -> None:
    assert _importent("pickle", MODULES) == _importent("marshal", MODULES) == _importent("shelve", MODULES) == set()


@pytest.mark.parametrize("verrou", VERROUS, ids=_nom)
def test_a_lock_is_hashed_and_names_no_host(verrou: Path) -> None:
    texte = verrou.read_text(encoding="utf-8")
    fixes = re.findall(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", texte, re.MULTILINE | re.IGNORECASE)
    blocs = re.split(r"^(?=[a-z0-9])", texte, flags=re.MULTILINE | re.IGNORECASE)[1:]
    assert len(fixes) == len(blocs) > 0
    assert all("--hash=sha256:" in bloc for bloc in blocs)
    assert re.findall(r"https?://|--(?:extra-)?index-url|--find-links|--trusted-host", texte) == []


def test_the_tools_are_locked_over_the_same_runtime() -> None:
    motif = re.compile(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", re.MULTILINE)
    execution, outils = (
        dict(motif.findall((RACINE / f"requirements/{nom}.txt").read_text(encoding="utf-8")))
        for nom in ("runtime", "dev")
    )
    assert execution.items() <= outils.items()


def test_the_page_is_locked_and_names_no_host() -> None:
    verrou = (RACINE / "gateway/web/source/package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in verrou
    assert '"integrity"' in verrou
    assert _suivis("gateway/web/dist/*", "gateway/web/source/node_modules/*") == []


def test_the_commands_of_the_texts_exist() -> None:
    cibles = set(re.findall(r"^([a-z][a-z-]*):", (RACINE / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    cites: set[str] = set()
    for texte in _suivis("*.md", ".ci/run", "Dockerfile", "gateway/web/pages.py"):
        cites |= set(re.findall(r"(?:`|<code>|^\s*|^\$ )make ([a-z][a-z-]*)", texte.read_text("utf-8"), re.MULTILINE))
    assert {"run", "test", "check"} <= cibles
    assert cites <= cibles
