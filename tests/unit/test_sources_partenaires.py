"""The partners' files: what they give, and the one line that says why they are refused."""

from datetime import date, time
from pathlib import Path

import pytest

from gateway.connectors.base import Locataire
from gateway.errors import ErreurConfiguration
from gateway.sources.partenaires import charger_partenaires

ENV = {"ERP_CLE": "secret-un", "ERP_A": "secret-a", "ERP_B": "secret-b", "ERP_COMPTE": "compte:passe"}
GENRES = ("erp", "autre")
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
CSV = f"uai,siret,code,base_url,secret\n{UAI_A},{SIRET},c 1/2,,ERP_A\n{UAI_B},,b,http://127.0.0.1:8020/x,ERP_B\n"
SEUL = """
nom = "erp"
genre = "erp"
base_url = "https://erp.test"
[acces.defaut]
type = "entete"
nom = "X-Cle"
secret = "ERP_CLE"
"""


def ecrire(dossier: Path, toml: str = TOML, csv: str = CSV, nom: str = "erp") -> Path:
    (dossier / f"{nom}.toml").write_text(toml, encoding="utf-8")
    (dossier / "erp.csv").write_text(csv, encoding="utf-8")
    return dossier


def test_un_partenaire_complet(tmp_path: Path) -> None:
    erp = charger_partenaires(ecrire(tmp_path), ENV, GENRES)["erp"]
    assert (erp.genre, erp.limites.simultanes, erp.limites.delai_secondes) == ("erp", 7, 30.0)
    assert (erp.ouverture, erp.moisson_depuis, erp.moisson_fenetre_jours) == (
        (time(19), time(7)),
        date(2022, 6, 1),
        30,
    )
    assert erp.abonnes is not None
    assert erp.abonnes[UAI_A].locataire == Locataire(UAI_A, SIRET, "c 1/2")
    assert erp.acces["defaut"].secret is None
    assert erp.acces["defaut"].entetes == {"operateur": "CEJ"}


def test_l_adresse_d_un_locataire_est_encodee(tmp_path: Path) -> None:
    """U17: the partner's own code stays one segment of the path."""
    erp = charger_partenaires(ecrire(tmp_path), ENV, GENRES)["erp"]
    assert erp.abonnes is not None
    assert erp.adresse(erp.abonnes[UAI_A].locataire) == "https://erp.test/c%201%2F2/index.php"
    assert erp.adresse(erp.abonnes[UAI_B].locataire) == "http://127.0.0.1:8020/x"


def test_les_defauts(tmp_path: Path) -> None:
    erp = charger_partenaires(ecrire(tmp_path, SEUL), ENV, GENRES)["erp"]
    assert erp.abonnes is None
    assert (erp.limites.simultanes, erp.limites.par_seconde, erp.limites.octets_max) == (4, 20.0, 20_000_000)
    assert (erp.limites.pages_max, erp.cache.duree_secondes) == (200, 300.0)
    secret = erp.acces["defaut"].secret
    assert secret is not None
    assert secret.get_secret_value() == "secret-un"


def test_u15_aucun_secret_dans_repr(tmp_path: Path) -> None:
    vus = charger_partenaires(ecrire(tmp_path), ENV, GENRES)
    vus |= charger_partenaires(ecrire(tmp_path, SEUL), ENV, GENRES)
    assert "secret-" not in repr(vus)


CASSES = [
    pytest.param(SEUL + "[limites]\nsimultane = 3\n", "limites.simultane : clé inconnue", id="clé inconnue"),
    pytest.param(SEUL.replace('nom = "erp"\n', "", 1), "nom : clé absente", id="clé absente"),
    pytest.param(SEUL + '[limites]\nsimultanes = "peu"\n', "limites.simultanes : valeur invalide", id="mauvais type"),
    pytest.param(SEUL + "[limites]\npar_seconde = inf\n", "limites.par_seconde : valeur invalide", id="infini"),
    pytest.param(SEUL + "[cache]\nduree_secondes = 0\n", "cache.duree_secondes : valeur invalide", id="cache nul"),
    pytest.param(SEUL + "[moisson]\ndepuis = 2022-06-01\nfenetre_jours = 60\n", "moisson.fenetre_jours", id="fenêtre"),
    pytest.param(SEUL.replace('genre = "erp"', 'genre = "inconnu"'), "genre : « inconnu » inconnu", id="genre"),
    pytest.param(SEUL.replace('"erp"', '"ERP 1"', 1), "nom : valeur invalide", id="nom"),
    pytest.param(
        SEUL.replace("ERP_CLE", "PAS_LA"), "acces.defaut.secret : variable d'environnement PAS_LA", id="secret"
    ),
    pytest.param(SEUL.replace('secret = "ERP_CLE"\n', ""), "acces.defaut.secret : absent", id="sans secret"),
    pytest.param(SEUL.replace('"entete"', '"magie"'), "acces.defaut : type d'accès inconnu", id="type d'accès"),
    pytest.param(SEUL.replace('type = "entete"\n', ""), "acces.defaut : clé « type » absente", id="sans type"),
    pytest.param(SEUL.replace('nom = "X-Cle"\n', ""), "acces.defaut.nom : clé absente", id="accès sans nom"),
    pytest.param(SEUL.replace("X-Cle", "X Cle"), "acces.defaut.nom : valeur invalide", id="nom d'en-tête"),
    pytest.param(
        SEUL.replace('"entete"', '"basic"').replace('nom = "X-Cle"\n', ""), "acces.defaut.secret : « compte", id="basic"
    ),
    pytest.param(SEUL.replace("erp.test", "erp.test/{code}"), "base_url : {code} demande", id="code sans locataires"),
    pytest.param(SEUL.replace("erp.test", "erp.test/{uai}"), "base_url : valeur invalide", id="autre gabarit"),
    pytest.param(SEUL.replace("https://erp.test", "http://erp.test"), "base_url : valeur invalide", id="U16 sans TLS"),
    pytest.param(
        SEUL.replace("erp.test", "moi:mdp@erp.test"), "base_url : valeur invalide", id="U07 compte dans l'URL"
    ),
    pytest.param(SEUL.replace("https://erp.test", "file:///etc"), "base_url : valeur invalide", id="U07 file"),
    pytest.param(SEUL.replace("erp.test", "erp.test:99999"), "base_url : valeur invalide", id="port"),
    pytest.param(SEUL.replace("erp.test", "erp.test/?a=1"), "base_url : valeur invalide", id="requête dans l'URL"),
    pytest.param(TOML.replace("erp.csv", "absent.csv"), "locataires : ", id="locataires absents"),
    pytest.param("nom = ", "TOML invalide", id="TOML"),
    pytest.param(SEUL + "verifier_tls = false\n", "acces.defaut.verifier_tls : clé inconnue", id="U16 TLS désactivé"),
]


@pytest.mark.parametrize(("toml", "attendu"), CASSES)
def test_une_configuration_cassee_dit_pourquoi_en_une_ligne(tmp_path: Path, toml: str, attendu: str) -> None:
    with pytest.raises(ErreurConfiguration) as levee:
        charger_partenaires(ecrire(tmp_path, toml), ENV, GENRES)
    message = str(levee.value)
    assert message.startswith(str(tmp_path / "erp.toml"))
    assert attendu in message
    assert "\n" not in message
    assert "secret-un" not in message


LOCATAIRES_CASSES = [
    pytest.param(CSV + f"{UAI_A},,z,,ERP_A\n", f"ligne 4 : uai : {UAI_A} en double", id="double"),
    pytest.param(CSV + "0590001A,,z,,ERP_A\n", "ligne 4 : uai : invalide", id="UAI"),
    pytest.param(CSV.replace(SIRET, "13002526500014"), "ligne 2 : siret : invalide", id="SIRET"),
    pytest.param(CSV.replace("base_url", "adresse"), "colonne inconnue adresse", id="colonne inconnue"),
    pytest.param("uai,siret\n", "colonnes attendues", id="colonne absente"),
    pytest.param("uai,siret,code,base_url,secret\n", "aucun locataire", id="vide"),
    pytest.param(CSV + f"{UAI_A},x\n", "ligne 4 : 5 colonnes attendues", id="ligne courte"),
    pytest.param(CSV.replace("ERP_B", "PAS_LA"), "ligne 3 : secret : variable d'environnement PAS_LA", id="secret"),
    pytest.param(CSV.replace("127.0.0.1", "erp.test"), "ligne 3 : base_url : https exigé", id="URL"),
]


@pytest.mark.parametrize(("csv", "attendu"), LOCATAIRES_CASSES)
def test_des_locataires_casses_disent_pourquoi_en_une_ligne(tmp_path: Path, csv: str, attendu: str) -> None:
    with pytest.raises(ErreurConfiguration) as levee:
        charger_partenaires(ecrire(tmp_path, csv=csv), ENV, GENRES)
    assert str(levee.value).startswith(str(tmp_path / "erp.csv"))
    assert attendu in str(levee.value)


@pytest.mark.parametrize("csv", [CSV.replace("c 1/2", ""), CSV.replace("ERP_A", "")])
def test_un_locataire_incomplet_est_refuse(tmp_path: Path, csv: str) -> None:
    with pytest.raises(ErreurConfiguration, match=r"erp\.toml : (locataires : code absent|acces\.defaut\.secret)"):
        charger_partenaires(ecrire(tmp_path, csv=csv), ENV, GENRES)


def test_un_nom_ou_un_cfa_n_appartient_qu_a_un_partenaire(tmp_path: Path) -> None:
    ecrire(tmp_path)
    ecrire(tmp_path, nom="second")
    with pytest.raises(ErreurConfiguration, match=r"second\.toml : nom : « erp » déjà pris"):
        charger_partenaires(tmp_path, ENV, GENRES)
    ecrire(tmp_path, TOML.replace('nom = "erp"', 'nom = "second"'), nom="second")
    with pytest.raises(ErreurConfiguration, match=f"UAI {UAI_A} servi par « erp » et par « second »"):
        charger_partenaires(tmp_path, ENV, GENRES)


def test_le_dossier_doit_exister(tmp_path: Path) -> None:
    with pytest.raises(ErreurConfiguration, match="dossier des partenaires absent"):
        charger_partenaires(tmp_path / "rien", ENV, GENRES)


@pytest.mark.parametrize("secret", ["", "sauté\n", "a\nb"])
def test_un_secret_vide_ou_illisible_est_refuse(tmp_path: Path, secret: str) -> None:
    with pytest.raises(ErreurConfiguration, match="ERP_CLE") as levee:
        charger_partenaires(ecrire(tmp_path, SEUL), {"ERP_CLE": secret}, GENRES)
    assert "saut" not in str(levee.value)
