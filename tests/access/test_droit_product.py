"""The product reads what docs/droits.md allows, no more: drawn requesters and persons, each category; and what a delegate,
or a criterion, could tell beyond it. New draws in every run; the seed is printed."""

import os
from datetime import UTC, date, datetime
from random import Random
from typing import Any

import pytest

from gateway.auth.authentication.clients import build_perimetre
from gateway.auth.policy.consistency import delegate_excess
from gateway.auth.policy.policy import (
    RELATIONS,
    AccessPolicy,
    Affiliation,
    Perimetre,
    PolicyRow,
    Relation,
)
from gateway.auth.policy.rules import PARTNER_ROLES, CategorieDonnee, Finalite, Profil
from gateway.domain.statut import StatutApprenant
from gateway.federation.views.view import Rights, readable
from gateway.schema.nouns import Collaboration, Jeune, Statut
from tests.support.access import droit_oracle as oracle
from tests.support.access.droit_oracle import Personne, lit, voit
from tests.support.access.law import requester, somebody
from tests.support.access.small_world import CFAS, REFERENTIEL, REGIONS
from tests.support.access.tools import FINALITES, POLICY
from tests.support.figures import note

CASES = 10_000
LOCALES = sorted(code for codes in REGIONS.values() for code in codes)
ORGANISATIONS: dict[Profil, list[str]] = {
    Profil.MISSION_LOCALE: LOCALES,
    Profil.CFA: sorted(CFAS),
    Profil.TETE_DE_RESEAU: ["mfr", "cci"],
    Profil.DREETS: sorted(REGIONS),
    Profil.DDETS: ["60", "02", "75", "77"],
    Profil.ACADEMIE: ["20", "01", "24"],
    Profil.FRANCE_TRAVAIL: sorted(REGIONS),
    Profil.ARML: sorted(REGIONS),
    Profil.REGION: sorted(REGIONS),
    Profil.OPCO: ["OPCO"],
    Profil.STATISTIQUES: [""],
    Profil.ADMINISTRATEUR: [""],
}
OF_NOBODY = {CategorieDonnee.PUBLIQUE, CategorieDonnee.AGREGAT}
PERSONAL = [categorie for categorie in CategorieDonnee if categorie not in OF_NOBODY]
ASKED_AT = datetime(2026, 10, 1, 9, tzinfo=UTC)


def _seed() -> int:
    return int.from_bytes(os.urandom(6))


def draw_rights(randomness: Random, policy: AccessPolicy = POLICY) -> tuple[Rights, oracle.Demandeur]:
    """A caller of any profile, mostly with its own purpose, and the same told to the oracle."""
    profil = randomness.choice([*Profil, Profil.SI_PARTENAIRE, Profil.SI_PARTENAIRE])
    role = randomness.choice(PARTNER_ROLES) if profil is Profil.SI_PARTENAIRE else profil
    finalite = randomness.choice([FINALITES[profil]] * 24 + [None, *Finalite])
    organisation = randomness.choice(ORGANISATIONS[role])
    told = requester(
        profil.value, organisation, finalite and finalite.value, role.value if role is not profil else None
    )
    return Rights(policy, profil, finalite, build_perimetre(role, organisation, REFERENTIEL)), told


def draw_person(randomness: Random) -> tuple[Jeune, Affiliation, Personne]:
    """Somebody of two CFAs at most, and the same told to the oracle."""
    uais = frozenset(randomness.sample(sorted(CFAS), randomness.choice((0, 1, 1, 2, 2))))
    home = randomness.choice([None, *LOCALES])
    region = next((region for region, codes in REGIONS.items() if home in codes), None)
    affiliation = Affiliation(
        mission_locale=home,
        followed_by=frozenset(code for code in LOCALES if randomness.random() < 0.3),
        region=region,
        uais=uais,
        reseaux=frozenset(reseau for uai in uais for reseau in CFAS[uai][3]),
        regions=frozenset(CFAS[uai][0] for uai in uais),
        departements=frozenset(CFAS[uai][1] for uai in uais),
        academies=frozenset(CFAS[uai][2] for uai in uais),
    )
    statut = randomness.choice([None, *StatutApprenant])
    age, rqth = randomness.choice((None, 15, 16, 17, 20, 25, 26, 40)), randomness.choice((None, False, True))
    request, demandes = _request(randomness, uais)
    since = Statut(valeur=statut, depuis=date(2026, 1, 1)) if statut else None
    jeune = Jeune(age=age, rqth=rqth, statut=since, collaboration=request)
    personne = Personne(statut and statut.value, age, bool(rqth), _liens(affiliation), demandes)
    return jeune, affiliation, personne


def _request(randomness: Random, uais: frozenset[str]) -> tuple[Collaboration | None, frozenset[str]]:
    """A request for joint support or not, and the CFAs that the law takes it to be of."""
    draw = randomness.random()
    if draw < 0.4:
        return (None if draw < 0.3 else Collaboration(motifs=[])), frozenset()
    named = randomness.choice([None, *sorted(uais), *sorted(CFAS)])
    # One that names nobody is that of the person's only CFA; of two, of neither for sure; a CFA unknown here asked.
    asked_by = named or (next(iter(uais)) if len(uais) == 1 else "un autre")
    return Collaboration(demandee_le=ASKED_AT, uai=named), frozenset({asked_by})


def _liens(affiliation: Affiliation) -> dict[str, frozenset[str]]:
    responsables = {uai for uai, cfa in CFAS.items() if affiliation.uais & set(cfa[4])}
    places = {"REGION": affiliation.regions, "DEPARTEMENT": affiliation.departements, "ACADEMIE": affiliation.academies}
    return {
        oracle.RESIDENCE: frozenset(filter(None, [affiliation.mission_locale])),
        oracle.SUIVI: affiliation.followed_by,
        oracle.CFA: affiliation.uais | responsables,
        oracle.RESEAU: affiliation.reseaux,
        oracle.TERRITOIRE_CFA: frozenset(f"{kind}:{code}" for kind, codes in places.items() for code in codes),
        oracle.REGION_RESIDENCE: frozenset(filter(None, [affiliation.region])),
    }


def test_the_product_reads_of_each_person_what_the_law_says() -> None:
    seed = _seed()
    randomness, cases, opened = Random(seed), 0, 0
    while cases < CASES * len(PERSONAL):
        rights, asks = draw_rights(randomness)
        jeune, affiliation, personne = draw_person(randomness)
        granted = readable(jeune, affiliation, rights)
        said = {c for c in PERSONAL if voit(asks, personne) and lit(asks, personne, c.value)}
        assert granted - {CategorieDonnee.PUBLIQUE} == said, (seed, asks, personne)
        cases, opened = cases + len(PERSONAL), opened + bool(said)
    note(f"droits : {cases} cas (demandeur, personne, catégorie), {opened} personnes vues, 0 écart (graine {seed})")
    assert opened > CASES / 20


READERS = [(p, role) for p in Profil for role in (PARTNER_ROLES if p is Profil.SI_PARTENAIRE else (p,))]


@pytest.mark.parametrize(("profil", "role"), READERS, ids=lambda one: one.value)
@pytest.mark.parametrize("finalite", [None, *Finalite])
def test_the_policy_opens_to_each_profile_what_the_law_opens_of_somebody(
    profil: Profil, role: Profil, finalite: Finalite | None
) -> None:
    comme, purpose = role.value if role is not profil else None, finalite and finalite.value
    said = {c for c in CategorieDonnee if somebody(profil.value, purpose, comme, c.value)}
    assert POLICY.categories(profil, finalite, role) == said


# --- S1: a delegate


def _draw_row(randomness: Random, profil: Profil, role: Profil, finalite: Finalite) -> PolicyRow:
    statuts = randomness.choice([list(StatutApprenant), randomness.sample(list(StatutApprenant), 3)])
    return PolicyRow(
        profils=(profil,),
        relations=frozenset(randomness.sample(sorted(RELATIONS[role], key=str), randomness.randint(1, len(RELATIONS[role])))),
        statuts=frozenset(statuts),
        finalite=finalite,
        categories=frozenset(randomness.sample(PERSONAL, randomness.randint(1, len(PERSONAL)))),
        condition=randomness.choice((None, None, "collaboration_demandee")),
        fondement="essai",
        conservation="essai",
    )  # fmt: skip


def _drawn_policy(randomness: Random) -> AccessPolicy:
    """Rows for both principals and for their delegate, under any purpose; half of the delegate's copied from a principal."""
    rows = [_draw_row(randomness, role, role, randomness.choice(list(Finalite))) for role in PARTNER_ROLES * 2]
    delegate = Profil.SI_PARTENAIRE
    for role in PARTNER_ROLES:
        own = _draw_row(randomness, delegate, role, randomness.choice(list(Finalite)))
        copied = randomness.choice([row for row in rows if role in row.profils])
        some = frozenset(randomness.sample(sorted(copied.categories, key=str), 1)) | (
            copied.categories & own.categories if randomness.random() < 0.5 else frozenset()
        )
        smaller = copied.model_copy(update={"profils": (delegate,), "categories": some, "finalite": own.finalite})
        rows.append(own if randomness.random() < 0.3 else smaller)
    figures = POLICY.agregat.model_copy(update={"profils": frozenset(Profil) - {randomness.choice(list(Profil))}})
    return POLICY.model_copy(update={"regle": tuple(rows), "agregat": figures})


def test_s1_under_any_policy_that_starts_a_delegate_reads_no_more_than_its_principal() -> None:
    """Whatever the purposes: the delegate's rights under its own are held to its principal's under all of its own."""
    seed = _seed()
    randomness, cases, started, refused = Random(seed), 0, 0, 0
    while cases < CASES:
        policy = _drawn_policy(randomness)
        if list(delegate_excess(policy)):
            refused += 1
            continue
        started += 1
        for _ in range(20):
            role = randomness.choice(PARTNER_ROLES)
            perimetre = build_perimetre(role, randomness.choice(ORGANISATIONS[role]), REFERENTIEL)
            jeune, affiliation, _ = draw_person(randomness)
            mine = _under_all(policy, Profil.SI_PARTENAIRE, perimetre, jeune, affiliation)
            theirs = _under_all(policy, role, perimetre, jeune, affiliation)
            assert mine <= theirs, (seed, policy, role)
            cases += 1
    note(f"S1 : {cases} cas sur {started} politiques admises, {refused} refusées, 0 excès (graine {seed})")
    assert min(started, refused) > 50


def _under_all(
    policy: AccessPolicy, profil: Profil, perimetre: Perimetre, jeune: Jeune, affiliation: Affiliation
) -> frozenset[Any]:
    by_purpose = (readable(jeune, affiliation, Rights(policy, profil, f, perimetre)) for f in Finalite)
    return frozenset().union(*by_purpose)


@pytest.mark.parametrize(
    ("relations", "categories", "condition", "told"),
    [
        (["CFA"], ["SUIVI"], None, "agissant comme CFA, SI_PARTENAIRE y lirait SUIVI par CFA (tout statut, sans condition)"),
        (["CFA"], ["ADRESSE"], None, None),
        (["RESIDENCE"], ["IDENTIFIANT_NATIONAL"], None, "SI_PARTENAIRE y lirait IDENTIFIANT_NATIONAL par RESIDENCE"),
        (["SUIVI"], ["COLLABORATION"], None, "agissant comme MISSION_LOCALE, SI_PARTENAIRE y lirait COLLABORATION par SUIVI"),
        (["SUIVI", "CFA"], ["COLLABORATION"], "collaboration_demandee", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("finalite", [Finalite.ACCOMPAGNEMENT, Finalite.GESTION_CFA])
def test_s1_a_row_that_gives_a_delegate_more_is_named_whatever_its_purpose(
    finalite: Finalite, relations: list[str], categories: list[str], condition: str | None, told: str | None
) -> None:
    row = PolicyRow.model_validate(
        {
            "profils": ["SI_PARTENAIRE"],
            "relations": relations,
            "statuts": "TOUS",
            "finalite": finalite,
            "categories": categories,
            "condition": condition,
            "fondement": "essai",
            "conservation": "essai",
        },
        strict=False,
    )
    faults = list(delegate_excess(POLICY.model_copy(update={"regle": (*POLICY.regle, row)})))
    assert [fault.partition(" : ")[0] for fault in faults] == ([f"regle.{len(POLICY.regle)}"] if told else [])
    assert told is None or told in faults[0]


def test_s1_a_delegate_is_shown_nobody_for_a_disability_whom_its_principal_is_not() -> None:
    """Over the age of Missions locales, a person is shown to who reads SENSIBLE for that purpose only."""
    principal = {"profils": (Profil.MISSION_LOCALE,), "relations": frozenset({Relation.SUIVI})}
    parcours, sensible = frozenset({CategorieDonnee.PARCOURS}), frozenset({CategorieDonnee.SENSIBLE})
    base = POLICY.regle[0].model_copy(
        update=principal | {"statuts": frozenset(StatutApprenant), "finalite": Finalite.GESTION_CFA, "condition": None}
    )
    apart = (
        base.model_copy(update={"categories": parcours}),
        base.model_copy(update={"categories": sensible, "finalite": Finalite.ACCOMPAGNEMENT}),
    )
    delegate = base.model_copy(update={"profils": (Profil.SI_PARTENAIRE,), "categories": parcours | sensible})
    faults = list(delegate_excess(POLICY.model_copy(update={"regle": (*apart, delegate)})))
    assert [fault.partition(" par ")[0] for fault in faults] == [
        "regle.2 : agissant comme MISSION_LOCALE, SI_PARTENAIRE y lirait PARCOURS"
    ]
    together = base.model_copy(update={"categories": parcours | sensible})
    assert list(delegate_excess(POLICY.model_copy(update={"regle": (together, delegate)}))) == []


def test_s1_rows_that_share_the_statuses_open_nobody_whose_status_is_unknown() -> None:
    """A person of whom no status is known is shown by a row open to every status, not by two that share them."""
    every = sorted(StatutApprenant, key=lambda statut: statut.value)
    base = POLICY.regle[0].model_copy(
        update={"profils": (Profil.CFA,), "relations": frozenset({Relation.CFA}), "condition": None}
    )
    parts = tuple(base.model_copy(update={"statuts": frozenset(part)}) for part in (every[:3], every[2:]))
    delegate = base.model_copy(update={"profils": (Profil.SI_PARTENAIRE,), "statuts": frozenset(every)})
    faults = list(delegate_excess(POLICY.model_copy(update={"regle": (*parts, delegate)})))
    assert len(faults) == len(base.categories)
    assert all("(statut inconnu, sans condition)" in fault for fault in faults)


def test_s1_a_delegate_has_the_figures_and_the_states_of_its_principal_only() -> None:
    figures = POLICY.agregat.model_copy(update={"profils": POLICY.agregat.profils - {Profil.CFA}})
    states = POLICY.exploitation.model_copy(update={"profils": frozenset({Profil.SI_PARTENAIRE})})
    faults = list(delegate_excess(POLICY.model_copy(update={"agregat": figures, "exploitation": states})))
    assert [fault.partition(" : ")[0] for fault in faults] == ["exploitation", "agregat", "exploitation"]
    assert list(delegate_excess(POLICY)) == []


def test_s1_a_disability_shows_somebody_to_whom_may_read_it_of_that_very_person() -> None:
    """A policy that opens SENSIBLE for one status only: of the others, a disability opens nothing."""
    inscrit = frozenset({StatutApprenant.INSCRIT})
    (own,) = (row for row in POLICY.regle if Profil.MISSION_LOCALE in row.profils and not row.condition)
    without = own.model_copy(update={"categories": own.categories - {CategorieDonnee.SENSIBLE}})
    some = own.model_copy(update={"categories": frozenset({CategorieDonnee.SENSIBLE}), "statuts": inscrit})
    policy = POLICY.model_copy(update={"regle": (without, some)})
    perimetre = Perimetre(Profil.MISSION_LOCALE, "60001")
    rights = Rights(policy, Profil.MISSION_LOCALE, Finalite.ACCOMPAGNEMENT, perimetre)
    seen = set()
    for statut in StatutApprenant:
        jeune = Jeune(age=30, rqth=True, statut=Statut(valeur=statut, depuis=date(2026, 1, 1)))
        seen |= {statut} if readable(jeune, Affiliation(mission_locale="60001"), rights) else set()
    assert seen == inscrit


@pytest.mark.parametrize("uai", [None, "0600001A", "0600002B"])
@pytest.mark.parametrize("uais", [{"0600001A"}, {"0600002B"}, {"0600001A", "0600002B"}])
def test_s1_a_request_opens_to_the_cfa_that_made_it(uai: str | None, uais: set[str]) -> None:
    jeune = Jeune(age=20, collaboration=Collaboration(demandee_le=ASKED_AT, uai=uai))
    affiliation = Affiliation(uais=frozenset(uais))
    asked_by = {uai} if uai else uais
    for profil, finalite in ((Profil.CFA, Finalite.GESTION_CFA), (Profil.SI_PARTENAIRE, Finalite.ACCOMPAGNEMENT)):
        perimetre = build_perimetre(Profil.CFA, "0600001A", REFERENTIEL)  # answers for 0600002B too
        granted = readable(jeune, affiliation, Rights(POLICY, profil, finalite, perimetre))
        assert CategorieDonnee.IDENTITE in granted
        assert (CategorieDonnee.SUIVI in granted) is (asked_by == {"0600001A"})
