"""What the command line says to operators: in French, whoever is wrong, and no trace when a reader leaves."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from fixtures.gateway_process import ROOT
from gateway.__main__ import main
from gateway.cli.french import french_error
from gateway.cli.journal import COLUMNS, written_as
from gateway.errors import CommandFailed, ConfigurationError
from gateway.system_reasons import reason_of
from gateway.toml_file import _reason, read_toml
from tests.unit import public_names as names
from tests.unit.test_public_names import COMMANDS

ENGLISH = re.compile(
    r"\b(the|input|should|valid|must|argument|arguments? are|usage: |options:|positional|show this|expected|error|unable|"
    r"required|choose|invalid|at least|than|or)\b",
    re.IGNORECASE,
)
WRONG: tuple[Any, ...] = (
    "",
    "é\n",
    "x" * 600,
    -1,
    0,
    10**9,
    1.5,
    float("nan"),
    True,
    [],
    ["", "y"],
    {},
    {"a": {}},
    None,
)


def refusal(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """The last line that a command writes before it ends with 2."""
    capsys.readouterr()
    with contextlib.suppress(SystemExit):  # argparse's way
        assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    return told.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "python -m gateway : il manque COMMANDE"),
        (["expliquer"], "python -m gateway expliquer : il manque requete"),
        (["sources", "trop"], "python -m gateway : inconnu : trop"),
        (["acces", "--profil"], "python -m gateway acces : --profil : une valeur est attendue"),
        (["journal", "purger", "--confirmer=oui"], "--confirmer : ne prend pas de valeur, 'oui' est en trop"),
        (["journal", "personne", "--n", "x"], "python -m gateway journal personne : --n : ambigu, --nom, --naissance"),
        (["journal", "personne", "--naissance", "hier"], "python -m gateway journal personne : --naissance : valeur invalide"),
        (["journal", "personne"], "erreur : un identifiant, ou --nom, --prenom et --naissance, et non"),
        (["journal", "personne", "x", "--nom", "y"], "erreur : un identifiant, ou --nom, --prenom et --naissance, et non"),
        (["journal", "personne", "--nom", "y"], "erreur : --nom, --prenom et --naissance vont ensemble"),
        (["acces", "--profil", "ROI"], "erreur : ROI : inconnu ; au choix MISSION_LOCALE, "),
        (["expliquer", "/nulle/part"], "erreur : /nulle/part : illisible (n'existe pas)"),
        (["expliquer", "{ moi { profil } }", "--profil", "roi"], "erreur : profil roi : inconnu"),
        (["expliquer", "{ rien }"], "erreur : requête refusée (REQUETE_INVALIDE) : "),
    ],
)  # fmt: skip
def test_d8_a_mistake_on_the_command_line_is_told_in_french_and_is_not_the_configuration(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refusal(arguments, capsys)
    assert told in line
    assert not ENGLISH.search(line)


def test_d8_a_wrong_value_names_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    line = refusal(["journal", "personne", "--format", "xml"], capsys).replace("'", "")  # quoted by Python 3.11 only
    assert line == "python -m gateway journal personne : --format : xml inconnu ; au choix texte, csv, json"


def test_d8_a_sentence_that_is_not_known_is_not_repeated() -> None:
    assert french_error("argument --nom: not so today") == "--nom : valeur invalide"
    assert french_error("something else is wrong") == "arguments mal formés"


def test_d8_no_english_in_the_help_of_any_command(capsys: pytest.CaptureFixture[str]) -> None:
    told = []
    for command in COMMANDS:
        with pytest.raises(SystemExit):
            main([*command, "--help"])
        told.append(capsys.readouterr().out)
    text = re.sub(r"\barguments :", "", "".join(told))
    assert len(told) == len(COMMANDS) > 10
    assert ENGLISH.findall(text) == []


def tables_of(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model of a file, and those of its tables."""
    yield kind
    for inner in names_of(kind):
        yield from tables_of(inner)


def names_of(kind: type[BaseModel]) -> list[type[BaseModel]]:
    found: list[type[BaseModel]] = []
    pending: list[Any] = [field.annotation for field in kind.model_fields.values()]
    while pending:
        one = pending.pop()
        if isinstance(one, type) and issubclass(one, BaseModel):
            found.append(one)
        pending += getattr(one, "__args__", ())
    return found


def test_d8_whatever_value_a_file_gives_to_a_key_it_is_refused_in_french() -> None:
    """Every key of every file, given values of every kind: what pydantic says of it in English is nowhere."""
    refused: dict[str, str] = {}
    for kind in {inner for file in names.FILES.values() for inner in tables_of(file)}:
        for name in kind.model_fields:
            for value in WRONG:
                try:
                    kind.model_validate({name: value})
                except ValidationError as error:
                    told = {
                        detail["type"]: _reason(detail) for detail in error.errors() if detail["loc"][:1] == (name,)
                    }
                    refused |= told
    assert len(refused) > 20
    assert {kind: told for kind, told in refused.items() if ENGLISH.search(told)} == {}
    bare = {kind for kind, told in refused.items() if told == "valeur invalide"}
    assert bare == set()
    assert refused["missing"] == "clé absente"
    assert refused["int_from_float"] == "valeur invalide (nombre entier attendu)"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a = \n", "TOML invalide (ligne 1, colonne 5 : valeur attendue ; un texte se met entre guillemets)"),
        (b"[jetons", "TOML invalide (à la fin du fichier : « ] » attendu)"),
        (b'a = "\xe9"', "TOML invalide (ligne 1 : UTF-8 attendu)"),
    ],
)
def test_d8_a_file_that_is_not_toml_says_where_in_french(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(ConfigurationError) as refused:
        read_toml(tmp_path / "a.toml", names.FILES["gateway.toml"], "a.toml")  # type: ignore[type-var]
    assert str(refused.value) == f"a.toml : {told}"


def test_d8_what_the_system_refuses_is_told_in_french(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file") as absent:
        (tmp_path / "absent").read_text()
    with pytest.raises(OSError, match="directory") as folder:
        tmp_path.read_text()
    assert (reason_of(absent.value), reason_of(folder.value)) == ("n'existe pas", "est un dossier")
    assert (reason_of(OSError(13, "x")), reason_of(OSError(5, "x")), reason_of(OSError("x"))) == (
        "droits insuffisants", "EIO", "refusé par le système",
    )  # fmt: skip


@pytest.mark.parametrize("command", [["schema"], ["expliquer", "{ moi { profil } }"], ["acces"]])
def test_d8_a_reader_that_leaves_is_no_error(command: list[str]) -> None:
    """As `python -m gateway … | head -1`: what is left to write has nobody to go to."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        run = subprocess.run(
            [sys.executable, "-m", "gateway", *command], cwd=ROOT, stdout=closed, stderr=subprocess.PIPE, check=False
        )
    assert (run.returncode, run.stderr) == (0, b"")


READING = {
    "quand": "2026-10-15T14:05:09+02:00",
    "profil": "MISSION_LOCALE",
    "organisation": "001",
    "compte": '=1+1\t"é"',
    "client": "ml",
    "finalite": None,
    "champs": ["Jeune.nom", "Jeune.prenom"],
    "requete": "r1",
    "nom": "Mission locale, Nord",
}


def test_d5_readings_are_written_under_their_names_and_no_cell_computes() -> None:
    head = "quand\tprofil\torganisation\tcompte\tclient\tfinalite\tchamps\trequete\tnom"
    assert written_as("texte", [READING]).splitlines() == [
        head,
        '2026-10-15T14:05:09+02:00\tMISSION_LOCALE\t001\t"=1+1\\t\\"\\u00e9\\""\tml\t\tJeune.nom,Jeune.prenom\tr1'
        "\tMission locale, Nord",
    ]
    assert written_as("csv", [READING]) == (
        ",".join(COLUMNS)
        + '\n2026-10-15T14:05:09+02:00,MISSION_LOCALE,001,"\'=1+1\t""é""",ml,,"Jeune.nom,Jeune.prenom",r1,'
        '"Mission locale, Nord"'
    )
    assert (written_as("texte", []), written_as("csv", []), written_as("json", [])) == (
        head,
        head.replace("\t", ","),
        "[]",
    )


def test_a_command_that_fails_is_no_error_of_configuration() -> None:
    assert not issubclass(CommandFailed, ConfigurationError)
