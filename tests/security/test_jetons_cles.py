"""The issuer's keys through rotation, floods and outages (SECURITY T02, T03), on a clock that is told."""

import asyncio
import json
from typing import Any

import pytest

from gateway.auth.cles import lire_jwks
from gateway.auth.jetons import Verificateur
from gateway.errors import ClesIndisponibles, NonAuthentifie
from tests.security.emetteur import (
    COURBE,
    COURTE,
    DEUX,
    UNE,
    Emetteur,
    Horloge,
    entete,
    jwks,
    revendications,
    signer,
    verificateur,
)

pytestmark = pytest.mark.anyio


def _jeton(horloge: Horloge, kid: str) -> str:
    """A token issued now by that key, or under an id that nobody publishes."""
    maintenant = int(horloge())
    cle = {"une": UNE, "deux": DEUX}.get(kid, UNE)
    return signer(revendications(iat=maintenant, exp=maintenant + 300), entete(kid=kid), cle)


async def _accepte(porte: Verificateur, horloge: Horloge, kid: str) -> bool:
    try:
        await porte.verifier(_jeton(horloge, kid))
    except NonAuthentifie:
        return False
    return True


async def test_une_seule_lecture_pour_beaucoup_de_jetons() -> None:
    emetteur, horloge = Emetteur(UNE), Horloge()
    porte = verificateur(emetteur, horloge)
    assert all(await asyncio.gather(*(_accepte(porte, horloge, "une") for _ in range(20))))
    assert emetteur.lectures == 1


async def test_t02_un_deluge_de_kid_inconnus_ne_lit_qu_une_fois_par_minute() -> None:
    emetteur, horloge = Emetteur(UNE), Horloge()
    porte = verificateur(emetteur, horloge)
    assert await _accepte(porte, horloge, "une")
    horloge.maintenant += 60
    for n in range(50):
        assert not await _accepte(porte, horloge, f"inconnu-{n}")
    assert emetteur.lectures == 2
    horloge.maintenant += 59
    assert not await _accepte(porte, horloge, "inconnu")
    assert emetteur.lectures == 2
    horloge.maintenant += 1
    assert not await _accepte(porte, horloge, "inconnu")
    assert emetteur.lectures == 3


async def test_t03_une_nouvelle_cle_sert_dans_la_minute_et_une_cle_retiree_est_refusee_dans_les_dix() -> None:
    emetteur, horloge = Emetteur(UNE), Horloge()
    porte = verificateur(emetteur, horloge)
    assert await _accepte(porte, horloge, "une")
    emetteur.reponse = jwks(DEUX)
    horloge.maintenant += 60
    assert await _accepte(porte, horloge, "deux")
    assert not await _accepte(porte, horloge, "une")


async def test_t03_une_cle_retiree_est_refusee_meme_si_rien_ne_l_a_fait_relire() -> None:
    emetteur, horloge = Emetteur(UNE), Horloge()
    porte = verificateur(emetteur, horloge)
    assert await _accepte(porte, horloge, "une")
    emetteur.reponse = jwks(DEUX)
    horloge.maintenant += 599
    assert await _accepte(porte, horloge, "une")
    horloge.maintenant += 2
    assert not await _accepte(porte, horloge, "une")


async def test_t03_une_panne_survit_une_heure_puis_ferme_sans_accuser_le_jeton() -> None:
    emetteur, horloge = Emetteur(UNE), Horloge()
    porte = verificateur(emetteur, horloge)
    assert await _accepte(porte, horloge, "une")
    emetteur.reponse = OSError("injoignable")
    horloge.maintenant += 3600
    assert await _accepte(porte, horloge, "une")
    horloge.maintenant += 1
    with pytest.raises(ClesIndisponibles, match="momentanément indisponible"):
        await porte.verifier(_jeton(horloge, "une"))
    emetteur.reponse = jwks(UNE)
    horloge.maintenant += 60
    assert await _accepte(porte, horloge, "une")


async def test_t03_en_panne_au_demarrage_puis_present() -> None:
    emetteur, horloge = Emetteur(UNE), Horloge()
    bonne, emetteur.reponse = emetteur.reponse, OSError("pas encore là")
    porte = verificateur(emetteur, horloge)
    for _ in range(3):
        with pytest.raises(ClesIndisponibles):
            await porte.verifier(_jeton(horloge, "une"))
    assert emetteur.lectures == 1
    emetteur.reponse = bonne
    horloge.maintenant += 5
    assert await _accepte(porte, horloge, "une")


MAUVAIS: dict[str, bytes] = {
    "page HTML": b"<html>login</html>",
    "vide": b"",
    "nul": b"null",
    "liste": b"[]",
    "sans clé": b'{"keys": []}',
    "clés qui n'en sont pas": b'{"keys": [1, null, {}, {"kty": "RSA", "kid": "une"}]}',
    "clé secrète": b'{"keys": [{"kty": "oct", "kid": "une", "k": "c2VjcmV0"}]}',
    "courbe": jwks(COURBE),
    "clé trop courte": json.dumps({"keys": [COURTE]}).encode(),
    "clé de chiffrement": jwks(UNE, use="enc"),
    "autre algorithme": jwks(UNE, alg="RS512"),
    "kid deux fois": jwks(UNE, UNE),
    "trop long": jwks(UNE) + b" " * 65_536,
    "profond": b'{"keys": ' + b"[" * 60_000,
    "pas de l'UTF-8": b"\xff\xfe{",
}


@pytest.mark.parametrize("reponse", [pytest.param(octets, id=nom) for nom, octets in MAUVAIS.items()])
async def test_t03_un_mauvais_jeu_ne_remplace_pas_le_bon(reponse: bytes) -> None:
    emetteur, horloge = Emetteur(UNE), Horloge()
    porte = verificateur(emetteur, horloge)
    assert await _accepte(porte, horloge, "une")
    emetteur.reponse = reponse
    horloge.maintenant += 601
    assert await _accepte(porte, horloge, "une")
    assert emetteur.lectures == 2


@pytest.mark.parametrize("reponse", [pytest.param(octets, id=nom) for nom, octets in MAUVAIS.items()])
async def test_t03_un_mauvais_jeu_au_demarrage_n_ouvre_rien(reponse: bytes) -> None:
    emetteur, horloge = Emetteur(UNE), Horloge()
    emetteur.reponse = reponse
    with pytest.raises(ClesIndisponibles):
        await verificateur(emetteur, horloge).verifier(_jeton(horloge, "une"))


async def test_seules_les_bonnes_cles_d_un_jeu_sont_gardees() -> None:
    publiees: list[dict[str, Any]] = [
        *json.loads(jwks(UNE, DEUX, COURBE))["keys"],
        {"kty": "RSA", "kid": "sans n", "e": "AQAB"},
        {"kty": "RSA", "kid": 7, "n": "AQAB", "e": "AQAB"},
        {**DEUX.as_dict(private=False), "kid": "deux"},
    ]
    assert list(lire_jwks(json.dumps({"keys": publiees}).encode())) == ["une"]


async def test_un_appelant_qui_part_n_arrete_pas_la_lecture() -> None:
    emetteur, horloge = Emetteur(UNE), Horloge()
    porte, suite = verificateur(emetteur, horloge), asyncio.Event()
    lire = emetteur.lire

    async def lente() -> bytes:
        await suite.wait()
        return await lire()

    porte.cles._lire = lente
    parti = asyncio.create_task(porte.verifier(_jeton(horloge, "une")))
    reste = asyncio.create_task(_accepte(porte, horloge, "une"))
    await asyncio.sleep(0)
    parti.cancel()
    suite.set()
    assert await reste
    assert emetteur.lectures == 1


async def test_une_panne_ne_dit_rien_de_l_adresse(caplog: pytest.LogCaptureFixture) -> None:
    emetteur, horloge = Emetteur(UNE), Horloge()
    emetteur.reponse = OSError("http://identite.invalid/jwks?cle=secret")
    with pytest.raises(ClesIndisponibles):
        await verificateur(emetteur, horloge).verifier(_jeton(horloge, "une"))
    assert "OSError" in caplog.text
    assert "identite.invalid" not in caplog.text


async def test_t03_un_jeton_deja_verifie_est_refuse_des_que_plus_rien_ne_le_porte() -> None:
    """Its signature is verified once; its dates, its client and its key are looked at each time."""
    emetteur, horloge = Emetteur(UNE), Horloge()
    porte = verificateur(emetteur, horloge)
    clients = porte.clients
    assert isinstance(clients, set)
    jeton = _jeton(horloge, "une")
    for _ in range(2):
        await porte.verifier(jeton)
    assert len(porte.verifies) == 1
    clients.discard("ml")
    with pytest.raises(NonAuthentifie):
        await porte.verifier(jeton)
    clients.add("ml")
    with pytest.raises(NonAuthentifie):
        await porte.verifier(jeton[:-6] + "AAAAAA")
    horloge.maintenant += 331
    with pytest.raises(NonAuthentifie):
        await porte.verifier(jeton)


async def test_t03_une_cle_republiee_sous_le_meme_nom_fait_verifier_de_nouveau() -> None:
    emetteur, horloge = Emetteur(UNE), Horloge()
    porte = verificateur(emetteur, horloge)
    jeton = signer(revendications(exp=int(horloge()) + 3600))
    await porte.verifier(jeton)
    emetteur.reponse = json.dumps({"keys": [{**DEUX.as_dict(private=False), "kid": "une"}]}).encode()
    horloge.maintenant += 601
    with pytest.raises(NonAuthentifie):
        await porte.verifier(jeton)
