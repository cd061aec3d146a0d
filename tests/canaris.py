"""Canary persons: values of real records of the population, looked for where no value of a person may be (SECURITY L01, C09)."""

from collections.abc import Iterable
from pathlib import Path

from fixtures.population.modele import Population

CANARIS = 60  # persons looked for


def valeurs(population: Population) -> list[bytes]:
    """Telephones, e-mails, family names with first names and national numbers of some persons, as systems write them."""
    trouvees: set[str] = set()
    for personne in population.personnes[:CANARIS]:
        portable = personne.telephone
        trouvees |= {portable, portable.replace(" ", ""), personne.courriel, personne.ine or ""}
        trouvees |= {f"{personne.nom} {personne.prenom}", f"{personne.prenom} {personne.nom}"}
    return [valeur.encode() for valeur in sorted(trouvees) if len(valeur) > 7]


def traces(population: Population, fichiers: Iterable[Path]) -> list[str]:
    """The files that hold a value of a canary, with how many; never the value itself."""
    cherchees = valeurs(population)
    comptes = {fichier: _nombre(fichier.read_bytes(), cherchees) for fichier in fichiers if fichier.is_file()}
    return [f"{fichier.name}: {nombre}" for fichier, nombre in comptes.items() if nombre]


def _nombre(contenu: bytes, cherchees: list[bytes]) -> int:
    casse = contenu.lower()
    return sum(valeur.lower() in casse for valeur in cherchees)
