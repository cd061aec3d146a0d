"""What codes are called in an answer. Pure."""

from gateway.statistiques.grids import UNKNOWN
from gateway.statistiques.places import Places
from gateway.statistiques.questions import OF_PLACES

_MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin",
    "juillet", "août", "septembre", "octobre", "novembre", "décembre",
)  # fmt: skip
_NAMES = {
    ("SEXE", "F"): "Femmes",
    ("SEXE", "M"): "Hommes",
    ("TRANCHE_AGE", "MOINS_DE_18"): "Moins de 18 ans",
    ("TRANCHE_AGE", "DE_18_A_20"): "De 18 à 20 ans",
    ("TRANCHE_AGE", "DE_21_A_25"): "De 21 à 25 ans",
    ("TRANCHE_AGE", "DE_26_ET_PLUS"): "26 ans ou plus",
    ("STATUT", "APPRENTI"): "Apprenti",
    ("STATUT", "INSCRIT"): "Inscrit sans contrat",
    ("STATUT", "RUPTURANT"): "En rupture",
    ("STATUT", "ABANDON"): "Abandon",
    ("STATUT", "FIN_DE_FORMATION"): "Fin de formation",
}
# Sections of the French nomenclature (NAF rev. 2, decree 2007-1888).
_SECTORS = {
    "A": "Agriculture, sylviculture et pêche",
    "B": "Industries extractives",
    "C": "Industrie manufacturière",
    "D": "Électricité, gaz, vapeur et air conditionné",
    "E": "Eau, assainissement, gestion des déchets et dépollution",
    "F": "Construction",
    "G": "Commerce, réparation d'automobiles et de motocycles",
    "H": "Transports et entreposage",
    "I": "Hébergement et restauration",
    "J": "Information et communication",
    "K": "Activités financières et d'assurance",
    "L": "Activités immobilières",
    "M": "Activités spécialisées, scientifiques et techniques",
    "N": "Activités de services administratifs et de soutien",
    "O": "Administration publique",
    "P": "Enseignement",
    "Q": "Santé humaine et action sociale",
    "R": "Arts, spectacles et activités récréatives",
    "S": "Autres activités de services",
    "T": "Activités des ménages en tant qu'employeurs",
    "U": "Activités extra-territoriales",
}


def label(dimension: str, code: str, places: Places) -> str | None:
    """What the value of a dimension is called, where that tells more than its code."""
    if code == UNKNOWN:
        return "Inconnu"
    if dimension in OF_PLACES:
        return places.name(dimension, code)
    if dimension == "MOIS":
        return f"{_MONTHS[int(code[5:]) - 1]} {code[:4]}"
    if dimension == "NIVEAU":
        return f"Niveau {code}"
    return _SECTORS.get(code) if dimension == "SECTEUR" else _NAMES.get((dimension, code))
