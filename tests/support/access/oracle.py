"""What a caller reads, by plain reading of docs/graphe.md: tables typed again, nested loops, nothing of the product."""

from typing import Any

EVERYONE = "INSCRIT APPRENTI RUPTURANT ABANDON FIN_DE_FORMATION"
WITHOUT_CONTRAT = "INSCRIT RUPTURANT ABANDON"
DOSSIER = "PARCOURS IDENTITE CONTACT ADRESSE SENSIBLE REPRESENTANT CONTRAT RUPTURE COLLABORATION TECHNIQUE"
ROWS = (  # profile, relations, statuses, purpose, categories, only where a collaboration was asked
    ("MISSION_LOCALE", "residence suivi", EVERYONE, "ACCOMPAGNEMENT", DOSSIER + " SUIVI", False),
    ("CFA", "cfa", EVERYONE, "GESTION_CFA", DOSSIER + " IDENTIFIANT_NATIONAL", False),
    ("CFA", "cfa", EVERYONE, "GESTION_CFA", "SUIVI", True),
    ("TETE_DE_RESEAU", "reseau", EVERYONE, "PILOTAGE", "PARCOURS IDENTITE IDENTIFIANT_NATIONAL CONTRAT RUPTURE", False),
    ("DREETS", "region_cfa", WITHOUT_CONTRAT, "CONTROLE_OBLIGATION", "PARCOURS IDENTITE CONTACT", False),
    ("DDETS", "departement_cfa", WITHOUT_CONTRAT, "CONTROLE_OBLIGATION", "PARCOURS IDENTITE CONTACT", False),
    ("ACADEMIE", "academie_cfa", WITHOUT_CONTRAT, "CONTROLE_OBLIGATION", "PARCOURS IDENTITE CONTACT", False),
    ("FRANCE_TRAVAIL", "region", "INSCRIT", "ACCOMPAGNEMENT", "PARCOURS IDENTITE CONTACT ADRESSE SENSIBLE", False),
    ("SI_PARTENAIRE", "residence suivi cfa", EVERYONE, "ACCOMPAGNEMENT",
     "PARCOURS IDENTITE CONTACT CONTRAT RUPTURE SUIVI", False),
)  # fmt: skip
MOTIFS = {"RQTH": "SENSIBLE", "ACCOMPAGNEMENT_CONJOINT": "COLLABORATION", "MINEUR": "PARCOURS", "SOUHAITE_RDV": "SUIVI"}


def oracle_decide(viewer: dict[str, Any], person: dict[str, Any] | None, categorie: str | None) -> bool:
    """Whether the viewer reads the category: of that person, or (None) of somebody at least."""
    if categorie in (None, "PUBLIQUE"):
        return True
    for profil, relations, statuts, finalite, categories, collaboration in ROWS:
        if (profil, finalite) != (viewer["profil"], viewer["finalite"]) or categorie not in categories.split():
            continue
        if person is None:
            return True
        linked = any(person["liens"][relation] & viewer["organisations"] for relation in relations.split())
        if linked and person["statut"] in statuts.split() and (not collaboration or asked(viewer, person)):
            return admitted(viewer, person)
    operator = (viewer["profil"], viewer["finalite"]) == ("ADMINISTRATEUR", "EXPLOITATION")
    return person is None and operator and categorie == "TECHNIQUE"


def asked(viewer: dict[str, Any], person: dict[str, Any]) -> bool:
    """docs/droits.md, Conditions: for a CFA its own request, which here is always that of the person's only CFA."""
    own = viewer["role"] != "CFA" or person["liens"]["cfa"] == {viewer["organisation"]}
    return bool(person["collaboration"]) and own


def admitted(viewer: dict[str, Any], person: dict[str, Any]) -> bool:
    """docs/domaine.md, Rupture: by age, or by a disability that the viewer may know of."""
    rqth = person["rqth"] and oracle_decide(viewer, None, "SENSIBLE")
    return viewer["role"] not in ("MISSION_LOCALE", "FRANCE_TRAVAIL") or 16 <= person["age"] < (999 if rqth else 26)


def oracle_criterion(viewer: dict[str, Any], categories: set[str]) -> bool:
    """Whether the viewer may filter or sort by these categories: it reads them of every person it sees."""
    rows = [
        c.split() for p, _, _, f, c, under in ROWS if (p, f) == (viewer["profil"], viewer["finalite"]) and not under
    ]
    return all(any(categorie in line for line in rows) for categorie in categories)


def oracle_says(
    viewer: dict[str, Any], person: dict[str, Any], champ: str, valeur: Any, neighbours: dict[str, Any]
) -> Any:
    """The value as it is told: without what would tell a category that is not read."""
    if champ == "provenance":
        return [line for line in valeur if oracle_decide(viewer, person, neighbours[line["champ"]][0])]
    if champ in ("motifsPriorite", "prioritaire"):
        told_values = [reason for reason in person["motifs"] if oracle_decide(viewer, person, MOTIFS[reason])]
        return told_values if champ == "motifsPriorite" else bool(told_values)
    return valeur
