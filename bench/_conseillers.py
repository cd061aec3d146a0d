"""What an adviser of a Mission locale does in a day, drawn from a seed. Knows neither the gateway nor any clock.

Hypotheses, not measures: nobody has watched advisers use a tool that does not exist yet. They come once a day on average,
more in the morning and after lunch, read the list, open some young people, sometimes search or ask for news.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

# Share of the visits that begin in each hour.
AFFLUENCE = {8: 0.08, 9: 0.16, 10: 0.14, 11: 0.11, 12: 0.04, 13: 0.07, 14: 0.14, 15: 0.12, 16: 0.09, 17: 0.05}
VISITES = 1.0  # a day and adviser
PAGE_SUIVANTE, PAGES_MAX = 0.4, 4
FICHES = (1, 1, 2, 2, 3, 4)  # young people opened in a visit
RECHERCHE = 0.2  # of the visits
ACTUALISATION = 0.15  # of the visits end with the list again, asked fresher
FRAICHEUR = 60  # seconds, then
REFLEXION = (3.2, 0.7)  # logarithm of the seconds between two gestures: half of them below 25 s

LISTE = """query Liste($apres: String, $tri: TriRuptures!) { ruptures(first: 20, after: $apres, tri: $tri) {
 totalCount complet pageInfo { hasNextPage endCursor } edges { node { id date joursDepuis etat prioritaire motifsPriorite
 jeune { id nom prenom dateNaissance age telephone commune { nom } statut { valeur depuis } suivi { situation } }
 contrat { dateDebut formation { intitule } cfa { nom } } } } } }"""
FICHE = """query Fiche($id: ID!) { jeune(id: $id) { id nom prenom dateNaissance age telephone courriel rqth
 adresse { voie codePostal commune { nom } } statut { valeur depuis } parcours { valeur depuis }
 contrats { numero dateDebut dateFin employeur { denomination } cfa { nom } rupture { date cause } }
 formations { intitule dateDebut dateFin } suivi { situation date conseiller commentaire historique { situation date } }
 collaboration { demandeeLe motifs referent } provenance { champ source recueLe } } }"""
RECHERCHER = """query Recherche($nom: String!, $prenom: String!, $naissance: Date!) {
 rechercheJeune(nom: $nom, prenom: $prenom, dateNaissance: $naissance) { score niveau jeune { id nom prenom } } }"""
ACTUALISER = LISTE.replace("TriRuptures!)", f"TriRuptures!) @fraicheur(maxSecondes: {FRAICHEUR})")
GESTES = {"liste": LISTE, "fiche": FICHE, "recherche": RECHERCHER, "actualisation": ACTUALISER}

Demander = Callable[[str, Mapping[str, Any]], Awaitable[Any]]  # a gesture and its variables; the data, None if refused
Dormir = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Conseiller:
    """An adviser of a Mission locale."""

    mission: str
    rang: int

    @property
    def compte(self) -> str:
        return f"conseiller-{self.mission}-{self.rang}"


def arrivees(conseiller: Conseiller, graine: int, debut: int, fin: float) -> list[float]:
    """The instants, in seconds after `debut` o'clock, when an adviser comes."""
    hasard = Random(f"{graine}/{conseiller.compte}")
    venues = []
    for heure, part in AFFLUENCE.items():
        attendues = VISITES * part
        nombre = int(attendues) + (hasard.random() < attendues % 1)
        venues += [3600.0 * (heure - debut + hasard.random()) for _ in range(nombre)]
    return sorted(instant for instant in venues if 0 <= instant < 3600 * (fin - debut))


async def visiter(demander: Demander, dormir: Dormir, hasard: Random) -> None:
    """One visit: the list, some pages, some young people, and what else comes to mind."""

    async def geste(nom: str, /, **variables: Any) -> Any:
        lu = await demander(nom, variables)
        await dormir(hasard.lognormvariate(*REFLEXION))
        return lu

    tri = hasard.choice(("PRIORITE", "DATE_DESC"))
    vus: list[dict[str, Any]] = []
    apres = None
    for _ in range(PAGES_MAX):
        liste = _liste(await geste("liste", tri=tri, apres=apres))
        vus += [arete["node"]["jeune"] for arete in liste["edges"]]
        apres = liste["pageInfo"]["endCursor"]
        if not liste["pageInfo"]["hasNextPage"] or hasard.random() > PAGE_SUIVANTE:
            break
    for jeune in hasard.sample(vus, min(len(vus), hasard.choice(FICHES))):
        await geste("fiche", id=jeune["id"])
    if vus and hasard.random() < RECHERCHE:
        cherche = hasard.choice(vus)
        await geste("recherche", nom=cherche["nom"], prenom=cherche["prenom"], naissance=cherche["dateNaissance"])
    if hasard.random() < ACTUALISATION:
        await geste("actualisation", tri=tri, apres=None)


def _liste(donnees: Any) -> Any:
    """The list of an answer; an empty one where nobody answered."""
    return (donnees or {}).get("ruptures") or {"edges": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
