"""What a table says, held against the pages of its cases: places where nothing is, what no case proves, what it forgot to say.
Each is told with the place of the table where it is to be mended. Prints no value of a person."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from gateway.cli.kit.case_files import Case
from gateway.cli.kit.date_doubts import date_doubts
from gateway.cli.kit.field_names import NAMES
from gateway.cli.kit.guess import plain
from gateway.cli.kit.reading_report import PAGES, Remark, paths_of
from gateway.cli.kit.told_pages import documents_of, is_told, told_values
from gateway.connectors.table.answer_tables import document_path
from gateway.connectors.table.dialect import PLACES, Dialect
from gateway.connectors.values import at
from gateway.domain.referentiel import is_code_structure, without_lost_zero

PATH_TO_WRITE = "/a-ecrire"  # of a table that was just written
_OF_ROWS = re.compile(r"offset|skip|start|decalage|debut", re.IGNORECASE)  # words of what counts rows
TWO_PAGES = "ajouter un cas de deux pages, cas/<cas>.1.<format> et cas/<cas>.2.<format>"
# What each noun is for, of a CFA and of a Mission locale: one of these fields, and what is not known without.
_ESSENTIAL: Mapping[str, Sequence[tuple[str, tuple[str, ...], str]]] = {
    "cfa": (
        ("jeune", ("telephone", "courriel"), "personne ne pourra joindre le jeune"),
        ("jeune", ("adresse.code_postal", "adresse.insee"), "sa résidence ne mènera à aucune Mission locale"),
        ("contrat", ("rupture.date",), "aucune rupture ne viendra de ce partenaire"),
        ("contrat", ("date_fin",), "rien ne dira quand un contrat finit"),
        (
            "contrat",
            ("numero", "employeur.siret", "employeur.siren"),
            "rien ne rapprochera un contrat de celui du registre",
        ),
        ("formation", ("date_debut",), "rien ne dira qui est en formation"),
    ),
    "mission_locale": (
        ("suivi", ("situation",), "rien ne dira où en est le suivi"),
        ("suivi", ("date",), "rien ne dira de quand est le suivi"),
        ("collaboration", ("demandee_le",), "rien ne dira de quand est la demande"),
    ),
}
_NEEDED = {"cfa": "contrat", "mission_locale": "suivi"}


def remarks(dialect: Dialect, documents: Sequence[Any], unread: Sequence[str], most_pages: int) -> Iterator[Remark]:
    """All that is to be said. `unread`: the paths of rows that nothing reads; `most_pages`: how many the longest reading had."""
    if dialect.chemin == PATH_TO_WRITE:
        yield Remark(
            ("dialecte", "chemin"), f"chemin : {PATH_TO_WRITE} est celui du modèle ; écrire celui du partenaire"
        )
    yield from _forgotten(dialect, unread)
    if documents:
        yield from _of_pages(dialect, documents, most_pages)
        yield from _of_errors(dialect, documents)
        yield from (Remark(*one) for one in date_doubts(documents, dialect))
        yield from _of_structures(dialect, documents)


def _forgotten(dialect: Dialect, unread: Sequence[str]) -> Iterator[Remark]:
    """The fields without which a noun that is told does not serve what it is for."""
    told = dict(dialect.nouns())
    if (needed := _NEEDED[dialect.systeme]) not in told:
        yield Remark(("dialecte",), f"[dialecte.{needed}] n'est pas dit : ce pour quoi ce partenaire est lu manquera")
    for noun, words, loss in _ESSENTIAL[dialect.systeme]:
        if noun in told and not set(words) & {word for word, _ in told[noun].fields()}:
            near = next(filter(None, (_looks_like(noun, word, told[noun].lignes, unread) for word in words)), "")
            ours = " ou ".join(words)
            yield Remark(
                ("dialecte", noun), f"{noun} : {ours} n'est pas dit, {loss}" + (f" ; « {near} » ?" if near else "")
            )


def _looks_like(noun: str, word: str, lignes: str, unread: Sequence[str]) -> str:
    """Where an unread path has the name of a field."""
    above, names = f"{lignes}." if lignes else "", NAMES.get(noun, {}).get(word)
    own = [path.removeprefix(above) for path in unread if path.startswith(above)]
    return next((path for path in own if names and re.fullmatch(names, plain(path.rpartition(".")[2]))), "")


def _of_pages(dialect: Dialect, documents: Sequence[Any], most_pages: int) -> Iterator[Remark]:
    """What no page says of the next ones, and what no case has shown to be followed."""
    pages = dialect.pages
    if pages is None:
        return
    if _OF_ROWS.search(pages.numero):
        why = f"pages.numero : « {pages.numero} » a l'air d'un rang de ligne, pas d'un numéro de page : decalage ?"
        yield Remark((*PAGES, "numero"), why)
    rows = document_path(dialect.lignes)
    documents = [one for one in documents if is_told([one], dialect.lignes)] if rows else documents
    if not documents:
        return
    around = around_rows(dialect, documents)
    for key, path in pages.told.items():
        if not is_told(documents, path):
            near = get_close_matches(path, around, 1)
            hint = f"« {near[0]} » ? sinon, " if near else ""
            why = f"pages.{key} : aucune page des cas n'a « {path} » ; {hint}{TWO_PAGES}, dont la première l'a"
            yield Remark((*PAGES, key), why, is_wrong=True)
            return
    if most_pages < 2 and not (pages.total or pages.nombre_pages):
        yield Remark(PAGES, f"une seule page lue, la suite n'est pas éprouvée : {TWO_PAGES}")


def around_rows(dialect: Dialect, documents: Sequence[Any]) -> set[str]:
    """The paths of what pages say beside their rows."""
    rows = document_path(dialect.lignes)
    found = {path for document in documents for path in paths_of(document)}
    return {".".join(path) for path in found if not rows or path[: len(rows)] != rows}


def _of_errors(dialect: Dialect, documents: Sequence[Any]) -> Iterator[Remark]:
    for path in dialect.erreurs:
        if not is_told(documents, path):
            near = get_close_matches(path, around_rows(dialect, documents), 1)
            hint = f"« {near[0]} » ? sinon, " if near else ""
            why = f"erreurs : aucune page des cas n'a « {path} » : {hint}ajouter un cas d'erreur, cas/refus.<format>"
            yield Remark(("dialecte", "erreurs", path), why)


def _of_structures(dialect: Dialect, documents: Sequence[Any]) -> Iterator[Remark]:
    """Codes of Missions locales that are none: a number lost its zero, or something else stands there."""
    for _, word, told, value in told_values(documents, dialect):
        if word == "structure" and not is_code_structure(code := str(value).strip()):
            lost = " : un zéro de tête perdu ; le code est un texte" if without_lost_zero(code) else " (01001)"
            why = f"jeune.structure : sous « {told.paths[0]} », autre chose que les cinq caractères d'un code{lost}"
            yield Remark(("dialecte", "jeune", "structure"), why, is_wrong=True)
            return


def without_tenant(dialect: Dialect, base_url: str) -> Iterator[Remark]:
    """Of what is asked of one and all alike: nothing in the request says whose it is."""
    asked = str([base_url, dialect.chemin, dialect.parametres, dialect.corps, dialect.variables])
    if not any(f"{{{place}}}" in asked for place in PLACES - {"annee_scolaire", "jour"}):
        mine = "{uai}" if dialect.systeme == "cfa" else "{mission_locale}"
        yield Remark(("dialecte", "chemin"), f"la demande ne dit pas de qui : {mine} ou {{code}} (La demande)")


def whose_page(dialect: Dialect, case: Case) -> str:
    """What to write in `exige`, where the pages of a case say of whom they are; "" where they do not."""
    documents, tenant = documents_of([case], dialect), case.tenant
    known = {"uai": tenant.key, "siret": tenant.siret, "code": tenant.code}
    if dialect.systeme == "mission_locale":
        known["mission_locale"] = known.pop("uai")
    for path in dialect.exige:
        told = {str(at(one, document_path(path))).strip() for one in documents if is_told([one], path)}
        if not told and (near := get_close_matches(path, around_rows(dialect, documents), 1)):
            return f" ; « {near[0]} » ?"
        if place := next((place for place, value in known.items() if value and told == {value}), ""):
            return f' ; "{path}" = "{{{place}}}" ?'
    return ""
