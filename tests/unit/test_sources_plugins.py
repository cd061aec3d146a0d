"""Connectors from outside the repository: what admits one, what refuses it, and what a broken one does to a start."""

import logging
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.config import GatewayFile
from gateway.connectors.base import Connector
from gateway.errors import ConfigurationError
from gateway.sources.partners.configured import configured_partners
from gateway.sources.partners.plugins import digest

PLUGIN = '''
"""A partner in Python, beside its TOML."""
from datetime import date
from pydantic import Field
from gateway.connectors.base import (
    Connector, PartnerRequest, Payload, QualityCounts, ReadingResult, ReadingSteps, Record, Tenant, mapped, read, rows_of,
)
from gateway.connectors.values import IsoDate, Required
from gateway.schema.nouns import Jeune
from gateway.schema.organisations import ModeSource, TypeSource


class Row(Payload):
    id: Required
    nom: Required = Field(alias="last")
    prenom: Required = Field(alias="first")
    naissance: IsoDate = Field(alias="born")


def records(cfa: Tenant, today: date) -> ReadingSteps[ReadingResult]:
    (pages,) = yield [PartnerRequest("people", f"/people/{cfa.code}")]
    account = QualityCounts()
    return account.result(mapped(record, read(Row, rows_of(pages), account), account))


def record(row: Row) -> Record:
    return Record(row.id, Jeune(nom=row.nom, prenom=row.prenom, date_naissance=row.naissance))


CONNECTOR = Connector("maison", TypeSource.ERP_CFA, ModeSource.INTERROGATION, cfa_records=records)
'''
TOML = """nom = "maison"
genre = "maison"
base_url = "https://maison.invalid"
locataires = "locataires.csv"
"""
PAGE = '[{"id": "1", "last": "LEBON", "first": "Zoé", "born": "2006-03-07"}]'
ENOUGH = {"emetteurs": [{"emetteur": "https://idp.invalid", "audience": "x"}], "donnees": {"dossier": "donnees"}}


def write(root: Path, body: str = PLUGIN) -> Path:
    own = root / "partenaires" / "maison"
    (own / "cas").mkdir(parents=True)
    (own / "partenaire.toml").write_text(TOML, encoding="utf-8")
    (own / "locataires.csv").write_text("uai,siret,code\n0010856A,,bourg\n", encoding="utf-8")
    (own / "connecteur.py").write_text(body, encoding="utf-8")
    (own / "cas" / "un.json").write_text(PAGE, encoding="utf-8")
    for path in (own, own / "connecteur.py"):
        path.chmod(0o755)
    return own / "connecteur.py"


def load(root: Path, admitted: str | None, optional: tuple[str, ...] = ()) -> dict[str, Connector]:
    connecteurs = {"maison": admitted} if admitted else {}
    told = {**ENOUGH, "connecteurs": connecteurs, "partenaires": {"facultatifs": optional}}
    known, partners = configured_partners(root, GatewayFile.model_validate(told), {})
    return {name: partner.connector(known) for name, partner in partners.items()}


def test_a_plugin_that_is_admitted_reads_its_partner(tmp_path: Path) -> None:
    path = write(tmp_path)
    assert load(tmp_path, digest(path.read_bytes()))["maison"].genre == "maison"


def test_one_that_nobody_admits_does_not_run(tmp_path: Path) -> None:
    path = write(tmp_path, PLUGIN + f"\nopen({str(tmp_path / 'ran')!r}, 'w').close()\n")
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path, None)
    assert f'[connecteurs] maison = "{digest(path.read_bytes())}"' in str(raised.value)
    with pytest.raises(ConfigurationError, match="n'est pas le fichier admis"):
        load(tmp_path, "sha256:" + "0" * 64)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("mode", [0o775, 0o757])
@pytest.mark.parametrize("what", ["connecteur.py", "."])
def test_one_that_others_may_write_does_not_run(what: str, mode: int, tmp_path: Path) -> None:
    path = write(tmp_path)
    (path.parent / what).chmod(mode)
    with pytest.raises(ConfigurationError, match="d'autres peuvent l'écrire"):
        load(tmp_path, digest(path.read_bytes()))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("def (", "connecteur.py : ligne 1 : Python illisible"),
        ("\n\n1 / 0\n", "connecteur.py:3"),
        ("raise SystemExit(3)", "connecteur.py : SystemExit"),
        ("x = 1", "CONNECTOR = Connector(…) attendu"),
        (PLUGIN.replace('Connector("maison"', 'Connector("autre"'), "genre « autre », « maison » attendu"),
        (
            "x = 1\nimport inconnu_de_tous",
            "connecteur.py : ligne 2 : « inconnu_de_tous » ne s'importe pas ; un connecteur",
        ),
        (
            "from gateway.connectors.base import Conector",
            "ligne 1 : « Conector » n'est pas dans gateway.connectors.base ; « Connector » ?",
        ),
    ],
)
def test_a_broken_one_is_one_line(body: str, told: str, tmp_path: Path) -> None:
    path = write(tmp_path, body)
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path, digest(path.read_bytes()))
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_broken_one_that_may_be_missing_does_not_stop_the_others(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path, "1 / 0")
    (tmp_path / "partenaires" / "r.toml").write_text(
        'nom = "r"\ngenre = "referentiel"\nbase_url = "https://r.invalid"\n', encoding="utf-8"
    )
    with caplog.at_level(logging.ERROR, "gateway.sources"):
        assert list(load(tmp_path, digest(path.read_bytes()), ("maison",))) == ["r"]
    assert "facultatif laissé de côté" in caplog.text


def test_a_name_of_the_house_is_not_taken(tmp_path: Path) -> None:
    told = {**ENOUGH, "connecteurs": {"imilo": "sha256:" + "0" * 64}}
    (tmp_path / "partenaires").mkdir()
    with pytest.raises(ConfigurationError, match="celui d'un connecteur de la passerelle"):
        configured_partners(tmp_path, GatewayFile.model_validate(told), {})


def test_a_package_that_is_not_installed_is_told(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(ConfigurationError, match="0 paquet"):
        load(tmp_path, "paquet")


def test_a_plugin_is_verified_as_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path)
    assert main(["verifier", str(path.parent), "--ecrire", "--pannes"]) == 0
    out = capsys.readouterr().out
    assert "1 dossier(s) gardés" in out
    assert f'[connecteurs] maison = "{digest(path.read_bytes())}"' in out


def test_a_mapping_that_raises_fails_its_cases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path)
    assert main(["verifier", str(path.parent), "--ecrire"]) == 0
    path.write_text(PLUGIN.replace("return Record(row.id", "return Record(row.absent"), encoding="utf-8")
    capsys.readouterr()
    assert main(["verifier", str(path.parent)]) == 1
    line = PLUGIN[: PLUGIN.index("return Record(row.id")].count("\n") + 1
    out = capsys.readouterr().out
    assert f"ÉCHEC  : un.attendu.json : enregistrement écarté : AttributeError ({path}:{line})" in out
    path.write_text(PLUGIN.replace('alias="born"', 'alias="birth"'), encoding="utf-8")
    assert main(["verifier", str(path.parent)]) == 1
    assert "écarté : birth × 1 (connecteur.py : ligne 17)" in capsys.readouterr().out
