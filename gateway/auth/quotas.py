"""The quotas of a caller: how much of the population one account, and one organisation, may read (SECURITY F1, A10). Pure."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from gateway.auth.rules import Profil
from gateway.domain.quotas import Franchissement, Plafond
from gateway.domain.temps import PARIS, jour_paris

PERSONNES_JOUR = 500  # by account, unless the register says otherwise (ANSWERS 16)
ALERTE_COMPTE = 0.4  # SECURITY A10: 200 of 500
FENETRE = 30  # days, of an organisation
ALERTE_ORGANISATION = 0.9  # reading most of one's own people in a month is work; reading more than all of them is not
COUT_MINUTE = 600_000  # ten of the heaviest operations, or a thousand ordinary pages
INTROUVABLES = 100  # look-ups that find nothing, by account, in ten minutes (SECURITY A02)
PRIX_REQUETE = 10  # what any request costs, before it is read


@dataclass(frozen=True, slots=True)
class Quotas:
    """What the register grants a client; None: the default."""

    personnes_jour: int | None = None
    organisation: int | None = None
    cout_minute: int = COUT_MINUTE
    introuvables: int = INTROUVABLES


PAR_DEFAUT = Quotas()


def plafonds(quotas: Quotas, profil: Profil, compte: str, organisation: str, jour: date) -> tuple[Plafond, Plafond]:
    """The quota of an account for a day, and that of its organisation for thirty; `profil` is the one it acts as.

    An account of a CFA may read the CFA's whole population.
    """
    par_jour = quotas.personnes_jour or (None if profil is Profil.CFA else PERSONNES_JOUR)
    depuis = jour - timedelta(days=FENETRE - 1)
    return (
        Plafond("COMPTE", compte, jour, jour, par_jour, ALERTE_COMPTE if par_jour else ALERTE_ORGANISATION),
        Plafond("ORGANISATION", organisation, depuis, jour, quotas.organisation, ALERTE_ORGANISATION),
    )


def secondes_jusqu_a_demain(instant: datetime) -> int:
    """Until the windows move: midnight in Paris."""
    demain = datetime.combine(jour_paris(instant) + timedelta(days=1), time(), PARIS)
    return int((demain - instant).total_seconds()) + 1


def message(franchi: Franchissement) -> str:
    """What the caller is told of a refusal: the rule, and no count of others' readings."""
    if franchi.portee == "COMPTE":
        return f"Quota atteint : {franchi.limite} personnes différentes par jour et par compte. Reprendre demain."
    return f"Quota atteint : votre organisation a lu trop de personnes différentes en {FENETRE} jours."
