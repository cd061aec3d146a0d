"""The reference that the product writes for the site: every code, key, command, figure and field is there, with what is true
of it; and links lead where they did."""

import re
from pathlib import PurePosixPath

import pytest
from graphql import is_introspection_type

from gateway.errors import Code
from gateway.schema.query import build, core_schema
from tests.unit.test_public_names import COMMANDS
from tests.unit.test_reference import section
from tools.site.reference_commands import commands_page, metrics_page
from tools.site.reference_graph import graph_pages
from tools.site.reference_product import errors_page, headers_page
from tools.site.reference_settings import settings_page
from tools.site.repository_links import BrokenLink, Target, rewrite

GRAPH = graph_pages()


def part(page: str, title: str) -> str:
    return re.split(r"^## ", page.partition(f"\n## {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def row(page: str, name: str) -> list[str]:
    (line,) = [one for one in page.splitlines() if one.startswith(f"| `{name}` |")]
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def test_every_type_and_field_of_the_graph_is_told() -> None:
    whole = "".join(GRAPH.values())
    for name, type_ in core_schema(build()).type_map.items():
        if is_introspection_type(type_) or name in ("String", "Int", "Float", "Boolean", "ID"):
            continue
        told = part(whole, name)
        assert told, name
        fields = getattr(type_, "fields", getattr(type_, "values", {}))
        assert [field for field in fields if f"`{field}`" not in told] == [], name


@pytest.mark.parametrize(
    ("page", "type_", "field", "facts"),
    [
        ("types", "Jeune", "ine", ("IDENTIFIANT_NATIONAL, lue par CFA, TETE_DE_RESEAU", "ERP du CFA, puis registre")),
        ("types", "Jeune", "age", ("calculé de `Jeune.dateNaissance`", "*Catégorie* : PARCOURS")),
        ("types", "Jeune", "telephone", ("CONTACT", "ce qui fut écrit en dernier")),
        ("types", "Jeune", "contrats", ("*Catégorie* : CONTRAT", "4 fois ce qui est demandé")),
        ("types", "Jeune", "suivi", ("*Catégorie* : SUIVI", "MISSION_LOCALE")),
        ("operations", "Query", "ruptures", ("20 par défaut, 500 au plus", "`filtre` : [`FiltreRuptures`]")),
        ("operations", "Mutation", "noterSuivi", ("50 par écriture",)),
        ("saisies", "FiltreJeunes", "communes", ("*Demande* de lire ADRESSE",)),
    ],
)
def test_a_field_says_who_reads_it_where_it_comes_from_and_its_cost(
    page: str, type_: str, field: str, facts: tuple[str, ...]
) -> None:
    told = part(GRAPH[page], type_).partition(f"`{field}` : ")[2]
    told = re.split(r"^`\w+` : ", told, maxsplit=1, flags=re.MULTILINE)[0]
    assert [fact for fact in facts if fact not in told] == []


def test_every_command_is_there_with_its_help() -> None:
    told = {tuple(title.split()) for title in re.findall(r"^## (.+)$", commands_page(), re.MULTILINE)}
    assert told - {("passerelle",)} == {one for one in COMMANDS if one}


def test_every_code_and_header_is_there_with_its_status() -> None:
    page = errors_page()
    statuses = {code.value: row(page, code.value)[1] for code in Code}
    assert statuses["NON_AUTHENTIFIE"] == "401"
    assert statuses["QUOTA_ATTEINT"] == "429"
    assert statuses["ECRITURE_INDISPONIBLE"] == statuses["EVENEMENTS_INDISPONIBLES"] == "503"
    assert statuses["ERREUR_INTERNE"] == "500, 503"
    assert statuses["CHAMP_REFUSE"] == "celui de la réponse"
    assert row(headers_page(), "x-finalite")[1] == "oui"


def test_every_key_is_there_with_its_type_and_default() -> None:
    page = settings_page()
    assert row(page, "[http] documentation")[1:3] == ["`true` ou `false`", "`false`"]
    assert row(page, "[donnees] dossier")[1:3] == ["chemin", "obligatoire"]
    assert row(page, "[journal] conservation_jours")[1:3] == ["nombre entier", "`365`"]
    documented = {key for key in section("configuration.md", "gateway.toml") if " " in key and "<nom>" not in key}
    assert [key for key in sorted(documented) if f"| `{key}` |" not in page] == []


def test_every_figure_of_its_page_is_there() -> None:
    page = metrics_page()
    assert row(page, "passerelle_appels_total")[1:3] == ["compteur", "partenaire, operation, issue"]
    text = (Target(PurePosixPath("docs/metriques.md")).file).read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `((?:passerelle|http)_[a-z_]+)", text, re.MULTILINE))
    assert {name for name in told if f"`{name}`" not in page} == set()


def test_links_lead_where_they_did() -> None:
    found: list[Target] = []
    page = PurePosixPath("docs/decisions/0012-reading-journal.md")
    text = (
        "[a](../graphe.md#refus) [b.md](../../README.md) "
        "[c](../../gateway/app.py) [d](https://x.invalid) ![e](../architecture.svg)"
    )
    assert rewrite(text, page, found.append) == (
        "[a](../graphe.md#refus) [](../depot/README.md) c [d](https://x.invalid) ![e](../architecture.svg)"
    )
    assert [str(one.path) for one in found] == ["docs/graphe.md", "README.md", "docs/architecture.svg"]
    fenced = "```md\n[a](rien.md)\n```\n"
    assert rewrite(fenced, page, found.append) == fenced
    with pytest.raises(BrokenLink, match=r"rien\.md"):
        rewrite("[a](rien.md)", page, found.append)
