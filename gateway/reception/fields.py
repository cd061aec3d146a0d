"""The fields of the v3 contract, in its order: how each is read, which are required, which are kept (docs/reception.md). Pure.

What is not kept is validated and echoed all the same, and dies with the request: the NIR, places of birth, diplomas, what only
a statistical survey asks (SIFA), statuses, which are drawn from dates, and whatever the graph does not tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.reception import readers as v
from gateway.reception.telephones import telephone

UAI = v.matching(r"\d{7}[A-Za-z]", "UAI invalide", upper=True)
SIRET = v.matching(r"\d{14}", "Siret invalide. Format attendu : 14 chiffres", blanks=r"\s.\-")
CFD = v.as_text(r"[A-Z0-9]{8}", "Code CFD invalide", upper=True)
STATUT = v.one_of((0, 2, 3), "Valeurs possibles: 0,2,3")
LAST_ORGANISME = v.as_text(
    r"(?:0?\d\d|0?2[AB]|0?9[012345]|97[1234678]|98[678]|99[0135]|\d{7}[a-zA-Z])", "UAI ou département"
)
SITUATIONS = frozenset(
    (1003, 1005, 1009, 1017, 1019, 1021, 1023, 2001, 2003, 2005, 2007, 3001, 3101, 3003, 3103, 3009, 3109, 3011, 3111,
     3031, 3131, 3032, 3132, 3033, 3133, 3117, 3119, 3021, 3121, 3023, 3123, 4001, 4101, 4003, 4103, 4005, 4105, 4007,
     4107, 4009, 4011, 4111, 4013, 4113, 4015, 4115, 4017, 4117, 4019, 4119, 4021, 4121, 4023, 4123, 4025, 4125, 4027,
     4127, 5901, 5903, 5905, 5907, 5909, 9900, 9999)
)  # fmt: skip
TYPES = tuple(f"{rank:02}" for rank in range(1, 11))
NIR = "nir_apprenant"
SUFFIXES = ("", "_2", "_3", "_4")  # of the four contracts


@dataclass(frozen=True, slots=True)
class ContractField:
    """`missing`: why an item without the field is refused, empty where it may lack."""

    read: v.Reader
    missing: str = ""
    kept: bool = True


def _required(read: v.Reader, missing: str = v.TEXT) -> ContractField:
    return ContractField(read, missing)


def _day_required() -> ContractField:
    return ContractField(v.day, v.MISSING_DAY)


def _not_kept(read: v.Reader) -> ContractField:
    return ContractField(read, kept=False)


def _contrat(suffix: str) -> dict[str, ContractField]:
    return {
        **{f"contrat_date_{what}{suffix}": ContractField(v.day) for what in ("debut", "fin", "rupture")},
        f"cause_rupture_contrat{suffix}": ContractField(v.string),
        f"siret_employeur{suffix}": ContractField(v.siret_or_none),
    }


FIELDS: Mapping[str, ContractField] = {
    "nom_apprenant": _required(v.words(1, upper=True)),
    "prenom_apprenant": _required(v.words(1)),
    "date_de_naissance_apprenant": _day_required(),
    "annee_scolaire": _required(v.school_year),
    "statut_apprenant": _not_kept(STATUT),
    "date_metier_mise_a_jour_statut": _not_kept(v.day),
    "id_erp_apprenant": _required(v.identifier),
    "ine_apprenant": ContractField(v.national_id),
    "email_contact": ContractField(v.email),
    "tel_apprenant": ContractField(telephone),
    "libelle_court_formation": ContractField(v.words(2)),
    "annee_formation": _not_kept(v.between(0, 5)),
    "formation_rncp": ContractField(v.rncp),
    "custom_statut_apprenant": _not_kept(v.text_of),
    "adresse_apprenant": ContractField(v.words()),
    "code_postal_apprenant": ContractField(v.postal_code),
    "code_postal_de_naissance_apprenant": _not_kept(v.postal_code_or_none),
    "code_commune_insee_apprenant": ContractField(v.insee),
    "code_commune_insee_de_naissance_apprenant": _not_kept(v.insee),
    "sexe_apprenant": ContractField(v.sex),
    "rqth_apprenant": ContractField(v.boolean),
    "date_rqth_apprenant": _not_kept(v.day),
    "responsable_apprenant_mail1": ContractField(v.email),
    "responsable_apprenant_mail2": ContractField(v.email),
    "obtention_diplome_formation": _not_kept(v.boolean),
    "date_obtention_diplome_formation": _not_kept(v.day),
    "date_exclusion_formation": ContractField(v.day),
    "cause_exclusion_formation": ContractField(v.string),
    "nom_referent_handicap_formation": ContractField(v.string),
    "prenom_referent_handicap_formation": ContractField(v.string),
    "email_referent_handicap_formation": ContractField(v.plain_email),
    **{name: rule for suffix in SUFFIXES for name, rule in _contrat(suffix).items()},
    "formation_presentielle": _not_kept(v.boolean),
    "duree_theorique_formation": _not_kept(v.between_or_none(1, 4)),
    "duree_theorique_formation_mois": _not_kept(v.between_or_none(1, 48)),
    "date_inscription_formation": ContractField(v.day, v.MISSING_DAY, kept=False),
    "date_entree_formation": _day_required(),
    "date_fin_formation": _day_required(),
    "etablissement_responsable_uai": ContractField(UAI, v.TEXT, kept=False),
    "etablissement_responsable_siret": ContractField(SIRET, v.TEXT, kept=False),
    "etablissement_formateur_uai": _required(UAI),
    "etablissement_formateur_siret": _required(SIRET),
    "etablissement_lieu_de_formation_uai": _not_kept(UAI),
    "etablissement_lieu_de_formation_siret": _not_kept(v.siret_or_none),
    "etablissement_lieu_de_formation_adresse": _not_kept(v.words()),
    "etablissement_lieu_de_formation_code_postal": _not_kept(v.postal_code),
    "formation_cfd": ContractField(CFD),
    "derniere_situation": _not_kept(v.situation(SITUATIONS)),
    "dernier_organisme_uai": _not_kept(LAST_ORGANISME),
    "type_cfa": _not_kept(v.padded(TYPES)),
}
REQUIRED = tuple(name for name, rule in FIELDS.items() if rule.missing)


def echoed(item: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the contract as they were sent, the NIR and what is null left out."""
    return {name: item[name] for name in FIELDS if item.get(name) is not None}
