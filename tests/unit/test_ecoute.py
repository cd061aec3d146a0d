"""Who is listened to: what the files say, and the one line that refuses a partner that could not be heard."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.connectors.base import Connecteur
from gateway.connectors.registry import connecteurs
from gateway.errors import ErreurConfiguration
from gateway.sources.ecoute import ecoutes
from gateway.sources.partenaires import charger_partenaires

ENV = {"CLE": "secret-un", "APPELS": "secret-des-appels"}
TOML = """
nom = "un"
genre = "{genre}"
base_url = "https://un.test"
[acces.defaut]
type = "entete"
nom = "X-Cle"
secret = "CLE"
"""


def ecouter(dossier: Path, genre: str, table: str, env: Mapping[str, str] = ENV) -> list[tuple[str, float, bool]]:
    connus: Mapping[str, Connecteur] = connecteurs()
    (dossier / "un.toml").write_text(TOML.format(genre=genre) + table, encoding="utf-8")
    partenaires = charger_partenaires(dossier, env, connus)
    return [(p.nom, e.periode, e.secret is not None) for p, _, e in ecoutes(partenaires, connus)]


def test_une_file_un_appelant_et_qui_ne_dit_rien(tmp_path: Path) -> None:
    assert ecouter(tmp_path, "imilo", "[evenements]\nperiode_secondes = 2.5\n") == [("un", 2.5, False)]
    assert ecouter(tmp_path, "aimaira", '[evenements]\nsecret = "APPELS"\n') == [("un", 1.0, True)]
    assert ecouter(tmp_path, "imilo", "") == []


@pytest.mark.parametrize(
    ("genre", "table", "ligne"),
    [
        ("imilo", '[evenements]\nsecret = "APPELS"\n', "evenements : « imilo » n'appelle pas"),
        ("aimaira", "[evenements]\n", "« aimaira » n'a pas de file ; pour être appelé, un secret est requis"),
        ("ypareo", "[evenements]\n", "« ypareo » n'a pas de file"),
        ("aimaira", '[evenements]\nsecret = "ABSENT"\n', "evenements.secret : variable d'environnement ABSENT absente"),
        ("imilo", "[evenements]\nperiode_secondes = 0\n", "evenements.periode_secondes : valeur invalide"),
        ("imilo", "[evenements]\nfile = true\n", "evenements.file : clé inconnue"),
    ],
)
def test_qui_ne_peut_etre_entendu_arrete_le_demarrage(tmp_path: Path, genre: str, table: str, ligne: str) -> None:
    with pytest.raises(ErreurConfiguration) as refus:
        ecouter(tmp_path, genre, table)
    assert "un.toml : " in str(refus.value)
    assert ligne in str(refus.value)


def test_le_secret_des_appels_ne_se_montre_pas(tmp_path: Path) -> None:
    ecouter(tmp_path, "aimaira", '[evenements]\nsecret = "APPELS"\n')
    partenaire = charger_partenaires(tmp_path, ENV, connecteurs())["un"]
    assert "secret-des-appels" not in repr(partenaire)
