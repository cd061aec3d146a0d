"""The partners' files: what they give, and the one line that says why they are refused."""

from datetime import date, time
from pathlib import Path

import pytest

from gateway.connectors.base import Tenant
from gateway.errors import ConfigurationError
from gateway.sources.partner_client import address_of
from gateway.sources.partners.file_format import HarvestTable
from gateway.sources.partners.load import load_partners

ENV = {"ERP_CLE": "secret-un", "ERP_A": "secret-a", "ERP_B": "secret-b", "ERP_COMPTE": "compte:passe"}
FAULT_KINDS = ("erp", "autre")
UAI_A, UAI_B = "0590001F", "0590002G"
SIRET = "13002526500013"
TOML = """
nom = "erp"
genre = "erp"
base_url = "https://erp.test/{code}/index.php/"
locataires = "erp.csv"
[acces.defaut]
type = "entete"
nom = "X-Auth-Token"
entetes = { operateur = "CEJ" }
[limites]
simultanes = 7
[ouverture]
debut = "19:00"
fin = "07:00"
[moisson]
depuis = 2022-06-01
fenetre_jours = 30
"""
SAME_KEYS = f"uai,mission_locale,code,secret,meme_cles\n{UAI_A},,a,ERP_A,true\n{UAI_B},,b,ERP_B,\n"
CSV = f"uai,siret,code,base_url,secret\n{UAI_A},{SIRET},c 1/2,,ERP_A\n{UAI_B},,b,http://127.0.0.1:8020/x,ERP_B\n"
ALONE = """
nom = "erp"
genre = "erp"
base_url = "https://erp.test"
[acces.defaut]
type = "entete"
nom = "X-Cle"
secret = "ERP_CLE"
"""


def write(record: Path, toml: str = TOML, csv: str = CSV, nom: str = "erp") -> Path:
    (record / f"{nom}.toml").write_text(toml, encoding="utf-8")
    (record / "erp.csv").write_text(csv, encoding="utf-8")
    return record


def test_a_complete_partner(tmp_path: Path) -> None:
    erp = load_partners(write(tmp_path), ENV, FAULT_KINDS)["erp"]
    assert (erp.genre, erp.limites.simultanes, erp.limites.delai_secondes) == ("erp", 7, 30.0)
    assert (erp.ouverture, erp.moisson) == (
        (time(19), time(7)),
        HarvestTable(depuis=date(2022, 6, 1), fenetre_jours=30),
    )
    assert erp.abonnes is not None
    assert erp.abonnes[UAI_A].tenant == Tenant(UAI_A, SIRET, "c 1/2")
    assert erp.acces["defaut"].secret is None
    assert erp.acces["defaut"].headers == {"operateur": "CEJ"}


def test_a_cfa_that_transmits_too_may_have_the_same_keys(tmp_path: Path) -> None:
    erp = load_partners(write(tmp_path, csv=SAME_KEYS), ENV, FAULT_KINDS)["erp"]
    assert {uai: one.same_keys for uai, one in (erp.abonnes or {}).items()} == {UAI_A: True, UAI_B: False}
    plain = load_partners(write(tmp_path), ENV, FAULT_KINDS)["erp"]
    assert [one.same_keys for one in (plain.abonnes or {}).values()] == [False, False]


def test_a_partner_follows_traces_only_where_its_file_says_so(tmp_path: Path) -> None:
    assert load_partners(write(tmp_path, "trace = true\n" + TOML), ENV, FAULT_KINDS)["erp"].trace
    assert not load_partners(write(tmp_path), ENV, FAULT_KINDS)["erp"].trace


def test_the_address_of_a_tenant_is_encoded(tmp_path: Path) -> None:
    """U17: the partner's own code stays one segment of the path."""
    erp = load_partners(write(tmp_path), ENV, FAULT_KINDS)["erp"]
    assert erp.abonnes is not None
    assert address_of(erp, erp.abonnes[UAI_A].tenant) == "https://erp.test/c%201%2F2/index.php"
    assert address_of(erp, erp.abonnes[UAI_B].tenant) == "http://127.0.0.1:8020/x"


def test_the_defaults(tmp_path: Path) -> None:
    erp = load_partners(write(tmp_path, ALONE), ENV, FAULT_KINDS)["erp"]
    assert erp.abonnes is None
    assert (erp.limites.simultanes, erp.limites.par_seconde, erp.limites.octets_max) == (4, 20.0, 20_000_000)
    assert (erp.limites.pages_max, erp.cache.duree_secondes) == (200, 300.0)
    secret = erp.acces["defaut"].secret
    assert secret is not None
    assert secret.get_secret_value() == "secret-un"


def test_u15_no_secret_in_repr(tmp_path: Path) -> None:
    seen = load_partners(write(tmp_path), ENV, FAULT_KINDS)
    seen |= load_partners(write(tmp_path, ALONE), ENV, FAULT_KINDS)
    assert "secret-" not in repr(seen)


BROKEN = [
    pytest.param(ALONE + "[limites]\nsimultane = 3\n", "limites.simultane : clé inconnue", id="clé inconnue"),
    pytest.param(ALONE.replace('nom = "erp"\n', "", 1), "nom : clé absente", id="clé absente"),
    pytest.param(ALONE + '[limites]\nsimultanes = "peu"\n', "limites.simultanes : valeur invalide", id="mauvais type"),
    pytest.param(ALONE + "[limites]\npar_seconde = inf\n", "limites.par_seconde : valeur invalide", id="infini"),
    pytest.param(ALONE + "[cache]\nduree_secondes = 0\n", "cache.duree_secondes : valeur invalide", id="cache nul"),
    pytest.param(ALONE + "[moisson]\ndepuis = 2022-06-01\nfenetre_jours = 60\n", "moisson.fenetre_jours", id="fenêtre"),
    pytest.param(ALONE.replace('genre = "erp"', 'genre = "inconnu"'), "genre : « inconnu » inconnu", id="genre"),
    pytest.param(ALONE.replace('"erp"', '"ERP 1"', 1), "nom : valeur invalide", id="nom"),
    pytest.param(
        ALONE.replace("ERP_CLE", "PAS_LA"), "acces.defaut.secret : variable d'environnement PAS_LA", id="secret"
    ),
    pytest.param(ALONE.replace('secret = "ERP_CLE"\n', ""), "acces.defaut.secret : absent", id="sans secret"),
    pytest.param(ALONE.replace('"entete"', '"magie"'), "acces.defaut : type d'accès inconnu", id="type d'accès"),
    pytest.param(ALONE.replace('type = "entete"\n', ""), "acces.defaut : clé « type » absente", id="sans type"),
    pytest.param(ALONE.replace('nom = "X-Cle"\n', ""), "acces.defaut.nom : clé absente", id="accès sans nom"),
    pytest.param(ALONE.replace("X-Cle", "X Cle"), "acces.defaut.nom : valeur invalide", id="nom d'en-tête"),
    pytest.param(
        ALONE.replace('"entete"', '"basic"').replace('nom = "X-Cle"\n', ""),
        "acces.defaut.secret : « compte",
        id="basic",
    ),
    pytest.param(ALONE.replace("erp.test", "erp.test/{code}"), "base_url : {code} demande", id="code sans locataires"),
    pytest.param(ALONE.replace("erp.test", "erp.test/{uai}"), "base_url : valeur invalide", id="autre gabarit"),
    pytest.param(ALONE.replace("https://erp.test", "http://erp.test"), "base_url : valeur invalide", id="U16 sans TLS"),
    pytest.param(
        ALONE.replace("erp.test", "moi:mdp@erp.test"), "base_url : valeur invalide", id="U07 compte dans l'URL"
    ),
    pytest.param(ALONE.replace("https://erp.test", "file:///etc"), "base_url : valeur invalide", id="U07 file"),
    pytest.param(ALONE.replace("erp.test", "erp.test:99999"), "base_url : valeur invalide", id="port"),
    pytest.param(ALONE.replace("erp.test", "erp.test/?a=1"), "base_url : valeur invalide", id="requête dans l'URL"),
    pytest.param(TOML.replace("erp.csv", "absent.csv"), "locataires : ", id="locataires absents"),
    pytest.param("nom = ", "TOML invalide", id="TOML"),
    pytest.param(ALONE + "verifier_tls = false\n", "acces.defaut.verifier_tls : clé inconnue", id="U16 TLS désactivé"),
]


@pytest.mark.parametrize(("toml", "expected"), BROKEN)
def test_a_broken_configuration_says_why_in_one_line(tmp_path: Path, toml: str, expected: str) -> None:
    with pytest.raises(ConfigurationError) as raised_error:
        load_partners(write(tmp_path, toml), ENV, FAULT_KINDS)
    message = str(raised_error.value)
    assert message.startswith(str(tmp_path / "erp.toml"))
    assert expected in message
    assert "\n" not in message
    assert "secret-un" not in message


BROKEN_TENANTS = [
    pytest.param(CSV + f"{UAI_A},,z,,ERP_A\n", f"ligne 4 : uai : {UAI_A} en double", id="double"),
    pytest.param(CSV + "0590001A,,z,,ERP_A\n", "ligne 4 : uai : invalide", id="UAI"),
    pytest.param(CSV.replace(SIRET, "13002526500014"), "ligne 2 : siret : invalide", id="SIRET"),
    pytest.param(CSV.replace("base_url", "adresse"), "colonne inconnue adresse", id="colonne inconnue"),
    pytest.param("uai,siret\n", "colonnes attendues", id="colonne absente"),
    pytest.param("uai,siret,code,base_url,secret\n", "aucun locataire", id="vide"),
    pytest.param(CSV + f"{UAI_A},x\n", "ligne 4 : 5 colonnes attendues", id="ligne courte"),
    pytest.param(CSV.replace("ERP_B", "PAS_LA"), "ligne 3 : secret : variable d'environnement PAS_LA", id="secret"),
    pytest.param(CSV.replace("127.0.0.1", "erp.test"), "ligne 3 : base_url : https exigé", id="URL"),
    pytest.param(SAME_KEYS.replace("true", "oui"), "ligne 2 : meme_cles : true ou false attendu", id="meme_cles"),
    pytest.param(SAME_KEYS.replace(f"{UAI_A},,", ",60001,"), "ligne 2 : meme_cles : ", id="meme_cles d'une structure"),
]


@pytest.mark.parametrize(("csv", "expected"), BROKEN_TENANTS)
def test_broken_tenants_say_why_in_one_line(tmp_path: Path, csv: str, expected: str) -> None:
    with pytest.raises(ConfigurationError) as raised_error:
        load_partners(write(tmp_path, csv=csv), ENV, FAULT_KINDS)
    assert str(raised_error.value).startswith(str(tmp_path / "erp.csv"))
    assert expected in str(raised_error.value)


@pytest.mark.parametrize("csv", [CSV.replace("c 1/2", ""), CSV.replace("ERP_A", "")])
def test_an_incomplete_tenant_is_refused(tmp_path: Path, csv: str) -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"erp\.csv : ligne 2 : 0590001F : code absent|erp\.toml : ligne 6 : acces\.defaut\.secret",
    ):
        load_partners(write(tmp_path, csv=csv), ENV, FAULT_KINDS)


def test_a_name_or_a_cfa_belongs_to_only_one_partner(tmp_path: Path) -> None:
    write(tmp_path)
    write(tmp_path, nom="second")
    with pytest.raises(ConfigurationError, match=r"second\.toml : nom : « erp » déjà pris"):
        load_partners(tmp_path, ENV, FAULT_KINDS)
    write(tmp_path, TOML.replace('nom = "erp"', 'nom = "second"'), nom="second")
    with pytest.raises(ConfigurationError, match=f"UAI {UAI_A} servi par « erp » et par « second »"):
        load_partners(tmp_path, ENV, FAULT_KINDS)


def test_the_folder_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="dossier des partenaires absent"):
        load_partners(tmp_path / "rien", ENV, FAULT_KINDS)


@pytest.mark.parametrize("secret", ["", "sauté\n", "a\nb"])
def test_an_empty_or_unreadable_secret_is_refused(tmp_path: Path, secret: str) -> None:
    with pytest.raises(ConfigurationError, match="ERP_CLE") as raised_error:
        load_partners(write(tmp_path, ALONE), {"ERP_CLE": secret}, FAULT_KINDS)
    assert "saut" not in str(raised_error.value)
