"""What a partner does wrong is found, and told: one that reads without proof is failed by the kit."""

import asyncio
import shutil
from pathlib import Path

from gateway.cli.kit.misbehaviours import misbehaviours
from gateway.cli.kit.target import NoSecrets, find_target
from gateway.cli.kit.verify import verify_cases
from gateway.connectors.base import Tenant

PARTNERS = Path(__file__).parents[1] / "partenaires"
MERIDIEN, ATELIER = PARTNERS / "meridien", PARTNERS / "atelier"
FOURTEEN = {
    *("pages sans fin", "première page répétée", "pages doublées", "page d'un autre", "page trop longue"),
    *("octet par octet", "encodage autre", "corps coupé", "refus", "quota", "bombe XML", "une clé pour tous"),
    *("réponse vide", "page HTML"),
}


def verdicts(folder: Path) -> tuple[list[str], list[str]]:
    verdict = asyncio.run(verify_cases(find_target(str(folder), {}, NoSecrets()), with_misbehaviours=True))
    return verdict.passed, verdict.failures


def test_the_fourteen_are_tried() -> None:
    told = misbehaviours(Tenant("0010856A"), ("ref",))
    assert told.keys() >= FOURTEEN
    assert len(told) == 21


def test_a_sound_table_ends_each_as_a_told_failure() -> None:
    passed, failures = verdicts(MERIDIEN)
    assert failures == []
    assert {one.partition(", ")[2] for one in passed if one.startswith("deux-pages, ")} == misbehaviours(
        Tenant("0010856A"), ("ref",)
    ).keys()


def test_a_table_that_proves_less_is_told_what_it_lets_through(tmp_path: Path) -> None:
    """Of a CSV whose last line need not end, a cut reads as well as the whole."""
    own = shutil.copytree(ATELIER, tmp_path / "atelier")
    table = own / "partenaire.toml"
    text = table.read_text(encoding="utf-8").replace('format = "csv"', 'format = "csv"\nfin_de_ligne = false')
    table.write_text(text, encoding="utf-8")
    assert verdicts(ATELIER)[1] == []
    assert verdicts(own)[1] == ["lignes.attendu.json : corps coupé : lu sans erreur, et autrement"]
