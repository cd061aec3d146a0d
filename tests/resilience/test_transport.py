"""The guarded client against a partner that answers anything (SECURITY U03-U06, U13, U15): bytes given by a mock."""

import gzip
import logging

import httpx
import pytest
import respx

from gateway.connectors.base import Forme, Requete
from gateway.errors import ErreurSource, SourceFermee, SourceIndisponible, SourceInvalide
from gateway.sources.acces import EnTetes, Parametre
from gateway.sources.transport import Transport
from tests.sources_aide import BASE, SECRET, appel, transport

pytestmark = pytest.mark.anyio
URL = BASE + "/liste"


async def refus(reseau: Transport, requete: Requete | None = None, **champs: object) -> ErreurSource:
    with pytest.raises(ErreurSource) as levee:
        await reseau.demander(appel(requete, **champs))
    assert levee.value.__cause__ is None
    return levee.value


async def test_un_document_est_lu(routeur: respx.MockRouter) -> None:
    route = routeur.get(URL, params={"a": "é&b"}).respond(json={"x": [1]})
    requete = Requete("liste", "/liste", params={"a": "é&b"})
    reponse = await transport(routeur).demander(appel(requete, preuve=EnTetes({"X-Cle": SECRET})))
    assert reponse.document == {"x": [1]}
    envoyee = route.calls.last.request
    assert (envoyee.headers["X-Cle"], envoyee.headers["Accept-Encoding"]) == (SECRET, "gzip")


async def test_un_corps_part_en_json(routeur: respx.MockRouter) -> None:
    routeur.post(URL, json={"page": 1}).respond(json=[])
    reponse = await transport(routeur).demander(appel(Requete("c", "/liste", "POST", corps={"page": 1})))
    assert reponse.document == []


async def test_un_gzip_est_lu(routeur: respx.MockRouter) -> None:
    routeur.get(URL).respond(content=gzip.compress(b"[1]"), headers={"Content-Encoding": "gzip"})
    assert (await transport(routeur).demander(appel())).document == [1]


async def test_u03_une_bombe_est_refusee(routeur: respx.MockRouter) -> None:
    bombe = gzip.compress(b"[" + b" " * 50_000_000 + b"]", 9)
    flux = httpx.Response(200, stream=Flux(bombe), headers={"Content-Encoding": "gzip"})
    routeur.get(URL).mock(return_value=flux)
    assert str(await refus(transport(routeur))) == "réponse du partenaire invalide : réponse trop volumineuse"


class Flux(httpx.AsyncByteStream):
    """A body given as it is, so that the mock itself decodes nothing."""

    def __init__(self, corps: bytes) -> None:
        self._corps = corps

    async def __aiter__(self):  # type: ignore[no-untyped-def]
        for i in range(0, len(self._corps), 65_536):
            yield self._corps[i : i + 65_536]


@pytest.mark.parametrize("encodage", ["br", "zstd"])
async def test_u03_une_compression_non_demandee_est_refusee(routeur: respx.MockRouter, encodage: str) -> None:
    flux = httpx.Response(200, stream=Flux(b"xxxx"), headers={"Content-Encoding": encodage})
    routeur.get(URL).mock(return_value=flux)
    assert isinstance(await refus(transport(routeur)), SourceInvalide)


@pytest.mark.parametrize(
    ("statut", "corps"),
    [
        (200, b"<html>page de connexion</html>"),
        (200, b""),
        (200, b" \n"),
        (204, b""),
        (200, b"null"),
        (200, b'{"a": 1'),
    ],
    ids=["HTML", "vide", "blancs", "204", "null", "moitié"],
)
async def test_u04_un_succes_sans_donnees_est_une_erreur(routeur: respx.MockRouter, statut: int, corps: bytes) -> None:
    routeur.get(URL).respond(statut, content=corps)
    erreur = await refus(transport(routeur))
    assert isinstance(erreur, SourceInvalide)
    assert (erreur.source, erreur.code.value) == ("erp", "SOURCE_INVALIDE")


@pytest.mark.parametrize("statut", [200, 204])
async def test_une_reponse_vide_est_une_absence_quand_le_partenaire_le_veut(
    routeur: respx.MockRouter, statut: int
) -> None:
    routeur.get(URL).respond(statut)
    reponse = await transport(routeur).demander(appel(Requete("l", "/liste", vide_est_absence=True)))
    assert reponse.document is None


async def test_404_n_est_pas_une_absence(routeur: respx.MockRouter) -> None:
    routeur.get(URL).respond(404)
    erreur = await refus(transport(routeur), Requete("l", "/liste", vide_est_absence=True))
    assert isinstance(erreur, SourceInvalide)


@pytest.mark.parametrize(
    "vers", ["http://169.254.169.254/latest", "https://autre.test/liste", "file:///etc/passwd", URL, "/liste"]
)
async def test_u06_une_redirection_n_est_pas_suivie(routeur: respx.MockRouter, vers: str) -> None:
    route, reste = routeur.get(URL), routeur.route().respond(json=[])
    for statut in (301, 302, 307, 308):
        route.respond(statut, headers={"Location": vers})
        erreur = await refus(transport(routeur), preuve=EnTetes({"X-Cle": SECRET}))
        assert str(erreur) == "redirection refusée"
    assert (route.call_count, reste.called) == (4, False)


async def test_u13_429_et_503_disent_quand_revenir(routeur: respx.MockRouter) -> None:
    routeur.get(URL).mock(
        side_effect=[
            httpx.Response(429, headers={"Retry-After": "3"}),
            httpx.Response(503, headers={"Retry-After": "Mon, 02 Mar 2026 09:00:30 GMT"}),
        ]
    )
    reseau = transport(routeur)
    quota, ferme = await refus(reseau), await refus(reseau)
    assert isinstance(quota, SourceIndisponible)
    assert isinstance(ferme, SourceFermee)
    assert (quota.reessayer_dans, ferme.reessayer_dans) == (3.0, 30.0)


async def test_un_quota_annonce_sous_un_succes_est_une_indisponibilite(routeur: respx.MockRouter) -> None:
    routeur.get(URL).respond(json={"erreur": "quota"})
    erreur = await refus(transport(routeur), Requete("l", "/liste", forme=Forme.CSV))
    assert isinstance(erreur, SourceIndisponible)


@pytest.mark.parametrize(
    ("panne", "sorte"),
    [
        (httpx.ConnectError, SourceIndisponible),
        (httpx.ReadError, SourceIndisponible),
        (ConnectionResetError, SourceIndisponible),
        (httpx.RemoteProtocolError, SourceIndisponible),
        (httpx.ConnectTimeout, SourceIndisponible),
    ],
)
async def test_u15_une_panne_ne_dit_ni_url_ni_secret_ni_corps(
    routeur: respx.MockRouter, panne: type[Exception], sorte: type[ErreurSource], caplog: pytest.LogCaptureFixture
) -> None:
    routeur.get(URL).mock(side_effect=panne(f"echo of {URL}?cle={SECRET}"))
    with caplog.at_level(logging.DEBUG):
        erreur = await refus(transport(routeur), preuve=Parametre("cle", SECRET, {}))
    assert type(erreur) is sorte
    dit = repr(erreur) + str(erreur) + caplog.text
    assert SECRET not in dit
    assert "127.0.0.1" not in dit


async def test_u15_un_corps_d_erreur_qui_repete_nos_entetes_reste_inconnu(
    routeur: respx.MockRouter, caplog: pytest.LogCaptureFixture
) -> None:
    routeur.get(URL).respond(401, json={"recu": SECRET})
    with caplog.at_level(logging.DEBUG):
        erreur = await refus(transport(routeur), preuve=EnTetes({"X-Cle": SECRET}))
    assert str(erreur) == "accès refusé par le partenaire"
    assert SECRET not in caplog.text + repr(appel(preuve=EnTetes({"X-Cle": SECRET})))


async def test_aucun_cookie_n_est_garde(routeur: respx.MockRouter) -> None:
    route = routeur.get(URL).respond(json=[], headers={"Set-Cookie": "session=1; Path=/"})
    reseau = transport(routeur)
    await reseau.demander(appel())
    await reseau.demander(appel())
    assert "Cookie" not in route.calls.last.request.headers


async def test_un_gros_document_est_lu_a_part(routeur: respx.MockRouter) -> None:
    routeur.get(URL).respond(content=b"[" + b"1," * 200_000 + b"1]")
    assert len((await transport(routeur).demander(appel())).document) == 200_001
