"""What to ask next, of each style of paging, and when to stop believing (SECURITY U07, U08, U17)."""

import pytest

from gateway.connectors.base import Pages, Requete
from gateway.sources.pages import PagesInvalides, Suite, annoncees, chemin_sur, numero, premiere, suivante

BASE = "https://erp.test/v1"


def requete(style: Pages, taille: int = 2) -> Requete:
    return Requete("liste", "/eleves", params={"annee": "2025"}, pages=style, taille=taille)


@pytest.mark.parametrize(
    "lien",
    [
        '<https://erp.test/v1/eleves?annee=2025&page=2>; rel="next"',
        '<https://erp.test/v1/eleves?page=1>; rel="first", </v1/eleves?annee=2025&page=2>; title="x"; rel=next',
        '<?annee=2025&page=2>; rel="prefetch NEXT"',
    ],
)
def test_lien_suivant(lien: str) -> None:
    suite = suivante(requete(Pages.LIEN), BASE, lien, [], 1)
    assert suite is not None
    assert (suite.chemin, dict(suite.params)) == ("/eleves", {"annee": "2025", "page": "2"})


@pytest.mark.parametrize("lien", ["", '<https://erp.test/v1/x>; rel="last"', "n'importe quoi", "<>"])
def test_sans_lien_suivant(lien: str) -> None:
    assert suivante(requete(Pages.LIEN), BASE, lien, [], 1) is None


def test_lien_odata() -> None:
    document = {"value": [], "@odata.nextLink": "https://erp.test/v1/eleves?$top=2&$skip=2"}
    suite = suivante(requete(Pages.ODATA), BASE, "", document, 1)
    assert suite is not None
    assert dict(suite.params) == {"$top": "2", "$skip": "2"}
    assert suivante(requete(Pages.ODATA), BASE, "", {"value": []}, 2) is None


AILLEURS = [
    "https://autre.test/v1/eleves?page=2",
    "http://erp.test/v1/eleves?page=2",
    "https://erp.test:8443/v1/eleves",
    "https://moi@erp.test/v1/eleves",
    "//169.254.169.254/latest",
    "file:///etc/passwd",
    "https://erp.test/v2/eleves",
    "https://erp.test/v1bis/eleves",
    "https://erp.test/v1/../admin",
    "https://[::1",
]


@pytest.mark.parametrize("adresse", AILLEURS)
def test_u07_une_page_suivante_ailleurs_est_refusee(adresse: str) -> None:
    with pytest.raises(PagesInvalides) as levee:
        suivante(requete(Pages.ODATA), BASE, "", {"@odata.nextLink": adresse}, 1)
    assert adresse not in str(levee.value)


@pytest.mark.parametrize("adresse", ["https://erp.test/v1/%2e%2e/admin", "https://erp.test/v1/a%2f..%2f..%2fadmin"])
def test_u17_une_remontee_encodee_ne_sort_pas(adresse: str) -> None:
    with pytest.raises(PagesInvalides):
        suivante(requete(Pages.ODATA), BASE, "", {"@odata.nextLink": adresse}, 1)


@pytest.mark.parametrize("chemin", ["sans-barre", "/a//b", "/a/./b", "/../a", "/a\\..", "/a\r\nX: 1", "/a\0", "/"])
def test_u17_un_chemin_douteux_est_refuse(chemin: str) -> None:
    with pytest.raises(PagesInvalides):
        chemin_sur(chemin)


@pytest.mark.parametrize("document", [[1], None, {"@odata.nextLink": 3}])
def test_u04_une_forme_inattendue_est_refusee(document: object) -> None:
    with pytest.raises(PagesInvalides):
        suivante(requete(Pages.ODATA), BASE, "", document, 1)


def test_taille_une_page_incomplete_est_la_derniere() -> None:
    tete = premiere(requete(Pages.TAILLE))
    assert dict(tete.params) == {"annee": "2025", "page": "1", "taillePage": "2"}
    suite = suivante(tete, BASE, "", [1, 2], 1)
    assert suite is not None
    assert suite.params["page"] == "2"
    assert suivante(suite, BASE, "", [3], 2) is None


def test_metadonnees_la_page_est_dans_le_corps() -> None:
    tete = premiere(Requete("contrats", "/c", "POST", corps={"dateDebut": "x"}, pages=Pages.METADONNEES))
    assert tete.corps == {"dateDebut": "x", "page": 1}
    assert numero(tete, 3).corps == {"dateDebut": "x", "page": 3}
    assert annoncees(tete, {"metadonnees": {"totalPages": 4}}) == 4
    assert annoncees(tete, {"metadonnees": {"totalPages": 0}}) == 1


def test_index_compte_depuis_zero() -> None:
    tete = premiere(requete(Pages.INDEX))
    assert (tete.params["page_index"], tete.params["page_size"]) == ("0", "2")
    assert numero(tete, 3).params["page_index"] == "2"
    assert [annoncees(tete, {"pagination": {"total": total}}) for total in (0, 2, 3, 4, 5)] == [1, 1, 2, 2, 3]


@pytest.mark.parametrize("total", [-1, "3", True, None, 2.5])
def test_u08_un_total_illisible_est_refuse(total: object) -> None:
    with pytest.raises(PagesInvalides):
        annoncees(requete(Pages.INDEX), {"pagination": {"total": total}})


def test_u08_une_page_repetee_ou_de_trop_arrete() -> None:
    suite = Suite(2)
    suite.ajouter(b"un")
    with pytest.raises(PagesInvalides, match="répétée"):
        suite.ajouter(b"un")
    suite.ajouter(b"deux")
    with pytest.raises(PagesInvalides, match="plus de 2 pages"):
        suite.ajouter(b"trois")
