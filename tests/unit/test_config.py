"""A wrong configuration stops the start with one line that names the file and the key, and shows no secret."""

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.config import charger
from gateway.errors import ErreurConfiguration

CLE = base64.urlsafe_b64encode(bytes(range(32))).decode()
BON = """[jetons]
emetteur = "http://127.0.0.1:8010"
audience = "passerelle"
jwks_url = "http://127.0.0.1:8010/jwks"
[donnees]
dossier = "donnees"
"""


def lire(dossier: Path, texte: str = BON, **environ: str) -> None:
    (dossier / "gateway.toml").write_text(texte, encoding="utf-8")
    charger({"GATEWAY_CONFIG": str(dossier), "GATEWAY_CLE": CLE, **environ})


def test_a_good_configuration_and_its_defaults(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(BON, encoding="utf-8")
    lue = charger({"GATEWAY_CONFIG": str(tmp_path), "GATEWAY_CLE": CLE, "GATEWAY_NOW": "2026-10-15"})
    assert (lue.hote, lue.port, lue.fichier.reponse.delai_secondes) == ("127.0.0.1", 8000, 3.0)
    assert lue.fige == datetime(2026, 10, 15, 12, tzinfo=UTC)
    assert lue.donnees == tmp_path / "donnees"
    assert CLE not in repr(lue)


@pytest.mark.parametrize(
    ("texte", "instant"),
    [
        ("2026-10-15T08:00:00", datetime(2026, 10, 15, 8, tzinfo=UTC)),
        ("2026-10-15T08:00:00+02:00", datetime(2026, 10, 15, 6, tzinfo=UTC)),
    ],
)
def test_a_fixed_now_is_told_at_every_moment(tmp_path: Path, texte: str, instant: datetime) -> None:
    (tmp_path / "gateway.toml").write_text(BON, encoding="utf-8")
    lue = charger({"GATEWAY_CONFIG": str(tmp_path), "GATEWAY_CLE": CLE, "GATEWAY_NOW": texte})
    assert lue.maintenant() == lue.maintenant() == instant


def test_without_a_fixed_now_the_system_tells_it(tmp_path: Path) -> None:
    (tmp_path / "gateway.toml").write_text(BON, encoding="utf-8")
    now = charger({"GATEWAY_CONFIG": str(tmp_path), "GATEWAY_CLE": CLE}).maintenant
    assert now() <= datetime.now(UTC) <= now()


@pytest.mark.parametrize(
    ("texte", "dit"),
    [
        (BON + "inconnue = 1\n", "donnees.inconnue : clé inconnue"),
        (BON + "[autre]\n", "autre : clé inconnue"),
        (BON.replace('audience = "passerelle"\n', ""), "jetons.audience : clé absente"),
        (BON + "[reponse]\ndelai_secondes = 'vite'\n", "reponse.delai_secondes : valeur invalide ("),
        ("[jetons", "TOML invalide"),
    ],
)
def test_a_wrong_file_is_one_line_naming_file_and_key(tmp_path: Path, texte: str, dit: str) -> None:
    with pytest.raises(ErreurConfiguration) as erreur:
        lire(tmp_path, texte)
    assert "gateway.toml" in str(erreur.value)
    assert dit in str(erreur.value)
    assert "\n" not in str(erreur.value)


@pytest.mark.parametrize(
    ("nom", "valeur"),
    [
        ("GATEWAY_CONFIG", ""),
        ("GATEWAY_CLE", ""),
        ("GATEWAY_CLE", "trop-court"),
        ("GATEWAY_CLE", "é" * 43),
        ("GATEWAY_NOW", "demain"),
        ("GATEWAY_PROCESSUS", "-3"),
        ("GATEWAY_CACHE_CLES", "courte"),
        ("PORT", "http"),
        ("PORT", "70000"),
        ("PORT", "²"),
    ],
)
def test_a_wrong_variable_is_named_and_its_value_is_not_shown(tmp_path: Path, nom: str, valeur: str) -> None:
    with pytest.raises(ErreurConfiguration) as erreur:
        lire(tmp_path, **{nom: valeur})
    assert nom in str(erreur.value)
    assert not valeur or valeur not in str(erreur.value)
