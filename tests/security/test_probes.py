"""Twelve probes in the manner of graphql-cop against the production profile, made by a caller who has a token:
none may find anything. The names are those of its checks."""

import json
from collections.abc import Callable

from tests.support.figures import note
from tests.support.security.edge import Edge, RawResponse

ME = "{ moi { profil } }"


def _alias(edge: Edge) -> bool:
    """A hundred and one aliases of one field are served."""
    return _data(edge.request("{" + " ".join(f"a{i}: moi {{ profil }}" for i in range(101)) + "}"))


def _batch(edge: Edge) -> bool:
    """An array of ten operations is served."""
    return _data(edge.graphql([{"query": ME}] * 10))


def _directives(edge: Edge) -> bool:
    """Ten unknown directives cost ten errors."""
    return len(edge.request("{ moi { profil " + "@aa" * 10 + " } }").json["errors"]) > 1


def _circular_introspection(edge: Edge) -> bool:
    """Introspection that goes round in circles is served."""
    partner_request = (
        "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }"
    )
    return _data(edge.request(partner_request))


def _introspection(edge: Edge) -> bool:
    """A stranger reads the schema."""
    return "types" in edge.request("{ __schema { types { name } } }", authorization="").body.decode()


def _suggestions(edge: Edge) -> bool:
    """A misspelt name is corrected."""
    responses = [
        edge.request(partner_request).body
        for partner_request in ("{ jeuns { totalCount } }", "{ __schem { directives } }")
    ]
    return any(b"Did you mean" in body or b"__schema" in body for body in responses)


def _repeated_fields(edge: Edge) -> bool:
    """The same field five hundred times is served."""
    return _data(edge.request("{" + "moi { profil } " * 450 + "}"))


def _query_by_get(edge: Edge) -> bool:
    return edge.call_edge(method="GET", path="/graphql?query={__typename}", accept="application/json").statut == 200


def _mutation_par_get(edge: Edge) -> bool:
    response = edge.call_edge(method="GET", path="/graphql?query=mutation{__typename}", accept="application/json")
    return response.statut == 200


def _form(edge: Edge) -> bool:
    """A page of another site may post a form."""
    natures = ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", "")
    body = b"query=%7B__typename%7D"
    return any(edge.call_edge(body, content_type=nature).statut != 415 for nature in natures)


def _page(edge: Edge) -> bool:
    """An editor is served."""
    pages = [
        edge.call_edge(method="GET", path=where, accept="text/html")
        for where in ("/graphql", "/graphiql", "/playground")
    ]
    return any(page.statut == 200 or b"<html" in page.body for page in pages)


def _traces(edge: Edge) -> bool:
    """Timings of resolvers, a stack or the library's own words come back."""
    errors = [edge.request("{ qwerty { a"), edge.request("{ moi { profil } } }"), edge.request(ME)]
    return any(
        word in response.body for response in errors for word in (b"tracing", b"Traceback", b"Syntax Error", b".py")
    )


PROBES: list[Callable[[Edge], bool]] = [
    _alias,
    _batch,
    _directives,
    _circular_introspection,
    _introspection,
    _suggestions,
    _repeated_fields,
    _query_by_get,
    _mutation_par_get,
    _form,
    _page,
    _traces,
]


def _data(reponse: RawResponse) -> bool:
    result = json.loads(reponse.body)
    return isinstance(result, list) or bool(result.get("data"))


def test_twelve_probes_find_nothing(edge: Edge) -> None:
    findings = [probe.__name__ for probe in PROBES if probe(edge)]
    note(f"sondes à la manière de graphql-cop : {len(findings)} trouvaille sur {len(PROBES)}")
    assert (findings, len(PROBES)) == ([], 12)
    assert edge.request(ME).json["data"] == {"moi": {"profil": "MISSION_LOCALE"}}  # the probes do reach the graph
