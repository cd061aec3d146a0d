"""What leaves the mask: nothing of a category not granted, at any depth, and nothing that tells it."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strawberry import ID
from strawberry.types.base import StrawberryObjectDefinition

from gateway.auth.authorization.mask import mask
from gateway.auth.policy.rules import CATEGORIE, CategorieDonnee
from gateway.auth.policy.rules import CategorieDonnee as C
from gateway.domain.similarity import Level
from gateway.domain.statut import StatutApprenant
from gateway.schema.connections import RuptureEdge
from gateway.schema.evidence import IndiceRapprochement, Provenance
from gateway.schema.nouns import (
    Adresse,
    Collaboration,
    Contrat,
    Employeur,
    Formation,
    Jeune,
    MotifPriorite,
    Representant,
    Rupture,
    Sexe,
    Statut,
    Suivi,
)
from gateway.schema.organisations import (
    Cfa,
    Commune,
    EtatSource,
    ModeSource,
    Source,
    Territoire,
    TypeSource,
    TypeTerritoire,
)
from gateway.schema.scalars import CodeInsee
from tests.support.attributes import attributes_of

ALL_ONES = frozenset(CategorieDonnee)
STATE = Source(nom="erp", type=TypeSource.ERP_CFA, mode=ModeSource.MOISSON, etat=EtatSource.DISPONIBLE)
CFA = Cfa(nom="CFA")
OISE = Territoire(type=TypeTerritoire.DEPARTEMENT, code="60")


def _rows(*champs: str) -> list[Provenance]:
    received = datetime(2025, 11, 3, tzinfo=UTC)
    return [Provenance(champ=c, source="ypareo", recue_le=received, retenue=True, divergente=False) for c in champs]


def _jeune() -> Jeune:
    """A person told whole, with a contract and its rupture, in a cycle; each text names its category."""
    jeune = Jeune(
        id=ID("J"),
        nom="IDENTITE",
        prenom="IDENTITE",
        date_naissance=date(2006, 3, 7),
        sexe=Sexe.F,
        age=19,
        mineur=False,
        ine="IDENTIFIANT_NATIONAL",
        rqth=True,
        telephone="CONTACT",
        courriel="CONTACT",
        adresse=Adresse(voie="ADRESSE", insee="59350", ville="ADRESSE"),
        representants=[Representant(nom="REPRESENTANT")],
        statut=Statut(valeur=StatutApprenant.RUPTURANT, depuis=date(2025, 10, 1)),
        steps=[Statut(valeur=StatutApprenant.APPRENTI, depuis=date(2025, 9, 1))],
        formations=[Formation(intitule="PARCOURS", cfa=CFA)],
        suivi=Suivi(commentaire="SUIVI"),
        collaboration=Collaboration(commentaire="COLLABORATION"),
        rows=_rows("telephone", "dateNaissance", "ine", "inconnu"),
    )
    contrat = Contrat(
        id=ID("C"),
        numero="CONTRAT",
        employeur=Employeur(denomination="CONTRAT"),
        cfa=CFA,
        formation=Formation(intitule="PARCOURS"),
        jeune=jeune,
        rows=_rows("numero", "rupture"),
    )
    rupture = Rupture(
        id=ID("R"),
        date=date(2025, 10, 1),
        cause="COLLABORATION",
        prioritaire=True,
        motifs_priorite=[MotifPriorite.RQTH, MotifPriorite.ACCOMPAGNEMENT_CONJOINT, MotifPriorite.SOUHAITE_RDV],
        sources=["ypareo"],
        contrat=contrat,
        jeune=jeune,
        rows=_rows("date", "cause"),
    )
    contrat.rupture = rupture
    jeune.contrats, jeune.ruptures = [contrat], [rupture]
    return jeune


def _kept_values(item: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Every attribute, private ones included, of every object that is held."""
    if isinstance(item, list | tuple):
        for element in item:
            yield from _kept_values(element, seen)
    elif is_dataclass(item) and id(item) not in seen:
        seen.add(id(item))
        for name, value in attributes_of(item).items():
            yield f"{type(item).__name__}.{name}", value
            yield from _kept_values(value, seen)


def _rules(kind: type) -> dict[str, CategorieDonnee]:
    definition: StrawberryObjectDefinition = kind.__strawberry_definition__  # type: ignore[attr-defined]
    return {f"{kind.__name__}.{c.python_name}": c.metadata[CATEGORIE] for c in definition.fields if c.metadata}


RULES = _rules(Jeune) | _rules(Contrat) | _rules(Rupture)
# What the nouns hold beside their fields.
HELD = {"Jeune.steps": C.PARCOURS} | dict.fromkeys(("Jeune.rows", "Contrat.rows", "Rupture.rows"), C.TECHNIQUE)


@given(categories=st.frozensets(st.sampled_from(CategorieDonnee)))
def test_nothing_refused_remains(categories: frozenset[CategorieDonnee]) -> None:
    masque = mask(_jeune(), categories)
    kept = list(_kept_values(masque, set()))
    assert {name for name in RULES | HELD if name.startswith("Jeune.")} & held_by(_jeune()) <= {
        name for name, _ in kept
    }
    for name, value in kept:
        rule = (RULES | HELD).get(name)
        if rule is not None and rule not in categories:
            assert value is None, name
        if isinstance(value, str) and value in CategorieDonnee.__members__:
            assert CategorieDonnee[value] in categories, name


def held_by(jeune: Jeune) -> set[str]:
    """What it holds, as `_kept_values` names it: what the test above judges, were all else refused."""
    held = {f"Jeune.{name}" for name in attributes_of(jeune)}
    assert held >= {
        "Jeune.nom",
        "Jeune.telephone",
        "Jeune.ine",
        "Jeune.suivi",
        *HELD.keys() - {"Contrat.rows", "Rupture.rows"},
    }
    return held


@given(categories=st.frozensets(st.sampled_from(CategorieDonnee)))
def test_all_that_is_granted_remains(categories: frozenset[CategorieDonnee]) -> None:
    original = _jeune()
    masque = mask(original, categories)
    plain = {
        name: rule
        for name, rule in _rules(Jeune).items()
        if name in held_by(original) and not _holds_nouns(getattr(original, name.partition(".")[2]))
    }
    assert {C.IDENTITE, C.CONTACT, C.IDENTIFIANT_NATIONAL, C.SUIVI, C.COLLABORATION, C.REPRESENTANT} <= set(
        plain.values()
    )
    for name, rule in plain.items():
        attribute = name.partition(".")[2]
        if rule in categories:
            assert getattr(masque, attribute) == getattr(original, attribute), name


def _holds_nouns(valeur: Any) -> bool:
    return isinstance(valeur, list) and isinstance(valeur[0], Contrat | Rupture)


def test_the_original_does_not_change() -> None:
    original = _jeune()
    before = [name for name, value in _kept_values(original, set()) if value is not None]
    mask(original, frozenset())
    assert [name for name, value in _kept_values(original, set()) if value is not None] == before


def test_cycles_remain_cycles() -> None:
    masque = mask(_jeune(), ALL_ONES)
    assert masque.contrats is not None
    assert masque.ruptures is not None
    assert masque.contrats[0].jeune is masque
    assert masque.contrats[0].rupture is masque.ruptures[0]


def test_an_edge_and_its_free_fields_remain() -> None:
    jeune = _jeune()
    assert jeune.ruptures is not None
    masque = mask(RuptureEdge(cursor="c", node=jeune.ruptures[0]), frozenset({C.RUPTURE}))
    assert (masque.cursor, masque.node.id, masque.node.date) == ("c", "R", date(2025, 10, 1))
    assert masque.node.jeune is None


def test_what_has_no_rule_is_shared() -> None:
    commune = Commune(code=CodeInsee("60057"), nom="Beauvais", codes_postaux=[], departement=OISE, region=OISE)
    assert mask(Jeune(commune=commune), ALL_ONES).commune is commune


def test_s5_the_state_of_a_system_leaves_with_its_category_and_is_written_on_a_copy() -> None:
    for categories, told in ((ALL_ONES, STATE), (ALL_ONES - {C.TECHNIQUE}, None)):
        served = Cfa(nom="CFA", source=STATE)
        cfa = mask(Contrat(cfa=served), categories).cfa
        assert cfa is not None
        assert cfa is not served
        assert cfa.source == told


def test_provenance_follows_the_field_it_speaks_of() -> None:
    masque = mask(_jeune(), frozenset({C.PARCOURS, C.IDENTITE, C.CONTRAT, C.TECHNIQUE}))
    assert [line.champ for line in masque.rows or []] == ["dateNaissance"]
    assert masque.contrats is not None
    assert [line.champ for line in masque.contrats[0].rows or []] == ["numero"]


def test_a_clue_of_linkage_follows_the_field_it_speaks_of() -> None:
    evidence = [
        IndiceRapprochement(champ=champ, accord="identique", poids=1.0, sources=[], niveau=Level.CERTAIN)
        for champ in ("nom", "telephone")
    ]
    masque = mask(Jeune(id=ID("J"), indices=evidence), frozenset({C.PARCOURS, C.IDENTITE, C.TECHNIQUE}))
    assert [one_evidence.champ for one_evidence in masque.indices or []] == ["nom"]
    assert mask(Jeune(id=ID("J"), indices=evidence), frozenset({C.PARCOURS, C.IDENTITE})).indices is None


RQTH, CONJOINT, RDV = MotifPriorite.RQTH, MotifPriorite.ACCOMPAGNEMENT_CONJOINT, MotifPriorite.SOUHAITE_RDV


@pytest.mark.parametrize(
    ("granted", "motifs", "told_values", "prioritaire"),
    [
        ({C.SUIVI, C.SENSIBLE, C.COLLABORATION}, [RQTH, CONJOINT], [RQTH, CONJOINT], True),
        ({C.SUIVI, C.COLLABORATION}, [RQTH, RDV], [RDV], True),
        ({C.SUIVI, C.SENSIBLE}, [CONJOINT, RDV], [RDV], True),
        ({C.SUIVI}, [RDV, MotifPriorite.MINEUR], [RDV, MotifPriorite.MINEUR], True),
        # What is left must not tell what was left out: no reason shown, no priority shown.
        ({C.SUIVI}, [RQTH], [], False),
        ({C.SENSIBLE}, [RQTH], None, None),
    ],
)
def test_a_priority_does_not_tell_what_is_not_read(
    granted: set[CategorieDonnee],
    motifs: list[MotifPriorite],
    told_values: list[MotifPriorite] | None,
    prioritaire: bool | None,
) -> None:
    masque = mask(Rupture(id=ID("R"), prioritaire=True, motifs_priorite=motifs), frozenset(granted))
    assert (masque.motifs_priorite, masque.prioritaire) == (told_values, prioritaire)


def test_all_the_field_names_are_covered() -> None:
    assert {name.partition(".")[2] for name in RULES if name.startswith("Jeune.")} >= {
        champ.name
        for champ in fields(Jeune)
        if champ.name not in {"id", "steps", "rows", "indices", "autres_noms", "departement", "modifie", "is_attested"}
    }
