"""docs/partenaires.md begins with a partner that really is read; the snippets of partenaires-table.md really start."""

import asyncio
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.kit.target import NoSecrets, find_target
from gateway.cli.kit.verify import verify_cases
from gateway.config import GatewayFile
from gateway.connectors.table.dialect import Dialect
from tools import vocabulary

ROOT = Path(__file__).parents[2]
PAGE = "\n".join(
    (ROOT / "docs" / f"partenaires{part}.md").read_text(encoding="utf-8") for part in ("", "-table", "-python")
)
FIRST = ROOT / "tests" / "partenaires" / "premier"
LINES_MAX = 27
NEEDED: dict[str, Any] = {
    "systeme": "mission_locale",
    "chemin": "/x",
    "jeune": {"cle": "id", "nom": "nom", "prenom": "prenom", "date_naissance": "naissance"},
}


def snippet(name: str) -> str:
    (found,) = re.findall(rf"^```\w+ {name}\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    return str(found)


def test_the_first_partner_of_the_page_is_read_whole(tmp_path: Path) -> None:
    """Its table, its tenants and its page, copied from the document, are what `verifier` is satisfied with."""
    files = re.findall(r"^```(\w+) exemple\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    told = dict(files)
    own = tmp_path / "premier"
    (own / "cas").mkdir(parents=True)
    (own / "partenaire.toml").write_text(told["toml"], encoding="utf-8")
    (own / "locataires.csv").write_text(told["csv"], encoding="utf-8")
    (own / "cas" / "exemple.json").write_text(told["json"], encoding="utf-8")
    expected = (FIRST / "cas" / "exemple.attendu.json").read_text(encoding="utf-8")
    (own / "cas" / "exemple.attendu.json").write_text(expected, encoding="utf-8")
    verdict = asyncio.run(verify_cases(find_target(str(own), {}, NoSecrets()), with_misbehaviours=True))
    assert (verdict.failures, verdict.doubts) == ([], [])
    assert [(report.kept, report.rows) for report in verdict.reports.values()] == [(2, 2)]
    assert len(told["toml"].splitlines()) <= LINES_MAX


def test_the_tests_read_the_same_first_partner() -> None:
    for name, language in (("partenaire.toml", "toml"), ("locataires.csv", "csv"), ("cas/exemple.json", "json")):
        assert f"```{language} exemple\n{(FIRST / name).read_text(encoding='utf-8')}```" in PAGE


@pytest.mark.parametrize("name", ["graphql", "erreurs", "changements"])
def test_a_dialect_shown_is_one(name: str) -> None:
    assert Dialect.model_validate({**NEEDED, **tomllib.loads(snippet(name))})


def test_the_follow_up_shown_is_one() -> None:
    assert Dialect.model_validate({**NEEDED, **tomllib.loads(snippet("suivi"))["dialecte"]}).suivi


def test_the_fields_shown_are_fields() -> None:
    told: dict[str, Any] = tomllib.loads(snippet("champs"))
    contrat = {"date_debut": "debut", "numero": told.pop("numero"), "rupture": told.pop("rupture")}
    read = Dialect.model_validate(
        {**NEEDED, "systeme": "cfa", "jeune": {**NEEDED["jeune"], **told}, "contrat": contrat}
    )
    assert {word for word, _ in next(read.nouns())[1].fields()} > {"telephone", "adresse.voie", "sexe", "modifie_le"}


def test_the_plugin_shown_is_admitted_so() -> None:
    needed = {"emetteurs": [{"emetteur": "https://idp.invalid", "audience": "x"}], "donnees": {"dossier": "d"}}
    assert GatewayFile.model_validate({**needed, **tomllib.loads(snippet("admis"))}).connecteurs.keys() == {"maison"}


def test_the_words_shown_are_the_words_there_are() -> None:
    assert vocabulary.page() == vocabulary.PAGE.read_text(encoding="utf-8")
