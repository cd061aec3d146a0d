"""The status machine a second time, one day after the other: the seven steps of the published algorithm, as they are written.

Shares nothing with the product but the values it is given. A day is a letter of a bytearray: ten thousand careers in seconds.
"""

from collections.abc import Sequence
from datetime import date

from gateway.domain.statut import Etape, PeriodeContrat, Session, StatutApprenant

INSCRIT, APPRENTI, RUPTURANT, ABANDON, FIN = b"IARXF"
VALEURS = dict(zip((INSCRIT, APPRENTI, RUPTURANT, ABANDON, FIN), StatutApprenant, strict=True))
Peinture = tuple[int, bytearray]  # ordinal of the first day, a letter a day


def peindre(session: Session, contrats: Sequence[PeriodeContrat]) -> Peinture:
    """The days of one session."""
    debut = min([session.debut, *(contrat.debut for contrat in contrats)]).toordinal()
    dernier = session.fin.toordinal()
    jours = bytearray([INSCRIT]) * max(0, dernier - debut + 1)
    fins = [_fin_effective(contrat, session) for contrat in contrats]
    for contrat, fin in zip(contrats, fins, strict=True):
        _couvrir(jours, contrat.debut.toordinal() - debut, fin - debut, APPRENTI)
    if session.exclusion:
        _couvrir(jours, session.exclusion.toordinal() - debut, len(jours) - 1, ABANDON)
    _compter(jours)
    fin, rompu = max(((fin, c.rupture is not None) for c, fin in zip(contrats, fins, strict=True)), default=(0, True))
    naturelle = not rompu and session.exclusion is None
    if naturelle and dernier - fin <= 60:
        for rang in range(max(0, fin + 1 - debut), len(jours)):
            jours[rang] = FIN if jours[rang] in (INSCRIT, RUPTURANT) else jours[rang]
    if jours and (naturelle or jours[-1] in (APPRENTI, INSCRIT)):
        jours[-1] = FIN
    return debut, jours


def _fin_effective(contrat: PeriodeContrat, session: Session) -> int:
    return contrat.rupture.toordinal() - 1 if contrat.rupture else (contrat.fin or session.fin).toordinal()


def _couvrir(jours: bytearray, premier: int, dernier: int, lettre: int) -> None:
    premier, dernier = max(0, premier), min(dernier, len(jours) - 1)
    if premier <= dernier:
        jours[premier : dernier + 1] = bytes([lettre]) * (dernier - premier + 1)


def _compter(jours: bytearray) -> None:
    attente, deja = 0, False
    for rang, lettre in enumerate(jours):
        if lettre == APPRENTI:
            attente, deja = 0, True
            continue
        attente += 1
        if lettre == INSCRIT and deja:
            jours[rang] = ABANDON if attente > 180 else RUPTURANT
        elif lettre == INSCRIT and attente > 90:
            jours[rang] = ABANDON


def peindre_plusieurs(sessions: Sequence[Session], contrats: Sequence[PeriodeContrat]) -> dict[int, int]:
    """A letter by day: a later session paints over the earlier ones, from its own first day on."""
    peint: dict[int, int] = {}
    for session in sorted(set(sessions), key=lambda s: (s.debut, s.fin, s.exclusion or date.min)):
        croises = [c for c in contrats if c.debut <= session.fin and (c.fin or session.fin) >= session.debut]
        debut, jours = peindre(session, croises)
        if jours:
            peint = {jour: lettre for jour, lettre in peint.items() if jour < debut}
            peint.update(enumerate(jours, debut))
    return peint


def comprimer(peint: dict[int, int]) -> list[Etape]:
    """A step each time that the letter changes."""
    etapes: list[Etape] = []
    for jour in sorted(peint):
        if not etapes or etapes[-1].valeur is not VALEURS[peint[jour]]:
            etapes.append(Etape(date.fromordinal(jour), VALEURS[peint[jour]]))
    return etapes


def statut_le(peint: dict[int, int], jour: date) -> StatutApprenant | None:
    """The letter of the last day painted on or before that one; before all of them, the first."""
    if not peint:
        return None
    passes = [peints for peints in peint if peints <= jour.toordinal()]
    return VALEURS[peint[max(passes) if passes else min(peint)]]
