"""A referential of four establishments, and what receives for the first of them."""

from datetime import UTC, datetime

from gateway.domain.referentiel import OrganismeRow, Referentiel
from gateway.domain.seal import Sealer
from gateway.reception.items import Family
from tests.support.reception.facts import RESPONSABLE_SIRET, RESPONSABLE_UAI, SIRET, UAI

NOW = datetime(2026, 10, 15, 9, 0, 0, 250_000, tzinfo=UTC)
SEALER = Sealer(bytes(range(32)))
SITE_UAI, SITE_SIRET = "0600003C", "32012345600017"
STRANGER_UAI, STRANGER_SIRET = "0750001U", "13002526500013"


def _row(uai: str, siret: str, responsables: tuple[str, ...] = (), formateurs: tuple[str, ...] = ()) -> OrganismeRow:
    return OrganismeRow(uai, siret, f"CFA {uai}", None, "60", "32", "20", (), None, responsables, formateurs)


REFERENTIEL = Referentiel(
    organismes={
        UAI: _row(UAI, SIRET, (RESPONSABLE_UAI,), (SITE_UAI,)),
        RESPONSABLE_UAI: _row(RESPONSABLE_UAI, RESPONSABLE_SIRET, (), (UAI,)),
        SITE_UAI: _row(SITE_UAI, SITE_SIRET, (UAI,)),
        STRANGER_UAI: _row(STRANGER_UAI, STRANGER_SIRET),
    }
)
FAMILY = Family(REFERENTIEL, UAI)
