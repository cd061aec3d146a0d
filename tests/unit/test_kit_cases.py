"""Cases as files, and what `verifier` says of a partner that is wrong: each mistake in one line, none in silence."""

import json
from pathlib import Path

import pytest

from gateway.__main__ import main

FIRST = Path(__file__).parents[1] / "partenaires" / "premier"


@pytest.fixture
def partner(tmp_path: Path) -> Path:
    """A copy of the first partner of the document."""
    own = tmp_path / "premier"
    (own / "cas").mkdir(parents=True)
    for name in ("partenaire.toml", "locataires.csv", "cas/exemple.json", "cas/exemple.attendu.json"):
        (own / name).write_bytes((FIRST / name).read_bytes())
    return own


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


def told(partner: Path, capsys: pytest.CaptureFixture[str], code: int, *options: str) -> str:
    assert main(["verifier", str(partner), *options]) == code
    out = capsys.readouterr()
    return out.out + out.err


@pytest.mark.parametrize(
    ("file", "before", "after", "line"),
    [
        (
            "partenaire.toml",
            'rupture.date = "rupture"',
            'rupture.date = "motif"',
            "rupture.date et rupture.cause lisent",
        ),
        (
            "partenaire.toml",
            'telephone = "portable"',
            'telephone = "portabl"',
            "rien n'est jamais lu sous « portabl »",
        ),
        (
            "partenaire.toml",
            '"JJ/MM/AAAA"',
            '"AAAA-MM-JJ"',
            "exemple.attendu.json : attendu des dossiers, lu SOURCE_INVALIDE",
        ),
        ("partenaire.toml", 'lignes = "apprentis"', 'lignes = "apprenti"', "SOURCE_INVALIDE"),
        (
            "partenaire.toml",
            'exige = { "etablissement"',
            'exige = { "etablissemnt"',
            "répondu pour un autre établissement",
        ),
        ("partenaire.toml", 'total = "total"', 'total = "totaux"', "nombre de pages illisible"),
        ("cas/exemple.json", '"total": 2', '"total": 3', "3 lignes annoncées, 2 reçues"),
        ("cas/exemple.json", '"apprentis": [', '"apprentis": [,', "réponse du partenaire invalide : JSON illisible"),
        ("cas/exemple.json", "Zoé", "Zoe", 'dossiers[0].jeune.prenom : attendu "Zoé", lu "Zoe"'),
        ("cas/exemple.attendu.json", '"jour"', '"jours"', "jours : clé inconnue ; au choix dossiers, ecartes"),
        ("cas/exemple.attendu.json", '"dossiers": [', '"dossiers": [,', "JSON illisible"),
        ("locataires.csv", "0010856A", "0010856B", "ligne 2 : uai : invalide"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    file: str, before: str, after: str, line: str, partner: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(partner / file, before, after)
    code = main(["verifier", str(partner)])
    out = capsys.readouterr()
    assert line in out.out + out.err
    assert code == (0 if "jamais lu" in line and "ÉCHEC" not in out.out else 2 if out.err else 1)
    assert "Traceback" not in out.err


def test_a_latin_page_is_read_by_its_bytes(partner: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = partner / "cas" / "exemple.json"
    page.write_bytes(page.read_text(encoding="utf-8").encode("latin-1"))
    assert "réussi : exemple" in told(partner, capsys, 0)


def test_a_partner_without_cases_fails(partner: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (partner / "cas").iterdir():
        path.unlink()
    assert "aucun cas" in told(partner, capsys, 1)


def test_a_case_that_says_nothing_fails_until_it_is_written(partner: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expected = partner / "cas" / "exemple.attendu.json"
    before = json.loads(expected.read_text(encoding="utf-8"))
    expected.unlink()
    assert f"verifier {partner} --ecrire" in told(partner, capsys, 1)
    told(partner, capsys, 0, "--ecrire")
    assert json.loads(expected.read_text(encoding="utf-8")) == before


def test_a_field_that_another_case_fills_is_not_doubted(partner: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = json.loads((partner / "cas" / "exemple.json").read_text(encoding="utf-8"))
    page["apprentis"] = [{key: page["apprentis"][1][key] for key in ("id", "nom", "prenom", "naissance")}]
    page["total"] = 1
    (partner / "cas" / "presque-vide.json").write_text(json.dumps(page), encoding="utf-8")
    assert "n'est jamais lu" not in told(partner, capsys, 0, "--ecrire")


def test_an_error_is_never_written_in_the_place_of_its_author(
    partner: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example of a table that is wrong would become a case that wants it wrong."""
    expected = partner / "cas" / "exemple.attendu.json"
    expected.unlink()
    change(partner / "cas" / "exemple.json", '"total": 2', '"total": 3')
    out = told(partner, capsys, 1, "--ecrire")
    assert "exemple : non écrit, la lecture échoue : SOURCE_INVALIDE : pages du partenaire invalides : 3 lignes" in out
    assert 'écrire exemple.attendu.json : {"erreur": "SOURCE_INVALIDE"}' in out
    assert not expected.exists()
    expected.write_text('{"erreur": "SOURCE_INVALIDE"}', encoding="utf-8")
    assert "réussi : exemple, une erreur" in told(partner, capsys, 0)


def test_a_stranger_s_file_among_the_cases_is_told(partner: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (partner / "cas" / "page.pdf").write_bytes(b"x")
    assert "page.pdf : nom de cas attendu" in told(partner, capsys, 2)


def test_a_page_in_a_round_number_without_paging_is_doubted(partner: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first page of a list, taken for the whole of it."""
    change(partner / "partenaire.toml", 'pages = { numero = "page", total = "total" }\n', "")
    page = json.loads((partner / "cas" / "exemple.json").read_text(encoding="utf-8"))
    page["apprentis"] = [{**page["apprentis"][1], "id": rank} for rank in range(100)]
    (partner / "cas" / "exemple.json").write_text(json.dumps(page), encoding="utf-8")
    (partner / "cas" / "exemple.attendu.json").unlink()
    assert "100 lignes tout juste, et aucune page décrite" in told(partner, capsys, 0, "--ecrire")


def test_ruptures_on_last_days_are_doubted(partner: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = json.loads((partner / "cas" / "exemple.json").read_text(encoding="utf-8"))
    contrat = {**page["apprentis"][0]["contrats"][0], "rupture": "28/02/2026"}
    page["apprentis"] = [{**page["apprentis"][0], "id": rank, "contrats": [contrat]} for rank in range(3)]
    page["total"] = 3
    (partner / "cas" / "exemple.json").write_text(json.dumps(page), encoding="utf-8")
    (partner / "cas" / "exemple.attendu.json").unlink()
    assert "dernier jour travaillé ?" in told(partner, capsys, 0, "--ecrire")


@pytest.mark.parametrize(
    ("text", "line"),
    [("CLE", "secrets.env : ligne 1 : NOM=valeur attendu"), ("1=x", "ligne 1"), ("\n\nA B=x", "ligne 3")],
)
def test_a_file_of_secrets_that_is_none_is_told(
    text: str, line: str, partner: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = partner / "secrets.env"
    path.write_text(text, encoding="utf-8")
    assert line in told(partner, capsys, 2, "--env", str(path))


def test_a_partner_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "partenaires").mkdir()
    monkeypatch.setenv("GATEWAY_CONFIG", str(tmp_path))
    assert main(["verifier", "inconnu"]) == 2
    assert "aucun partenaire « inconnu » (il y a : aucun)" in capsys.readouterr().err
