"""The order of the site: which section each page stands in, and for whom. A page that stands in none stops the build."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """A folder of the site's menu. `groups`: by caption, names of documents in the order they are shown; a name that ends with
    `*` stands for all that begin so."""

    name: str
    title: str
    text: str
    groups: tuple[tuple[str, tuple[str, ...]], ...]


SECTIONS = (
    Section(
        "guides",
        "Guides",
        "Ce que chacun doit savoir faire, dans l'ordre où il le fait.",
        (
            (
                "Appeler",
                (
                    "guide-appelant",
                    "graphe",
                    "exemples/README",
                    "depot/exemples/front/README",
                    "clients",
                    "ecritures",
                    "evenements",
                    "versions",
                ),
            ),
            ("Être partenaire", ("guide-partenaire", "partenaires", "partenaires-*", "reception", "webhooks")),
            (
                "Exploiter",
                (
                    *(
                        "guide-exploitant",
                        "exercice",
                        "deploiement",
                        "configuration",
                        "cles",
                        "exploitation",
                        "metriques",
                        "alertes",
                    ),
                    *("postgresql", "redis", "emetteurs/README", "emetteurs/*", "mandataire-*", "accessibilite"),
                ),
            ),
            ("Protéger les données", ("guide-dpo", "droits", "aipd")),
            ("Compter", ("guide-statisticien", "statistiques")),
        ),
    ),
    Section(
        "reference",
        "Référence",
        "Écrite par le produit lui-même à chaque construction du site : le graphe, les erreurs, les en-têtes, les clés, "
        "les commandes et les métriques de cette version, et d'aucune autre.",
        (
            ("Le graphe", ("reference/operations", "reference/types", "reference/saisies", "depot/schema.graphql")),
            ("Les droits", ("depot/ACCES",)),
            ("Les réponses", ("reference/erreurs", "erreurs", "reference/entetes")),
            ("Le service", ("reference/configuration", "reference/commandes", "reference/metriques")),
        ),
    ),
    Section(
        "comprendre",
        "Comprendre",
        "Pourquoi une réponse est ce qu'elle est : les règles du métier, l'identité, la fraîcheur, ce qui est promis et mesuré.",
        (
            ("Le métier", ("domaine", "security")),
            ("Les promesses", ("fiabilite", "charge", "performance", "performance-http", "evidence")),
        ),
    ),
    Section(
        "contribuer",
        "Contribuer",
        "Pour qui reprend le code. En anglais, comme le code.",
        (
            (
                "Le dépôt",
                (
                    "depot/README",
                    "depot/CONTRIBUTING",
                    "architecture",
                    "depot/GLOSSARY",
                    "depot/CHANGELOG",
                    "depot/changelog.d/README",
                ),
            ),
            ("Les essais", ("depot/fixtures/README", "depot/tests/security/README", "mutants", "depot/SECURITY")),
            ("Les décisions", ("decisions/README", "decisions/0*")),
        ),
    ),
)


def menu(section: Section, names: set[str]) -> Iterator[tuple[str, list[str]]]:
    """The captions of a section, and the documents under each, of those that there are."""
    for caption, wanted in section.groups:
        listed = []
        for name in wanted:
            found = {one for one in names if one.startswith(name[:-1])} - {*wanted} if name.endswith("*") else {name}
            listed += sorted(found)
        yield caption, listed
