"""Learns the weights of evidence again, with Splink, from a generated population (`make poids`).

    python -m bench.poids [--graine 101] [--jeunes 3000] [--bruit 2]

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

from bench._population import Releve, relever
from gateway.domain import ressemblance
from gateway.domain.ressemblance import accords, bareme

SORTIE = Path("var/poids.toml")
PAIRES = 1e6  # drawn at random for u
BORNE = 14.0  # bits: what was never seen among so many pairs is not infinitely telling

Poids = Mapping[str, Mapping[str, float]]


def apprendre(releve: Releve) -> Poids:
    """log2(m/u) of every level met, by criterion."""
    connexion, traits = duckdb.connect(), {repr(trait.rang): trait for trait in releve.traits}

    @lru_cache(maxsize=1_000_000)
    def niveaux(un: str, autre: str) -> dict[str, str]:
        return dict(accords(traits[un], traits[autre]))

    def accord(uns: pa.ChunkedArray, autres: pa.ChunkedArray, criteres: pa.ChunkedArray) -> pa.Array:
        lignes = zip(uns.to_pylist(), autres.to_pylist(), criteres.to_pylist(), strict=True)
        return pa.array([niveaux(*sorted((un, autre))).get(critere, "") for un, autre, critere in lignes], pa.string())

    connexion.create_function("accord", accord, ["VARCHAR"] * 3, "VARCHAR", type="arrow")
    cles = pa.Table.from_pylist(
        [{"unique_id": repr(trait.rang), "personne": releve.personne(trait)} for trait in releve.traits]
    )
    linker = Linker(DuckDBAPI(connexion).register(cles), _reglages(), log_level=logging.CRITICAL)
    linker.training.estimate_u_using_random_sampling(max_pairs=PAIRES, seed=1)
    linker.training.estimate_m_from_label_column("personne")
    return dict(_poids(linker))


def _reglages() -> SettingsCreator:
    return SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=[block_on("personne")],
        comparisons=[_comparaison(critere, list(niveaux)) for critere, niveaux in bareme().poids.items()],
    )


def _comparaison(critere: str, niveaux: list[str]) -> dict[str, object]:
    appel = f"accord(unique_id_l, unique_id_r, '{critere}')"
    tus = {"sql_condition": f"{appel} = ''", "label_for_charts": "tu", "is_null_level": True}
    dits = [{"sql_condition": f"{appel} = '{niveau}'", "label_for_charts": niveau} for niveau in niveaux[:-1]]
    reste = {"sql_condition": "ELSE", "label_for_charts": niveaux[-1]}
    return {"output_column_name": critere, "comparison_levels": [tus, *dits, reste]}


def _poids(linker: Linker) -> Iterator[tuple[str, dict[str, float]]]:
    for comparaison in linker.misc.save_model_to_json()["comparisons"]:
        niveaux = [niveau for niveau in comparaison["comparison_levels"] if not niveau.get("is_null_level")]
        yield comparaison["output_column_name"], {n["label_for_charts"]: _bits(n) for n in niveaux}


def _bits(niveau: Mapping[str, float]) -> float:
    """Bounded: a level that no pair of one person, or no random pair, was seen at has a share of zero, or none at all."""
    m, u = niveau.get("m_probability") or 0.0, niveau.get("u_probability") or 0.0
    if not m and not u:
        return 0.0
    return round(max(-BORNE, min(BORNE, log2(max(m, 1e-9) / max(u, 1e-9)))), 1)


def ecrire(poids: Poids, chemin: Path) -> None:
    """The thresholds as they are kept, the weights as they were learnt."""
    garde = tomllib.loads((Path(ressemblance.__file__).parent / "poids.toml").read_text(encoding="utf-8"))
    tables = {"seuils": garde["seuils"], **{f"poids.{critere}": valeurs for critere, valeurs in poids.items()}}
    textes = [f"[{nom}]\n" + "".join(f"{c} = {v}\n" for c, v in valeurs.items()) for nom, valeurs in tables.items()]
    chemin.parent.mkdir(exist_ok=True)
    chemin.write_text("\n".join(textes), encoding="utf-8")


def main() -> None:
    """Learn, print, write."""
    demande = argparse.ArgumentParser()
    demande.add_argument("--graine", type=int, default=101)
    demande.add_argument("--jeunes", type=int, default=3000)
    demande.add_argument("--bruit", type=float, default=2.0)
    voulu = demande.parse_args()
    poids = apprendre(relever(voulu.graine, voulu.jeunes, voulu.bruit))
    print(f"{'criterion':<12} {'level':<14} {'learnt':>7} {'kept':>7}")
    for critere, niveaux in bareme().poids.items():
        for niveau, garde in niveaux.items():
            print(f"{critere:<12} {niveau:<14} {poids[critere][niveau]:>7.1f} {garde:>7.1f}")
    ecrire(poids, SORTIE)
    print(f"written: {SORTIE}; compare with gateway/domain/poids.toml, which is what the gateway reads")


if __name__ == "__main__":
    main()
