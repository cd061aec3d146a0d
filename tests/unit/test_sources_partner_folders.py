"""Partners that are folders and tables: how they are found, routed, and what is told of a mistake."""

from dataclasses import replace
from pathlib import Path

import pytest
import respx

from gateway.connectors.base import Tenant
from gateway.connectors.discovery import connectors
from gateway.connectors.table.dialect import Dialect
from gateway.errors import ConfigurationError
from gateway.schema.organisations import TypeSource
from gateway.sources.fetch import Sources
from gateway.sources.partners.load import load_partners
from gateway.sources.partners.tenants import TenantConfig
from tests.support.sources import CONNECTOR, UAI_A, partner, sources_harness, transport

ENV = {"S": "fictif:fictif", "T": "fictif"}
TABLE = """
nom = "un"
base_url = "https://un.invalid"
acces.defaut = { type = "basic" }
[dialecte]
chemin = "/apprentis"
erreurs = { code = { refus = 401 } }
[dialecte.jeune]
cle = "id"
nom = "nom"
prenom = "prenom"
date_naissance = "naissance"
adresse = { ville = "ville" }
"""
TENANTS = "uai,siret,code,secret\n0010856A,,bourg,S\n"


def write(folder: Path, toml: str = TABLE, tenants: str = TENANTS, name: str = "un") -> Path:
    own = folder / name
    own.mkdir()
    (own / "partenaire.toml").write_text(toml, encoding="utf-8")
    (own / "locataires.csv").write_text(tenants, encoding="utf-8")
    return folder


def test_a_folder_is_a_partner_beside_files(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "deux.toml").write_text(
        'nom = "deux"\ngenre = "referentiel"\nbase_url = "https://deux.invalid"\n', encoding="utf-8"
    )
    partners = load_partners(tmp_path, ENV, connectors())
    assert sorted(partners) == ["deux", "un"]
    assert partners["un"].connector(connectors()).type is TypeSource.ERP_CFA
    assert partners["deux"].connector(connectors()) is connectors()["referentiel"]


def test_one_name_in_both_layouts_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    named = TABLE.replace("acces.", 'locataires = "locataires.csv"\nacces.', 1)
    (tmp_path / "un.toml").write_text(named, encoding="utf-8")
    (tmp_path / "locataires.csv").write_text(TENANTS, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="« un » déjà pris"):
        load_partners(tmp_path, ENV, connectors())


def test_what_one_table_read_is_not_what_another_reads(tmp_path: Path) -> None:
    """A shared cache outlives a table: what the one before read must not stand for what this one would."""
    before = load_partners(write(tmp_path), ENV, connectors())["un"].read_by
    other = tmp_path / "autre"
    other.mkdir()
    after = load_partners(write(other, TABLE.replace('ville = "ville"', 'ville = "commune"')), ENV, connectors())[
        "un"
    ].read_by
    assert before != after
    assert before.startswith("table")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('ville = "', 'vile = "', "ligne 12 : dialecte.jeune.adresse.vile : clé inconnue ; « ville » ?"),
        ('cle = "id"', "", "partenaire.toml : ligne 7 : dialecte.jeune.cle : clé absente"),
        ('cle = "id"', 'cle = "id[1"', "partenaire.toml : ligne 8 : dialecte : chemin « id[1 » mal formé"),
        ("[dialecte.jeune]", "[dialecte.jeunes]", "ligne 7 : dialecte.jeunes : clé inconnue ; « jeune » ?"),
        ('nom = "un"', 'nom = "un"\ngenre = "tabel"', "[dialecte] ou genre « tabel » : l'un des deux"),
        ('"basic"', '"oauth2", url_jeton = "https://un.invalid/j"', "acces.defaut.client : absent"),
        ('"basic"', '"basique"', "ligne 3 : acces.defaut : type d'accès inconnu (au choix entete, parametre"),
        ('chemin = "/apprentis"', 'chemin = "/a"\nmethode = "GET"\ncorps = {}', "corps : un GET n'en a pas"),
        ('chemin = "/apprentis"', 'chemin = "/a"\nformulaire = true', "formulaire demande « corps »"),
        ('chemin = "/apprentis"', 'chemin = "/a"\nvariables = { a = 1 }', "variables demande « graphql »"),
        ('"basic"', '"basic", secret = "sk-1"', "acces.defaut.secret : valeur invalide (nom d'une variable"),
        ('"basic"', '"basic", secret = "oubli', "TOML invalide (ligne 3, colonne "),
        (
            "acces.defaut",
            "acces.default",
            "ligne 3 : fichier : « acces.default » : une table n'a qu'un accès, « acces.defaut »",
        ),
        ('acces.defaut = { type = "basic" }', "", "acces.defaut : absent, et "),
        ("acces.defaut", "acces", "ligne 3 : acces : acces.defaut = { type = … } attendu"),
        ('"basic"', '"basic", cle = "S"', "ligne 3 : acces.defaut.cle : clé inconnue (au choix entetes, secret, type)"),
        ("[dialecte.jeune]", "[jeune]", "ligne 7 : jeune : clé inconnue ; « dialecte.jeune » ?"),
        ("{ code =", "{ retour.code =", "ligne 6 : dialecte.erreurs : un chemin se met entre guillemets"),
        ('nom = "nom"', 'nom = ""', "ligne 9 : dialecte.jeune.nom : valeur invalide (chemin vide"),
        ('nom = "nom"', "nom = 12", "ligne 9 : dialecte.jeune.nom : chemin attendu, entre guillemets"),
        ('nom = "nom"', "nom = nom", "TOML invalide (ligne 9, colonne 7 : valeur attendue ; un texte se met entre"),
        ('nom = "nom"', 'nom = "nom', "TOML invalide (ligne 9, colonne 11 : guillemet fermant attendu)"),
        ('nom = "nom"', 'nom "nom"', "TOML invalide (ligne 9, colonne 5 : « = » attendu"),
        ('nom = "nom"', 'prenom = "nom"', "TOML invalide (ligne 10, colonne 18 : clé écrite deux fois)"),
        ("[dialecte.jeune]", "[dialecte]", "TOML invalide (ligne 7, colonne 10 : table écrite deux fois)"),
        ('"ville" }', '"ville"', "TOML invalide (ligne 12, colonne 28 : « , » ou « } » attendu)"),
        ('nom = "nom"', 'nom = "a[b==c]"', "ligne 9 : dialecte : chemin « a[b==c] » mal formé"),
        ("chemin =", "chemn =", "ligne 5 : dialecte.chemn : clé inconnue ; « chemin » ?"),
        ('chemin = "/apprentis"', 'chemin = "/apprentis/"', "chemin sans « // » ni / finale"),
        ("refus = 401", "refu = 401", "ligne 6 : dialecte.erreurs.code.refu : clé inconnue ; « refus » ?"),
        ("{ refus = 401 }", '"refu"', "ligne 6 : dialecte.erreurs.code.tout : valeur invalide (au choix 'refus'"),
        ("{ refus = 401 }", "{}", "ligne 6 : dialecte.erreurs.code : refus, quota, absence, panne ou succes attendu"),
        ('nom = "nom"', 'nom = { chemin = "nom", jours = 1 }', "jeune.nom : « jours » n'a de sens que pour un jour"),
        ('"naissance"', '{ chemin = "ne", jours = 2 }', "ligne 11 : dialecte.jeune.date_naissance.jours : valeur"),
        ('nom = "nom"', 'nom = { chemin = "nom", dates = "AAAA-MM-JJ" }', "jeune.nom : « dates » n'a de sens que"),
        (
            'cle = "id"',
            'cle = "id"\nsexe = { chemin = "s", codes = { "1" = "Homme" } }',
            "jeune.sexe : « Homme » n'est pas un de nos mots ; au choix M, F",
        ),
    ],
)
def test_a_mistake_is_one_line_with_its_place(before: str, after: str, told: str, tmp_path: Path) -> None:
    assert before in TABLE
    toml = TABLE.lstrip().replace(before, after, 1)
    with pytest.raises(ConfigurationError) as raised:
        load_partners(write(tmp_path, toml), ENV, connectors())
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("tenants", "told"),
    [
        (
            "uai,siret,code,secret\n0010856A,,bourg,T\n",
            "ligne 2 : 0010856A : « compte:mot de passe » attendu dans son secret",
        ),
        (
            "uai,siret,code,secret\n0010856A,,bourg,ABSENT\n",
            "ligne 2 : secret : variable d'environnement ABSENT absente",
        ),
        (
            "uai,mission_locale,code,secret\n0010856A,01001,bourg,S\n",
            "ligne 2 : uai ou mission_locale attendu, l'un des deux",
        ),
        ("uai,mission_locale,code,secret\n,,bourg,S\n", "ligne 2 : uai ou mission_locale attendu"),
        (
            "mission_locale,code\n1001,a\n",
            "ligne 2 : mission_locale : « 1001 » : code de cinq caractères .* « 01001 » ?",
        ),
        ("mission_locale,code\n035,a\n", "ligne 2 : mission_locale : « 035 » : code de cinq caractères attendu"),
        ("siret,code\n,a\n", "ligne 1 : colonnes attendues : code, et uai ou mission_locale, une fois chacune"),
        ("uai,code\n", "ligne 2 : aucun locataire ; une ligne par établissement attendue"),
        ("UAI,siret,code\n0010856A,,bourg\n", "ligne 1 : colonne inconnue UAI ; « uai » ?"),
        (
            "uai;siret;code\n0010856A;;bourg\n",
            "ligne 1 : colonne inconnue uai;siret;code ; les colonnes se séparent par des",
        ),
        ("uai,siret,code\n0010856B,,bourg\n", "ligne 2 : uai : invalide (sept chiffres, et la lettre"),
        (
            "uai,siret,code,secret\n0010856A,,bourg,s3cr3t\n",
            "ligne 2 : secret : nom d'une variable d'environnement attendu",
        ),
    ],
)
def test_a_mistake_of_the_tenants_too(tenants: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=told.replace("(", r"\(")):
        load_partners(write(tmp_path, tenants=tenants), ENV, connectors())


@pytest.mark.parametrize("file", ["un/partenaire.toml", "un/locataires.csv"])
def test_a_latin_file_is_told_by_its_line(file: str, tmp_path: Path) -> None:
    write(tmp_path)
    path = tmp_path / file
    path.write_bytes(path.read_bytes() + "# é".encode("latin-1"))
    number = path.read_bytes().count(b"\n") + 1
    with pytest.raises(ConfigurationError, match=f"ligne {number} : UTF-8 attendu"):
        load_partners(tmp_path, ENV, connectors())


def test_a_secret_written_in_the_place_of_its_name_is_never_shown(tmp_path: Path) -> None:
    toml = TABLE.replace('"basic"', '"basic", secret = "sk-12345"')
    with pytest.raises(ConfigurationError) as raised:
        load_partners(write(tmp_path, toml), ENV, connectors())
    assert "12345" not in str([raised.value, raised.value.others])


def test_a_table_of_cfa_has_no_mission_locale_as_a_tenant(tmp_path: Path) -> None:
    """It would never be asked: neither of the two, in silence."""
    write(tmp_path, tenants="mission_locale,code,secret\n01001,un,S\n")
    with pytest.raises(ConfigurationError, match=r"ligne 2 : 01001 : colonne « uai » attendue.*systeme = \"cfa\""):
        load_partners(tmp_path, ENV, connectors())


def test_tenants_that_are_named_are_those(tmp_path: Path) -> None:
    """Beside the file of a partner of its own folder, they need not be."""
    write(tmp_path, TABLE.replace("acces.", 'locataires = "autres.csv"\nacces.', 1))
    (tmp_path / "un" / "autres.csv").write_text("uai,code,secret\n0010856A,z,S\n", encoding="utf-8")
    abonnes = load_partners(tmp_path, ENV, connectors())["un"].abonnes
    assert abonnes is not None
    assert abonnes["0010856A"].tenant.code == "z"
    (tmp_path / "un" / "autres.csv").unlink()
    with pytest.raises(ConfigurationError, match=r"autres\.csv absent ou illisible"):
        load_partners(tmp_path, ENV, connectors())


def test_what_tables_wrote_before_says_the_same() -> None:
    """Until 0.2.0 errors were a list, and the last day worked a rule of the whole table."""
    needed = {"chemin": "/a", "jeune": {word: word for word in ("cle", "nom", "prenom", "date_naissance")}}
    before = {
        "rupture": "dernier_jour_travaille",
        "erreurs": [
            {"chemin": "code", "valeurs": ["401", "403"], "sens": "refus"},
            {"chemin": "code", "valeurs": ["429"], "sens": "quota"},
            {"chemin": "erreur", "sens": "panne"},
        ],
        "contrat": {"date_debut": "du", "rupture": {"date": "rompu"}},
    }
    now = {
        "erreurs": {"code": {"refus": [401, 403], "quota": 429}, "erreur": "panne"},
        "contrat": {"date_debut": "du", "rupture": {"date": {"chemin": "rompu", "jours": 1}}},
    }
    assert Dialect.model_validate({**needed, **before}) == Dialect.model_validate({**needed, **now})
    plain = {"rupture": "premier_jour_non_travaille", "contrat": before["contrat"]}
    assert Dialect.model_validate({**needed, **plain}) == Dialect.model_validate(
        {**needed, "contrat": before["contrat"]}
    )


@pytest.mark.anyio
async def test_a_mission_locale_is_asked_of_who_has_it_as_a_tenant() -> None:
    """Two systems asked about one structure would tell two follow-ups of one person."""
    with respx.mock(assert_all_called=False) as router:
        network = transport(router)
        connector = replace(CONNECTOR, type=TypeSource.MISSION_LOCALE)
        own = partner(nom="propre", abonnes={"01001": TenantConfig(Tenant("01001"))})
        common = partner(nom="commun", abonnes=None)
        async with sources_harness(network) as harness:
            deps = harness.sources._deps
            sources = Sources(
                {"propre": own, "commun": common, "erp": partner(genre="cfa")},
                {"erp": connector, "cfa": CONNECTOR},
                deps,
            )
            assert sources.partners_of_structure("01001") == ("propre",)
            assert sources.partners_of_structure("01002") == ("commun",)
            assert (sources.partner_of_cfa("01001"), sources.partner_of_cfa(UAI_A)) == (None, "erp")
