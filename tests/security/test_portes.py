"""Who may come in, and until when: API keys, second factor, a register that is followed (SECURITY T08-T11)."""

import asyncio
import base64
from datetime import date
from pathlib import Path

import pytest

from fixtures.monde import Monde
from gateway.__main__ import main
from gateway.auth.cles_api import LONGUEUR, PREFIXE, Porte, creer_cle, empreinte
from gateway.auth.clients import RegistreClients
from gateway.auth.viewer import Jeton
from gateway.domain.sceau import Sceau
from gateway.errors import AuthentificationForteRequise, ErreurConfiguration, NonAuthentifie
from gateway.schema.build import construire, graphe
from tests.security.bord import Bord
from tests.security.emetteur import UNE, Emetteur, Horloge, revendications, signer, verificateur

SCEAU = Sceau(b"\x07" * 32)
CLE = creer_cle()
JOUR = date(2026, 10, 15)
REGISTRE = """
[clients.ml]
profil = "MISSION_LOCALE"
organisation = "59010"
nom = "Mission locale"
finalites = ["ACCOMPAGNEMENT"]
"""


def cle_de(cle: str, expire: str = "2026-10-15") -> str:
    return f'cles = [{{ empreinte = "{empreinte(SCEAU, cle)}", expire = {expire} }}]\n'


class Scene:
    """A register in a file, and the door that follows it."""

    def __init__(self, dossier: Path, texte: str) -> None:
        self.fichier = dossier / "clients.toml"
        self.fichier.write_text(texte, encoding="utf-8")
        self.horloge = Horloge()
        self.clients = RegistreClients(self.fichier, self.horloge)
        jetons = verificateur(Emetteur(UNE), self.horloge)
        self.porte = Porte(jetons, self.clients, SCEAU, lambda: JOUR)

    def entrer(self, autorisation: str | None = None, cle: str | None = None) -> Jeton:
        return asyncio.run(self.porte.identifier(autorisation, cle))[0]

    def ecrire(self, texte: str, secondes: float) -> None:
        """Replace the register, as an operator does, and let time pass."""
        neuf = self.fichier.with_suffix(".neuf")
        neuf.write_text(texte, encoding="utf-8")
        neuf.replace(self.fichier)
        self.horloge.maintenant += secondes


def test_t09_a_key_opens_as_its_client_until_its_last_day(tmp_path: Path) -> None:
    assert Scene(tmp_path, REGISTRE + cle_de(CLE)).entrer(cle=CLE) == Jeton("ml")
    with pytest.raises(NonAuthentifie):
        Scene(tmp_path, REGISTRE + cle_de(CLE, "2026-10-14")).entrer(cle=CLE)


@pytest.mark.parametrize(
    "essai",
    [
        "",
        "x",
        CLE[:-1],
        CLE + "A",
        CLE[:-1] + ("A" if CLE[-1] != "A" else "B"),
        CLE.removeprefix(PREFIXE),
        CLE.upper(),
        creer_cle(),
        empreinte(SCEAU, CLE),
        " " + CLE[1:],
        "é" * LONGUEUR,
        "p" * 1_000_000,
    ],
)
def test_t09_a_guess_a_prefix_or_what_the_register_holds_is_refused(tmp_path: Path, essai: str) -> None:
    with pytest.raises(NonAuthentifie, match=r"^Jeton d'accès absent, invalide ou expiré\.$"):
        Scene(tmp_path, REGISTRE + cle_de(CLE)).entrer(cle=essai)


def test_t09_a_stolen_register_is_of_no_use_without_the_gateways_own_key(tmp_path: Path) -> None:
    scene = Scene(tmp_path, REGISTRE + cle_de(CLE))
    assert CLE not in scene.fichier.read_text(encoding="utf-8")
    autre = Porte(scene.porte.verificateur, scene.clients, Sceau(b"\x08" * 32), lambda: JOUR)
    with pytest.raises(NonAuthentifie):
        asyncio.run(autre.identifier(None, CLE))


def test_t09_one_credential_and_only_one(tmp_path: Path) -> None:
    with pytest.raises(NonAuthentifie):
        Scene(tmp_path, REGISTRE + cle_de(CLE)).entrer(signer(revendications()), CLE)


@pytest.mark.parametrize(
    "suite",
    [
        'cles = [{ empreinte = "abc", expire = 2026-10-15 }]',
        'cles = [{ empreinte = "' + "a" * 32 + '" }]',
        "mfa = true\n" + cle_de(CLE),
        cle_de(CLE).replace("]\n", ", " + cle_de(CLE)[8:]),
        'documents = "tous"',
    ],
)
def test_t09_a_register_that_does_not_hold_stops_the_start(tmp_path: Path, suite: str) -> None:
    with pytest.raises(ErreurConfiguration, match=r"^clients\.toml : "):
        Scene(tmp_path, REGISTRE + suite)


def _creer(bord: Bord, client: str) -> int:
    with pytest.MonkeyPatch.context() as env:
        for nom, valeur in bord.environnement.items():
            env.setenv(nom, valeur)
        return main(["cle", "creer", client])


def test_t09_a_key_is_made_told_once_and_works_over_http_until_its_line_is_removed(
    bord: Bord, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.auth.clients.RELECTURE", 0)
    registre = bord.dossier / "clients.toml"
    sans = registre.read_text(encoding="utf-8")
    assert _creer(bord, "si-partenaire") == 0
    cle, ligne = (dite.rpartition(" : ")[2] for dite in capsys.readouterr().out.strip().split("\n"))
    assert ligne.endswith("expire = 2027-10-15 }")
    registre.write_text(sans.replace("[clients.si-partenaire]", f"[clients.si-partenaire]\ncles = [{ligne}]"))
    moi = bord.demander("{ moi { profil } }", authorization="", x_cle_api=cle)
    assert moi.json["data"] == {"moi": {"profil": "SI_PARTENAIRE"}}
    registre.write_text(sans)
    assert bord.demander("{ moi { profil } }", authorization="", x_cle_api=cle).statut == 401


def test_t09_a_key_is_made_for_a_machine_of_the_register_only(bord: Bord) -> None:
    assert _creer(bord, "inconnu") == _creer(bord, "ml") == 2


def test_t10_the_demo_asks_a_second_factor_of_missions_locales(bord: Bord, monde: Monde) -> None:
    corps = monde.jeton("ml").split(".")[1]
    assert b'"mfa"' in base64.urlsafe_b64decode(corps + "==")
    assert "mfa = true" in (bord.dossier / "clients.toml").read_text(encoding="utf-8")


def test_t08_a_client_or_a_key_taken_away_is_refused_within_ten_seconds(tmp_path: Path) -> None:
    autre = REGISTRE.replace("clients.ml", "clients.cfa")
    scene = Scene(tmp_path, REGISTRE + cle_de(CLE) + autre)
    porteur = signer(revendications(client_id="cfa"))
    assert scene.entrer(cle=CLE) == Jeton("ml")
    assert scene.entrer(porteur) == Jeton("cfa")
    scene.ecrire(REGISTRE, secondes=9)
    assert scene.entrer(cle=CLE) == Jeton("ml")
    scene.ecrire(REGISTRE, secondes=1)
    with pytest.raises(NonAuthentifie):
        scene.entrer(cle=CLE)
    with pytest.raises(NonAuthentifie):
        scene.entrer(porteur)


@pytest.mark.parametrize("illisible", ["[clients", REGISTRE + "inconnue = 1", "\x00", None])
def test_t08_a_register_that_no_longer_reads_leaves_the_last_good_one(
    tmp_path: Path, illisible: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    scene = Scene(tmp_path, REGISTRE + cle_de(CLE))
    if illisible is None:
        scene.fichier.unlink()
        scene.horloge.maintenant += 10
    else:
        scene.ecrire(illisible, secondes=10)
    assert scene.entrer(cle=CLE) == Jeton("ml")
    assert "registre des clients inchangé : clients.toml" in caplog.text
    scene.ecrire(REGISTRE, secondes=10)
    with pytest.raises(NonAuthentifie):
        scene.entrer(cle=CLE)


def test_t10_where_the_register_asks_for_it_a_token_tells_of_a_second_factor(tmp_path: Path) -> None:
    scene = Scene(tmp_path, REGISTRE + "mfa = true")
    assert scene.entrer(signer(revendications(amr=["pwd", "mfa"]))) == Jeton("ml", mfa=True)
    for amr in (None, ["pwd"], "mfa"):
        with pytest.raises(AuthentificationForteRequise):
            scene.entrer(signer(revendications(amr=amr)))


def test_t11_nothing_in_the_gateway_writes_an_account_or_a_right() -> None:
    assert graphe(construire()).mutation_type is None
    assert not hasattr(RegistreClients, "__setitem__")
