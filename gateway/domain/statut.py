"""The status machine of an apprentice (docs/domaine.md, "Statut"). Pure; knows no noun, no clock, no source.

Days are painted one by one over a session, as the reference implementation does, so that every rule can be read in order.
"""

from collections.abc import Iterable, Sequence
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
        """Last day under contract."""
        if self.rupture is not None:
            return self.rupture - timedelta(days=1)
        return self.fin or session.fin


@dataclass(frozen=True, slots=True)
class Etape:
    """A status and its first day."""

    depuis: date
    valeur: StatutApprenant


def etapes(session: Session, contrats: Sequence[PeriodeContrat]) -> list[Etape]:
    """The successive statuses over one session: DOMAIN §5.2, steps 1 to 7."""
    debut = min([session.debut, *(contrat.debut for contrat in contrats)])
    jours = [_S.INSCRIT] * ((session.fin - debut).days + 1)
    if not jours:
        return []
    for contrat in contrats:
        _peindre(jours, (contrat.debut - debut).days, (contrat.fin_effective(session) - debut).days, _S.APPRENTI)
    if session.exclusion:
        _peindre(jours, (session.exclusion - debut).days, len(jours) - 1, _S.ABANDON)
    _attendre(jours)
    naturelle = _fin_naturelle(session, contrats)
    if naturelle is not None:
        _terminer(jours, naturelle, session, debut)
    if naturelle is not None or jours[-1] in (_S.APPRENTI, _S.INSCRIT):
        jours[-1] = _S.FIN_DE_FORMATION
    return _comprimer(jours, debut)


def _peindre(jours: list[StatutApprenant], premier: int, dernier: int, valeur: StatutApprenant) -> None:
    premier, dernier = max(premier, 0), min(dernier, len(jours) - 1)
    if dernier >= premier:
        jours[premier : dernier + 1] = [valeur] * (dernier - premier + 1)


def _attendre(jours: list[StatutApprenant]) -> None:
    """Step 4: how long a person stays without contract, before a first one or after one."""
    attente, deja_apprenti = 0, False
    for rang, valeur in enumerate(jours):
        if valeur is _S.APPRENTI:
            attente, deja_apprenti = 0, True
            continue
        attente += 1
        if valeur is not _S.INSCRIT:
            continue
        if deja_apprenti:
            jours[rang] = _S.ABANDON if attente > ABANDON_APRES_RUPTURE else _S.RUPTURANT
        elif attente > ABANDON_SANS_CONTRAT:
            jours[rang] = _S.ABANDON


def _fin_naturelle(session: Session, contrats: Sequence[PeriodeContrat]) -> date | None:
    """End of the last contract when nothing broke it; a ruptured one wins a tie."""
    if not contrats or session.exclusion is not None:
        return None
    dernier = max(contrats, key=lambda contrat: (contrat.fin_effective(session), contrat.rupture is not None))
    return None if dernier.rupture is not None else dernier.fin_effective(session)


def _terminer(jours: list[StatutApprenant], naturelle: date, session: Session, debut: date) -> None:
    """Step 5: a contract that ends shortly before its session is a training that ends, not a rupture."""
    if (session.fin - naturelle).days > TOLERANCE_FIN:
        return
    for rang in range(max(0, (naturelle - debut).days + 1), len(jours)):
        if jours[rang] in (_S.INSCRIT, _S.RUPTURANT):
            jours[rang] = _S.FIN_DE_FORMATION


def _comprimer(jours: list[StatutApprenant], debut: date) -> list[Etape]:
    return [
        Etape(debut + timedelta(days=rang), valeur)
        for rang, valeur in enumerate(jours)
        if rang == 0 or valeur is not jours[rang - 1]
    ]


def parcours(sessions: Iterable[Session], contrats: Sequence[PeriodeContrat]) -> list[Etape]:
    """Statuses over several sessions: each takes the contracts that cross it; a later one takes over from its first day."""
    suite: list[Etape] = []
    for session in sorted(set(sessions), key=lambda session: (session.debut, session.fin, str(session.exclusion))):
        croises = [c for c in contrats if c.debut <= session.fin and (c.fin or session.fin) >= session.debut]
        nouvelles = etapes(session, croises)
        if nouvelles:
            suite = [etape for etape in suite if etape.depuis < nouvelles[0].depuis] + nouvelles
    return [etape for rang, etape in enumerate(suite) if rang == 0 or etape.valeur is not suite[rang - 1].valeur]


def statut_au(parcours: Sequence[Etape], jour: date) -> Etape | None:
    """The last step begun; before all of them the first, never the last (DOMAIN §5.3)."""
    commencees = [etape for etape in parcours if etape.depuis <= jour]
    return commencees[-1] if commencees else next(iter(parcours), None)
