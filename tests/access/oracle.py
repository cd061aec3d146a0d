"""What a caller reads, by plain reading of ANSWERS 10-13: tables typed again, nested loops, nothing of the product."""

from typing import Any

TOUS = "INSCRIT APPRENTI RUPTURANT ABANDON FIN_DE_FORMATION"
SANS_CONTRAT = "INSCRIT RUPTURANT ABANDON"
DOSSIER = "PARCOURS IDENTITE CONTACT ADRESSE SENSIBLE REPRESENTANT CONTRAT RUPTURE COLLABORATION TECHNIQUE"
LIGNES = (  # profile, relations, statuses, purpose, categories, only where a collaboration was asked
    ("MISSION_LOCALE", "residence suivi", TOUS, "ACCOMPAGNEMENT", DOSSIER + " SUIVI", False),
    ("CFA", "cfa", TOUS, "GESTION_CFA", DOSSIER + " IDENTIFIANT_NATIONAL", False),
    ("CFA", "cfa", TOUS, "GESTION_CFA", "SUIVI", True),
    ("TETE_DE_RESEAU", "reseau", TOUS, "PILOTAGE", "PARCOURS IDENTITE IDENTIFIANT_NATIONAL CONTRAT RUPTURE", False),
    ("DREETS", "region_cfa", SANS_CONTRAT, "CONTROLE_OBLIGATION", "PARCOURS IDENTITE CONTACT", False),
    ("DDETS", "departement_cfa", SANS_CONTRAT, "CONTROLE_OBLIGATION", "PARCOURS IDENTITE CONTACT", False),
    ("ACADEMIE", "academie_cfa", SANS_CONTRAT, "CONTROLE_OBLIGATION", "PARCOURS IDENTITE CONTACT", False),
    ("FRANCE_TRAVAIL", "region", "INSCRIT", "ACCOMPAGNEMENT", "PARCOURS IDENTITE CONTACT ADRESSE SENSIBLE", False),
    ("SI_PARTENAIRE", "residence suivi cfa", TOUS, "ACCOMPAGNEMENT", "PARCOURS IDENTITE CONTACT CONTRAT RUPTURE SUIVI", False),
)  # fmt: skip
MOTIFS = {"RQTH": "SENSIBLE", "ACCOMPAGNEMENT_CONJOINT": "COLLABORATION", "MINEUR": "PARCOURS", "SOUHAITE_RDV": "SUIVI"}


def oracle_decide(viewer: dict[str, Any], personne: dict[str, Any] | None, categorie: str | None) -> bool:
    """Whether the viewer reads the category: of that person, or (None) of somebody at least."""
    if categorie in (None, "PUBLIQUE"):
        return True
    for profil, relations, statuts, finalite, categories, collaboration in LIGNES:
        if (profil, finalite) != (viewer["profil"], viewer["finalite"]) or categorie not in categories.split():
            continue
        if personne is None:
            return True
        liee = any(personne["liens"][relation] & viewer["organisations"] for relation in relations.split())
        if liee and personne["statut"] in statuts.split() and (personne["collaboration"] or not collaboration):
            return admis(viewer, personne)
    exploitant = (viewer["profil"], viewer["finalite"]) == ("ADMINISTRATEUR", "EXPLOITATION")
    return personne is None and exploitant and categorie == "TECHNIQUE"


def admis(viewer: dict[str, Any], personne: dict[str, Any]) -> bool:
    """ANSWERS 10: by age, or by a disability that the viewer may know of."""
    rqth = personne["rqth"] and oracle_decide(viewer, None, "SENSIBLE")
    return viewer["role"] not in ("MISSION_LOCALE", "FRANCE_TRAVAIL") or 16 <= personne["age"] < (999 if rqth else 26)


def oracle_critere(viewer: dict[str, Any], categories: set[str]) -> bool:
    """Whether the viewer may filter or sort by these categories: it reads them of every person it sees."""
    lignes = [
        c.split() for p, _, _, f, c, sous in LIGNES if (p, f) == (viewer["profil"], viewer["finalite"]) and not sous
    ]
    return all(any(categorie in ligne for ligne in lignes) for categorie in categories)


def oracle_dit(
    viewer: dict[str, Any], personne: dict[str, Any], champ: str, valeur: Any, voisins: dict[str, Any]
) -> Any:
    """The value as it is told: without what would tell a category that is not read."""
    if champ == "provenance":
        return [ligne for ligne in valeur if oracle_decide(viewer, personne, voisins[ligne["champ"]][0])]
    if champ in ("motifsPriorite", "prioritaire"):
        dits = [motif for motif in personne["motifs"] if oracle_decide(viewer, personne, MOTIFS[motif])]
        return dits if champ == "motifsPriorite" else bool(dits)
    return valeur
