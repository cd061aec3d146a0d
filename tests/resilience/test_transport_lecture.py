"""Reading units: one flight for all, a fetch that outlives its asker, deadlines, what is kept and what is not.

ANSWERS 8, SECURITY C03, C06, C12, U08, U10, U13.
"""

import asyncio
import logging
from dataclasses import replace

import httpx
import pytest
import respx

from gateway.connectors.base import Connecteur, Forme, Lecture, Locataire, Lu, Pages, Requete
from gateway.errors import ErreurSource, SourceDelaiDepasse, SourceFermee, SourceIndisponible, SourceInvalide
from gateway.schema.lieux import EtatSource, TypeSource
from gateway.sources.fichier import CacheFichier, LimitesFichier
from gateway.sources.unites import Echec, EtatCache, Ressource, Resultat, Unite
from tests.sources_aide import (
    BASE,
    CONNECTEUR,
    SECRET,
    UAI_A,
    UAI_B,
    UAI_SITE,
    Banc,
    banc,
    partenaire,
    transport,
    unite,
)

pytestmark = pytest.mark.anyio
URL_A = f"{BASE}/liste/{UAI_A}"
LIGNES = [{"cle": "1", "uai": UAI_A}]


class Porte:
    """A partner that answers only once it is opened."""

    def __init__(self, reponse: httpx.Response | None = None) -> None:
        self.demandee, self.ouverte = asyncio.Event(), asyncio.Event()
        self._reponse = reponse or httpx.Response(200, json=LIGNES)

    async def __call__(self, _: httpx.Request) -> httpx.Response:
        self.demandee.set()
        await self.ouverte.wait()
        return self._reponse


async def lire(essai: Banc, demandee: Unite | None = None, delai: float = 5.0) -> Resultat | Echec:
    (lu,) = await essai.sources.lire([demandee or unite()], delai)
    return lu


def cles(lu: Resultat | Echec) -> list[str]:
    assert isinstance(lu, Resultat), lu
    return [dossier.cle for dossier in lu.dossiers]


async def echec(essai: Banc, demandee: Unite | None = None, delai: float = 5.0) -> ErreurSource:
    lu = await lire(essai, demandee, delai)
    assert isinstance(lu, Echec)
    assert lu.unite == (demandee or unite())
    return lu.erreur


async def test_une_unite_est_lue_puis_servie_du_cache(routeur: respx.MockRouter, essai: Banc) -> None:
    route = routeur.get(URL_A).respond(json=LIGNES)
    premiere, seconde = await lire(essai), await lire(essai)
    assert (cles(premiere), cles(seconde), route.call_count) == (["1"], ["1"], 1)
    assert isinstance(premiere, Resultat)
    assert isinstance(seconde, Resultat)
    assert (premiere.cache, seconde.cache) == (EtatCache.MANQUE, EtatCache.TOUCHE)
    assert premiere.version == seconde.version
    assert route.calls.last.request.headers["X-Cle"] == SECRET


async def test_une_unite_perimee_est_redemandee_avec_une_autre_version(routeur: respx.MockRouter, essai: Banc) -> None:
    route = routeur.get(URL_A).mock(side_effect=[httpx.Response(200, json=LIGNES), httpx.Response(200, json=[])])
    premiere = await lire(essai)
    essai.secondes[0] += 900.0
    seconde = await lire(essai)
    assert route.call_count == 2
    assert isinstance(premiere, Resultat)
    assert isinstance(seconde, Resultat)
    assert (seconde.cache, seconde.version != premiere.version) == (EtatCache.MANQUE, True)


async def test_chaque_unite_garde_sa_place(routeur: respx.MockRouter, essai: Banc) -> None:
    routeur.get(URL_A).respond(json=LIGNES)
    routeur.get(f"{BASE}/liste/{UAI_B}").respond(500)
    lus = await essai.sources.lire([unite(UAI_B), unite(), unite(UAI_B), unite()], 5.0)
    assert [type(lu) for lu in lus] == [Echec, Resultat, Echec, Resultat]
    assert [lu.unite.cle for lu in lus] == [UAI_B, UAI_A, UAI_B, UAI_A]
    assert routeur.calls.call_count == 2


async def test_c06_cinquante_demandeurs_un_seul_appel(routeur: respx.MockRouter, essai: Banc) -> None:
    porte = Porte()
    route = routeur.get(URL_A).mock(side_effect=porte)
    demandes = [asyncio.create_task(lire(essai)) for _ in range(50)]
    await porte.demandee.wait()
    porte.ouverte.set()
    assert [cles(lu) for lu in await asyncio.gather(*demandes)] == [["1"]] * 50
    assert route.call_count == 1


async def test_c06_un_demandeur_qui_part_n_arrete_rien(routeur: respx.MockRouter, essai: Banc) -> None:
    porte = Porte()
    route = routeur.get(URL_A).mock(side_effect=porte)
    premier, second = asyncio.create_task(lire(essai)), asyncio.create_task(lire(essai))
    await porte.demandee.wait()
    premier.cancel()
    with pytest.raises(asyncio.CancelledError):
        await premier
    porte.ouverte.set()
    assert cles(await second) == ["1"]
    assert route.call_count == 1


async def test_tous_partis_l_appel_remplit_quand_meme_le_cache(routeur: respx.MockRouter, essai: Banc) -> None:
    porte = Porte()
    route = routeur.get(URL_A).mock(side_effect=porte)
    seul = asyncio.create_task(lire(essai))
    await porte.demandee.wait()
    seul.cancel()
    await asyncio.gather(seul, return_exceptions=True)
    porte.ouverte.set()
    while isinstance(lu := await lire(essai), Resultat) and lu.cache is EtatCache.MANQUE:
        pass
    assert (cles(lu), route.call_count) == (["1"], 1)


async def test_u02_delai_de_reponse_depasse_puis_servi(routeur: respx.MockRouter, essai: Banc) -> None:
    porte = Porte()
    route = routeur.get(URL_A).mock(side_effect=porte)
    assert type(await echec(essai, delai=0.01)) is SourceDelaiDepasse
    assert type(await echec(essai, delai=-1.0)) is SourceDelaiDepasse
    porte.ouverte.set()
    assert cles(await lire(essai)) == ["1"]
    assert route.call_count == 1


async def test_u02_delai_du_partenaire_depasse_la_place_est_rendue(routeur: respx.MockRouter) -> None:
    porte = Porte()
    routeur.get(URL_A).mock(side_effect=porte)
    limites = LimitesFichier(par_seconde=10_000, simultanes=1, delai_secondes=0.05)
    async with banc(transport(routeur), partenaire(limites=limites)) as essai:
        assert type(await echec(essai)) is SourceDelaiDepasse
        porte.ouverte.set()
        assert cles(await lire(essai)) == ["1"]


async def test_c12_une_erreur_n_est_pas_gardee(routeur: respx.MockRouter, essai: Banc) -> None:
    routeur.get(URL_A).mock(side_effect=[httpx.Response(500), httpx.Response(200, json=LIGNES)])
    assert type(await echec(essai)) is SourceIndisponible
    assert cles(await lire(essai)) == ["1"]


async def test_u13_qui_dit_plus_tard_n_est_pas_redemande(routeur: respx.MockRouter, essai: Banc) -> None:
    route = routeur.get(URL_A).respond(429, headers={"Retry-After": "40"})
    autre = routeur.get(f"{BASE}/liste/{UAI_B}").respond(json=[])
    for _ in range(3):
        erreur = await echec(essai)
        assert isinstance(erreur, SourceIndisponible)
        assert erreur.reessayer_dans == 40.0
    assert cles(await lire(essai, unite(UAI_B))) == []
    assert (route.call_count, autre.call_count) == (1, 1)


async def test_u13_apres_une_pause_le_partenaire_est_redemande(routeur: respx.MockRouter, essai: Banc) -> None:
    debut = essai.secondes[0]
    ferme = httpx.Response(503, headers={"Retry-After": "86400"})
    route = routeur.get(URL_A).mock(side_effect=[ferme, ferme, httpx.Response(200, json=LIGNES)])
    assert type(await echec(essai)) is SourceFermee
    for ecoule, appels in ((59.0, 1), (60.0, 2), (119.0, 2)):
        essai.secondes[0] = debut + ecoule
        assert type(await echec(essai)) is SourceFermee
        assert route.call_count == appels
    essai.secondes[0] = debut + 120.0
    assert cles(await lire(essai)) == ["1"]


async def test_u10_les_dossiers_d_un_autre_etablissement_sont_ecartes(
    routeur: respx.MockRouter, essai: Banc, caplog: pytest.LogCaptureFixture
) -> None:
    """Those of the tenant are shown, with an error: who answers for others may have left some out."""
    lignes = [*LIGNES, {"cle": "2", "uai": UAI_B}, {"cle": "3", "uai": UAI_SITE}, {"cle": "4"}]
    routeur.get(URL_A).respond(json=lignes)
    with caplog.at_level(logging.WARNING):
        lu = await lire(essai)
    assert isinstance(lu, Echec)
    assert type(lu.erreur) is SourceInvalide
    assert [dossier.cle for dossier in lu.secours.dossiers] == ["1", "3", "4"] if lu.secours else False
    assert essai.compteur("passerelle_hors_locataire", partenaire="erp", ressource="cfa") == 1.0
    assert "source erp : 1 dossiers d'un autre établissement" in caplog.text


async def test_c03_une_reponse_toute_pour_un_autre_est_une_erreur(routeur: respx.MockRouter, essai: Banc) -> None:
    route = routeur.get(URL_A).respond(json=[{"cle": "2", "uai": UAI_B}])
    assert type(await echec(essai)) is SourceInvalide
    assert type(await echec(essai)) is SourceInvalide
    assert route.call_count == 2


@pytest.mark.parametrize("corps", [{"pas": "une liste"}, [3], [{"sans": "clé"}]])
async def test_u04_une_forme_inattendue_est_une_erreur_sans_valeur(
    routeur: respx.MockRouter, essai: Banc, corps: object, caplog: pytest.LogCaptureFixture
) -> None:
    routeur.get(URL_A).respond(json=corps)
    with caplog.at_level(logging.DEBUG):
        erreur = await echec(essai)
    assert str(erreur) == "réponse du partenaire d'une forme inattendue"
    assert "sans" not in caplog.text


async def test_un_etablissement_inconnu_n_est_pas_demande(routeur: respx.MockRouter, essai: Banc) -> None:
    assert type(await echec(essai, unite(UAI_SITE))) is SourceInvalide
    assert routeur.calls.call_count == 0


async def test_une_demande_que_le_connecteur_n_a_pas(routeur: respx.MockRouter) -> None:
    async with banc(transport(routeur), connecteur=replace(CONNECTEUR, dossiers_cfa=None)) as essai:
        assert type(await echec(essai)) is SourceInvalide


async def test_un_partenaire_sans_locataires_est_demande_par_structure(routeur: respx.MockRouter) -> None:
    routeur.get(f"{BASE}/liste/59010").respond(json=[{"cle": "1"}])
    async with banc(transport(routeur), partenaire(abonnes=None)) as essai:
        assert cles(await lire(essai, Unite("erp", Ressource.STRUCTURE, "59010"))) == ["1"]


@pytest.mark.parametrize("cle", ["", "59/010", "..", "%2e%2e", "59?a=1", "59;x", "59\r\nX: 1", "'", "$ne", "*", "é"])
async def test_u17_une_cle_qui_n_en_est_pas_une_n_est_pas_demandee(routeur: respx.MockRouter, cle: str) -> None:
    async with banc(transport(routeur), partenaire(abonnes=None)) as essai:
        demandee = Unite("erp", Ressource.STRUCTURE, cle)
        assert type(await echec(essai, demandee)) is SourceInvalide
    assert routeur.calls.call_count == 0


async def test_u17_un_chemin_est_encode(routeur: respx.MockRouter, essai: Banc) -> None:
    def lecture() -> Lecture[None]:
        yield [Requete("x", "/a b;c=$ne", params={"d": "e&f=%2f"})]

    route = routeur.get(url__startswith=BASE).respond(json=[])
    await essai.sources.executer("erp", lecture(), Locataire(""))
    assert route.calls.last.request.url.raw_path == b"/erp/a%20b%3Bc%3D%24ne?d=e%26f%3D%252f"


async def test_un_acces_absent_n_envoie_rien(routeur: respx.MockRouter) -> None:
    acces = {"autre": partenaire().acces["defaut"]}
    async with banc(transport(routeur), partenaire(acces=acces)) as essai:
        assert str(await echec(essai)) == "accès « defaut » non configuré"
    assert routeur.calls.call_count == 0


async def test_les_figures_sont_comptees_par_partenaire_et_operation(routeur: respx.MockRouter, essai: Banc) -> None:
    routeur.get(URL_A).mock(side_effect=[httpx.Response(500), httpx.Response(200, json=LIGNES)])
    for _ in range(3):
        await lire(essai)
    appel = {"partenaire": "erp", "operation": "liste"}
    par_unite = {"partenaire": "erp", "ressource": "cfa"}
    assert essai.compteur("passerelle_appels", **appel, issue="OK") == 1.0
    assert essai.compteur("passerelle_appels", **appel, issue="SOURCE_INDISPONIBLE") == 1.0
    assert essai.compteur("passerelle_rejets", **par_unite) == 1.0
    assert essai.compteur("passerelle_champs_ignores", **par_unite) == 2.0
    assert essai.compteur("passerelle_lectures", **par_unite, cache="touche") == 1.0


async def test_l_etat_suit_les_appels(routeur: respx.MockRouter, essai: Banc) -> None:
    (avant,) = essai.sources.etats()
    assert (avant.nom, avant.etat, avant.taux_erreur) == ("erp", EtatSource.DISPONIBLE, None)
    routeur.get(URL_A).respond(500)
    for _ in range(3):
        await lire(essai)
    (apres,) = essai.sources.etats()
    assert (apres.etat, apres.taux_erreur, apres.derniere_reponse) == (EtatSource.INDISPONIBLE, 1.0, None)


async def test_qui_sert_qui(essai: Banc) -> None:
    sources = essai.sources
    assert (sources.partenaire_du_cfa(UAI_A), sources.partenaire_du_cfa(UAI_SITE)) == ("erp", None)
    assert sources.uais("erp") == (UAI_A, UAI_B)
    assert sources.sources_de(TypeSource.ERP_CFA) == ("erp",)
    assert sources.sources_de(TypeSource.MISSION_LOCALE) == ()


async def test_la_fermeture_arrete_les_lectures_en_vol(routeur: respx.MockRouter) -> None:
    porte = Porte()
    routeur.get(URL_A).mock(side_effect=porte)
    async with banc(transport(routeur)) as essai:
        demande = asyncio.create_task(lire(essai))
        await porte.demandee.wait()
    with pytest.raises(asyncio.CancelledError):
        await demande


async def test_les_appels_simultanes_sont_bornes(routeur: respx.MockRouter) -> None:
    ensemble, pointe = 0, 0

    async def repondre(_: httpx.Request) -> httpx.Response:
        nonlocal ensemble, pointe
        ensemble += 1
        pointe = max(pointe, ensemble)
        await asyncio.sleep(0)
        ensemble -= 1
        return httpx.Response(200, json=[])

    routeur.get(url__startswith=BASE).mock(side_effect=repondre)
    limites = LimitesFichier(par_seconde=10_000, simultanes=3)
    async with banc(transport(routeur), partenaire(abonnes=None, limites=limites)) as essai:
        unites = [Unite("erp", Ressource.STRUCTURE, str(numero)) for numero in range(20)]
        assert [cles(lu) for lu in await essai.sources.lire(unites, 5.0)] == [[]] * 20
    assert pointe == 3


async def test_u09_un_format_ou_plus_rien_n_est_lisible_est_une_erreur(routeur: respx.MockRouter) -> None:
    """A required field was renamed: every record is lost, which must not look like nobody."""

    def lecture(locataire: Locataire, _jour: object) -> Lecture[Lu]:
        ((lignes,),) = yield [Requete("liste", f"/liste/{locataire.code}")]
        return Lu(rejets=len(lignes))

    routeur.get(URL_A).respond(json=[{"autre": "1"}])
    async with banc(transport(routeur), connecteur=replace(CONNECTEUR, dossiers_cfa=lecture)) as essai:
        assert type(await echec(essai)) is SourceInvalide
        assert essai.compteur("passerelle_rejets", partenaire="erp", ressource="cfa") == 1.0


async def test_u08_un_enregistrement_qui_revient_n_en_est_qu_un(routeur: respx.MockRouter, essai: Banc) -> None:
    routeur.get(URL_A).respond(json=[*LIGNES, *LIGNES])
    assert cles(await lire(essai)) == ["1"]


def paginee(requete: Requete) -> Connecteur:
    """A connector whose only answer is how many documents each page gave."""

    def lecture(_: Locataire, __: object) -> Lecture[Lu]:
        (documents,) = yield [requete]
        return Lu(champs_ignores=len(documents))

    return replace(CONNECTEUR, dossiers_cfa=lecture)


async def pages_lues(routeur: respx.MockRouter, requete: Requete, pages_max: int = 5) -> float | ErreurSource:
    limites = LimitesFichier(par_seconde=10_000, pages_max=pages_max)
    configure = partenaire(limites=limites, cache=CacheFichier())
    async with banc(transport(routeur), configure, paginee(requete)) as essai:
        lu = await lire(essai)
        if isinstance(lu, Echec):
            return lu.erreur
        return essai.compteur("passerelle_champs_ignores", partenaire="erp", ressource="cfa")


async def test_pages_par_lien(routeur: respx.MockRouter) -> None:
    lien = {"Link": f'<{BASE}/csv?page=2&cle=echo>; rel="next"'}
    routeur.get(BASE + "/csv", params={"page": "2"}).respond(text="a;b\n2;2\nTOTAL;1")
    routeur.get(BASE + "/csv").respond(text="a;b\n1;1\nTOTAL;1", headers=lien)
    assert await pages_lues(routeur, Requete("csv", "/csv", pages=Pages.LIEN, forme=Forme.CSV)) == 2.0


async def test_u07_un_lien_vers_ailleurs_n_est_pas_suivi(routeur: respx.MockRouter) -> None:
    ailleurs = routeur.get("https://autre.test/csv").respond(text="a\n1")
    routeur.get(BASE + "/csv").respond(text="a\n1", headers={"Link": '<https://autre.test/csv>; rel="next"'})
    erreur = await pages_lues(routeur, Requete("csv", "/csv", pages=Pages.LIEN, forme=Forme.CSV))
    assert type(erreur) is SourceInvalide
    assert not ailleurs.called


async def test_pages_numerotees_demandees_ensemble(routeur: respx.MockRouter) -> None:
    """The first page tells three; the others are asked at once, and one more because the total has grown."""
    attendues = asyncio.Barrier(2)

    async def repondre(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page_index"])
        if page in {1, 2}:
            await attendues.wait()
        return httpx.Response(200, json={"data": [page], "pagination": {"total": 6 if page < 2 else 7}})

    route = routeur.get(BASE + "/c").mock(side_effect=repondre)
    assert await pages_lues(routeur, Requete("c", "/c", pages=Pages.INDEX, taille=2)) == 4.0
    assert route.call_count == 4


async def test_u08_un_total_qui_grandit_sans_fin_est_borne(routeur: respx.MockRouter) -> None:
    def repondre(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page_index"])
        return httpx.Response(200, json={"data": [page], "pagination": {"total": page + 2}})

    route = routeur.get(BASE + "/c").mock(side_effect=repondre)
    erreur = await pages_lues(routeur, Requete("c", "/c", pages=Pages.INDEX, taille=1))
    assert str(erreur) == "pages du partenaire invalides : plus de 5 pages"
    assert route.call_count == 5


async def test_u08_un_total_enorme_n_est_pas_suivi(routeur: respx.MockRouter) -> None:
    route = routeur.get(BASE + "/c").respond(json={"pagination": {"total": 10**9}})
    assert type(await pages_lues(routeur, Requete("c", "/c", pages=Pages.INDEX, taille=1))) is SourceInvalide
    assert route.call_count == 1


async def test_u08_une_page_qui_se_repete_arrete(routeur: respx.MockRouter) -> None:
    route = routeur.get(BASE + "/o").respond(json={"value": [1], "@odata.nextLink": f"{BASE}/o?$skip=1"})
    erreur = await pages_lues(routeur, Requete("o", "/o", pages=Pages.ODATA))
    assert str(erreur) == "pages du partenaire invalides : page répétée ou manquante"
    assert route.call_count == 2


async def test_u08_des_liens_sans_fin_sont_bornes(routeur: respx.MockRouter) -> None:
    def repondre(request: httpx.Request) -> httpx.Response:
        suite = int(request.url.params.get("$skip", 0)) + 1
        return httpx.Response(200, json={"value": [suite], "@odata.nextLink": f"{BASE}/o?$skip={suite}"})

    route = routeur.get(BASE + "/o").mock(side_effect=repondre)
    assert type(await pages_lues(routeur, Requete("o", "/o", pages=Pages.ODATA))) is SourceInvalide
    assert route.call_count == 6


async def test_une_page_pleine_puis_rien_s_arrete(routeur: respx.MockRouter) -> None:
    routeur.get(BASE + "/t", params={"page": "2"}).respond(200)
    routeur.get(BASE + "/t").respond(json=[1, 2])
    requete = Requete("t", "/t", pages=Pages.TAILLE, taille=2, vide_est_absence=True)
    assert await pages_lues(routeur, requete) == 1.0


async def test_un_premier_document_absent_ne_donne_aucun_document(routeur: respx.MockRouter) -> None:
    routeur.get(BASE + "/t").respond(200)
    requete = Requete("t", "/t", pages=Pages.TAILLE, taille=2, vide_est_absence=True)
    assert await pages_lues(routeur, requete) == 0.0


async def test_executer_lit_sans_cache_et_dit_la_panne(routeur: respx.MockRouter, essai: Banc) -> None:
    def lecture() -> Lecture[list[object]]:
        documents = yield [Requete("x", "/x"), Requete("y", "/y")]
        return [document for (document,) in documents]

    routeur.get(BASE + "/x").respond(json=[1])
    route = routeur.get(BASE + "/y").respond(json=[2])
    for _ in range(2):
        assert await essai.sources.executer("erp", lecture(), Locataire("")) == [[1], [2]]
    route.respond(503, headers={"Retry-After": "3600"})
    with pytest.raises(SourceFermee) as levee:
        await essai.sources.executer("erp", lecture(), Locataire(""))
    assert levee.value.reessayer_dans == 3600.0
