"""The names that others rely on: files, environment, commands, HTTP, figures, what is kept at rest.

They are written here as they are, and not derived from the code: a name removed or spelt otherwise fails, a new one is free.
The published texts (schema, table of access, help, figures) are equal byte for byte. What has no list here has a text in
`frozen/`, one name a line. When code moves, only the imports of `public_names` follow.
"""

import ast
import asyncio
import base64
import builtins
import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from enum import Enum
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Literal, get_args, get_origin

import pytest
from prometheus_client import CollectorRegistry
from pydantic import BaseModel
from sqlalchemy import Table
from sqlalchemy.dialects import sqlite

import gateway.stores
from gateway.__main__ import main
from tests.unit import public_names as names
from tests.unit import source_literals as source

FROZEN = Path(__file__).with_name("frozen")

# The contract: `make check` says that both are what the code writes, this that they are what they were.
PUBLISHED = {
    "schema.graphql": "ba256b40a2ad42082ee933173ce04d2eb151c986af020528e21f5a6dba11b1c4",
    "ACCES.md": "aaf6528303b4acc717bea7b2faa861dc925d902bb62eb1dde282d997b1184e13",
}
ENVIRONMENT = {
    "ADMIN_HOST",
    "ADMIN_PORT",
    "GATEWAY_CACHE_CLES",
    "GATEWAY_CACHE_URL",
    "GATEWAY_CLE",
    "GATEWAY_CLES",
    "GATEWAY_CLES_CHIFFREMENT",
    "GATEWAY_CLES_JOURNAL",
    "GATEWAY_CLE_IDENTIFIANTS",
    "GATEWAY_CLE_STATISTIQUES",
    "GATEWAY_CONFIG",
    "GATEWAY_DATABASE_URL",
    "GATEWAY_JOURNAL_URL",
    "GATEWAY_NOW",
    "GATEWAY_POLITIQUE_CANDIDATE",
    "GATEWAY_PROCESSUS",
    "HOST",
    "PORT",
}
COMMANDS: tuple[tuple[str, ...], ...] = (
    (),
    ("init",),
    ("config",),
    ("serve",),
    ("moisson",),
    ("sources",),
    ("rapprochements",),
    ("cache",),
    ("schema",),
    ("acces",),
    ("journal",),
    ("journal", "verifier"),
    ("journal", "personne"),
    ("journal", "reprise"),
    ("journal", "recompter"),
    ("journal", "purger"),
    ("statistiques",),
    ("statistiques", "relever"),
    ("statistiques", "publier"),
    ("statistiques", "etat"),
    ("base",),
    ("base", "etat"),
    ("base", "migrer"),
    ("base", "verifier"),
    ("sauvegarde",),
    ("sauvegarde", "verifier"),
    ("statistiques", "exporter"),
    ("cle",),
    ("cle", "creer"),
    ("cle", "importer"),
    ("cle", "tourner"),
    ("clients",),
    ("personne",),
    ("personne", "effacer"),
    ("depot",),
    ("depot", "transmettre"),
    ("abonnements",),
    ("abonnements", "etat"),
    ("abonnements", "rejouer"),
    ("abonnements", "essayer"),
    ("expliquer",),
    ("partenaire",),
    ("verifier",),
)
PATHS = {
    "/graphql",
    "/evenements/{partenaire}",
    "/jwks",
    "/health/live",
    "/health/ready",
    "/metrics",
    "/version",
    "/favicon.ico",
}
ASSETS = "/graphql/assets"
HEADERS_READ = {
    "accept",
    "authorization",
    "content-encoding",
    "content-type",
    "x-cle-api",
    "x-finalite",
    "x-horodatage",
    "x-signature",
}
HEADERS_ONCE = {  # refused when given twice
    "authorization",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "x-cle-api",
    "x-finalite",
}
HEADERS_SENT = {
    "allow",
    "cache-control",
    "connection",
    "content-security-policy",
    "content-type",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "referrer-policy",
    "retry-after",
    "strict-transport-security",
    "www-authenticate",
    "x-content-type-options",
    "x-frame-options",
    "x-request-id",
}
ERROR_CODES = {
    "ARGUMENT_REFUSE",
    "CHAMP_REFUSE",
    "CURSEUR_INVALIDE",
    "ERREUR_INTERNE",
    "FINALITE_REQUISE",
    "NON_AUTHENTIFIE",
    "PERSISTED_QUERY_NOT_FOUND",
    "QUOTA_ATTEINT",
    "REQUETE_INVALIDE",
    "REQUETE_TROP_COUTEUSE",
    "SOURCE_DELAI_DEPASSE",
    "SOURCE_INDISPONIBLE",
    "SOURCE_INVALIDE",
}
ERROR_DETAILS = {
    "ARGUMENT_IMPOSSIBLE",
    "ARGUMENT_INCONNU",
    "ARGUMENT_REQUIS",
    "AUTRES_ERREURS",
    "CHAMPS_EN_CONFLIT",
    "CHAMP_INCONNU",
    "DEFINITION_REFUSEE",
    "DIRECTIVE_INCONNUE",
    "DIRECTIVE_MAL_PLACEE",
    "FRAGMENT_CIRCULAIRE",
    "FRAGMENT_IMPOSSIBLE",
    "FRAGMENT_INCONNU",
    "FRAGMENT_INUTILISE",
    "OPERATION_INCONNUE",
    "OPERATION_NON_SERVIE",
    "OPERATION_SANS_NOM",
    "REPETITION",
    "SELECTION_REFUSEE",
    "SELECTION_REQUISE",
    "SYNTAXE",
    "TYPE_INATTENDU",
    "TYPE_INCONNU",
    "VALEUR_INCONNUE",
    "VALEUR_INVALIDE",
    "VALEUR_REQUISE",
    "VARIABLE_INCONNUE",
    "VARIABLE_INUTILISEE",
}
REQUEST_KEYS = {"query", "operationName", "variables", "extensions", "persistedQuery", "sha256Hash", "version"}
DOCUMENT_KEYS = {"documentId", "id", "doc_id"}
# Each set stands together in one JSON object that the code writes.
JSON_OBJECTS = {
    "the extensions of an answer": {"sources", "cout"},
    "a line of extensions.refus": {"chemin", "code", "nombre"},
    "the extensions of a refusal told once": {"chemin", "nombre"},
    "a line of extensions.sources": {"nom", "etat", "partiel"},
    "its age": {"ageSecondes", "cache"},
    "its age, of a harvest": {"ageSecondes", "cache", "asOf"},
    "an error": {"message", "extensions"},
    "the extensions of an error": {"code"},
    "the extensions of a source's error": {"source", "chemins"},
    "GET /health/ready": {"etat", "manque", "degrade"},
    "an entry of the journal": {
        "acte",
        "client",
        "compte",
        "coordonnees",
        "document",
        "finalite",
        "groupes",
        "organisation",
        "profil",
        "quand",
        "refus",
        "requete",
        "sources",
    },
    "an act on the journal": {"acte", "quand"},
    "a group of persons of an entry": {"categories", "personnes"},
    "referentiel.json": {"version", "communes", "missions_locales", "organismes", "noms"},
}
ACTS = {"LECTURE", "CONSULTATION", "PURGE", "EFFACEMENT"}  # `act` of an entry
ACT_DETAILS = {"identifiant", "entrees", "anterieures_a", "effaces"}  # keys that an act adds to its entry
REFERENTIEL = {
    "communes": {"code", "nom", "codes_postaux", "departement", "region", "academie", "mission_locale"},
    "missions_locales": {"id", "code", "nom", "insee", "telephone", "courriel"},
    "organismes": {
        "uai",
        "siret",
        "nom",
        "insee",
        "departement",
        "region",
        "academie",
        "reseaux",
        "nature",
        "responsables",
        "formateurs",
    },
}
DATA_FILES = {"registre.sqlite", "liens.sqlite", "statistiques.sqlite", "referentiel.json"}
LOGGERS = {
    "gateway",
    "gateway.acces",
    "gateway.alertes",
    "gateway.auth.cles",
    "gateway.auth.clients",
    "gateway.cache",
    "gateway.cles",
    "gateway.evenements",
    "gateway.execution.executeur",
    "gateway.journal",
    "gateway.moisson",
    "gateway.operation",
    "gateway.referentiel",
    "gateway.registre",
    "gateway.sources",
    "gateway.statistiques",
    "gateway.stores.debits",
    "gateway.vie",
}
LOG_LINES = {  # that documents quote, or that an operator is told to look for
    "journal des lectures : ancre %s",
    "journal des lectures indisponible (%s) : réponses nominatives refusées",
    "moisson %s",
    "registre des clients inchangé : %s",
    "quota %s %s : %s, %d personnes sur %d",
}
LABEL_VALUES = {"changee", "inchangee", "rejetee", "gardee", "touche", "invalide", "sans_objet", "abandonne", "inconnu"}
QUOTA_LABELS = {"COMPTE", "ORGANISATION", "CLIENT", "AGENTS", "ALERTE", "ARRET"}
REDIS_NAMES = {
    "passerelle",
    "passerelle:d:{{}}",
    "passerelle:d:{{}}:{}",
}  # braces around a source keep its keys together
REDIS_SHARED_CACHE = {"b", "g", "i", "t", "v"}  # lease, generation, mark, head, value: passerelle:<letter>:<name>
SEALING = {"sceller", "ouvrir", "pseudonyme", "empreinte", "pseudonyme_personne"} | {"seal", "open", "pseudonym", "mac"}
# One letter changed loses every id, cursor, sealed row and API key.
SEALED = {
    "cache/noms",
    "cache/{}",
    "clé d'API",
    "contrat|{}",
    "curseur",
    "document/{}",
    "dossier|{}",
    "identifiant",
    "identite|{}|{}",
    "jeu de clés",
    "journal/dossier",
    "journal/ensemble",
    "journal/fiche",
    "journal/entree",
    "journal/index",
    "journal/personne",
    "journal/{}",
    "objet|{}",
    "registre",
    "registre/contrat",
    "registre/lecture",
    "registre/personne",
    "rupture|{}|{}",
    "temoin/{}",
    "{}:{}",
}
# What these usages are made from, and what sealed bytes are bound to.
SEALED_PARTS = {"aes-siv/{}", "hmac-sha256/{}", "{}|{}|{}|{}", "{}|contrat|{}|{}", "{}|{}"}
SEALED_NATURES = {"Jeune", "Contrat", "Rupture", "Cfa", "MissionLocale"}
CHAIN_ENDS = {"debut", "fin"}  # `journal/{}`
CONNECTOR_KINDS = {"aimaira", "gestibase", "imilo", "referentiel", "registre", "ypareo"}


def frozen_text(name: str) -> str:
    return (FROZEN / name).read_text(encoding="utf-8")


def frozen_lines(name: str) -> set[str]:
    return set(frozen_text(name).splitlines())


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_texts_are_what_they_were(name: str) -> None:
    assert hashlib.sha256((source.ROOT / name).read_bytes()).hexdigest() == PUBLISHED[name]


# Configuration files


def test_every_key_of_the_configuration_files_is_still_read() -> None:
    read = {f"{file}: {key}" for file, model in names.FILES.items() for key in keys_of(model)}
    read |= {f"partenaires/*.locataires.csv: {column}" for column in names.TENANT_COLUMNS}
    read |= {f"poids.toml: {key}" for key in keys_in(tomllib.loads(names.WEIGHTS_PATH.read_text(encoding="utf-8")))}
    assert frozen_lines("file_keys.txt") <= read


def test_the_files_that_ship_with_the_code_keep_their_names() -> None:
    assert (names.POLICY_PATH.name, names.WEIGHTS_PATH.name) == ("policy.toml", "poids.toml")
    assert names.POLICY_PATH.is_file()
    assert {"gateway.toml", "clients.toml", "*.toml", "partenaires", "documents"} <= source.literals()


def keys_of(model: type[BaseModel], place: str = "") -> Iterator[str]:
    """The keys of a file, and the words that its closed lists accept, as `table.key` and `table.key = word`."""
    for name, field in model.model_fields.items():
        key = f"{place}{field.alias or name}"
        yield key
        for kind, depth in kinds_in(field.annotation):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from keys_of(kind, f"{key}{depth}.")
            else:
                yield from (f"{key}{depth} = {word}" for word in words_of(kind))


def kinds_in(annotation: Any, depth: str = "") -> Iterator[tuple[Any, str]]:
    """The plain types of an annotation; `[]` for the elements of a list, `.*` for the values of a table."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is None or origin is Literal:
        yield annotation, depth
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        yield from kinds_in(arguments[1], f"{depth}.*")
    elif origin in (tuple, list, set, frozenset):
        yield from kinds_in(arguments[0], f"{depth}[]")
    else:  # a union, an annotated type
        for argument in arguments:
            if isinstance(argument, type) or get_args(argument):
                yield from kinds_in(argument, depth)


def words_of(kind: Any) -> Iterator[str]:
    if get_origin(kind) is Literal:
        yield from map(str, get_args(kind))
    elif isinstance(kind, type) and issubclass(kind, Enum):
        yield from (str(member.value) for member in kind)


def keys_in(table: Mapping[str, Any], place: str = "") -> Iterator[str]:
    for key, value in table.items():
        yield f"{place}{key}"
        if isinstance(value, dict):
            yield from keys_in(value, f"{place}{key}.")


# Environment and command line


def test_every_variable_of_the_environment_is_still_read() -> None:
    assert source.literals() >= ENVIRONMENT


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is 80 columns wide, without colours."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.mark.usefixtures("terminal")
def test_the_help_of_every_command_is_what_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    told = "".join(help_of(command, capsys) for command in COMMANDS)
    assert words(told) == words(frozen_text("help.txt"))


def words(told: str) -> list[str]:
    """Where lines are cut differs between versions of Python; so does whether an option's value is said after each name."""
    return re.sub(r"(--?[\w-]+) (\S+), (?=--[\w-]+ \2)", r"\1, ", " ".join(told.split())).split()


def help_of(command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert end.value.code == 0
    return f"$ python -m gateway {' '.join([*command, '--help'])}\n{capsys.readouterr().out}\n"


def test_a_wrong_command_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["inconnue"])
    assert end.value.code == 2
    assert "inconnue" in capsys.readouterr().err


def test_a_wrong_configuration_ends_with_2_and_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    assert main(["sources"]) == 2
    assert capsys.readouterr().err == "configuration : variable d'environnement GATEWAY_CONFIG : absente\n"


def test_an_interruption_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(builtins, "print", interrupt)
    assert main(["expliquer", "{ moi { profil } }"]) == 130


def test_a_journal_that_is_not_whole_ends_with_1(
    configured: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable, value in configured.items():
        monkeypatch.setenv(variable, value)
    assert main(["journal", "verifier"]) == 0
    assert capsys.readouterr().out.startswith("journal intègre, entrées ")
    assert main(["journal", "verifier", "--ancre", f"7:{'0' * 64}"]) == 1


# HTTP


def test_every_path_is_still_served() -> None:
    assert source.first_arguments("Route") >= PATHS
    assert ASSETS in source.literals()


def test_every_header_is_still_read_and_sent() -> None:
    assert source.first_arguments("get") >= HEADERS_READ
    assert source.literals() >= HEADERS_ONCE
    assert {key for display in source.dict_displays() for key in display} | source.subscripts() >= HEADERS_SENT


def test_every_key_of_a_request_and_of_an_answer_keeps_its_name() -> None:
    assert source.first_arguments("get") >= REQUEST_KEYS
    assert names.DOCUMENT_KEYS >= DOCUMENT_KEYS
    assert {
        what for what, keys in JSON_OBJECTS.items() if not any(keys <= one for one in source.dict_displays())
    } == set()
    assert "requestId" in source.subscripts()


def test_every_error_code_is_still_there() -> None:
    assert names.ERROR_CODES >= ERROR_CODES
    assert names.ERROR_DETAILS >= ERROR_DETAILS


# Figures and logs


@pytest.fixture
def configured(tmp_path: Path) -> dict[str, str]:
    """The environment of the least gateway that can be built."""
    (tmp_path / "partenaires").mkdir()
    for path, text in LEAST_CONFIGURATION.items():
        (tmp_path / path).write_text(text, encoding="utf-8")
    return {
        "GATEWAY_CONFIG": str(tmp_path),
        "GATEWAY_CLE": base64.urlsafe_b64encode(bytes(32)).decode(),
        "SECRET": "compte:mot de passe",
    }


LEAST_CONFIGURATION = {
    "gateway.toml": """
[jetons]
emetteur = "https://identite.exemple"
audience = "passerelle"
jwks_url = "https://identite.exemple/jwks.json"
[donnees]
dossier = "donnees"
""",
    "clients.toml": "[clients]\n",
    "partenaires/registre.toml": """
nom = "registre"
genre = "registre"
base_url = "https://registre.exemple"
[acces.tba]
type = "basic"
secret = "SECRET"
[acces.lba]
type = "basic"
secret = "SECRET"
[moisson]
depuis = 2024-01-01
""",
    "partenaires/referentiel.toml": """
nom = "referentiel"
genre = "referentiel"
base_url = "https://referentiel.exemple"
[acces.defaut]
type = "porteur"
secret = "SECRET"
""",
}


def test_every_figure_is_what_it_was(configured: Mapping[str, str]) -> None:
    assert described(asyncio.run(names.metrics_registry(configured))) == frozen_text("metrics.txt")


def described(registry: CollectorRegistry) -> str:
    """The figures, one a line: kind, names on the wire, labels, bounds of a histogram, help."""
    collectors: Mapping[Any, list[str]] = registry._collector_to_names
    return "".join(sorted(described_metric(collector, on_wire) for collector, on_wire in collectors.items()))


def described_metric(collector: Any, on_wire: list[str]) -> str:
    (metric,) = collector.describe()
    bounds = f" {collector._upper_bounds}" if metric.type == "histogram" else ""
    return (
        f"{' '.join(on_wire)} | {metric.type}{bounds} | {', '.join(collector._labelnames)} | {metric.documentation}\n"
    )


def test_every_value_of_a_label_keeps_its_name() -> None:
    assert {"plan", "premiere_vue", "repli", "reprise"} <= names.EXECUTION_PATHS
    assert {"touche", "manque", "perime", "laisse"} <= names.CACHE_STATUSES
    assert {"cfa", "structure"} <= names.RESOURCES
    assert {"REPAREE", "DOUTEUSE", "ECARTEE", "ORPHELINE", "DOUBLON", "DERIVE"} <= names.DEFECTS
    assert {"invalide", "sans_objet", "refuse", "illisible", "muet"} <= names.WEBHOOK_OUTCOMES
    assert source.literals() >= LABEL_VALUES | QUOTA_LABELS


def test_every_logger_keeps_its_name() -> None:
    assert source.loggers() >= LOGGERS


def test_the_lines_that_an_operator_looks_for_are_still_written() -> None:
    assert source.literals() >= LOG_LINES


# At rest


def test_every_table_keeps_its_columns_and_its_indexes() -> None:
    assert set(schema_lines()) >= frozen_lines("tables.txt")


def schema_lines() -> Iterator[str]:
    for table in stored_tables():
        for column in table.columns:
            marks = (" primary key" if column.primary_key else "") + ("" if column.nullable else " not null")
            yield f"{table.name}.{column.name} {column.type.compile(sqlite.dialect())}{marks}"
        for index in table.indexes:
            yield f"{table.name} index {index.name} ({', '.join(column.name for column in index.columns)})"


def stored_tables() -> set[Table]:
    modules = [import_module(f"gateway.stores.{info.name}") for info in iter_modules(gateway.stores.__path__)]
    return {one for module in modules for one in vars(module).values() if isinstance(one, Table)}


def test_every_act_of_the_journal_keeps_its_words() -> None:
    assert source.literals() >= ACTS
    passed = {word.arg for node in source.nodes() if isinstance(node, ast.Call) for word in node.keywords}
    assert passed >= ACT_DETAILS


def test_the_referential_on_disk_keeps_its_keys() -> None:
    assert {kind: {field.name for field in fields(row)} for kind, row in names.REFERENTIEL_ROWS.items()} == REFERENTIEL
    assert names.REFERENTIEL_VERSION == 1


def test_the_files_of_the_data_directory_keep_their_names() -> None:
    assert source.literals() >= DATA_FILES


def test_every_name_in_redis_stays() -> None:
    assert source.literals() >= REDIS_NAMES | REDIS_SHARED_CACHE


def test_every_usage_of_a_seal_stays() -> None:
    assert source.given_to(*SEALING) >= SEALED
    assert source.literals() >= SEALED_PARTS | SEALED_NATURES | CHAIN_ENDS


def test_every_kind_of_connector_stays() -> None:
    assert names.connector_kinds() >= CONNECTOR_KINDS
