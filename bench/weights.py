"""Learns the weights of evidence again, with Splink, from a generated population (`make poids`).

    python -m bench.weights [--graine 101] [--jeunes 3000] [--bruit 2] [--modele 2]

The levels are the product's own, called from Splink's SQL: u by random sampling, m from the label of the population. Prints what
was learnt beside what is kept, and writes var/poids.toml in the form of gateway/domain/poids.toml, for a person to review.
"""

import argparse
import logging
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from math import log2
from pathlib import Path

import duckdb
import pyarrow as pa
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from bench._population import Reading, read_off
from gateway.domain import similarity
from gateway.domain.similarity import agreements, weights

OUTPUT = Path("var/poids.toml")
PAIRS = 1e6  # drawn at random for u
DECLARED = "dossier"  # a criterion that an operator vouches for: no population teaches it
BORNE = 14.0  # bits: what was never seen among so many pairs is not infinitely telling

Weights = Mapping[str, Mapping[str, float]]


def learn(reading: Reading) -> Weights:
    """log2(m/u) of every level met, by criterion."""
    connection, traits = duckdb.connect(), {repr(trait.rank): trait for trait in reading.traits}

    @lru_cache(maxsize=1_000_000)
    def levels(one: str, other: str) -> dict[str, str]:
        return dict(agreements(traits[one], traits[other]))

    def accord(ones: pa.ChunkedArray, others: pa.ChunkedArray, criteria: pa.ChunkedArray) -> pa.Array:
        rows = zip(ones.to_pylist(), others.to_pylist(), criteria.to_pylist(), strict=True)
        return pa.array(
            [levels(*sorted((one, other))).get(criterion, "") for one, other, criterion in rows], pa.string()
        )

    connection.create_function("accord", accord, ["VARCHAR"] * 3, "VARCHAR", type="arrow")
    keys = pa.Table.from_pylist(
        [{"unique_id": repr(trait.rank), "personne": reading.person(trait)} for trait in reading.traits]
    )
    linker = Linker(DuckDBAPI(connection).register(keys), _settings(), log_level=logging.CRITICAL)
    linker.training.estimate_u_using_random_sampling(max_pairs=PAIRS, seed=1)
    linker.training.estimate_m_from_label_column("personne")
    return dict(_weight(linker))


def _settings() -> SettingsCreator:
    return SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=[block_on("personne")],
        comparisons=[_comparison(criterion, list(levels)) for criterion, levels in _kept().items()],
    )


def _kept() -> Weights:
    return {criterion: levels for criterion, levels in weights().poids.items() if criterion != DECLARED}


def _comparison(criterion: str, levels: list[str]) -> dict[str, object]:
    call = f"accord(unique_id_l, unique_id_r, '{criterion}')"
    silenced = {"sql_condition": f"{call} = ''", "label_for_charts": "tu", "is_null_level": True}
    told_values = [{"sql_condition": f"{call} = '{niveau}'", "label_for_charts": niveau} for niveau in levels[:-1]]
    rest = {"sql_condition": "ELSE", "label_for_charts": levels[-1]}
    return {"output_column_name": criterion, "comparison_levels": [silenced, *told_values, rest]}


def _weight(linker: Linker) -> Iterator[tuple[str, dict[str, float]]]:
    for comparison in linker.misc.save_model_to_json()["comparisons"]:
        levels = [niveau for niveau in comparison["comparison_levels"] if not niveau.get("is_null_level")]
        yield comparison["output_column_name"], {n["label_for_charts"]: _bits(n) for n in levels}


def _bits(niveau: Mapping[str, float]) -> float:
    """Bounded: a level that no pair of one person, or no random pair, was seen at has a share of zero, or none at all."""
    m, u = niveau.get("m_probability") or 0.0, niveau.get("u_probability") or 0.0
    if not m and not u:
        return 0.0
    return round(max(-BORNE, min(BORNE, log2(max(m, 1e-9) / max(u, 1e-9)))), 1)


def write(poids: Weights, path: Path) -> None:
    """The thresholds and what is declared as they are kept, the weights as they were learnt."""
    kept = tomllib.loads((Path(similarity.__file__).parent / "poids.toml").read_text(encoding="utf-8"))
    told = {**poids, DECLARED: kept["poids"][DECLARED]}
    tables = {"seuils": kept["seuils"], **{f"poids.{criterion}": values for criterion, values in told.items()}}
    texts = [f"[{name}]\n" + "".join(f"{c} = {v}\n" for c, v in values.items()) for name, values in tables.items()]
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(texts), encoding="utf-8")


def main() -> None:
    """Learn, print, write."""
    request = argparse.ArgumentParser()
    request.add_argument("--graine", type=int, default=101, dest="seed", metavar="GRAINE")
    request.add_argument("--jeunes", type=int, default=3000)
    request.add_argument("--bruit", type=float, default=2.0, dest="noise", metavar="BRUIT")
    request.add_argument("--modele", type=int, choices=(1, 2), default=2, dest="model", metavar="MODELE")
    wanted = request.parse_args()
    poids = learn(read_off(wanted.seed, wanted.jeunes, wanted.noise, wanted.model))
    print(f"{'criterion':<12} {'level':<14} {'learnt':>7} {'kept':>7}")
    for criterion, levels in _kept().items():
        for niveau, kept in levels.items():
            print(f"{criterion:<12} {niveau:<14} {poids[criterion][niveau]:>7.1f} {kept:>7.1f}")
    write(poids, OUTPUT)
    print(f"written: {OUTPUT}; compare with gateway/domain/poids.toml, which is what the gateway reads")


if __name__ == "__main__":
    main()
