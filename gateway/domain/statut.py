"""The status machine of an apprentice (docs/domaine.md, "Statut"). Pure; knows no noun, no clock, no source.

The reference implementation paints a session day by day. The same rules are applied here to intervals, whose cost does not
grow with the length of the session; a plain painter in the tests is the oracle.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum

ABANDON_SANS_CONTRAT = 90  # days without a first contract (D6222-19, L6222-12-1)
ABANDON_APRES_RUPTURE = 180  # days without a new contract (L6231-2 5°)
TOLERANCE_FIN = 60  # days between the natural end of the last contract and the end of the session


class StatutApprenant(Enum):
    """Status of a young person at a date."""

    INSCRIT = "INSCRIT"
    APPRENTI = "APPRENTI"
    RUPTURANT = "RUPTURANT"
    ABANDON = "ABANDON"
    FIN_DE_FORMATION = "FIN_DE_FORMATION"


_S = StatutApprenant
_EN_ATTENTE = (_S.INSCRIT, _S.RUPTURANT)


@dataclass(frozen=True, slots=True)
class Session:
    """A training session, first and last day; `exclusion` is the day the person was excluded from it."""

    debut: date
    fin: date
    exclusion: date | None = None


@dataclass(frozen=True, slots=True)
class PeriodeContrat:
    """A contract: first day, planned last day, and the effective date of its rupture (the first day off)."""

    debut: date
    fin: date | None = None
    rupture: date | None = None

    def fin_effective(self, session: Session) -> date:
        """Last day under contract; without planned end, the contract lasts as long as the session."""
        if self.rupture is not None:
            return self.rupture - timedelta(days=1)
        return self.fin or session.fin


@dataclass(frozen=True, slots=True)
class Etape:
    """A status and its first day."""

    depuis: date
    valeur: StatutApprenant


# A step being computed: ordinal of its first day, status. In order of day; two following steps may be of one status.
_Pas = tuple[int, StatutApprenant]


def etapes(session: Session, contrats: Sequence[PeriodeContrat]) -> list[Etape]:
    """The successive statuses over one session, from its first day or its first contract; the last one holds for ever.

    Empty for a session that ends before anything begins.
    """
    return _etapes(_pas(session, contrats))


def _pas(session: Session, contrats: Sequence[PeriodeContrat]) -> list[_Pas]:
    debut = min([session.debut, *(contrat.debut for contrat in contrats)]).toordinal()
    fin = session.fin.toordinal()
    if fin < debut:
        return []
    pas = list(_vecus(session, contrats, debut, fin))
    naturelle = _fin_naturelle(session, contrats)
    if naturelle is not None and fin - naturelle <= TOLERANCE_FIN:
        pas = list(_terminer(pas, naturelle + 1))
    if naturelle is not None or pas[-1][1] in (_S.APPRENTI, _S.INSCRIT):
        pas = [*(un for un in pas if un[0] < fin), (fin, _S.FIN_DE_FORMATION)]
    return pas


def _vecus(session: Session, contrats: Sequence[PeriodeContrat], debut: int, fin: int) -> Iterator[_Pas]:
    """Under contract, waiting for one, and after an exclusion, which nothing changes any more."""
    exclusion = max(session.exclusion.toordinal(), debut) if session.exclusion else fin + 1
    dernier = min(fin, exclusion - 1)
    jour, patience, attente = debut, ABANDON_SANS_CONTRAT, _S.INSCRIT
    for premier, terme in sorted((c.debut.toordinal(), c.fin_effective(session).toordinal()) for c in contrats):
        if premier <= min(terme, dernier):
            yield from _attendre(jour, premier, patience, attente)
            yield premier, _S.APPRENTI
            jour, patience, attente = max(jour, terme + 1), ABANDON_APRES_RUPTURE, _S.RUPTURANT
    yield from _attendre(jour, dernier + 1, patience, attente)
    if exclusion <= fin:
        yield exclusion, _S.ABANDON


def _attendre(jour: int, suite: int, patience: int, attente: StatutApprenant) -> Iterator[_Pas]:
    """The days without contract from `jour` to the eve of `suite`: a wait, then ABANDON when it exceeds `patience` days."""
    if jour < suite:
        yield jour, attente
    if jour + patience < suite:
        yield jour + patience, _S.ABANDON


def _fin_naturelle(session: Session, contrats: Sequence[PeriodeContrat]) -> int | None:
    """End of the last contract when nothing broke it; a ruptured one wins a tie."""
    if not contrats or session.exclusion is not None:
        return None
    dernier = max(contrats, key=lambda contrat: (contrat.fin_effective(session), contrat.rupture is not None))
    return None if dernier.rupture is not None else dernier.fin_effective(session).toordinal()


def _terminer(pas: list[_Pas], depuis: int) -> Iterator[_Pas]:
    """From that day on a wait is a training that ends; the step that the day falls into is cut there."""
    for rang, (jour, valeur) in enumerate(pas):
        suite = pas[rang + 1][0] if rang + 1 < len(pas) else None
        if valeur not in _EN_ATTENTE or (suite is not None and suite <= depuis):
            yield jour, valeur
            continue
        if jour < depuis:
            yield jour, valeur
        yield max(jour, depuis), _S.FIN_DE_FORMATION


def _etapes(pas: Iterable[_Pas]) -> list[Etape]:
    """Steps that say nothing new are dropped."""
    gardees: list[Etape] = []
    for jour, valeur in pas:
        if not gardees or gardees[-1].valeur is not valeur:
            gardees.append(Etape(date.fromordinal(jour), valeur))
    return gardees


def parcours(sessions: Iterable[Session], contrats: Sequence[PeriodeContrat]) -> list[Etape]:
    """Statuses over several sessions: each takes the contracts that cross it by their planned dates.

    A later session takes over from the first day of its own statuses. A contract that crosses no session tells nothing.
    """
    suite: list[_Pas] = []
    for session in sorted(set(sessions), key=_ordre):
        croises = [c for c in contrats if c.debut <= session.fin and (c.fin or session.fin) >= session.debut]
        nouveaux = _pas(session, croises)
        if nouveaux:
            suite = [un for un in suite if un[0] < nouveaux[0][0]] + nouveaux
    return _etapes(suite)


def _ordre(session: Session) -> tuple[date, date, date]:
    return session.debut, session.fin, session.exclusion or date.min


def statut_au(parcours: Sequence[Etape], jour: date) -> Etape | None:
    """The last step begun; before all of them the first, never the last, which would hide whoever has not started."""
    commencee = next((etape for etape in reversed(parcours) if etape.depuis <= jour), None)
    return commencee or next(iter(parcours), None)
