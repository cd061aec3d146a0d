"""Cases as files, and what `verifier` says of a partner that is wrong: each mistake in one line, none in silence."""

import json
from pathlib import Path

import pytest

from gateway.__main__ import main
from tests.support.partner_files import change, copied, told


@pytest.fixture
def partner(tmp_path: Path) -> Path:
    """A copy of the first partner of the document."""
    return copied("premier", tmp_path)


@pytest.mark.parametrize(
    ("file", "before", "after", "line"),
    [
        (
            "partenaire.toml",
            'date = "rupture"',
            'date = "motif"',
            "rupture.date et rupture.cause lisent",
        ),
        (
            "partenaire.toml",
            'telephone = "portable"',
            'telephone = "portabl"',
            "rien n'est jamais lu sous « portabl » ; « portable » ?",
        ),
        (
            "partenaire.toml",
            '"JJ/MM/AAAA"',
            '"AAAA-MM-JJ"',
            "exemple.attendu.json : attendu des dossiers, lu SOURCE_INVALIDE",
        ),
        ("partenaire.toml", 'lignes = "apprentis"', 'lignes = "apprenti"', "lignes : aucune liste sous « apprenti »"),
        ("partenaire.toml", '"naissance"', '"ne_le"', "lisible, ou trop peu ; écarté : ne_le × 2"),
        (
            "partenaire.toml",
            'exige = { "etablissement"',
            'exige = { "etablissemnt"',
            "chemin absent de la page : « etablissemnt », qui dit de qui elle est",
        ),
        ("cas/exemple.json", "0010856A", "0021479X", "répondu pour un autre établissement"),
        ("partenaire.toml", 'total = "total"', 'total = "totaux"', "nombre de pages illisible"),
        ("cas/exemple.json", '"total": 2', '"total": 3', "3 lignes annoncées, 2 reçues"),
        ("cas/exemple.json", '"apprentis": [', '"apprentis": [,', "réponse du partenaire invalide : JSON illisible"),
        ("cas/exemple.json", "Zoé", "Zoe", 'dossiers[0].jeune.prenom : attendu "Zoé", lu "Zoe"'),
        ("cas/exemple.attendu.json", '"jour"', '"jours"', "ligne 7 : jours : clé inconnue ; « jour » ?"),
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


def test_a_total_that_nothing_reads_is_doubted(partner: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(partner / "partenaire.toml", 'pages = { numero = "page", total = "total" }\n', "")
    assert "doute  : partenaire.toml : ligne 5 : « total » a l'air d'un total" in told(partner, capsys, 0)
    change(partner / "partenaire.toml", "[dialecte.jeune]", 'pages = { total = "total" }\n[dialecte.jeune]')
    assert "doute" not in told(partner, capsys, 0)
    change(partner / "cas" / "exemple.json", '"total": 2', '"total": 3')
    assert "3 lignes annoncées, 2 reçues" in told(partner, capsys, 1)


def test_a_page_that_is_not_said_whose_it_is_may_be(partner: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (partner / "cas" / "exemple.attendu.json").unlink()
    change(partner / "cas" / "exemple.json", "0010856A", "0021479X")
    assert 'exemple.attendu.json : {"locataire": {"uai": "…"}}' in told(partner, capsys, 1, "--ecrire")


def test_a_partner_without_access_is_doubted(partner: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = 'acces.defaut = { type = "entete", nom = "X-Api-Key", secret = "PREMIER_CLE" }\n'
    assert "aucun accès" not in told(partner, capsys, 0)
    change(partner / "partenaire.toml", line, "")
    line = "doute  : partenaire.toml : ligne 2 : aucun accès : le partenaire est demandé sans s'identifier"
    assert line in told(partner, capsys, 0)


def test_a_page_asked_beside_a_body_is_doubted(partner: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(partner / "partenaire.toml", "[dialecte]\n", '[dialecte]\ncorps = { uai = "{uai}" }\n')
    assert '[dialecte.pages] dans = "corps" ?' in told(partner, capsys, 0)
    change(partner / "partenaire.toml", "pages = {", 'pages = { dans = "corps",')
    assert "doute" not in told(partner, capsys, 0)


@pytest.mark.parametrize(
    ("pages", "why"),
    [
        ('suivante = "meta.suite"', " ; suivante : rien sous « meta.suite »"),
        ('decalage = "debut", encore = "meta.encore"', None),  # a path that must tell something fails by itself
        ('numero = "page", total = "total"', ""),
        (None, " : la table ne dit pas comment les pages se suivent ([dialecte.pages])"),
    ],
)
def test_a_page_of_a_case_that_is_never_asked_fails(
    pages: str | None, why: str | None, partner: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A case of two pages whose second one is not read passed: half of a list, and nobody told."""
    table, written = partner / "partenaire.toml", 'pages = { numero = "page", total = "total" }\n'
    change(table, written, "" if pages is None else f"pages = {{ {pages} }}\n")
    page = (partner / "cas" / "exemple.json").read_text(encoding="utf-8")
    (partner / "cas" / "exemple.2.json").write_text(page.replace('"id": ', '"id": 3'), encoding="utf-8")
    line = "exemple.2.json n'est jamais demandé"
    assert (line not in told(partner, capsys, 1)) if why is None else (f"{line}{why}\n" in told(partner, capsys, 1))


@pytest.mark.parametrize("people", [1, 2])
@pytest.mark.parametrize("lignes", ["reponse.apprentis.apprenant", "reponse.apprentis", "reponse"])
def test_rows_of_xml_that_are_not_where_they_are_told_fail(
    people: int, lignes: str, partner: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An absent element may be an empty list: nobody was read, and the case passed."""
    row = "<apprenti><id>1</id><nom>LEBON</nom><prenom>Zoé</prenom><naissance>07/03/2006</naissance></apprenti>"
    for path in (partner / "cas").iterdir():
        path.unlink()
    page = partner / "cas" / "exemple.xml"
    page.write_text(
        f"<reponse><ecole>0010856A</ecole><apprentis>{row * people}</apprentis></reponse>", encoding="utf-8"
    )
    expected = {"locataire": {"uai": "0010856A"}, "dossiers": []}
    (partner / "cas" / "exemple.attendu.json").write_text(json.dumps(expected), encoding="utf-8")
    table = partner / "partenaire.toml"
    change(table, 'lignes = "apprentis"', f'format = "xml"\nlignes = "{lignes}"')
    change(table, '"etablissement" = ', '"reponse.ecole" = ')
    change(table, 'pages = { numero = "page", total = "total" }\n', "")
    if lignes == "reponse.apprentis.apprenant":
        assert f"lignes : aucune ligne sous « {lignes} » ; « reponse.apprentis.apprenti » ?" in told(partner, capsys, 1)
        page.write_text("<reponse><ecole>0010856A</ecole><apprentis/></reponse>", encoding="utf-8")
        assert "réussi : exemple" in told(partner, capsys, 0)
    else:  # what stands there is read as a row, and has no identity
        assert "ÉCHEC" in told(partner, capsys, 1)


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
    assert "gardé tel quel : exemple" in told(partner, capsys, 0, "--ecrire")


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
