"""Each alert for operators has what goes with it: a figure that a gateway tells, a page that says what to do, two trials."""

import re

from fixtures.gateway_process import ROOT

FOLDER = ROOT / "deploy/prometheus"
RULES = (FOLDER / "regles.yml").read_text(encoding="utf-8")
TRIALS = (FOLDER / "essais.yml").read_text(encoding="utf-8")
PAGE = (ROOT / "docs/alertes.md").read_text(encoding="utf-8")
ALERTS = re.findall(r"- alert: (\w+)", RULES)
FIGURE = re.compile(r"\b((?:passerelle|process|http)_[a-z_]+)")


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    assert len(ALERTS) == len(set(ALERTS)) > 15
    assert re.findall(r"^### (\w+)", PAGE, re.MULTILINE) == ALERTS
    assert re.findall(r"page: docs/alertes\.md#(\w+)", RULES) == [alert.lower() for alert in ALERTS]


def test_every_page_says_what_to_do_first() -> None:
    for section in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]:
        assert re.search(r"^1\. \S", section, re.MULTILINE), section[:30]


def test_every_figure_of_a_rule_is_told_by_a_gateway() -> None:
    told = set(FIGURE.findall((ROOT / "docs/metriques.md").read_text(encoding="utf-8")))
    asked = {re.sub("_(bucket|count)$", "", name) for text in (RULES, TRIALS) for name in FIGURE.findall(text)}
    assert len(asked) > 15
    assert asked - told == set()


def test_every_alert_is_tried_on_a_day_it_fires_and_on_one_it_does_not() -> None:
    tried = re.findall(r"alertname: (\w+)\n +exp_alerts:( \[\])?", TRIALS)
    assert sorted(tried) == sorted([*((alert, "") for alert in ALERTS), *((alert, " []") for alert in ALERTS)])


def test_a_counter_with_labels_is_watched_from_its_birth() -> None:
    """`increase` sees nothing of a series that was not there: a first leak would wake nobody."""
    rows = (ROOT / "docs/metriques.md").read_text(encoding="utf-8")
    labelled = set(re.findall(r"^\| `(\w+)` \| compteur, `", rows, re.MULTILINE))
    grown = set(re.findall(r"increase\((\w+)", RULES)) & labelled
    assert len(grown) > 4
    assert {name for name in grown if f"unless {name}" not in RULES} == set()
