"""What a partner confirms by 304, or says again word for word, is young again, unread; what it does not is read whole
(RFC 9110 §13). Time is virtual."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import date, datetime, timedelta

import httpx
import pytest
import respx
from pydantic import SecretStr

from gateway.cache.coffre import Coffre
from gateway.cache.partage import CachePartage
from gateway.cache.redis import CacheRedis
from gateway.cache.seam import Cache, cache_local
from gateway.connectors.base import Dossier, Forme, Lecture, Locataire, Lu, Pages, Requete
from gateway.domain.sceau import Sceau
from gateway.errors import SourceInvalide
from gateway.federation.annuaire import Annuaire
from gateway.federation.collecte import Collecteur
from gateway.federation.plan import Plan
from gateway.schema.nouns import Jeune
from gateway.sources.codec import codec
from gateway.sources.decodage import DocumentInvalide, decoder
from gateway.sources.partenaires import Acces
from gateway.sources.reperes import repere, tous
from gateway.sources.unites import Echec, EtatCache, Resultat
from tests.access.petit_monde import IDENTIFIANTS, REFERENTIEL, Registre
from tests.sources_aide import BASE, CONNECTEUR, INSTANT, SECRET, UAI_A, UAI_B, Banc, banc, partenaire, transport, unite
from tests.sources_aide import _dossier as dossier

pytestmark = pytest.mark.anyio
URL = f"{BASE}/liste/{UAI_A}"
PAGE_2 = f"{BASE}/liste/{UAI_A}?page=2"
INCHANGEE = httpx.Response(304)


def lignes(*cles: str, uai: str = UAI_A, **entetes: str) -> httpx.Response:
    noms = {nom.replace("_", "-"): valeur for nom, valeur in entetes.items()}
    return httpx.Response(200, json=[{"cle": cle, "uai": uai} for cle in cles], headers=noms)


async def lire(essai: Banc, vieillie: float = 0.0) -> Resultat | Echec:
    """What is known once the partner was asked, if it has to be."""
    essai.secondes[0] += vieillie
    (lu,) = await essai.sources.lire([unite()], 5.0)
    return lu


async def relire(essai: Banc) -> Resultat:
    """The same, past its fresh lifetime, waited for."""
    lu = await lire(essai, 901)
    assert isinstance(lu, Resultat), lu
    return lu


def cles(lu: Resultat | Echec) -> list[str]:
    assert isinstance(lu, Resultat), lu
    return [dossier.cle for dossier in lu.dossiers]


def conditions(route: respx.Route) -> list[str | None]:
    return [appel.request.headers.get("If-None-Match") for appel in route.calls]


async def test_un_304_rend_sa_jeunesse_a_ce_qui_est_garde(routeur: respx.MockRouter, essai: Banc) -> None:
    route = routeur.get(URL).mock(side_effect=[lignes("1", ETag='"a"'), INCHANGEE, INCHANGEE])
    premiere = await lire(essai)
    for _ in range(2):
        lu = await relire(essai)
        assert (cles(lu), lu.cache, lu.age) == (["1"], EtatCache.MANQUE, 0.0)
        assert isinstance(premiere, Resultat)
        assert (lu.version, lu.recu_le) == (premiere.version, premiere.recu_le)  # the views made of it hold
    encore = await lire(essai, 299)
    assert (encore.cache, encore.age) == (EtatCache.TOUCHE, 299.0)  # type: ignore[union-attr]
    assert conditions(route) == [None, '"a"', '"a"']
    assert essai.compteur("passerelle_revalidations", partenaire="erp", issue="inchangee") == 2


async def test_ce_qui_est_redit_mot_pour_mot_garde_sa_version(routeur: respx.MockRouter, essai: Banc) -> None:
    """A partner without validators is read whole; the views made of what it says again hold all the same."""
    routeur.get(URL).mock(side_effect=[lignes("1"), lignes("1"), lignes("1", "2")])
    premiere, redite, changee = await relire(essai), await relire(essai), await relire(essai)
    assert (redite.version, redite.cache, redite.age) == (premiere.version, EtatCache.MANQUE, 0.0)
    assert redite.dossiers is premiere.dossiers
    assert (cles(changee), changee.version != premiere.version) == (["1", "2"], True)


def nommes(locataire: Locataire, _jour: date) -> Lecture[Lu]:
    ((page,),) = yield [Requete("liste", f"/liste/{locataire.code}")]
    return Lu([Dossier(une["cle"], Jeune(nom="Zz", prenom="Yy", date_naissance=date(2008, 1, 2))) for une in page])


@pytest.fixture
async def nomme(routeur: respx.MockRouter) -> AsyncIterator[Banc]:
    async with banc(transport(routeur), connecteur=replace(CONNECTEUR, dossiers_cfa=nommes)) as ouvert:
        yield ouvert


async def test_ce_qui_en_fut_fait_tient_et_dit_l_age_du_moment(routeur: respx.MockRouter, nomme: Banc) -> None:
    """What was heard is not heard again, warm or confirmed; its age is that of the partner's last word."""
    essai = nomme
    routeur.get(URL).mock(side_effect=[lignes("1", ETag='"a"'), INCHANGEE])
    heure = lambda: essai.secondes[0]  # noqa: E731
    collecteur = Collecteur(essai.sources, Registre(), "registre", 3.0, heure, lambda _source, _nombre: None)
    plan, annuaire = Plan(vue=True, uais=(UAI_A,)), Annuaire(REFERENTIEL, IDENTIFIANTS)
    premiere, ages = await collecteur.collecter(plan, annuaire), []
    for passe in (100, 100, 101):  # young, young, stale: asked again behind
        essai.secondes[0] += passe
        recolte = await collecteur.collecter(plan, annuaire)
        ages.append((recolte.fraicheurs["erp"].status, essai.secondes[0] - recolte.fraicheurs["erp"].said_at))
        for _ in range(50):
            await asyncio.sleep(0.001)
    essai.secondes[0] += 2
    confirmee = await collecteur.collecter(plan, annuaire)
    assert ages == [("touche", 100.0), ("touche", 200.0), ("perime", 301.0)]
    assert (confirmee.fraicheurs["erp"].status, essai.secondes[0] - confirmee.fraicheurs["erp"].said_at) == (
        "touche",
        2.0,
    )
    assert confirmee.versions == premiere.versions
    assert all(un is autre for un, autre in zip(confirmee.temoignages, premiere.temoignages, strict=True))


async def test_ce_qui_change_est_lu_en_entier(routeur: respx.MockRouter, essai: Banc) -> None:
    """What comes in place of a confirmation is what is read: it is not asked a second time."""
    suite = [lignes("1", ETag='"a"'), lignes("1", "2", ETag='"b"'), INCHANGEE]
    route = routeur.get(URL).mock(side_effect=suite)
    await lire(essai)
    assert cles(await relire(essai)) == ["1", "2"]
    assert cles(await relire(essai)) == ["1", "2"]
    assert conditions(route) == [None, '"a"', '"b"']
    assert essai.compteur("passerelle_revalidations", partenaire="erp", issue="changee") == 1


async def test_sans_repere_sur_rien_n_est_demande_sous_condition(routeur: respx.MockRouter, essai: Banc) -> None:
    route = routeur.get(URL).mock(
        side_effect=[lignes("1", ETag="sans guillemets"), lignes("2", ETag='"a b"'), lignes("3")]
    )
    assert [cles(await lire(essai)), cles(await relire(essai)), cles(await relire(essai))] == [["1"], ["2"], ["3"]]
    assert conditions(route) == [None, None, None]


async def test_une_date_de_modification_sert_de_repere(routeur: respx.MockRouter, essai: Banc) -> None:
    hier, avant = "Sun, 01 Mar 2026 08:00:00 GMT", "Sun, 01 Mar 2026 07:00:00 GMT"
    route = routeur.get(URL).mock(side_effect=[lignes("1", Last_Modified=avant, Date=hier), INCHANGEE])
    await lire(essai)
    assert cles(await relire(essai)) == ["1"]
    assert route.calls.last.request.headers["If-Modified-Since"] == avant


@pytest.mark.parametrize(("modifie", "date"), [("Sun, 01 Mar 2026 08:00:00 GMT",) * 2, ("hier", "demain"), ("", "")])
def test_une_date_qui_ne_dit_pas_tout_n_est_pas_un_repere(modifie: str, date: str) -> None:
    lu = repere(Requete("liste", "/liste"), b"", {"Last-Modified": modifie, "Date": date})
    assert lu is not None
    assert lu.conditions == {}


def test_une_page_sans_repere_oblige_a_tout_relire() -> None:
    demandee = Requete("liste", "/liste", params={"page": "1"}, forme=Forme.CSV, encodage="latin-1")
    un = repere(demandee, b"", {"ETag": 'W/"a"'})
    assert un
    assert (un.requete, un.conditions) == (demandee, {"If-None-Match": 'W/"a"'})
    assert repere(Requete("liste", "/liste", "POST"), b"", {"ETag": '"a"'}) is None
    assert (tous([un, un]), tous([un, None]), tous([])) == ((un, un), (), ())


async def test_un_304_que_personne_n_a_demande_est_une_erreur(routeur: respx.MockRouter, essai: Banc) -> None:
    routeur.get(URL).mock(side_effect=[INCHANGEE, lignes("1")])
    lu = await lire(essai)
    assert isinstance(lu, Echec)
    assert isinstance(lu.erreur, SourceInvalide)
    assert lu.secours is None
    assert cles(await lire(essai)) == ["1"]


async def test_ce_qui_fut_purge_n_est_pas_confirme(routeur: respx.MockRouter, essai: Banc) -> None:
    """Purged after it was looked at and before the partner was asked: we hold it, and must not keep it again."""
    route = routeur.get(URL).mock(side_effect=[lignes("1", ETag='"a"'), lignes("2", ETag='"b"')])
    await lire(essai)
    essai.secondes[0] += 901
    lecture = asyncio.create_task(essai.sources.lire([unite()], 5.0))
    await asyncio.sleep(0)
    await essai.sources.purger("erp")
    (lu,) = await lecture
    assert cles(lu) == ["2"]
    assert conditions(route) == [None, None]


async def test_un_304_pour_ce_qui_fut_purge_entre_temps_n_est_pas_garde(routeur: respx.MockRouter, essai: Banc) -> None:
    async def purger(_: httpx.Request) -> httpx.Response:
        await essai.sources.purger("erp")
        return INCHANGEE

    route = routeur.get(URL).mock(side_effect=[lignes("1", ETag='"a"')])
    await lire(essai)
    route.mock(side_effect=purger)
    assert cles(await relire(essai)) == ["1"]  # true when it was asked
    route.mock(side_effect=[lignes("2")])
    assert cles(await lire(essai)) == ["2"]
    assert conditions(route) == [None, '"a"', None]


async def test_un_304_pour_ce_qui_fut_oublie_entre_temps_le_garde_a_nouveau(
    routeur: respx.MockRouter, essai: Banc
) -> None:
    """Out of memory while the partner was asked: what was looked at is still in hand."""

    async def oublier(_: httpx.Request) -> httpx.Response:
        essai.sources._socle.cache._memoire._entrees.clear()  # type: ignore[attr-defined]
        return INCHANGEE

    route = routeur.get(URL).mock(side_effect=[lignes("1", ETag='"a"')])
    await lire(essai)
    route.mock(side_effect=oublier)
    assert cles(await relire(essai)) == ["1"]
    encore = await lire(essai)
    assert (cles(encore), encore.cache) == (["1"], EtatCache.TOUCHE)  # type: ignore[union-attr]


async def test_ce_qui_fut_lu_la_veille_est_lu_a_nouveau(routeur: respx.MockRouter) -> None:
    route = routeur.get(URL).mock(side_effect=[lignes("1", ETag='"a"'), lignes("1", ETag='"a"')])
    maintenant = [INSTANT]

    def horloge() -> datetime:
        return maintenant[0]

    async with banc(transport(routeur), instant=horloge) as essai:
        await lire(essai)
        maintenant[0] += timedelta(days=1)
        assert cles(await relire(essai)) == ["1"]
    assert conditions(route) == [None, None]


async def test_c03_une_reponse_melee_d_autres_n_est_jamais_confirmee(routeur: respx.MockRouter, essai: Banc) -> None:
    melee = [{"cle": "1", "uai": UAI_A}, {"cle": "9", "uai": UAI_B}]
    route = routeur.get(URL).mock(return_value=httpx.Response(200, json=melee, headers={"ETag": '"a"'}))
    for _ in range(2):
        lu = await lire(essai)
        assert isinstance(lu, Echec)
        assert lu.secours is not None
        assert cles(lu.secours) == ["1"]
    assert conditions(route) == [None, None]


def enchainees(locataire: Locataire, _jour: date) -> Lecture[Lu]:
    (pages,) = yield [Requete("liste", f"/liste/{locataire.code}", pages=Pages.ODATA)]
    return Lu([dossier(ligne) for page in pages for ligne in page["value"]])


def page(cle: str, suite: str | None = None) -> httpx.Response:
    lignes = [{"cle": cle, "uai": UAI_A}]
    return httpx.Response(200, json={"value": lignes, "@odata.nextLink": suite}, headers={"ETag": f'"{cle}"'})


async def test_une_lecture_de_deux_pages_est_confirmee_page_par_page(routeur: respx.MockRouter) -> None:
    """Two requests when nothing changes, or the last page; when the first does, one more: the last only said unchanged."""
    une, deux = routeur.get(PAGE_2), routeur.get(URL)  # the most precise first
    une.mock(side_effect=[page("2"), INCHANGEE, page("3"), INCHANGEE, page("3")])
    deux.mock(side_effect=[page("1", PAGE_2), INCHANGEE, page("1", PAGE_2), page("0", PAGE_2)])
    lus, appels = [], []
    async with banc(transport(routeur), connecteur=replace(CONNECTEUR, dossiers_cfa=enchainees)) as essai:
        for _ in range(4):
            avant = une.call_count + deux.call_count
            lus.append(cles(await lire(essai, 901)))
            appels.append(une.call_count + deux.call_count - avant)
    assert lus == [["1", "2"], ["1", "2"], ["1", "3"], ["0", "3"]]
    assert appels == [2, 2, 2, 3]


async def test_les_pages_d_une_liste_sont_redemandees_l_une_apres_l_autre(routeur: respx.MockRouter) -> None:
    """Two lists are asked again together, each a page at a time: a long one takes no more places than when it is read."""
    en_cours, ensemble = 0, 0

    def deux_listes(locataire: Locataire, _jour: date) -> Lecture[Lu]:
        listes = yield [
            Requete("liste", f"/liste/{nom}", params={}, pages=Pages.TAILLE, taille=2) for nom in (locataire.code, "b")
        ]
        return Lu([dossier(ligne) for pages in listes for page in pages for ligne in page])

    async def servir(request: httpx.Request) -> httpx.Response:
        nonlocal en_cours, ensemble
        en_cours += 1
        ensemble = max(ensemble, en_cours)
        for _ in range(5):
            await asyncio.sleep(0)
        en_cours -= 1
        rang, nom = int(request.url.params["page"]), request.url.path.rpartition("/")[2]
        return lignes(*(f"{nom}{cle}" for cle in range(2 * rang, 2 * rang + (2 if rang < 4 else 1))))

    route = routeur.get(url__startswith=f"{BASE}/liste/").mock(side_effect=servir)
    async with banc(transport(routeur), connecteur=replace(CONNECTEUR, dossiers_cfa=deux_listes)) as essai:
        premiere, redite = await relire(essai), await relire(essai)
    assert (redite.dossiers is premiere.dossiers, len(premiere.dossiers), route.call_count) == (True, 14, 16)
    assert ensemble == 2


def par_liens(locataire: Locataire, _jour: date) -> Lecture[Lu]:
    (pages,) = yield [Requete("liste", f"/liste/{locataire.code}", pages=Pages.LIEN)]
    return Lu([dossier(ligne) for page in pages for ligne in page])


async def test_un_lien_nouveau_sous_le_meme_corps_est_un_changement(routeur: respx.MockRouter) -> None:
    """A full page stays as it was when another is added after it: only its header tells, of which no validator speaks."""
    une, deux = routeur.get(PAGE_2), routeur.get(URL)
    une.mock(return_value=lignes("2"))
    deux.mock(side_effect=[lignes("1", ETag='"a"'), lignes("1", ETag='"a"', Link=f'<{PAGE_2}>; rel="next"')])
    async with banc(transport(routeur), connecteur=replace(CONNECTEUR, dossiers_cfa=par_liens)) as essai:
        assert [cles(await relire(essai)), cles(await relire(essai))] == [["1"], ["1", "2"]]
    assert conditions(deux) == [None, None]


DETAILS = f"{BASE}/details/{UAI_A}"


def en_deux_temps(locataire: Locataire, _jour: date) -> Lecture[Lu]:
    """Who there is, then what is told of them."""
    ((qui,),) = yield [Requete("liste", f"/liste/{locataire.code}")]
    dits = ",".join(ligne["cle"] for ligne in qui)
    ((lues,),) = yield [Requete("details", f"/details/{locataire.code}", params={"ids": dits})]
    return Lu([dossier(ligne) for ligne in lues])


@pytest.fixture
async def suivi(routeur: respx.MockRouter) -> AsyncIterator[Banc]:
    async with banc(transport(routeur), connecteur=replace(CONNECTEUR, dossiers_cfa=en_deux_temps)) as ouvert:
        yield ouvert


async def test_ce_qui_fut_lu_en_deux_temps_est_redemande_en_un(routeur: respx.MockRouter, suivi: Banc) -> None:
    """A partner without validators: both requests are under way together, and neither answer is decoded."""
    listes, details, ensemble = routeur.get(URL), routeur.get(DETAILS), asyncio.Barrier(2)
    listes.mock(return_value=lignes("1"))
    details.mock(return_value=lignes("1"))
    premiere = await relire(suivi)

    async def a_deux(_: httpx.Request) -> httpx.Response:
        async with asyncio.timeout(1):  # one after the other, they would wait for ever
            await ensemble.wait()
        return lignes("1")

    listes.mock(side_effect=a_deux)
    details.mock(side_effect=a_deux)
    redite = await relire(suivi)
    assert (redite.version, redite.dossiers is premiere.dossiers) == (premiere.version, True)
    assert (listes.call_count, details.call_count) == (2, 2)


async def test_ce_qui_est_revenu_autre_sert_la_lecture(routeur: respx.MockRouter, suivi: Banc) -> None:
    """One page changed: the other, unchanged and not decoded, is read all the same; nothing is asked twice."""
    listes, details = routeur.get(URL), routeur.get(DETAILS)
    listes.mock(return_value=lignes("1"))
    details.mock(side_effect=[lignes("1"), lignes("3")])
    assert [cles(await relire(suivi)), cles(await relire(suivi))] == [["1"], ["3"]]
    assert (listes.call_count, details.call_count) == (2, 2)


async def test_ce_qui_fut_lisible_et_ne_l_est_plus_est_une_erreur_du_partenaire(
    routeur: respx.MockRouter, suivi: Banc, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kept by a process whose code was laxer: the page is as it was, and cannot be decoded any more."""
    listes, details = routeur.get(URL), routeur.get(DETAILS)
    listes.mock(return_value=lignes("1"))
    details.mock(side_effect=[lignes("1"), lignes("3")])
    await relire(suivi)

    def refuser(corps: bytes, requete: Requete) -> object:
        if requete.operation == "liste":
            raise DocumentInvalide("JSON illisible")
        return decoder(corps, requete)

    monkeypatch.setattr("gateway.sources.transport.decoder", refuser)
    lu = await lire(suivi, 901)
    assert isinstance(lu, Echec)
    assert isinstance(lu.erreur, SourceInvalide)
    assert lu.secours is not None


async def test_u15_une_page_gardee_ne_retient_pas_le_secret_qu_un_lien_repete(routeur: respx.MockRouter) -> None:
    demandees = routeur.get(url__startswith=URL).mock(
        side_effect=[lignes("1", Link=f'<{PAGE_2}&cle={SECRET}>; rel="next"'), lignes("2"), *[lignes("1")] * 2]
    )
    erp = partenaire(acces={"defaut": Acces("parametre", "cle", SecretStr(SECRET))})
    async with banc(transport(routeur), erp, replace(CONNECTEUR, dossiers_cfa=par_liens)) as essai:
        lu = await relire(essai)
    assert cles(lu) == ["1", "2"]
    assert [appel.request.url.params["cle"] for appel in demandees.calls] == [SECRET] * 2
    assert SECRET not in repr(lu.reperes)


async def test_ce_qui_est_revenu_illisible_n_est_pas_redemande(routeur: respx.MockRouter, suivi: Banc) -> None:
    """The reading would ask the same page: its error is known."""
    listes, details = routeur.get(URL), routeur.get(DETAILS)
    listes.mock(return_value=lignes("1"))
    details.mock(side_effect=[lignes("1"), httpx.Response(200, content=b"<html>"), lignes("1")])
    await relire(suivi)
    lu = await lire(suivi, 901)
    assert isinstance(lu, Echec)
    assert isinstance(lu.erreur, SourceInvalide)
    assert lu.secours is not None
    assert (listes.call_count, details.call_count) == (2, 2)
    assert cles(await lire(suivi)) == ["1"]


async def test_une_page_qui_n_est_plus_n_empeche_pas_de_relire(routeur: respx.MockRouter, suivi: Banc) -> None:
    """What was asked before is of persons who left: the partner refuses it, and the list tells who there is."""
    routeur.get(URL).mock(side_effect=[lignes("1"), lignes("2")])
    anciens, nouveaux = routeur.get(DETAILS, params={"ids": "1"}), routeur.get(DETAILS, params={"ids": "2"})
    anciens.mock(side_effect=[lignes("1"), httpx.Response(404)])
    nouveaux.mock(return_value=lignes("2"))
    assert [cles(await relire(suivi)), cles(await relire(suivi))] == [["1"], ["2"]]
    assert (anciens.call_count, nouveaux.call_count) == (2, 1)


async def test_ce_qu_un_processus_fait_confirmer_est_jeune_pour_tous(routeur: respx.MockRouter, url_redis: str) -> None:
    """Two processes over one Redis: the second asks nothing more, and what it has opened keeps its version."""
    nom = f"erp-{id(routeur)}"  # keys of this test alone
    route = routeur.get(URL).mock(side_effect=[lignes("1", ETag='"a"'), INCHANGEE])
    minute = [1_000_000.0]
    async with AsyncExitStack() as pile:
        caches = [cache_de(url_redis, nom, minute) for _ in range(2)]
        un, autre = [await pile.enter_async_context(banc(transport(routeur), cache=cache)) for cache in caches]
        lus = [await lire(un), await lire(autre)]
        minute[0] += 901
        lus += [await lire(un), await lire(autre)]
    assert [(cles(lu), lu.age) for lu in lus] == [(["1"], 0.0)] * 4  # type: ignore[union-attr]
    assert len({lu.version for lu in lus}) == 1  # type: ignore[union-attr]
    assert conditions(route) == [None, '"a"']


def cache_de(url: str, nom: str, minute: list[float]) -> Cache:
    cle = Sceau(hashlib.sha256(nom.encode()).digest())
    return CachePartage(CacheRedis(url), Coffre([cle], codec(Resultat)), cache_local(lambda: minute[0]))


async def test_ce_qu_un_evenement_dit_change_est_lu_en_entier(routeur: respx.MockRouter, essai: Banc) -> None:
    route = routeur.get(URL).mock(side_effect=[lignes("1", ETag='"a"'), lignes("2", ETag='"b"')])
    await lire(essai)
    await essai.sources.invalider(unite())
    assert cles(await relire(essai)) == ["2"]
    assert conditions(route) == [None, None]
