"""Splink over the records of `_population`: as a table, with a model tuned for them. Knows nothing of how we join."""

import logging
from collections.abc import Sequence

import duckdb
import pyarrow as pa
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from bench._population import Reading
from gateway.domain.official_numbers import Traits, normalise_nom

BLOCKS = [
    block_on("naissance", "nom"),
    block_on("naissance", "prenom"),
    block_on("naissance", "substr(nom, 1, 2)"),
    block_on("naissance", "substr(prenom, 1, 2)"),
    block_on("nom", "prenom"),
    block_on("courriel"),
    block_on("telephone"),
    "l.nom = r.prenom and l.prenom = r.nom",
]


def line(trait: Traits, person: str = "") -> dict[str, object]:
    """One record of Splink's table: the same values that we compare, names in the same normal form."""
    return {
        "unique_id": repr(trait.rank),
        "personne": person,
        "nom": trait.letters,
        "prenom": trait.prenom_letters,
        "noms": sorted({normalise_nom(name) for name in trait.noms}),
        "naissance": trait.naissance.isoformat(),
        "sexe": trait.sexe,
        "telephone": trait.telephone,
        "courriel": trait.courriel,
        "ine": trait.ine,
        "code_postal": trait.code_postal,
        "cfas": sorted(trait.cfas) or None,
        "embauches": sorted({f"{c.siren}/{c.debut}" for c in trait.contrats if c.siren}) or None,
        "debuts": sorted({str(c.debut) for c in trait.contrats}) or None,
    }


def table(reading: Reading) -> pa.Table:
    return pa.Table.from_pylist([line(trait, reading.person(trait)) for trait in reading.traits])


def train(donnees: pa.Table) -> Linker:
    """A model of all the evidence that we use: names with their frequencies and inversion, birth date, sex, contacts, INE,
    home, CFAs, employers with start; u by random sampling, m by expectation-maximisation over three blockings."""
    linker = Linker(DuckDBAPI(duckdb.connect()).register(donnees), _settings(), log_level=logging.CRITICAL)
    training = linker.training
    training.estimate_probability_two_random_records_match(
        [block_on("naissance", "nom", "prenom"), block_on("courriel")], recall=0.98
    )
    training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    for block in (block_on("naissance", "sexe"), block_on("nom", "prenom"), block_on("courriel")):
        training.estimate_parameters_using_expectation_maximisation(block, record_sample_proportion=1.0)
    return linker


def _settings() -> SettingsCreator:
    return SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=BLOCKS,
        comparisons=_comparisons(),
        retain_intermediate_calculation_columns=False,
    )


def _comparisons() -> Sequence[object]:
    return [
        cl.ForenameSurnameComparison("prenom", "nom", jaro_winkler_thresholds=[0.92, 0.85]).configure(
            term_frequency_adjustments=False
        ),
        cl.DateOfBirthComparison("naissance", input_is_string=True, invalid_dates_as_null=False),
        cl.ExactMatch("sexe"),
        cl.ExactMatch("telephone").configure(term_frequency_adjustments=True),
        cl.EmailComparison("courriel"),
        cl.ExactMatch("ine"),
        cl.CustomComparison(
            output_column_name="code_postal",
            comparison_levels=[
                cll.NullLevel("code_postal"),
                cll.ExactMatchLevel("code_postal", term_frequency_adjustments=True),
                cll.CustomLevel("substr(code_postal_l, 1, 2) = substr(code_postal_r, 1, 2)", "departement"),
                cll.ElseLevel(),
            ],
        ),
        cl.ArrayIntersectAtSizes("cfas", [1]),
        cl.ArrayIntersectAtSizes("embauches", [1]),
        cl.ArrayIntersectAtSizes("debuts", [1]),
    ]
