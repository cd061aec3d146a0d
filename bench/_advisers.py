"""What an adviser of a Mission locale does in a day, drawn from a seed. Knows neither the gateway nor any clock.

Hypotheses, not measures: nobody has watched advisers use a tool that does not exist yet. They come once a day on average,
more in the morning and after lunch, read the list, open some young people, sometimes search or ask for news.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

# Share of the visits that begin in each hour.
AFFLUENCE_CURVE = {8: 0.08, 9: 0.16, 10: 0.14, 11: 0.11, 12: 0.04, 13: 0.07, 14: 0.14, 15: 0.12, 16: 0.09, 17: 0.05}
VISITS = 1.0  # a day and adviser
NEXT_PAGE, PAGES_MAX = 0.4, 4
FICHES = (1, 1, 2, 2, 3, 4)  # young people opened in a visit
SEARCH = 0.2  # of the visits
REFRESH_QUERY = 0.15  # of the visits end with the list again, asked fresher
FRESHNESS = 60  # seconds, then
THINKING = (3.2, 0.7)  # logarithm of the seconds between two gestures: half of them below 25 s

LIST = """query Liste($apres: String, $tri: TriRuptures!) { ruptures(first: 20, after: $apres, tri: $tri) {
 totalCount complet pageInfo { hasNextPage endCursor } edges { node { id date joursDepuis etat prioritaire motifsPriorite
 jeune { id nom prenom dateNaissance age telephone commune { nom } statut { valeur depuis } suivi { situation } }
 contrat { dateDebut formation { intitule } cfa { nom } } } } } }"""
FICHE = """query Fiche($id: ID!) { jeune(id: $id) { id nom prenom dateNaissance age telephone courriel rqth
 adresse { voie codePostal commune { nom } } statut { valeur depuis } parcours { valeur depuis }
 contrats { numero dateDebut dateFin employeur { denomination } cfa { nom } rupture { date cause } }
 formations { intitule dateDebut dateFin } suivi { situation date conseiller commentaire historique { situation date } }
 collaboration { demandeeLe motifs referent } provenance { champ source recueLe } } }"""
SEARCH_FOR = """query Recherche($nom: String!, $prenom: String!, $naissance: Date!) {
 rechercheJeune(nom: $nom, prenom: $prenom, dateNaissance: $naissance) { score niveau jeune { id nom prenom } } }"""
REFRESH = LIST.replace("TriRuptures!)", f"TriRuptures!) @fraicheur(maxSecondes: {FRESHNESS})")
ACTION_KINDS = {"liste": LIST, "fiche": FICHE, "recherche": SEARCH_FOR, "actualisation": REFRESH}

Request = Callable[[str, Mapping[str, Any]], Awaitable[Any]]  # a gesture and its variables; the data, None if refused
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Adviser:
    """An adviser of a Mission locale."""

    mission: str
    rank: int

    @property
    def account(self) -> str:
        return f"conseiller-{self.mission}-{self.rank}"


def arrivals(conseiller: Adviser, seed: int, debut: int, fin: float) -> list[float]:
    """The instants, in seconds after `debut` o'clock, when an adviser comes."""
    randomness = Random(f"{seed}/{conseiller.account}")
    planned = []
    for moment, part in AFFLUENCE_CURVE.items():
        expected = VISITS * part
        number = int(expected) + (randomness.random() < expected % 1)
        planned += [3600.0 * (moment - debut + randomness.random()) for _ in range(number)]
    return sorted(instant for instant in planned if 0 <= instant < 3600 * (fin - debut))


async def visit(request: Request, sleep: Sleep, randomness: Random) -> None:
    """One visit: the list, some pages, some young people, and what else comes to mind."""

    async def send(nom: str, /, **variables: Any) -> Any:
        result = await request(nom, variables)
        await sleep(randomness.lognormvariate(*THINKING))
        return result

    order = randomness.choice(("PRIORITE", "DATE_DESC"))
    seen: list[dict[str, Any]] = []
    after = None
    for _ in range(PAGES_MAX):
        list_query = _list(await send("liste", tri=order, apres=after))
        seen += [edge["node"]["jeune"] for edge in list_query["edges"]]
        after = list_query["pageInfo"]["endCursor"]
        if not list_query["pageInfo"]["hasNextPage"] or randomness.random() > NEXT_PAGE:
            break
    for jeune in randomness.sample(seen, min(len(seen), randomness.choice(FICHES))):
        await send("fiche", id=jeune["id"])
    if seen and randomness.random() < SEARCH:
        sought = randomness.choice(seen)
        await send("recherche", nom=sought["nom"], prenom=sought["prenom"], naissance=sought["dateNaissance"])
    if randomness.random() < REFRESH_QUERY:
        await send("actualisation", tri=order, apres=None)


def _list(donnees: Any) -> Any:
    """The list of an answer; an empty one where nobody answered."""
    return (donnees or {}).get("ruptures") or {"edges": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
