"""Partners that are folders and tables: how they are found, routed, and what is told of a mistake."""

from dataclasses import replace
from pathlib import Path

import pytest
import respx

from gateway.connectors.base import Tenant
from gateway.connectors.discovery import connectors
from gateway.errors import ConfigurationError
from gateway.schema.organisations import TypeSource
from gateway.sources.fetch import Sources
from gateway.sources.partners.load import load_partners
from gateway.sources.partners.tenants import TenantConfig
from tests.support.sources import CONNECTOR, UAI_A, partner, sources_harness, transport

ENV = {"S": "fictif:fictif", "T": "fictif"}
TABLE = """
nom = "un"
genre = "table"
base_url = "https://un.invalid"
locataires = "locataires.csv"
[acces.defaut]
type = "basic"
[dialecte]
systeme = "cfa"
chemin = "/apprentis"
[dialecte.jeune]
cle = "id"
nom = "nom"
prenom = "prenom"
date_naissance = "naissance"
adresse.ville = "ville"
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
    (tmp_path / "un.toml").write_text(TABLE, encoding="utf-8")
    (tmp_path / "locataires.csv").write_text(TENANTS, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="« un » déjà pris"):
        load_partners(tmp_path, ENV, connectors())


def test_what_one_table_read_is_not_what_another_reads(tmp_path: Path) -> None:
    """A shared cache outlives a table: what the one before read must not stand for what this one would."""
    before = load_partners(write(tmp_path), ENV, connectors())["un"].read_by
    other = tmp_path / "autre"
    other.mkdir()
    after = load_partners(write(other, TABLE.replace('"ville"', '"commune"')), ENV, connectors())["un"].read_by
    assert before != after
    assert before.startswith("table")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            "adresse.ville",
            "adresse.vile",
            "ligne 15 : dialecte.jeune.adresse.vile : clé inconnue ; « ville » ?",
        ),
        ('cle = "id"', "", "partenaire.toml : ligne 10 : dialecte.jeune.cle : clé absente"),
        ('cle = "id"', 'cle = "id[1"', "partenaire.toml : ligne 11 : dialecte : chemin « id[1 » mal formé"),
        ("[dialecte.jeune]", "[dialecte.jeunes]", "ligne 10 : dialecte.jeunes : clé inconnue ; « jeune » ?"),
        ('"table"', '"tabel"', '[dialecte] demande genre = "table", et non « tabel »'),
        ('type = "basic"', 'type = "oauth2"\nurl_jeton = "https://un.invalid/j"', "acces.defaut.client : absent"),
        ('"basic"', '"basique"', "ligne 5 : acces.defaut : type d'accès inconnu"),
        ("systeme", "sytseme", "ligne 8 : dialecte.sytseme : clé inconnue ; « systeme » ?"),
        ('chemin = "/apprentis"', 'chemin = "/apprentis/"', "chemin sans « // » ni / finale"),
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
        ("uai,siret,code,secret\n0010856A,,bourg,T\n", "0010856A : « compte:mot de passe » attendu dans son secret"),
        (
            "uai,siret,code,secret\n0010856A,,bourg,ABSENT\n",
            "ligne 2 : secret : variable d'environnement ABSENT absente",
        ),
        (
            "uai,mission_locale,code,secret\n0010856A,01001,bourg,S\n",
            "ligne 2 : uai ou mission_locale attendu, l'un des deux",
        ),
        ("uai,mission_locale,code,secret\n,,bourg,S\n", "ligne 2 : uai ou mission_locale attendu"),
        ("uaii,siret,code\n0010856A,,bourg\n", "colonne inconnue uaii"),
    ],
)
def test_a_mistake_of_the_tenants_too(tenants: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=told.replace("(", r"\(")):
        load_partners(write(tmp_path, tenants=tenants), ENV, connectors())


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
