"""The register of callers, and the viewer that a token and the register make together."""

from pathlib import Path

import pytest

from gateway.auth.clients import lire_clients
from gateway.auth.perimetre import Perimetre
from gateway.auth.rules import Finalite, Profil
from gateway.auth.viewer import Jeton, choisir_finalite, identifier
from gateway.errors import ErreurConfiguration, FinaliteRequise

REGISTRE = """
[clients.ml]
profil = "MISSION_LOCALE"
organisation = "59010"
nom = "Mission locale de Lille"
finalites = ["ACCOMPAGNEMENT"]
quota_personnes_jour = 500

[clients.si]
profil = "SI_PARTENAIRE"
comme = "MISSION_LOCALE"
organisation = "59010"
nom = "Système de Lille"
finalites = ["ACCOMPAGNEMENT", "PILOTAGE"]

[clients.admin]
profil = "ADMINISTRATEUR"
organisation = ""
nom = "Exploitation"
finalites = ["EXPLOITATION"]
"""


class Annuaire:
    """Knows no CFA."""

    def formateurs(self, uai: str) -> frozenset[str]:
        return frozenset()

    def uais_du_reseau(self, reseau: str) -> frozenset[str]:
        return frozenset()


def _ecrire(dossier: Path, texte: str) -> Path:
    chemin = dossier / "clients.toml"
    chemin.write_text(texte, encoding="utf-8")
    return chemin


def test_registre(tmp_path: Path) -> None:
    clients = lire_clients(_ecrire(tmp_path, REGISTRE))
    assert list(clients) == ["ml", "si", "admin"]
    assert clients["ml"].quota_personnes_jour == 500
    assert clients["si"].quota_personnes_jour is None
    assert clients["si"].finalites == (Finalite.ACCOMPAGNEMENT, Finalite.PILOTAGE)


@pytest.mark.parametrize(
    ("ancien", "nouveau", "dit"),
    [
        ('"MISSION_LOCALE"', '"PREFET"', "clients.ml.profil : valeur inconnue « PREFET »"),
        ('["ACCOMPAGNEMENT"]', '["CURIOSITE"]', "clients.ml.finalites.0 : valeur inconnue « CURIOSITE »"),
        ('["ACCOMPAGNEMENT"]', "[]", "clients.ml.finalites : "),
        ("quota_personnes_jour = 500", "quota = 500", "clients.ml.quota : clé inconnue"),
        ("= 500", "= 0", "clients.ml.quota_personnes_jour : "),
        ('nom = "Mission locale de Lille"\n', "", "clients.ml.nom : clé absente"),
        ('organisation = "59010"', 'organisation = ""', "organisation : obligatoire pour MISSION_LOCALE"),
        ('organisation = "59010"', 'organisation = "59 010"', "clients.ml.organisation : "),
        ('comme = "MISSION_LOCALE"\n', "", "clients.si : comme : obligatoire"),
        ('comme = "MISSION_LOCALE"', 'comme = "DREETS"', "n'agit pas comme DREETS"),
        ('profil = "SI_PARTENAIRE"', 'profil = "CFA"', "clients.si : comme : obligatoire pour SI_PARTENAIRE, interdit"),
        ("[clients.ml]", "[autres]\n[clients.ml]", "autres : clé inconnue"),
        ("[clients.ml]", "[clients.ml", "TOML invalide"),
    ],
)
def test_monde_clos(tmp_path: Path, ancien: str, nouveau: str, dit: str) -> None:
    assert ancien in REGISTRE
    with pytest.raises(ErreurConfiguration) as leve:
        lire_clients(_ecrire(tmp_path, REGISTRE.replace(ancien, nouveau, 1)))
    assert str(leve.value).startswith("clients.toml : ")
    assert dit in str(leve.value)
    assert "\n" not in str(leve.value)


def test_viewer(tmp_path: Path) -> None:
    client = lire_clients(_ecrire(tmp_path, REGISTRE))["ml"]
    vu = identifier(Jeton("ml"), client, None, Annuaire())
    assert (vu.client, vu.compte, vu.profil, vu.nom) == ("ml", "ml", Profil.MISSION_LOCALE, "Mission locale de Lille")
    assert vu.finalite is Finalite.ACCOMPAGNEMENT
    assert vu.perimetre == Perimetre(Profil.MISSION_LOCALE, "59010")


def test_un_agent_est_le_compte(tmp_path: Path) -> None:
    client = lire_clients(_ecrire(tmp_path, REGISTRE))["ml"]
    assert identifier(Jeton("ml", "agent-7"), client, None, Annuaire()).compte == "agent-7"


def test_un_systeme_partenaire_a_le_perimetre_de_l_organisation_et_ses_propres_droits(tmp_path: Path) -> None:
    client = lire_clients(_ecrire(tmp_path, REGISTRE))["si"]
    vu = identifier(Jeton("si"), client, "ACCOMPAGNEMENT", Annuaire())
    assert vu.profil is Profil.SI_PARTENAIRE
    assert vu.perimetre == Perimetre(Profil.MISSION_LOCALE, "59010")


DEUX = (Finalite.ACCOMPAGNEMENT, Finalite.PILOTAGE)


def test_finalite_choisie() -> None:
    assert choisir_finalite(DEUX[:1], None) is Finalite.ACCOMPAGNEMENT
    assert choisir_finalite(DEUX, None) is None
    assert choisir_finalite(DEUX, "PILOTAGE") is Finalite.PILOTAGE


@pytest.mark.parametrize(
    "demandee", ["GESTION_CFA", "", "pilotage", "PILOTAGE ", "ACCOMPAGNEMENT PILOTAGE", "PILOTAGE\u200b"]
)
def test_une_finalite_hors_registre_est_refusee(demandee: str) -> None:
    with pytest.raises(FinaliteRequise) as leve:
        choisir_finalite(DEUX, demandee)
    assert str(leve.value) == (
        "La finalité déclarée par X-Finalite n'est pas accordée à ce client. Admises : ACCOMPAGNEMENT, PILOTAGE."
    )
