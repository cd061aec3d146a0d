"""A handmade population of a few people, in which every quirk of the dialects has a place."""

from datetime import date, datetime
from typing import Any

from fixtures.population.model import (
    Account,
    Adresse,
    Avenant,
    Cfa,
    Collaboration,
    Commune,
    Contrat,
    Employeur,
    EtapeSuivi,
    Formation,
    Geographie,
    MissionLocale,
    Population,
    Processing,
    Representant,
    Rupture,
    Suivi,
    ViewPerson,
)
from fixtures.simulators.clock import PARIS

TODAY = date(2026, 3, 2)
YPAREO, YPAREO_BIS, GESTIBASE, AIMAIRA = "0010856A", "0020001R", "0594899E", "0600001A"
NUMERO = "001202509010001"

AIN = Commune("01004", "Ambérieu-en-Bugey", ("01500",), "01", "84", "240100883", 14_000, "10", "01001")
BOURG = Commune("01053", "Bourg-en-Bresse", ("01000",), "01", "84", "200071751", 41_000, "10", "01002")
MISSIONS = {
    "01001": MissionLocale(
        "01001", "Mission locale d'Ambérieu", "01004", "0465710001", "ml-01001@ml.invalid", ("01004",)
    ),
    "01002": MissionLocale(
        "01002", "Mission locale de Bourg", "01053", "0465710002", "ml-01002@ml.invalid", ("01053",)
    ),
}
GEOGRAPHIE = Geographie(
    "2026",
    {"01004": AIN, "01053": BOURG},
    MISSIONS,
    {"01": ("Ain", "84")},
    {"84": "Auvergne-Rhône-Alpes"},
    {"10": "Lyon"},
)
EMPLOYEUR = Employeur("73282932000074", "BOULANGERIE LÉA", "1071D", "0843", "01000", "12", 4)


def cfa(uai: str, erp: str | None) -> Cfa:
    return Cfa(uai, "35600000000048", f"CFA {uai}", "01053", "1 rue des Écoles", ("CMA",), "responsable", None, erp)


def formation(uai: str, **champs: Any) -> Formation:
    values: dict[str, Any] = {
        "intitule": "CAP Boulanger",
        "rncp": "RNCP37537",
        "cfd": "01022101",
        "niveau": 3,
        "date_inscription": date(2025, 7, 1),
        "debut": date(2025, 9, 1),
        "fin": date(2027, 6, 30),
    }
    return Formation(uai, **{**values, **champs})


def contrat(uai: str, **champs: Any) -> Contrat:
    values: dict[str, Any] = {
        "numero": NUMERO,
        "type": "11",
        "employeur": EMPLOYEUR,
        "conclusion": date(2025, 8, 20),
        "debut": date(2025, 9, 1),
        "fin": date(2027, 6, 30),
        "rupture": Rupture(date(2026, 2, 1), "Désaccord", "05"),
    }
    return Contrat(uai=uai, **{**values, **champs})


def person(uai: str, **champs: Any) -> ViewPerson:
    values: dict[str, Any] = {
        "numero": 1,
        "nom": "LE GOFF",
        "nom_usage": None,
        "prenom": "Jean-Marie",
        "prenoms": ["Jean-Marie"],
        "sexe": "M",
        "date_naissance": date(2006, 3, 7),
        "nationalite": "1",
        "telephone": "0639980001",
        "courriel": "jm@exemple.invalid",
        "adresse": Adresse("12 bis rue des Lilas", "Bât. A", "01000", "01053", "BOURG EN BRESSE"),
        "mission_locale": "01002",
        "rqth": True,
        "ine": "0494004062M",
        "representants": [Representant("Anne LE GOFF", "anne@exemple.invalid", "0639980002")],
        "formations": [formation(uai)],
        "contrats": [contrat(uai)],
    }
    return ViewPerson(**{**values, **champs})


def suivi() -> Suivi:
    step = EtapeSuivi("RDV_PRIS", datetime(2026, 2, 10, 9, 30, tzinfo=PARIS))
    return Suivi("RDV_PRIS", None, "Vu au CFA", True, "Mme Petit", step.date, True, [step])


def collaboration() -> Collaboration:
    return Collaboration(datetime(2026, 2, 5, 14, 0, tzinfo=PARIS), ["LOGEMENT"], None, "Désaccord", "M. Roux", YPAREO)


def population(noise: float = 0.0, today: date = TODAY, eleves: int = 1) -> Population:
    """One youth in each system; `eleves` of them at the Ypareo, Gestibase and Aimaira CFAs."""
    followed = person(YPAREO, suivi=suivi(), collaboration=collaboration())
    erps = {"ypareo": YPAREO, "gestibase": GESTIBASE, "aimaira": AIMAIRA}
    prefix = {"ypareo": "", "gestibase": "E000", "aimaira": ""}
    accounts: dict[str, dict[str, list[Account]]] = {
        erp: {uai: [Account(erp, uai, f"{prefix[erp]}{42 + rank}", person(uai)) for rank in range(eleves)]}
        for erp, uai in erps.items()
    }
    accounts["ypareo"][YPAREO_BIS] = [Account("ypareo", YPAREO_BIS, "7", person(YPAREO_BIS, nom="AUTRE"))]
    accounts["imilo"] = {"01002": [Account("imilo", "01002", "9001", followed)]}
    accounts["registre"] = {"": [registry_account()]}
    cfas = {uai: cfa(uai, erp) for erp, uai in erps.items()} | {YPAREO_BIS: cfa(YPAREO_BIS, "ypareo")}
    return Population(7, today, noise, GEOGRAPHIE, cfas, [person(YPAREO)], accounts)


def registry_account() -> Account:
    """Deposited on 10 September, extended by an amendment known on 20 January, broken and known on 12 February."""
    extended = extended_contrat(YPAREO)
    processing = Processing(date(2025, 9, 10), {"1": date(2026, 1, 20)}, date(2026, 2, 12), date(2026, 2, 11))
    return Account("registre", "", "r1", person(YPAREO, contrats=[extended]), {NUMERO: processing})


def extended_contrat(uai: str) -> Contrat:
    """Signed to the end of the session, extended by two months."""
    avenant = Avenant("1", "33", date(2026, 1, 15), date(2027, 8, 31))
    return contrat(uai, fin=date(2027, 8, 31), signed_end=date(2027, 6, 30), avenants=[avenant])
