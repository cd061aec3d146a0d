"""`partenaire nouveau`: the files of a partner from one of its pages, with nobody of the page in them."""

import json
import random
import re
import tomllib
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.__main__ import main
from gateway.cli.kit.fictitious import SHORT, Fiction
from gateway.cli.kit.guess import guess
from gateway.domain.official_numbers import is_valid_siret, is_valid_uai, normalise_numero_contrat, normalise_telephone
from gateway.sources.http.decode import decoded_text

PARTNERS = Path(__file__).parents[1] / "partenaires"
XML, JSON, CSV = "scform/cas/rupture.1.xml", "meridien/cas/deux-pages.1.json", "atelier/cas/lignes.csv"


def fiction() -> Fiction:
    return Fiction(random.Random(1))


@pytest.mark.parametrize("page", [XML, JSON, CSV])
def test_the_files_written_read_the_example_at_once(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    assert main(["partenaire", "nouveau", "essai", "--exemple", str(PARTNERS / page), "--vers", str(tmp_path)]) == 0
    assert main(["verifier", str(tmp_path / "essai"), "--ecrire"]) == 0
    out = capsys.readouterr().out
    assert "2 dossier(s) gardés" in out
    assert "réussi : exemple\n" in out
    assert main(["verifier", str(tmp_path / "essai"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reussis"] == ["exemple"]


@pytest.mark.parametrize("page", [XML, JSON, CSV])
def test_nobody_of_the_example_is_in_the_files(page: str, tmp_path: Path) -> None:
    assert main(["partenaire", "nouveau", "essai", "--exemple", str(PARTNERS / page), "--vers", str(tmp_path)]) == 0
    written = "".join(
        decoded_text(path.read_bytes(), "cp1252") for path in sorted(tmp_path.rglob("*")) if path.is_file()
    )
    people = [
        "LEBON",
        "MARTIN",
        "DURAND",
        "Zoé",
        "0639980001",
        "06 39 98 00 01",
        "001202409010001",
        "35600000000048",
        "07/03/2006",
    ]
    assert [word for word in people if word in written] == []


@pytest.mark.parametrize(
    ("page", "rows", "form", "fields"),
    [
        (XML, "reponse.apprentis.apprenti", "JJ/MM/AAAA", {"cle": "@id", "nom": "nom", "date_naissance": "naissance"}),
        (
            JSON,
            "resultat.page.apprenants",
            "JJ/MM/AAAA",
            {"cle": "ref", "nom": "personne.nom", "adresse.code_postal": "personne.domicile.cp"},
        ),
        (CSV, "", "AAAAMMJJ", {"cle": "N° apprenti", "prenom": "Prénom", "telephone": "Tél."}),
    ],
)
def test_what_is_guessed(page: str, rows: str, form: str, fields: dict[str, str]) -> None:
    found = guess((PARTNERS / page).read_bytes(), Path(page).suffix)
    assert (found.rows, found.dates, found.missing) == (rows, form, {})
    assert {word: found.fields["jeune"][word] for word in fields} == fields
    assert {"numero", "date_debut", "rupture.date"} <= set(found.fields["contrat"])


def test_what_is_alone_under_its_plural_is_a_list_of_one() -> None:
    """In XML one contract is no list; the table must say it is, or a second one would be set aside."""
    contract = "<contrat deca='{}'><du>01/09/2024</du><employeur siret='35600000000048'/></contrat>"
    row = "<stagiaire ref='{}'><nom>A</nom><prenom>B</prenom><ne>01/02/2006</ne><contrats>{}</contrats></stagiaire>"
    page = "".join(row.format(n, contract.format(n)) for n in "12")
    found = guess(f"<flux><stagiaires>{page}</stagiaires></flux>".encode(), ".xml")
    assert found.lists["contrat"] == "contrats.contrat"
    assert found.fields["contrat"] == {"numero": "@deca", "date_debut": "du", "employeur.siret": "employeur.@siret"}


def test_the_example_says_whose_it_became(tmp_path: Path) -> None:
    """Its establishment is fictitious too: a table that wants it reads the example all the same."""
    assert main(["partenaire", "nouveau", "essai", "--exemple", str(PARTNERS / JSON), "--vers", str(tmp_path)]) == 0
    cases = tmp_path / "essai" / "cas"
    uai = json.loads((cases / "exemple.attendu.json").read_text(encoding="utf-8"))["locataire"]["uai"]
    assert is_valid_uai(uai)
    assert uai in (cases / "exemple.json").read_text(encoding="utf-8")
    assert uai not in (PARTNERS / JSON).read_text(encoding="utf-8")


def test_what_is_not_found_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.json"
    page.write_text('[{"x": 1, "y": "a"}, {"x": 2, "y": "b"}]', encoding="utf-8")
    assert main(["partenaire", "nouveau", "essai", "--exemple", str(page), "--vers", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "non trouvé, à écrire : jeune.cle, jeune.nom, jeune.prenom, jeune.date_naissance" in out
    assert 'nom = "À ÉCRIRE"' in (tmp_path / "essai" / "partenaire.toml").read_text(encoding="utf-8")


def test_whose_the_example_is_is_told_where_its_page_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By no UAI, by one whose letter is wrong, or by several."""
    row = {"nom": "Lebon", "prenom": "Zoé", "naissance": "07/03/2006"}
    for name, uais, line in (
        ("un", ("0010856A",), None),
        ("faux", ("0010856B",), "aucun UAI valide dans l'exemple"),
        ("deux", ("0010856A", "0021479X"), "plusieurs UAI dans l'exemple"),
    ):
        page = tmp_path / f"{name}.json"
        rows = [{**row, "id": rank, "uai": uais[rank % len(uais)]} for rank in range(2)]
        page.write_text(json.dumps(rows), encoding="utf-8")
        assert main(["partenaire", "nouveau", name, "--exemple", str(page), "--vers", str(tmp_path)]) == 0
        out = capsys.readouterr().out
        assert (line in out) if line else ("UAI" not in out)
        assert (tmp_path / name / "cas" / "exemple.attendu.json").exists() == (line is None)


@pytest.mark.parametrize("page", [XML, JSON, CSV])
def test_what_is_written_is_short(page: str, tmp_path: Path) -> None:
    """A group of fields is a line, and so is a training."""
    assert main(["partenaire", "nouveau", "essai", "--exemple", str(PARTNERS / page), "--vers", str(tmp_path)]) == 0
    written = (tmp_path / "essai" / "partenaire.toml").read_text(encoding="utf-8")
    assert len(written.splitlines()) <= 27
    assert "genre" not in written


def test_a_last_day_worked_is_moved_and_numbers_since_1970_are_days(tmp_path: Path) -> None:
    contract = {"deca": "001202409010001", "start": 1725141600000, "lastDay": 1771023600000}
    row = {
        "lastName": "LEBON",
        "firstName": "Zoé",
        "birthDate": 1141686000000,
        "gender": "female",
        "contracts": [contract],
    }
    page = tmp_path / "page.json"
    page.write_text(json.dumps([{**row, "guid": "a1b2"}, {**row, "guid": "a1b3"}]), encoding="utf-8")
    assert main(["partenaire", "nouveau", "essai", "--exemple", str(page), "--vers", str(tmp_path)]) == 0
    told = tomllib.loads((tmp_path / "essai" / "partenaire.toml").read_text(encoding="utf-8"))["dialecte"]
    assert told["dates"] == "millisecondes"
    assert told["contrat"]["rupture"] == {"date": {"chemin": "lastDay", "jours": 1}}
    kept = json.loads((tmp_path / "essai" / "cas" / "exemple.json").read_text(encoding="utf-8"))[0]
    moved = kept["birthDate"] - row["birthDate"]
    assert moved < 0
    assert moved % (7 * 86_400_000) == 0
    assert kept["contracts"][0]["start"] - contract["start"] == moved
    assert kept["gender"] == "female"


def test_what_another_noun_must_say_is_told_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A contract without its beginning is refused: the file that is written says that it lacks."""
    page = tmp_path / "page.json"
    contrat = {"numero_deca": "001202409010001", "rupture": "15/02/2026", "motif": "Démission"}
    one = {"id": 1, "nom": "Lebon", "prenom": "Zoé", "naissance": "07/03/2006", "contrats": [contrat]}
    page.write_text(json.dumps([one, {**one, "id": 2}]), encoding="utf-8")
    assert main(["partenaire", "nouveau", "essai", "--exemple", str(page), "--vers", str(tmp_path)]) == 0
    assert "non trouvé, à écrire : contrat.date_debut" in capsys.readouterr().out
    assert 'date_debut = "À ÉCRIRE"' in (tmp_path / "essai" / "partenaire.toml").read_text(encoding="utf-8")


def test_the_number_of_a_formation_keeps_what_says_that_it_is_one() -> None:
    made = fiction().text("RNCP37537")
    assert made.startswith("RNCP")
    assert made != "RNCP37537"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "une page d'exemple attendue"),
        ("{}", "aucune liste de dossiers"),
        ('{"a"', "JSON illisible"),
        ("<a>", "XML illisible"),
    ],
)
def test_an_example_that_is_none_is_told(
    body: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.json"
    page.write_text(body, encoding="utf-8")
    assert main(["partenaire", "nouveau", "essai", "--exemple", str(page), "--vers", str(tmp_path)]) == 2
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "essai").exists()


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "essai").mkdir()
    assert main(["partenaire", "nouveau", "essai", "--exemple", str(PARTNERS / XML), "--vers", str(tmp_path)]) == 2
    assert "existe déjà : donner un autre nom, ou --vers un autre dossier" in capsys.readouterr().err


@given(st.text(min_size=SHORT + 1, max_size=30))
def test_a_text_keeps_its_form_and_nothing_else(text: str) -> None:
    made = fiction().text(text)
    letters = [one for one in text.strip() if one.isalpha() or one.isdigit()]
    if len(letters) > 8 and "@" not in text and "://" not in text:
        assert made != text
    assert fiction().text(text) == made
    own = fiction()
    assert own.text(text) == own.text(text)


@pytest.mark.parametrize("code", ["", "M", "F", "3", "06", "  ", "00000000", "00/00/0000"])
def test_codes_and_what_is_empty_stay(code: str) -> None:
    assert fiction().text(code) == code


def test_a_name_of_two_letters_is_replaced_wherever_it_is() -> None:
    """The defect: what had two characters stayed, so that an example kept the names of Li NG, of Eu."""
    person = {"nom": "NG", "prenom": "Li", "surnom": "Zo", "adresse": {"ville": "Eu"}, "alias": ["Bo"]}
    made = fiction().document([person])[0]
    told = [made["nom"], made["prenom"], made["surnom"], made["adresse"]["ville"], made["alias"][0]]
    assert {(len(one), one.isalpha()) for one in told} == {(2, True)}
    assert [one.isupper() for one in told] == [True, False, False, False, False]
    assert not {*told} & {"NG", "Li", "Zo", "Eu", "Bo"}
    row = fiction().csv("nom;statut;cp\r\nNG;AP;02\r\n", ";").splitlines()[1].split(";")
    assert (row[0] != "NG", row[1:]) == (True, ["AP", "02"])
    xml = fiction().xml('<a nom="NG"><prenom>Li</prenom><b:statut>AP</b:statut><sexe>F</sexe><v><![CDATA[Eu]]></v></a>')
    assert [name in xml for name in ("NG", "Li", "Eu", ">AP<", ">F<")] == [False, False, False, True, True]


def test_what_is_recognised_stays_valid() -> None:
    own = fiction()
    assert is_valid_uai(own.text("0010856A"))
    assert is_valid_siret(own.text("73282932000074"))
    assert normalise_numero_contrat(own.text("001202409010001"))
    assert re.fullmatch(r"06 39 98 \d\d \d\d", own.text("06 12 34 56 78"))
    assert normalise_telephone(own.text("+33612345678"))
    assert own.text("zoe.martin@gmail.com").endswith("@exemple.invalid")


def test_days_move_together() -> None:
    """Who was older stays so, and a contract begins before its end."""
    own = fiction()
    moved = [date.fromisoformat(own.text(day)) for day in ("2024-09-01", "2026-08-31")]
    assert moved[1] - moved[0] == date(2026, 8, 31) - date(2024, 9, 1)
    assert moved[0] < date(2024, 9, 1) - timedelta(days=100)
    assert own.text("01/09/2024") == f"{moved[0]:%d/%m/%Y}"
    assert own.text("2024-09-01T10:00:00+02:00") == f"{moved[0].isoformat()}T10:00:00+02:00"


def test_the_word_that_tells_a_type_stays() -> None:
    assert fiction().document({"type": "MOB", "valeur": True, "vide": None}) == {
        "type": "MOB",
        "valeur": True,
        "vide": None,
    }
    assert "MOB" in fiction().xml('<tel type="MOB">0612345678</tel>')
    assert "secret" not in fiction().xml("<a><!-- secret --><![CDATA[secret]]>secret</a>")


def test_a_key_is_what_each_row_has_and_no_other_the_nearest_to_the_row() -> None:
    """Neither the number of a street nor the code of a state is one, though they are called so."""
    row = {"etat": {"code": "A"}, "adresse": {"numero": "12"}, "nom": "A", "prenom": "B", "ne": 20060201}
    page = [{**row, "uuid": "a-1"}, {**row, "uuid": "a-2", "adresse": {"numero": "14"}}]
    assert guess(json.dumps(page).encode(), ".json").fields["jeune"]["cle"] == "uuid"
    without = guess(json.dumps([row, row]).encode(), ".json")
    assert without.missing == {"jeune": ["cle"]}
    assert (without.dates, without.fields["jeune"]["date_naissance"]) == ("AAAAMMJJ", "ne")


def test_a_list_is_known_by_what_it_holds_where_its_name_tells_nothing() -> None:
    signed = {"deca": "001202409010001", "debut": "2024-09-01", "entreprise": {"siret": "35600000000048"}}
    studied = {"titre": "CAP", "rncp": "RNCP35316", "debut": "2024-09-01"}
    row = {"id": 1, "nomUsage": "A", "prenom": "B", "ne": "2006-02-01", "engagements": [signed], "etudes": [studied]}
    found = guess(json.dumps([row, {**row, "id": 2}]).encode(), ".json")
    assert found.lists == {"contrat": "engagements", "formation": "etudes"}
    assert found.fields["jeune"]["nom"] == "nomUsage"
    assert found.fields["contrat"]["employeur.siret"] == "entreprise.siret"


def test_a_list_of_one_and_one_of_two_are_read_together() -> None:
    """In XML the contract of the first row is alone, and only it tells its rupture."""
    one = "<contrat><du>01/09/2024</du><rupture>02/02/2025</rupture></contrat>"
    two = "<contrat><du>01/09/2025</du></contrat>" * 2
    row = "<s ref='{}'><nom>A</nom><prenom>B</prenom><ne>01/02/2006</ne><contrats>{}</contrats></s>"
    found = guess(f"<f><l>{row.format(1, one)}{row.format(2, two)}</l></f>".encode(), ".xml")
    assert found.lists["contrat"] == "contrats.contrat"
    assert found.fields["contrat"] == {"date_debut": "du", "rupture.date": "rupture"}


def test_where_a_page_says_whose_it_is_the_table_wants_it(tmp_path: Path) -> None:
    assert main(["partenaire", "nouveau", "essai", "--exemple", str(PARTNERS / JSON), "--vers", str(tmp_path)]) == 0
    written = tomllib.loads((tmp_path / "essai" / "partenaire.toml").read_text(encoding="utf-8"))
    assert written["dialecte"]["exige"] == {"resultat.espace.uai": "{uai}"}
