"""Each way to prove who we are, on the wire; the OAuth2 token is shared, renewed once, bounded (SECURITY U13, U15)."""

import asyncio
import base64
from collections.abc import Iterator

import httpx
import pytest
import respx
from pydantic import SecretStr

from gateway.connectors.base import Requete
from gateway.errors import SourceIndisponible
from gateway.sources.acces import Preuve, preuve
from gateway.sources.partenaires import Acces
from tests.sources_aide import BASE, SECRET, appel, transport

pytestmark = pytest.mark.anyio
URL, JETON = BASE + "/liste", "https://idp.test/token"
OAUTH = Acces("oauth2", "moi:x", url_jeton=JETON)


@pytest.fixture
def routeur() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as routes:
        yield routes


def faite(acces: Acces, secret: str = SECRET) -> Preuve:
    return preuve(acces, SecretStr(secret))


@pytest.mark.parametrize(
    ("acces", "entete", "valeur"),
    [
        (Acces("entete", "X-Auth-Token"), "X-Auth-Token", SECRET),
        (Acces("porteur"), "Authorization", f"Bearer {SECRET}"),
        (Acces("basic"), "Authorization", "Basic " + base64.b64encode(SECRET.encode()).decode()),
    ],
)
async def test_un_secret_en_entete(routeur: respx.MockRouter, acces: Acces, entete: str, valeur: str) -> None:
    route = routeur.get(URL).respond(json=[])
    await transport(routeur).demander(appel(preuve=faite(acces)))
    assert route.calls.last.request.headers[entete] == valeur


async def test_des_entetes_fixes_accompagnent_la_cle(routeur: respx.MockRouter) -> None:
    route = routeur.get(URL).respond(json=[])
    acces = Acces("entete", "X-Gravitee-Api-Key", entetes={"operateur": "APPLICATION_CEJ"})
    await transport(routeur).demander(appel(preuve=faite(acces)))
    envoyes = route.calls.last.request.headers
    assert (envoyes["operateur"], envoyes["X-Gravitee-Api-Key"]) == ("APPLICATION_CEJ", SECRET)


async def test_un_secret_en_parametre_remplace_celui_d_un_lien(routeur: respx.MockRouter) -> None:
    route = routeur.get(url__startswith=URL).respond(json=[])
    requete = Requete("liste", "/liste", params={"page": "2", "cle": "echo"})
    await transport(routeur).demander(appel(requete, preuve=faite(Acces("parametre", "cle"), "a&b=c")))
    assert route.calls.last.request.url.params.multi_items() == [("page", "2"), ("cle", "a&b=c")]


async def test_oauth2_un_jeton_pour_des_demandes_simultanees(routeur: respx.MockRouter) -> None:
    jetons = routeur.post(JETON).respond(json={"access_token": "t1", "token_type": "Bearer"})
    route = routeur.get(URL).respond(json=[])
    moi, reseau = faite(OAUTH), transport(routeur)
    await asyncio.gather(*(reseau.demander(appel(preuve=moi)) for _ in range(20)))
    assert (jetons.call_count, route.call_count) == (1, 20)
    assert route.calls.last.request.headers["Authorization"] == "Bearer t1"
    demande = jetons.calls.last.request
    assert demande.content == b"grant_type=client_credentials"
    compte = base64.b64decode(demande.headers["Authorization"].removeprefix("Basic ")).decode()
    assert compte == f"moi%3Ax:{SECRET}"


async def test_u13_oauth2_un_401_renouvelle_une_fois_pour_tous(routeur: respx.MockRouter) -> None:
    jetons = routeur.post(JETON).mock(
        side_effect=[httpx.Response(200, json={"access_token": jeton}) for jeton in ("t1", "t2")]
    )

    tous_la = asyncio.Barrier(5)

    async def repondre(request: httpx.Request) -> httpx.Response:
        await tous_la.wait()
        return httpx.Response(200 if request.headers["Authorization"] == "Bearer t2" else 401, json=[])

    route = routeur.get(URL).mock(side_effect=repondre)
    moi, reseau = faite(OAUTH), transport(routeur)
    reponses = await asyncio.gather(*(reseau.demander(appel(preuve=moi)) for _ in range(5)))
    assert [reponse.document for reponse in reponses] == [[]] * 5
    assert (jetons.call_count, route.call_count) == (2, 10)


async def test_u13_oauth2_un_second_401_s_arrete(routeur: respx.MockRouter) -> None:
    jetons = routeur.post(JETON).mock(
        side_effect=[httpx.Response(200, json={"access_token": jeton}) for jeton in ("t1", "t2", "t3")]
    )
    route = routeur.get(URL).respond(401)
    with pytest.raises(SourceIndisponible, match="accès refusé"):
        await transport(routeur).demander(appel(preuve=faite(OAUTH)))
    assert (jetons.call_count, route.call_count) == (2, 2)


@pytest.mark.parametrize(
    "reponse",
    [
        httpx.Response(401, json={"access_token": "t"}),
        httpx.Response(200, json={}),
        httpx.Response(200, json=["t"]),
        httpx.Response(200, json={"access_token": "t\r\nX: 1"}),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(302, headers={"Location": "https://autre.test"}),
    ],
)
async def test_oauth2_sans_jeton_le_partenaire_n_est_pas_demande(
    routeur: respx.MockRouter, reponse: httpx.Response
) -> None:
    routeur.post(JETON).mock(return_value=reponse)
    route = routeur.get(URL).respond(json=[])
    with pytest.raises(SourceIndisponible, match="jeton refusé"):
        await transport(routeur).demander(appel(preuve=faite(OAUTH)))
    assert not route.called


async def test_u15_aucun_secret_dans_repr() -> None:
    for type_ in ("entete", "parametre", "basic", "porteur", "oauth2"):
        assert SECRET not in repr(faite(Acces(type_, "nom", SecretStr(SECRET)))) + repr(
            Acces(type_, "x", SecretStr(SECRET))
        )
