"""The register of callers, and the viewer that a token and the register make together."""

from pathlib import Path

import pytest

from gateway.auth.authentication.clients import Principal, build_viewer, choose_finalite, read_clients
from gateway.auth.policy.policy import Perimetre
from gateway.auth.policy.rules import Finalite, Profil
from gateway.errors import ConfigurationError, FinaliteRequired

REGISTRY = """
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


class TrainingDirectory:
    """Knows no CFA."""

    def formateurs(self, uai: str) -> frozenset[str]:
        return frozenset()

    def uais_of_reseau(self, transport: str) -> frozenset[str]:
        return frozenset()


def _write(record: Path, text: str) -> Path:
    path = record / "clients.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_registry_of_clients(tmp_path: Path) -> None:
    clients = read_clients(_write(tmp_path, REGISTRY))
    assert list(clients) == ["ml", "si", "admin"]
    assert clients["ml"].quota_personnes_jour == 500
    assert clients["si"].quota_personnes_jour is None
    assert clients["si"].finalites == (Finalite.ACCOMPAGNEMENT, Finalite.PILOTAGE)


@pytest.mark.parametrize(
    ("former", "new", "told"),
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
def test_the_file_is_a_closed_world(tmp_path: Path, former: str, new: str, told: str) -> None:
    assert former in REGISTRY
    with pytest.raises(ConfigurationError) as raised:
        read_clients(_write(tmp_path, REGISTRY.replace(former, new, 1)))
    assert str(raised.value).startswith("clients.toml : ")
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)


def test_viewer(tmp_path: Path) -> None:
    client = read_clients(_write(tmp_path, REGISTRY))["ml"]
    seen = build_viewer(Principal("ml"), client, None, TrainingDirectory())
    assert (seen.client, seen.account, seen.profil, seen.nom) == (
        "ml",
        "ml",
        Profil.MISSION_LOCALE,
        "Mission locale de Lille",
    )
    assert seen.finalite is Finalite.ACCOMPAGNEMENT
    assert seen.perimetre == Perimetre(Profil.MISSION_LOCALE, "59010")


def test_an_agent_is_the_account(tmp_path: Path) -> None:
    client = read_clients(_write(tmp_path, REGISTRY))["ml"]
    assert build_viewer(Principal("ml", "agent-7"), client, None, TrainingDirectory()).account == "agent-7"


def test_a_partner_system_has_the_perimetre_of_the_organisation_and_its_own_rights(tmp_path: Path) -> None:
    client = read_clients(_write(tmp_path, REGISTRY))["si"]
    seen = build_viewer(Principal("si"), client, "ACCOMPAGNEMENT", TrainingDirectory())
    assert seen.profil is Profil.SI_PARTENAIRE
    assert seen.perimetre == Perimetre(Profil.MISSION_LOCALE, "59010")


TWO = (Finalite.ACCOMPAGNEMENT, Finalite.PILOTAGE)


def test_chosen_finalite() -> None:
    assert choose_finalite(TWO[:1], None) is Finalite.ACCOMPAGNEMENT
    assert choose_finalite(TWO, None) is None
    assert choose_finalite(TWO, "PILOTAGE") is Finalite.PILOTAGE


@pytest.mark.parametrize(
    "requested", ["GESTION_CFA", "", "pilotage", "PILOTAGE ", "ACCOMPAGNEMENT PILOTAGE", "PILOTAGE\u200b"]
)
def test_a_finalite_outside_the_registry_is_refused(requested: str) -> None:
    with pytest.raises(FinaliteRequired) as raised:
        choose_finalite(TWO, requested)
    assert str(raised.value) == (
        "La finalité déclarée par X-Finalite n'est pas accordée à ce client. Admises : ACCOMPAGNEMENT, PILOTAGE."
    )
