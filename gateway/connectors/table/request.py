"""What a table asks: its request, with what is known of the tenant and of the day put in its places. No person's value
goes there."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from gateway.connectors.base import Meaning, PagingStyle, PartnerRequest, Tenant, ToldError
from gateway.connectors.table.dialect import Dialect, document_path

RENTREE_MONTH = 8
OPERATION = "dossiers"
_GRAPHQL_FAILED = ToldError(("errors",), (), Meaning.FAILURE)


def requests(dialect: Dialect, tenant: Tenant, today: date) -> Sequence[PartnerRequest]:
    """One request for each school year that the dialect asks, the current one first."""
    current = today.year - (today.month < RENTREE_MONTH)
    known = {
        "uai": tenant.key,
        "siret": tenant.siret,
        "code": tenant.code or tenant.key,
        "mission_locale": tenant.key,
        "jour": today.isoformat(),
    }
    return [_request(dialect, {**known, "annee_scolaire": str(current - ago)}) for ago in range(dialect.annees)]


def _request(dialect: Dialect, known: Mapping[str, str]) -> PartnerRequest:
    pages, told = dialect.pages, [ToldError(document_path(e.chemin), e.valeurs, e.meaning) for e in dialect.erreurs]
    request = PartnerRequest(
        OPERATION,
        _put(dialect.chemin, known),
        dialect.methode,
        params={name: _put(value, known) for name, value in dialect.parametres.items()},
        body=_body(dialect, known),
        pages=pages.paging() if pages else PagingStyle.ONE,
        size=pages.lignes_par_page if pages else 0,
        rows=document_path(dialect.lignes),
        shape=dialect.shape,
        encoding=dialect.encodage,
        separator=dialect.separateur,
        columns=dialect.columns,
        ends_lines=dialect.is_csv and dialect.fin_de_ligne,
        empty_is_absence=dialect.vide_absence,
        is_form=dialect.formulaire,
        told_errors=tuple(told),
        expected=tuple((document_path(path), _put(value, known)) for path, value in dialect.exige.items()),
    )
    return replace(request, method="POST", told_errors=(*told, _GRAPHQL_FAILED)) if dialect.graphql else request


def _body(dialect: Dialect, known: Mapping[str, str]) -> Mapping[str, Any] | None:
    if dialect.graphql:
        return {"query": dialect.graphql, "variables": _filled(dialect.variables, known)}
    return None if dialect.corps is None else _filled(dialect.corps, known)


def _filled(value: Any, known: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _put(value, known)
    if isinstance(value, Mapping):
        return {name: _filled(inside, known) for name, inside in value.items()}
    return [_filled(inside, known) for inside in value] if isinstance(value, list) else value


def _put(written: str, known: Mapping[str, str]) -> str:
    for name, value in known.items():
        written = written.replace(f"{{{name}}}", value)
    return written
