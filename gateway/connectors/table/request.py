"""What a table asks: its request, with what is known of the tenant and of the day put in its places. No person's value
goes there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from gateway.connectors.base import Meaning, PagingStyle, PartnerRequest, Tenant, ToldError
from gateway.connectors.date_forms import written_instant
from gateway.connectors.table.answer_tables import document_path
from gateway.connectors.table.dialect import SINCE, Dialect
from gateway.connectors.table.graphql_fields import query_of

RENTREE_MONTH = 8
OPERATION, CHANGES = "dossiers", "changements"
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


def changes(dialect: Dialect, tenant: Tenant, today: date, since: datetime) -> Sequence[PartnerRequest]:
    """The same, of only what changed since an instant."""
    asked = dialect.changements
    if asked is None:
        return requests(dialect, tenant, today)
    written = {SINCE[1:-1]: written_instant(since, asked.forme)}
    own = {name: _filled(getattr(asked, name), written) for name in ("parametres", "corps", "variables")}
    added = {name: {**(getattr(dialect, name) or {}), **inside} for name, inside in own.items() if inside}
    return [replace(one, operation=CHANGES) for one in requests(dialect.model_copy(update=added), tenant, today)]


def _request(dialect: Dialect, known: Mapping[str, str]) -> PartnerRequest:
    pages = dialect.pages
    body = _body(dialect, known)
    return PartnerRequest(
        OPERATION,
        _put(dialect.chemin, known),
        dialect.methode or ("GET" if body is None else "POST"),
        params={name: _put(value, known) for name, value in dialect.parametres.items()},
        body=body,
        pages=pages.paging(bool(dialect.graphql)) if pages else PagingStyle.ONE,
        size=pages.lignes_par_page if pages else 0,
        rows=document_path(dialect.lignes),
        shape=dialect.shape,
        encoding=dialect.encodage,
        separator=dialect.separateur,
        columns=dialect.columns,
        ends_lines=dialect.is_csv and dialect.fin_de_ligne,
        empty_is_absence=dialect.vide_absence,
        is_form=dialect.formulaire,
        told_errors=tuple(_told_errors(dialect)),
        expected=tuple((document_path(path), _put(value, known)) for path, value in dialect.exige.items()),
    )


def _told_errors(dialect: Dialect) -> Iterator[ToldError]:
    for path, table in dialect.erreurs.items():
        yield from (ToldError(document_path(path), values, meaning) for meaning, values in table.meanings())
    if dialect.graphql:
        yield _GRAPHQL_FAILED
    for path, table in dialect.erreurs.items():  # last: what another path lists says more
        if table.known:
            yield ToldError(document_path(path), table.known, Meaning.FAILURE, others=True)


def _body(dialect: Dialect, known: Mapping[str, str]) -> Mapping[str, Any] | None:
    if dialect.graphql:
        return {"query": query_of(dialect.graphql, dialect.nouns()), "variables": _filled(dialect.variables, known)}
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
