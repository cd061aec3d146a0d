"""Makes a connector of a table: the request of its dialect, and its rows read into nouns. Pure; the core cannot tell it from one
in Python, and the rules are the same: tolerant rows, faults counted in the partner's words, identities never guessed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, create_model

from gateway.connectors.base import (
    WHOLE_SECONDS,
    BodyFormat,
    Connector,
    PartnerRequest,
    Payload,
    QualityCounts,
    ReadingResult,
    ReadingSteps,
    Record,
    Tenant,
    UnexpectedAnswer,
    filled,
    grouped,
    listed,
    mapped,
    of_one_person,
    read,
)
from gateway.connectors.quality import TYPE_CHANGE
from gateway.connectors.table.answer_tables import document_path
from gateway.connectors.table.dialect import Dialect
from gateway.connectors.table.field_paths import FieldPath, crosses_several, first_filled, follow, parse_path
from gateway.connectors.table.noun_tables import FieldTable
from gateway.connectors.table.request import changes, requests
from gateway.connectors.table.vocabulary import REQUIRED, WORDS, parser_of, parts_of
from gateway.connectors.values import SirenValue, code, rows_at, text
from gateway.schema.nouns import (
    Adresse,
    Collaboration,
    Contrat,
    Employeur,
    Formation,
    Jeune,
    Representant,
    Rupture,
    Suivi,
)
from gateway.schema.organisations import Cfa, ModeSource, TypeSource
from gateway.schema.scalars import UAI

TABLE = "table"  # the `genre` of a partner that is one
# The words that are fields of the noun as they stand: whatever is added to them is read, or stops the start. The others say whose
# a record is, or are put together below.
OF_JEUNE = tuple(
    w for w in WORDS["jeune"] if "." not in w and w not in {"cle", "autre_nom", "uai", "structure", "modifie_le"}
)
OF_CONTRAT = tuple(w for w in WORDS["contrat"] if "." not in w and w != "uai")
Values = Mapping[str, Any]  # of one noun, by word
Lines = tuple["_Person", list[Values], list[Values]]


class _Person(Payload):
    """What one row says of its person, by word; the identity is what tells two apart."""

    values: Any
    nom: str
    prenom: str
    naissance: date


class NounReader:
    """Reads the fields of one noun in a row. The payload has the partner's words, so that faults are told in these."""

    def __init__(self, noun: str, table: Any, dialect: Dialect) -> None:
        self._told = dict(table.fields())
        self._is_csv = dialect.is_csv
        self.rows: FieldPath = parse_path(table.lignes) if table.lignes else ()
        self._told_rows = table.lignes
        self.paths = {
            word: tuple(parse_path(path, dialect.is_csv) for path in told.paths) for word, told in self._told.items()
        }
        self._names = {word: f"champ_{rank}" for rank, word in enumerate(self._told)}
        required = {*REQUIRED.get(noun, ()), *(word for word, told in self._told.items() if told.obligatoire)}
        members: dict[str, Any] = {
            self._names[word]: (
                _parser(WORDS[noun][word], told, dialect.dates),
                Field(alias=_alias(told)) if word in required else Field(None, alias=_alias(told)),
            )
            for word, told in self._told.items()
        }
        if "employeur.siret" in self._told and "employeur.siren" not in self._told:
            alias = _alias(self._told["employeur.siret"])
            self._names["employeur.siren"] = "siren"
            members["siren"] = (SirenValue, Field(None, alias=alias))
        self._model = create_model(f"{noun.capitalize()}Row", __base__=Payload, **members)

    def read(self, row: Any, account: QualityCounts) -> Values | None:
        """The values of a row by word; None when it is set aside, which is counted."""
        flat = row if isinstance(row, dict) and None in row else self._flat(row)
        for payload in read(self._model, (flat,), account):
            return {word: getattr(payload, name) for word, name in self._names.items()}
        return None

    def read_all(self, row: Any, account: QualityCounts) -> list[Values]:
        """Those of each row of its list, or of the row itself when it says something of it."""
        if self.rows:
            inside = follow(row, self.rows)
            if inside is not None and crosses_several(row, self.rows):
                account.set_aside(TYPE_CHANGE, self._told_rows)
                return []
            rows = inside if isinstance(inside, list) else [] if inside in (None, "") else [inside]
        else:
            rows = [row] if self._says(row) else []
        return [values for one in rows if (values := self.read(one, account)) is not None]

    def _says(self, row: Any) -> bool:
        """Whether a row that holds several nouns tells this one: by its first day where it must have one, else by anything."""
        first = self.paths.get("date_debut", ())
        places = [first] if first else list(self.paths.values())
        return any(first_filled(row, paths) is not None for paths in places)

    def _flat(self, row: Any) -> dict[str, Any]:
        flat = {}
        for word, told in self._told.items():
            found = _joined(row, self.paths[word]) if told.joint else first_filled(row, self.paths[word])
            if found is not None:
                flat[_alias(told)] = found
        return flat


def _alias(told: FieldTable) -> str:
    return " / ".join(told.paths)


def _joined(row: Any, paths: Iterable[FieldPath]) -> Any:
    """The texts put together; what is no text is given as it is, to be set aside."""
    found = [follow(row, path) for path in paths]
    if several := next((one for one in found if isinstance(one, list | Mapping) and one), None):
        return several
    return " ".join(part for one in found if one and (part := text(one))) or None


def _parser(word: Any, told: FieldTable, form: str) -> Any:
    parser = parser_of(word, told.dates or form, told.jours)
    return Annotated[parser, BeforeValidator(partial(_meaning, told.codes))] if told.codes else parser


def _meaning(codes: Mapping[str, str], value: Any) -> Any:
    """Our word for a partner's code, or for each of several, be they told as one text."""
    if isinstance(value, list):
        return [_meaning(codes, one) for one in value]
    parts = parts_of(value)
    if len(parts) > 1 and all(part in codes for part in parts):
        return [codes[part] for part in parts]
    return code(codes, text(value))


class TableReading:
    """The readings of one partner, by its dialect."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.readers = {noun: NounReader(noun, table, dialect) for noun, table in dialect.nouns()}
        self._rows = document_path(dialect.lignes)

    def records(self, tenant: Tenant, today: date) -> ReadingSteps[ReadingResult]:
        """All that the partner says of a tenant."""
        return (yield from self._records(requests(self.dialect, tenant, today), tenant))

    def changed(self, tenant: Tenant, today: date, since: datetime) -> ReadingSteps[ReadingResult]:
        """What it says of whom it changed since."""
        return (yield from self._records(changes(self.dialect, tenant, today, since), tenant))

    def _records(self, asked: Sequence[PartnerRequest], tenant: Tenant) -> ReadingSteps[ReadingResult]:
        answers = yield asked
        account, lines = QualityCounts(), list[Lines]()
        rows = self.rows(page for pages in answers for page in pages)
        if self.dialect.annees > 1:  # each year tells most of the others' people
            rows = iter({str(row): row for row in rows}.values())
        for row in rows:
            if person := self._person(row, account):
                lines.append((person, self._inside("contrat", row, account), self._inside("formation", row, account)))
        kept = {id(one) for one in of_one_person((line[0] for line in lines), lambda who: who.values["cle"], account)}
        people = grouped((line for line in lines if id(line[0]) in kept), lambda line: line[0].values["cle"])
        return account.result(mapped(lambda rows: self._record(rows, tenant), people.values(), account))

    def rows(self, documents: Iterable[Any]) -> Iterator[Any]:
        """The rows of all pages. Raises UnexpectedAnswer for a page that has no list where it must be."""
        for document in documents:
            rows = rows_at(document, self._rows, self.dialect.shape is BodyFormat.XML)
            if rows is None:
                raise UnexpectedAnswer(
                    f"[dialecte] lignes : aucune liste sous « {self.dialect.lignes or 'la réponse'} »"
                )
            yield from rows

    def _person(self, row: Any, account: QualityCounts) -> _Person | None:
        values = self.readers["jeune"].read(row, account)
        if values is None:
            return None
        told: dict[str, Any] = dict(values)
        for noun in ("suivi", "collaboration"):
            told[noun] = next(iter(self._inside(noun, row, account)), None)
        who = {"nom": values["nom"], "prenom": values["prenom"], "naissance": values["date_naissance"]}
        return _Person.model_construct(values=told, **who)

    def _inside(self, noun: str, row: Any, account: QualityCounts) -> list[Values]:
        reader = self.readers.get(noun)
        return reader.read_all(row, account) if reader else []

    def _record(self, lines: list[Lines], tenant: Tenant) -> Record:
        """The rows of one person: what the first one says of it, and the contracts and trainings of all."""
        who: Values = lines[0][0].values
        centre = None if self.dialect.systeme == "mission_locale" else who.get("uai") or UAI(tenant.key)
        contrats = _unique(values for line in lines for values in line[1])
        formations = _unique(values for line in lines for values in line[2])
        jeune = Jeune(
            **_of(who, OF_JEUNE),
            autres_noms=(who["autre_nom"],) if who.get("autre_nom") else (),
            adresse=filled(Adresse(**_under(who, "adresse"))),
            representants=listed(Representant(**_under(who, "representant"))),
            formations=[_formation(values, centre) for values in formations] if centre else None,
            contrats=[_contrat(values, centre) for values in contrats] if centre else None,
            suivi=filled(Suivi(**_suivi(who["suivi"]))) if who["suivi"] else None,
            collaboration=filled(Collaboration(**_collaboration(who["collaboration"])))
            if who["collaboration"]
            else None,
        )
        modified = max((one[0].values["modifie_le"] for one in lines if one[0].values.get("modifie_le")), default=None)
        return Record(who["cle"], jeune, modified, who.get("structure") or "")


def _unique(rows: Iterable[Values]) -> list[Values]:
    """The rows that say something else: a person repeated for each contract tells each training as often."""
    found = list[Values]()
    for row in rows:
        if row not in found:
            found.append(row)
    return found


def _of(values: Values, words: Iterable[str]) -> dict[str, Any]:
    return {word: values.get(word) for word in words}


def _under(values: Values, head: str) -> dict[str, Any]:
    return {word.partition(".")[2]: value for word, value in values.items() if word.startswith(f"{head}.")}


def _formation(values: Values, centre: UAI) -> Formation:
    own = {word: value for word, value in values.items() if word != "uai"}
    return Formation(**own, cfa=Cfa(uai=values.get("uai") or centre))


def _contrat(values: Values, centre: UAI) -> Contrat:
    rupture = _under(values, "rupture")
    return Contrat(
        **_of(values, OF_CONTRAT),
        employeur=filled(Employeur(**_under(values, "employeur"))),
        cfa=Cfa(uai=values.get("uai") or centre),
        rupture=Rupture(**rupture) if rupture.get("date") else None,
    )


def _suivi(values: Values) -> dict[str, Any]:
    return {**values, "souhaite_rdv": bool(values.get("souhaite_rdv"))}


def _collaboration(values: Values) -> dict[str, Any]:
    return {**values, "motifs": list(values.get("motifs") or ())}


def connector(dialect: Dialect) -> Connector:
    """The connector of a partner whose dialect is a table."""
    reading = TableReading(dialect)
    is_cfa = dialect.systeme == "cfa"
    return Connector(
        TABLE,
        TypeSource.ERP_CFA if is_cfa else TypeSource.MISSION_LOCALE,
        ModeSource.INTERROGATION,
        cfa_records=reading.records if is_cfa else None,
        structure_records=None if is_cfa else reading.records,
        changes=reading.changed if dialect.changements else None,
        whole_seconds=dialect.changements.entiere_secondes if dialect.changements else WHOLE_SECONDS,
    )
