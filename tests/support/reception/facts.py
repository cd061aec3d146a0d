"""Facts of the v3 contract, typed again from its published description: of each field, what it reads and what it refuses.

Nothing here is read from the product. Persons are fictitious.
"""

from typing import Any

UAI, SIRET = "0600001A", "19750655300019"
RESPONSABLE_UAI, RESPONSABLE_SIRET = "0600002B", "26020001500016"
SITE_UAI_ITEM = {"etablissement_formateur_uai": "0600003C", "etablissement_formateur_siret": "32012345600017"}
MINIMAL: dict[str, Any] = {
    "nom_apprenant": "Lenôtre",
    "prenom_apprenant": "Gaston",
    "date_de_naissance_apprenant": "2007-10-28T00:00:00.000Z",
    "annee_scolaire": "2026-2027",
    "id_erp_apprenant": "E-1",
    "date_inscription_formation": "2026-09-01T00:00:00.000Z",
    "date_entree_formation": "2026-09-01T00:00:00.000Z",
    "date_fin_formation": "2028-08-31T00:00:00.000Z",
    "etablissement_responsable_uai": RESPONSABLE_UAI,
    "etablissement_responsable_siret": RESPONSABLE_SIRET,
    "etablissement_formateur_uai": UAI,
    "etablissement_formateur_siret": SIRET,
}
_DAYS = (
    ["2026-10-01", "2026-10-01T00:00:00.000Z", "2026-09-30T22:00:00Z"],
    ["01/10/2026", 20261001, True, "2026-13-01", "2026-02-31"],
)
_TEXT = (["texte", ""], [1, True, ["x"], {"a": 1}])
_EMAIL = (["gaston@domaine.tld", "a.b+c@x.y.fr"], ["gaston", "a@b", "a..b@c.fr", "@c.fr", 3])
_UAI = (["0123456S", "0123456s", " 0123456S "], ["123456S", "01234567", "012345SS", 123456])
_SIRET = (["19750655300019", "197 506 553 00019", "197.506.553-00019", 19750655300019], ["1975065530001", "abc", ""])
_ANYTHING: tuple[list[Any], list[Any]] = (["x", 3, True, "", "999999"], [])
_BOOLEAN = ([True, False], ["true", 1, "oui"])
_INSEE = (["2A004", "60057", 60057], ["2C004", "6005", "600577", ""])
_POSTAL = (["60000", "1000", 1000, " 60000 "], ["  34-670  ", "600000", "ABCDE", ""])
# Of each field: what the contract reads, what it refuses; a value that may lack and is refused is set aside.
FACTS: dict[str, tuple[list[Any], list[Any]]] = {
    "nom_apprenant": (["Lenôtre", " le goff "], ["", "   ", 12, ["x"]]),
    "prenom_apprenant": (["Gaston"], ["", 12]),
    "date_de_naissance_apprenant": _DAYS,
    "annee_scolaire": (["2026-2027", "2026/2027", "2022-2022", "2026 - 2027"], ["2026-2028", "2026", "26-27", 2026]),
    "id_erp_apprenant": (["E-1", 123456], ["", "  ", ["x"]]),
    "date_inscription_formation": _DAYS,
    "date_entree_formation": (["2026-09-01"], _DAYS[1]),
    "date_fin_formation": (["2028-08-31"], _DAYS[1]),
    "etablissement_responsable_uai": ([RESPONSABLE_UAI], _UAI[1]),
    "etablissement_responsable_siret": ([RESPONSABLE_SIRET], _SIRET[1]),
    "etablissement_formateur_uai": ([UAI], _UAI[1]),
    "etablissement_formateur_siret": ([SIRET], _SIRET[1]),
    "statut_apprenant": ([0, 2, 3, "3"], [1, 4, "x", True]),
    "date_metier_mise_a_jour_statut": _DAYS,
    "ine_apprenant": (["0494004062M", 494004062], []),
    "email_contact": _EMAIL,
    "tel_apprenant": (
        ["0628000000", "+33 6 28 00 00 00", "06.28.00.00.00", "0692123456", "+4915112345678", ""],
        ["12", "0700000000", "0890123456", "abc", "tel 0628000000"],
    ),
    "libelle_court_formation": (["CAP PATISSIER", "BP"], ["X", "", 3]),
    "annee_formation": ([0, 1, 5, "2"], [6, -1, "x", "", 1.5]),
    "formation_rncp": (["RNCP35316", "35316", 35316, "rncp 35316"], ["RNCP1", "RNCPX", "RNCP123456", ""]),
    "custom_statut_apprenant": _ANYTHING,
    "adresse_apprenant": _TEXT,
    "code_postal_apprenant": _POSTAL,
    "code_postal_de_naissance_apprenant": _ANYTHING,
    "code_commune_insee_apprenant": _INSEE,
    "code_commune_insee_de_naissance_apprenant": _INSEE,
    "sexe_apprenant": (["M", "F", "H", "1", "2", 1, 2], ["X", "", 3, True]),
    "rqth_apprenant": _BOOLEAN,
    "date_rqth_apprenant": _DAYS,
    "responsable_apprenant_mail1": _EMAIL,
    "responsable_apprenant_mail2": _EMAIL,
    "obtention_diplome_formation": _BOOLEAN,
    "date_obtention_diplome_formation": _DAYS,
    "date_exclusion_formation": _DAYS,
    "cause_exclusion_formation": _TEXT,
    "nom_referent_handicap_formation": _TEXT,
    "prenom_referent_handicap_formation": _TEXT,
    "email_referent_handicap_formation": _EMAIL,
    "contrat_date_debut": _DAYS,
    "contrat_date_debut_2": _DAYS,
    "contrat_date_debut_3": _DAYS,
    "contrat_date_debut_4": _DAYS,
    "siret_employeur": _ANYTHING,
    "siret_employeur_2": _ANYTHING,
    "siret_employeur_3": _ANYTHING,
    "siret_employeur_4": _ANYTHING,
    "formation_presentielle": _BOOLEAN,
    "duree_theorique_formation": _ANYTHING,
    "duree_theorique_formation_mois": _ANYTHING,
    "etablissement_lieu_de_formation_uai": _UAI,
    "etablissement_lieu_de_formation_siret": _ANYTHING,
    "etablissement_lieu_de_formation_adresse": _TEXT,
    "etablissement_lieu_de_formation_code_postal": _POSTAL,
    "formation_cfd": (["50022141", 50022141, "5002214a"], ["5002214", "500221411", ""]),
    "derniere_situation": ([1009, "1009", 0, 9999], ["mot", 1234, 1, 99837273, [1009], {"a": 1}]),
    "dernier_organisme_uai": (["0123456S", "60", "060", 60, "2A", "995", "993"], ["", "999", "12345"]),
    "type_cfa": (["04", "4", 4, "10"], ["11", "0", "x", True]),
}
# Told of a contract beside its first day: each of the four, tried with and without it.
CONTRAT = ("contrat_date_fin", "contrat_date_rupture", "cause_rupture_contrat")
NEVER_KEPT = (
    "nir_apprenant", "has_nir", "code_postal_de_naissance_apprenant", "code_commune_insee_de_naissance_apprenant",
    "obtention_diplome_formation", "date_obtention_diplome_formation", "derniere_situation", "dernier_organisme_uai",
    "type_cfa", "statut_apprenant", "custom_statut_apprenant",
)  # fmt: skip


def item(**changes: Any) -> dict[str, Any]:
    """The minimal item with other values; None takes a field away."""
    told = {**MINIMAL, **changes}
    return {name: value for name, value in told.items() if value is not None}
