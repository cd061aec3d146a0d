"""The quotas of a caller: how much of the population an account, and an organisation, may read (docs/security.md A10). Pure."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from gateway.auth.policy.rules import Profil
from gateway.domain.days import PARIS, paris_day
from gateway.domain.quotas import Quota, QuotaCrossed

PERSONS_A_DAY = 500  # by account, unless the register says otherwise (docs/exploitation.md, Plafonds)
ACCOUNT_ALERT = 0.4  # docs/security.md A10: 200 of 500
WINDOW = 30  # days, of an organisation
ORGANISATION_ALERT = 0.9  # reading most of one's own people in a month is work; reading more than all of them is not
COST_A_MINUTE = 600_000  # ten of the heaviest operations, or a thousand ordinary pages
NOT_FOUND = 100  # look-ups that find nothing, by account, in ten minutes (docs/security.md A02)
REQUEST_PRICE = 10  # what any request costs, before it is read


@dataclass(frozen=True, slots=True)
class ClientQuotas:
    """The quotas that the register grants a client; None: the default."""

    persons_a_day: int | None = None
    organisation: int | None = None
    cout_minute: int = COST_A_MINUTE
    not_found: int = NOT_FOUND


DEFAULTS = ClientQuotas()


def caps(quotas: ClientQuotas, profil: Profil, account: str, organisation: str, day: date) -> tuple[Quota, Quota]:
    """The quota of an account for a day, and that of its organisation for thirty; `profil` is the one it acts as.

    An account of a CFA may read the CFA's whole population.
    """
    limit = quotas.persons_a_day or (None if profil is Profil.CFA else PERSONS_A_DAY)
    since = day - timedelta(days=WINDOW - 1)
    return (
        Quota("COMPTE", account, day, day, limit, ACCOUNT_ALERT if limit else ORGANISATION_ALERT),
        Quota("ORGANISATION", organisation, since, day, quotas.organisation, ORGANISATION_ALERT),
    )


def seconds_to_tomorrow(instant: datetime) -> int:
    """Seconds until the windows move: midnight in Paris."""
    tomorrow = datetime.combine(paris_day(instant) + timedelta(days=1), time(), PARIS)
    return int((tomorrow - instant).total_seconds()) + 1


def message(crossed: QuotaCrossed) -> str:
    """The text of a refusal for the caller: the rule, and no count of others' readings."""
    if crossed.scope == "COMPTE":
        return f"Quota atteint : {crossed.limit} personnes différentes par jour et par compte. Reprendre demain."
    return f"Quota atteint : votre organisation a lu trop de personnes différentes en {WINDOW} jours."
