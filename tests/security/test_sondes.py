"""Twelve probes in the manner of graphql-cop against the production profile, made by a caller who has a token:
none may find anything. The names are those of its checks."""

import json
from collections.abc import Callable

from tests.chiffres import noter
from tests.security.bord import Bord, Recue

MOI = "{ moi { profil } }"


def _alias(bord: Bord) -> bool:
    """A hundred and one aliases of one field are served."""
    return _data(bord.demander("{" + " ".join(f"a{i}: moi {{ profil }}" for i in range(101)) + "}"))


def _lot(bord: Bord) -> bool:
    """An array of ten operations is served."""
    return _data(bord.graphql([{"query": MOI}] * 10))


def _directives(bord: Bord) -> bool:
    """Ten unknown directives cost ten errors."""
    return len(bord.demander("{ moi { profil " + "@aa" * 10 + " } }").json["errors"]) > 1


def _introspection_circulaire(bord: Bord) -> bool:
    """Introspection that goes round in circles is served."""
    requete = "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }"
    return _data(bord.demander(requete))


def _introspection(bord: Bord) -> bool:
    """A stranger reads the schema."""
    return "types" in bord.demander("{ __schema { types { name } } }", authorization="").corps.decode()


def _suggestions(bord: Bord) -> bool:
    """A misspelt name is corrected."""
    reponses = [bord.demander(requete).corps for requete in ("{ jeuns { totalCount } }", "{ __schem { directives } }")]
    return any(b"Did you mean" in corps or b"__schema" in corps for corps in reponses)


def _champs_repetes(bord: Bord) -> bool:
    """The same field five hundred times is served."""
    return _data(bord.demander("{" + "moi { profil } " * 450 + "}"))


def _requete_par_get(bord: Bord) -> bool:
    return bord.appeler(methode="GET", chemin="/graphql?query={__typename}", accept="application/json").statut == 200


def _mutation_par_get(bord: Bord) -> bool:
    reponse = bord.appeler(methode="GET", chemin="/graphql?query=mutation{__typename}", accept="application/json")
    return reponse.statut == 200


def _formulaire(bord: Bord) -> bool:
    """A page of another site may post a form."""
    natures = ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", "")
    corps = b"query=%7B__typename%7D"
    return any(bord.appeler(corps, content_type=nature).statut != 415 for nature in natures)


def _page(bord: Bord) -> bool:
    """An editor is served."""
    pages = [
        bord.appeler(methode="GET", chemin=ou, accept="text/html") for ou in ("/graphql", "/graphiql", "/playground")
    ]
    return any(page.statut == 200 or b"<html" in page.corps for page in pages)


def _traces(bord: Bord) -> bool:
    """Timings of resolvers, a stack or the library's own words come back."""
    erreurs = [bord.demander("{ qwerty { a"), bord.demander("{ moi { profil } } }"), bord.demander(MOI)]
    return any(
        mot in reponse.corps for reponse in erreurs for mot in (b"tracing", b"Traceback", b"Syntax Error", b".py")
    )


SONDES: list[Callable[[Bord], bool]] = [
    _alias,
    _lot,
    _directives,
    _introspection_circulaire,
    _introspection,
    _suggestions,
    _champs_repetes,
    _requete_par_get,
    _mutation_par_get,
    _formulaire,
    _page,
    _traces,
]


def _data(reponse: Recue) -> bool:
    lue = json.loads(reponse.corps)
    return isinstance(lue, list) or bool(lue.get("data"))


def test_twelve_probes_find_nothing(bord: Bord) -> None:
    trouvailles = [sonde.__name__ for sonde in SONDES if sonde(bord)]
    noter(f"sondes à la manière de graphql-cop : {len(trouvailles)} trouvaille sur {len(SONDES)}")
    assert (trouvailles, len(SONDES)) == ([], 12)
    assert bord.demander(MOI).json["data"] == {"moi": {"profil": "MISSION_LOCALE"}}  # the probes do reach the graph
