"""`init` writes what `config check` then reads: an operator is told all that is left to do, and no more once it is done."""

import os
import re
import stat
import subprocess
from datetime import date, timedelta
from pathlib import Path

import pytest

from fixtures.gateway_process import ROOT
from gateway.__main__ import main
from tools import release

LINE = re.compile(r"^(\w+)=(.*)$", re.MULTILINE)
SECRETS = ("GESTIBASE_CLE_0010856A", "REFERENTIEL_CLE", "REGISTRE_TBA", "REGISTRE_LBA")


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """In a directory that has a space."""
    folder = tmp_path / "ma passerelle"
    assert main(["init", str(folder)]) == 0
    capsys.readouterr()
    return folder


@pytest.fixture
def shell(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shell that has read the `.env` as the command says."""
    told = subprocess.run(
        ["/bin/sh", "-c", 'set -a; . "$0"; env -0', folder / ".env"], check=True, capture_output=True, text=True, env={}
    ).stdout
    for variable in told.split("\0"):
        name, _, value = variable.partition("=")
        if name.startswith("GATEWAY_"):
            monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def filled(shell: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The secrets of the partners are there too."""
    for name in SECRETS:
        monkeypatch.setenv(name, "compte:secret")
    return shell


def checked(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, list[str]]:
    code = main(["config", "check", *options])
    return code, capsys.readouterr().out.splitlines()


def test_the_secrets_are_for_their_owner_alone_and_new_each_time(folder: Path, tmp_path: Path) -> None:
    assert stat.S_IMODE((folder / ".env").stat().st_mode) == 0o600
    main(["init", str(tmp_path / "autre")])
    keys = [dict(LINE.findall((one / ".env").read_text()))["GATEWAY_CLE"] for one in (folder, tmp_path / "autre")]
    assert len(set(keys)) == 2


def test_what_is_left_to_fill_is_told_all_at_once(shell: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, told = checked(capsys)
    assert (code, len(told)) == (1, 4)
    for name, line in zip(SECRETS, told, strict=True):
        assert line.startswith(str(shell / "partenaires"))
        assert line.endswith(f"variable d'environnement {name} absente")


def test_once_filled_it_is_without_fault(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(capsys) == (0, ["configuration sans faute"])
    assert main(["sources"]) == 0


def test_every_file_that_is_wrong_is_told_in_one_run(
    filled: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (filled / "clients.toml").write_text("[clients.x]\nprofil = 'ROI'\n", encoding="utf-8")
    (filled / "partenaires/registre.toml").write_text("nom = 'Registre'\ngenre = 3\n", encoding="utf-8")
    monkeypatch.setenv("GATEWAY_JOURNAL_URL", "mysql://ici/base")
    code, told = checked(capsys)
    assert code == 1
    assert len([line for line in told if "registre.toml" in line]) == 3
    assert [line for line in told if "clients.x.profil" in line]
    assert told[-1].startswith("variable d'environnement GATEWAY_JOURNAL_URL")


def test_every_key_that_is_wrong_is_told_with_its_line(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Partners wait for a `gateway.toml` that reads: it says which of them may be missing."""
    (filled / "gateway.toml").write_text("[donnees]\ndosier = 'x'\n[reponse]\ndelai_secondes = 'x'\n", encoding="utf-8")
    code, told = checked(capsys)
    assert code == 1
    assert [line.removeprefix(f"{filled}/gateway.toml : ") for line in told] == [
        "ligne 2 : donnees.dosier : clé inconnue ; « dossier » ?",
        "ligne 1 : donnees.dossier : clé absente",
        "ligne 4 : reponse.delai_secondes : valeur invalide (nombre attendu)",
    ]


def test_a_key_that_ends_soon_is_a_warning(filled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    end = date.today() + timedelta(days=10)  # noqa: DTZ011 - far from midnight's difference
    (filled / "clients.toml").write_text(
        '[clients.machine]\nprofil = "ADMINISTRATEUR"\norganisation = ""\nnom = "m"\nfinalites = ["EXPLOITATION"]\n'
        f'cles = [{{ empreinte = "{"0" * 32}", expire = {end} }}]\n[fin]\nclients = 1\n',
        encoding="utf-8",
    )
    code, told = checked(capsys)
    assert (code, told[-1]) == (0, "configuration sans faute")
    assert told[0] == (
        f"avertissement : clients.toml : machine : une clé d'API expire le {end} ; « python -m gateway cle creer machine »"
    )


def test_nothing_is_written_over_what_is_there(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert main(["init", str(folder)]) == 2
    assert "n'est pas vide" in capsys.readouterr().err
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == before


def test_a_folder_that_cannot_be_written_is_told_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "fichier").touch()
    assert main(["init", str(tmp_path / "fichier" / "dessous")]) == 2
    assert capsys.readouterr().err.startswith("erreur : ")


def test_the_version_names_code_and_rules(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    first, commit, schema, policy = capsys.readouterr().out.splitlines()
    assert first == f"passerelle {release.version()}"
    assert commit.startswith("commit ")
    assert re.fullmatch(r"schéma [0-9a-f]{12}", schema)
    assert re.fullmatch(r"politique [0-9a-f]{12}", policy)


def test_a_key_in_a_file_serves(filled: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "clé").write_text(os.environ["GATEWAY_CLE"] + "\n", encoding="utf-8")
    monkeypatch.delenv("GATEWAY_CLE")
    monkeypatch.setenv("GATEWAY_CLE_FILE", str(tmp_path / "clé"))
    assert main(["config", "check"]) == 0


def test_the_examples_that_it_copies_are_in_the_repository() -> None:
    from gateway.cli.init import EXAMPLES, PARTNERS  # noqa: PLC0415

    assert EXAMPLES == ROOT / "examples"
    assert all((EXAMPLES / "partenaires" / f"{name}.toml").is_file() for name in PARTNERS)
