"""Mistakes that a table of a partner makes in silence, told by `verifier` with the line of the table and what to write."""

import json
from pathlib import Path

import pytest

from tests.support.partner_files import change, copied, told

TABLE, TWO = "partenaire.toml", "ajouter un cas de deux pages, cas/<cas>.1.<format> et cas/<cas>.2.<format>"
Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def partner(tmp_path: Path) -> Path:
    return copied("premier", tmp_path)


def rewritten(partner: Path) -> Path:
    """Its only case, without what it must become."""
    expected = partner / "cas" / "exemple.attendu.json"
    expected.write_text('{"locataire": {"uai": "0010856A"}}', encoding="utf-8")
    return partner


# 0. What a first reading loses, and who it is of.


def test_what_the_first_reading_of_a_case_loses_is_told_as_it_is_written(partner: Path, capsys: Capsys) -> None:
    """The defect: a value that no record kept was written as awaited, and the table was green."""
    change(rewritten(partner) / "cas" / "exemple.json", '"0639980001"', '["0639980001", "0639980002"]')
    out = told(partner, capsys, 0, "--ecrire")
    assert "exemple : écarté : « portable », valeur × 1 (partenaire.toml : ligne 17) ; une liste ? « chemin[0] »" in out


def test_a_code_that_no_table_lists_is_told_as_it_is_written(tmp_path: Path, capsys: Capsys) -> None:
    own = copied("phare", tmp_path)
    (own / "cas" / "une-autre.attendu.json").unlink()
    (own / "cas" / "deux-pages.attendu.json").write_text('{"locataire": {"mission_locale": "01001"}}', encoding="utf-8")
    out = told(own, capsys, 1, "--ecrire")
    assert 'écarté : « accompagnement.code », valeur × 1 (partenaire.toml : ligne 23) ; codes = { "…" = "…" }' in out


def test_a_structure_that_is_nowhere_is_told_and_says_whose_page_it_is_no_more(tmp_path: Path, capsys: Capsys) -> None:
    """The defect: the page of another Mission locale was taken for its own, and nothing was said."""
    own = copied("phare", tmp_path)
    change(own / TABLE, 'structure = "structure"', 'structure = "organisme.code"')
    for expected in (own / "cas").glob("*.attendu.json"):
        expected.write_text('{"locataire": {"mission_locale": "01001"}}', encoding="utf-8")
    out = told(own, capsys, 0, "--ecrire")
    assert "ligne 20 : jeune.structure : rien n'est jamais lu sous « organisme.code »" in out
    assert "rien ne dit que la réponse est celle de l'établissement" in out


def test_a_number_of_page_that_counts_rows_is_doubted(tmp_path: Path, capsys: Capsys) -> None:
    """The defect: rows were asked for from the second, the third…, and no case of one page showed it."""
    own = copied("phare", tmp_path)
    change(own / TABLE, 'numero = "pagination.page"', 'numero = "pagination.offset"')
    assert "« pagination.offset » a l'air d'un rang de ligne, pas d'un numéro de page : decalage ?" in told(
        own, capsys, 0
    )


def test_a_tenant_without_the_secret_that_others_have_is_told_with_its_line(
    partner: Path, capsys: Capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The defect: the line of the table was told, which is right, and not that of the tenant."""
    monkeypatch.setenv("PREMIER_BOURG", "x")
    change(partner / TABLE, ', secret = "PREMIER_CLE"', "")
    rows = "uai,siret,code,secret\n0010856A,,bourg,PREMIER_BOURG\n4946438N,,bresse,\n"
    (partner / "locataires.csv").write_text(rows, encoding="utf-8")
    out = told(partner, capsys, 2, "--cfa", "0010856A")
    assert f"acces.defaut.secret : absent, et {partner / 'locataires.csv'} : ligne 3 : secret vide" in out


# 1. What a table forgets.


def test_the_path_of_the_model_is_doubted_until_it_is_written(partner: Path, capsys: Capsys) -> None:
    """The defect: a table that was just written was green with `/a-ecrire` in the place of an address."""
    text = (partner / TABLE).read_text(encoding="utf-8")
    path = next(line for line in text.splitlines() if line.startswith("chemin = "))
    change(partner / TABLE, path, 'chemin = "/a-ecrire"')
    assert "chemin : /a-ecrire est celui du modèle ; écrire celui du partenaire" in told(partner, capsys, 0)


def test_what_a_case_does_not_expect_says_how_to_have_it_expected(partner: Path, capsys: Capsys) -> None:
    expected = partner / "cas" / "exemple.attendu.json"
    text = expected.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines(keepends=True) if '"prenom"' in line)
    expected.write_text(text.replace(line, "", 1), encoding="utf-8")
    assert "si c'est juste, ôter « dossiers » de l'attendu, puis --ecrire" in told(partner, capsys, 1)


@pytest.mark.parametrize(
    ("written", "after", "line"),
    [
        (
            'rupture = { date = "rupture", cause = "motif" }',
            "",
            "ligne 21 : contrat : rupture.date n'est pas dit, aucune rupture ne viendra de ce partenaire ; « rupture » ?",
        ),
        (
            'date_fin = "fin"\n',
            "",
            "ligne 21 : contrat : date_fin n'est pas dit, rien ne dira quand un contrat finit ; « fin » ?",
        ),
        (
            'code_postal = "cp", ',
            "",
            "ligne 12 : jeune : adresse.code_postal ou adresse.insee n'est pas dit, sa résidence",
        ),
        (
            'telephone = "portable"\ncourriel = "mail"\n',
            "",
            "jeune : telephone ou courriel n'est pas dit, personne ne pourra",
        ),
        (
            'numero = "numero_deca"\ndate_debut = "debut"\ndate_fin = "fin"\nemployeur = { siret = "siret" }',
            'date_debut = "debut"\ndate_fin = "fin"',
            "contrat : numero ou employeur.siret ou employeur.siren n'est pas dit, rien ne rapprochera un contrat",
        ),
        (
            "[dialecte.contrat]",
            'formation = { intitule = "cursus" }\n[dialecte.contrat]',
            "formation : date_debut n'est pas dit",
        ),
    ],
)
def test_a_field_that_a_noun_is_for_is_told_when_a_table_forgets_it(
    written: str, after: str, line: str, partner: Path, capsys: Capsys
) -> None:
    """Without `rupture.date` nobody was in rupture, and nothing was said."""
    if after.startswith("formation"):  # of [dialecte], whose tables come after
        written, after = "[dialecte.jeune]", 'formation = { intitule = "cursus" }\n\n[dialecte.jeune]'
    change(rewritten(partner) / TABLE, written, after)
    out = told(partner, capsys, 0, "--ecrire")
    assert f"doute  : {TABLE} : ligne " in out
    assert line in out


def test_a_table_without_what_its_partner_is_read_for_is_told(tmp_path: Path, capsys: Capsys) -> None:
    own = copied("premier", tmp_path)
    text = (own / TABLE).read_text(encoding="utf-8")
    (rewritten(own) / TABLE).write_text(text[: text.index("[dialecte.contrat]")], encoding="utf-8")
    assert "ligne 5 : [dialecte.contrat] n'est pas dit" in told(own, capsys, 0, "--ecrire")


def test_a_rupture_without_date_is_refused(partner: Path, capsys: Capsys) -> None:
    change(partner / TABLE, 'date = "rupture", ', "")
    assert "ligne 25 : dialecte : contrat.rupture : « date » attendu" in told(partner, capsys, 2)


def test_a_follow_up_without_its_situation_is_told(tmp_path: Path, capsys: Capsys) -> None:
    own = copied("phare", tmp_path)
    change(own / TABLE, "situation = {", "situation_autre = {")
    assert "suivi : situation n'est pas dit, rien ne dira où en est le suivi" in told(own, capsys, 1)


# 2. Days and months.


def with_days(partner: Path, *days: str) -> Path:
    page = json.loads((partner / "cas" / "exemple.json").read_text(encoding="utf-8"))
    page["apprentis"] = [{**page["apprentis"][-1], "id": n, "naissance": day} for n, day in enumerate(days)]
    (partner / "cas" / "exemple.json").write_text(json.dumps({**page, "total": len(days)}), encoding="utf-8")
    return rewritten(partner)


def test_days_that_could_be_months_are_doubted_until_one_exceeds_twelve(partner: Path, capsys: Capsys) -> None:
    """Written month first, they read inverted."""
    both = "ligne 8 : aucune date des cas ne dit si c'est « JJ/MM/AAAA » ou « MM/JJ/AAAA » : ajouter à un cas une date"
    assert f"doute  : {TABLE} : {both}" in told(with_days(partner, "07/03/2006", "01/12/2005"), capsys, 0, "--ecrire")
    assert "aucune date des cas" not in told(with_days(partner, "07/03/2006", "13/12/2005"), capsys, 0, "--ecrire")
    # 3 March says nothing; a year first is written in one way only
    assert "aucune date des cas" not in told(with_days(partner, "03/03/2006"), capsys, 0, "--ecrire")
    change(partner / TABLE, '"JJ/MM/AAAA"', '"AAAA-MM-JJ"')
    assert "aucune date des cas" not in told(with_days(partner, "2006-03-07"), capsys, 0, "--ecrire")


@pytest.mark.parametrize(
    ("days", "form"),
    [
        (["03/07/2006", "03/25/2006"], "MM/JJ/AAAA"),
        (["2006-03-07", "2006-03-08"], "AAAA-MM-JJ"),
        (["20060307", "20060308"], "AAAAMMJJ"),
    ],
)
def test_days_of_another_form_are_told_with_it(days: list[str], form: str, partner: Path, capsys: Capsys) -> None:
    out = told(with_days(partner, *days), capsys, 1, "--ecrire")
    assert f"ÉCHEC  : {TABLE} : ligne 8 : " in out
    assert f'sous « naissance » ne se lisent pas en « JJ/MM/AAAA » : dates = "{form}" ?' in out


def test_a_day_of_another_form_beside_a_proof_is_a_doubt(partner: Path, capsys: Capsys) -> None:
    out = told(with_days(partner, *["13/12/2005"] * 20, "03/25/2006"), capsys, 0, "--ecrire")
    assert "doute  : partenaire.toml : ligne 8 : 1 date(s) sous « naissance »" in out


# 3. Errors told under a 200.


def test_a_code_that_no_list_has_is_a_failure_even_of_nobody(tmp_path: Path, capsys: Capsys) -> None:
    """An empty list under a code that the table does not know read as nobody."""
    own = copied("meridien", tmp_path)
    page = {
        "statut": "MAINTENANCE",
        "espace": {"uai": "0010856A"},
        "page": {"total": 0, "curseur": None, "apprenants": []},
    }
    (own / "cas" / "inconnu.json").write_text(json.dumps({"resultat": page}), encoding="utf-8")
    expected = own / "cas" / "inconnu.attendu.json"
    expected.write_text('{"locataire": {"uai": "0010856A"}, "dossiers": []}', encoding="utf-8")
    out = told(own, capsys, 1)
    assert "le partenaire annonce une erreur : code que rien ne liste sous « resultat.statut »" in out
    assert "à mettre sous « succes », si c'en est un (partenaire.toml : ligne 11)" in out
    change(own / TABLE, 'succes = "OK"', 'succes = ["OK", "MAINTENANCE"]')
    assert "réussi : inconnu" in told(own, capsys, 0)


def test_a_case_that_fails_by_a_code_that_no_list_has_is_doubted(tmp_path: Path, capsys: Capsys) -> None:
    """A wrong list of refusals passed: whatever it does not have is an error as well."""
    own = copied("scform", tmp_path)
    change(own / TABLE, "refus = 401", "refus = 403")
    line = "ligne 13 : erreurs : le cas refus n'échoue que par un code que rien ne liste : refus, quota, absence ou"
    assert f"doute  : {TABLE} : {line}" in told(own, capsys, 0)


def test_a_path_of_errors_that_no_page_has_is_doubted_with_the_nearest(tmp_path: Path, capsys: Capsys) -> None:
    own = copied("cordee", tmp_path)
    change(own / TABLE, '"export.retour.@code"', '"export.retour.@cod"')
    line = "ligne 13 : erreurs : aucune page des cas n'a « export.retour.@cod » : « export.retour.@code » ? sinon,"
    assert f"doute  : {TABLE} : {line}" in told(own, capsys, 0)


# 4. Encodings.


def test_a_page_that_is_not_of_the_encoding_told_fails_with_its_line(partner: Path, capsys: Capsys) -> None:
    page = partner / "cas" / "exemple.json"
    page.write_bytes(page.read_text(encoding="utf-8").encode("latin-1"))
    assert 'exemple.json : ligne 5 : cp1252 et non utf-8 : encodage = "cp1252"' in told(partner, capsys, 1)
    change(partner / TABLE, "[dialecte]\n", '[dialecte]\nencodage = "cp1252"\n')
    assert "réussi : exemple" in told(partner, capsys, 0)
    page.write_bytes(page.read_bytes().decode("cp1252").encode())
    assert 'exemple.json : ligne 5 : utf-8 et non cp1252 : encodage = "utf-8"' in told(partner, capsys, 1)


@pytest.mark.parametrize(
    ("prolog", "encoding", "told_so"),
    [
        ("", "latin-1", 'ligne 2 : cp1252 et non utf-8 : encodage = "cp1252"'),
        ('<?xml version="1.0" encoding="ISO-8859-1"?>', "latin-1", ""),
        (
            '<?xml version="1.0" encoding="ISO-8859-1"?>',
            "utf-8",
            "ligne 2 : utf-8 et non ISO-8859-1 : « encoding », en tête",
        ),
        ('<?xml version="1.0" encoding="UTF-8"?>', "latin-1", "ligne 2 : cp1252 et non UTF-8 : « encoding », en tête"),
        ('<?xml version="1.0" encoding="ISO-8859-1"?>', "cp1252", "ligne 2 : cp1252 et non ISO-8859-1"),
    ],
)
def test_latin_xml_is_of_its_declaration(
    prolog: str, encoding: str, told_so: str, tmp_path: Path, capsys: Capsys
) -> None:
    """Without any, it passed until the faults were played."""
    own = copied("scform", tmp_path)
    name = "O’ZOÉ" if encoding == "cp1252" else "ZOÉ"
    row = f"<apprenti id='1'><nom>{name}</nom><prenom>Zoe</prenom><naissance>17/03/2006</naissance></apprenti>"
    text = f"{prolog}\n<reponse etab='0010856A' total='1'><apprentis>{row}</apprentis></reponse>"
    (own / "cas" / "latin.xml").write_bytes(text.encode(encoding))
    expected = own / "cas" / "latin.attendu.json"
    expected.write_text('{"locataire": {"uai": "0010856A"}}', encoding="utf-8")
    out = told(own, capsys, 1 if told_so else 0, "--ecrire")
    assert (f"ÉCHEC  : latin.xml : {told_so}" if told_so else "réussi : latin") in out


# 5. Pages.


@pytest.mark.parametrize(
    ("key", "pages"),
    [
        ("suivante", 'curseur = "c", suivante = "totaux"'),
        ("total", 'curseur = "c", suivante = "total", total = "totaux"'),
    ],
)
def test_a_path_of_pages_that_no_page_has_fails_with_the_case_to_add(
    key: str, pages: str, partner: Path, capsys: Capsys
) -> None:
    """Of cases of one page, a wrong path of the next one was a doubt, and everybody beyond the first page was lost."""
    change(partner / TABLE, 'numero = "page", total = "total"', pages)
    out = told(partner, capsys, 1)
    assert (
        f"ÉCHEC  : {TABLE} : ligne 10 : pages.{key} : aucune page des cas n'a « totaux » ; « total » ? sinon, {TWO}"
        in out
    )


def test_pages_that_no_case_follows_are_doubted_with_the_case_to_add(tmp_path: Path, capsys: Capsys) -> None:
    own = copied("premier", tmp_path)
    change(own / TABLE, 'total = "total"', "premiere = 1")
    assert f"ligne 10 : une seule page lue, la suite n'est pas éprouvée : {TWO}" in told(own, capsys, 0)
    page = (own / "cas" / "exemple.json").read_text(encoding="utf-8")
    (own / "cas" / "exemple.2.json").write_text(page.replace('"id": ', '"id": 3'), encoding="utf-8")
    assert "la suite n'est pas éprouvée" not in told(rewritten(own), capsys, 0, "--ecrire")


def test_two_school_years_are_not_two_pages(tmp_path: Path, capsys: Capsys) -> None:
    """A page of each proves nothing of what follows."""
    assert f"ligne 14 : une seule page lue, la suite n'est pas éprouvée : {TWO}" in told(
        copied("atelier", tmp_path), capsys, 0
    )


def test_a_last_page_that_tells_another_is_doubted(partner: Path, capsys: Capsys) -> None:
    """What stands at a wrong path may be always filled."""
    change(partner / TABLE, 'numero = "page", total = "total"', 'curseur = "c", suivante = "etablissement"')
    line = "pages.suivante : la dernière page du cas exemple dit une suite, que le cas n'a pas : le bon chemin ?"
    assert f"doute  : {TABLE} : ligne 10 : {line}" in told(partner, capsys, 0)


# 6. Whose the answer is asked for.


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (
            "1001",
            "jeune.structure : sous « structure », autre chose que les cinq caractères d'un code : un zéro de tête perdu",
        ),
        ("BOURG", "jeune.structure : sous « structure », autre chose que les cinq caractères d'un code (01001)"),
    ],
)
def test_a_code_of_a_mission_locale_that_is_none_is_told(code: str, line: str, tmp_path: Path, capsys: Capsys) -> None:
    own = copied("phare", tmp_path)
    change(own / "cas" / "deux-pages.1.json", '"structure": "01001"', f'"structure": "{code}"')
    assert f"ÉCHEC  : {TABLE} : ligne 20 : {line}" in told(own, capsys, 1)


def test_a_case_of_a_mission_locale_names_it_whole(tmp_path: Path, capsys: Capsys) -> None:
    own = copied("phare", tmp_path)
    change(own / "cas" / "deux-pages.attendu.json", '"mission_locale": "01001"', '"mission_locale": "035"')
    assert "locataire.mission_locale : code de cinq caractères attendu (01001)" in told(own, capsys, 2)


def test_a_request_that_names_nobody_is_doubted(partner: Path, capsys: Capsys) -> None:
    """Each tenant would be told the same."""
    change(partner / TABLE, "/api/{code}", "/api")
    assert f"doute  : {TABLE} : ligne 6 : la demande ne dit pas de qui : {{uai}} ou {{code}}" in told(
        partner, capsys, 0
    )


# 7. Lines that named neither key nor line.


@pytest.mark.parametrize(
    ("file", "before", "after", "line"),
    [
        (TABLE, 'cle = "id"', 'cle = "idd"', "écarté : idd × 2 (partenaire.toml : ligne 13 ; « id » ?)"),
        (TABLE, 'lignes = "apprentis"\n', "", "aucune ligne sous «  » ; « apprentis » ? (partenaire.toml : ligne 5)"),
        (TABLE, '"{uai}"', '"{siret}"', 'établissement (partenaire.toml : ligne 9 ; "etablissement" = "{uai}" ?)'),
        (TABLE, '"etablissement"', '"etablisement"', "(partenaire.toml : ligne 9 ; « etablissement » ?)"),
        (
            TABLE,
            "[dialecte]\n",
            '[dialecte]\nformat = "xml"\n',
            'exemple.json : ligne 1 : a l\'air de JSON : format = "json" ?',
        ),
        (TABLE, 'dates = "JJ', 'date = "JJ', "ligne 8 : dialecte.date : clé inconnue ; « dates » ?"),
        (
            TABLE,
            "telephone =",
            "tel =",
            "ligne 17 : dialecte.jeune.tel : clé inconnue (au choix adresse, autre_nom, cle,",
        ),
        (
            TABLE,
            '{ date = "rupture", cause = "motif" }',
            '"rupture"',
            'ligne 27 : dialecte.contrat.rupture : valeur invalide ({ date = "…" }',
        ),
        (
            TABLE,
            "[dialecte]\n",
            "[dialecte]\nerreurs = { code = 401 }\n",
            "ligne 6 : dialecte.erreurs.code : { refus = …, quota",
        ),
        (
            TABLE,
            "[dialecte]\n",
            '[dialecte]\nencodage = "utf-16"\n',
            "ligne 6 : dialecte.encodage : valeur invalide (encodage inconnu",
        ),
        (TABLE, '"/apprentis"', '"/{uia}"', "ligne 6 : dialecte.chemin : valeur invalide ({uia} inconnu ; {uai} ?)"),
        (
            TABLE,
            "[dialecte]\n",
            '[dialecte]\ncorps = { a = ["{uia}"] }\n',
            "ligne 6 : dialecte.corps : {uia} inconnu ; {uai} ?",
        ),
        (
            TABLE,
            'total = "total"',
            'lien = true, suivante = "x"',
            "numero, decalage, curseur, lien ou suivante attendu",
        ),
        (TABLE, 'numero = "page", total', "nombre_pages", "ligne 10 : dialecte.pages"),
        (TABLE, "[dialecte]\n", 'genre = "tabel"\n[dialecte]\n', "l'un des deux"),
        ("cas/exemple.json", "[", "[,", "(exemple.json : ligne 4, colonne 16 : JSON illisible)"),
        ("cas/exemple.json", "{", "<html>{", "(exemple.json : ligne 1 : une page HTML à la place des données)"),
        (
            "cas/exemple.attendu.json",
            '"uai": "0010856A"',
            '"UAI": "0010856A"',
            "ligne 3 : locataire.UAI : clé inconnue ; « uai » ?",
        ),
        ("cas/exemple.attendu.json", "2026-03-02", "02/03/2026", "ligne 7 : jour : AAAA-MM-JJ attendu"),
        ("cas/exemple.attendu.json", '"dossiers"', '"dosiers"', "dosiers : clé inconnue ; « dossiers » ?"),
        ("cas/exemple.attendu.json", '"Zoé"', '"Zoe"', 'lu "Zoé" (partenaire.toml : ligne 15)'),
        ("locataires.csv", ",bourg", ",", "ligne 2 : 0010856A : code absent, que {code} demande dans base_url"),
        (
            "locataires.csv",
            "0010856A",
            "10856a",
            "ligne 2 : uai : invalide (sept chiffres, et la lettre qui les contrôle) ; « 0010856A » ?",
        ),
    ],
)
def test_a_mistake_names_its_line_and_what_to_write(
    file: str, before: str, after: str, line: str, partner: Path, capsys: Capsys
) -> None:
    change(partner / file, before, after)
    assert line in told(partner, capsys, 2 if file == "locataires.csv" or "configuration" in line else code_of(line))


def code_of(line: str) -> int:
    """A file that is refused, or a case that fails."""
    return 1 if "(partenaire.toml : ligne" in line or "exemple.json" in line else 2


def test_a_table_that_begins_by_a_mark_of_order_is_read(partner: Path, capsys: Capsys) -> None:
    (partner / TABLE).write_bytes(b"\xef\xbb\xbf" + (partner / TABLE).read_bytes())
    assert "réussi : exemple" in told(partner, capsys, 0)


def test_a_case_without_page_fails(partner: Path, capsys: Capsys) -> None:
    (partner / "cas" / "exemple.json").unlink()
    assert "exemple.attendu.json : aucune page ; exemple.json attendu à côté" in told(partner, capsys, 1)


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ('separateur = ","', 'separateur = ";"', 'lignes.csv : ligne 1 : une seule colonne : separateur = "," ?'),
        ('prenom = "Prénom"', 'prenom = "Prenom"', "lignes.csv : ligne 1 : aucune colonne « Prenom » ; « Prénom » ?"),
    ],
)
def test_a_csv_that_lacks_columns_names_one(before: str, after: str, line: str, tmp_path: Path, capsys: Capsys) -> None:
    own = copied("atelier", tmp_path)
    change(own / TABLE, before, after)
    assert f"({line})" in told(own, capsys, 1)
