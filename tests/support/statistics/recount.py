"""What a pass has to count, by loops over the truth of the fixtures, written from docs/statistiques.md and from no code.

Each function gives how many units stand in each (place, month of the cohort, class).
"""

import calendar
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

Person = dict[str, Any]
Cells = Counter[tuple[str, str, str]]
MONTHS_OF_QUARTERS = {8: 8, 9: 8, 10: 8, 11: 11, 12: 11, 1: 11, 2: 2, 3: 2, 4: 2, 5: 5, 6: 5, 7: 5}


def months_later(day: date, months: int) -> date:
    """The same day so many months later, the last of a month that is too short."""
    year, month = day.year, day.month
    for _ in range(months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def quarter(day: date) -> str:
    first = MONTHS_OF_QUARTERS[day.month]
    return f"{day.year - (first == 11 and day.month == 1)}-{first:02}"


def month_ends(first: date, today: date) -> list[date]:
    found, day = [], first
    while day <= today:
        end = day.replace(day=calendar.monthrange(day.year, day.month)[1])
        found.append(min(end, today))
        day = end + timedelta(days=1)
    return found


def day_of(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def is_followed(person: Person, day: date) -> bool:
    """From sixteen on, and until twenty-six, or ever with a recognised disability."""
    born = date.fromisoformat(person["date_naissance"])
    age = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return age >= 16 and (age < 26 or person["rqth_dite"] is True)


def standing(person: Person, day: date) -> dict[str, Any] | None:
    """The step of the told life that holds that day."""
    steps: Sequence[dict[str, Any]] = person["parcours_dit"]
    begun = [step for step in steps if date.fromisoformat(step["depuis"]) <= day]
    return begun[-1] if begun else steps[0] if steps else None


def is_of_the_year(step: dict[str, Any], day: date) -> bool:
    year = day.year if day.month >= 8 else day.year - 1
    first, last = (date.fromisoformat(bound) for bound in step["session"])
    return first <= date(year + 1, 7, 31) and last >= date(year, 8, 1)


def inscriptions(persons: Sequence[Person], days: Sequence[date]) -> Cells:
    cells: Cells = Counter()
    for person in persons:
        for day in days:
            step = standing(person, day)
            if step and is_of_the_year(step, day):
                cells[step["uai"], f"{day:%Y-%m}", step["statut"]] += 1
    return cells


def level_on(person: Person, uai: str, day: date) -> str:
    """That of what began last in a CFA by that day, of a session and a contract the contract's; before all, the first."""
    told = [(one["debut"], 0, level(one)) for one in person["sessions"] if one["uai"] == uai]
    told += [(one["date_debut"], 1, level(one)) for one in person["contrats"] if one["dit_par"] and one["uai"] == uai]
    begun = [each for each in told if date.fromisoformat(each[0]) <= day]
    return max(begun)[2] if begun else min(told)[2]


def inscriptions_by_level(persons: Sequence[Person], days: Sequence[date]) -> Counter[tuple[str, str, str, str]]:
    """Who stands where at the end of each month: by CFA, level, month and status."""
    cells: Counter[tuple[str, str, str, str]] = Counter()
    for person in persons:
        for day in days:
            step = standing(person, day)
            if step and is_of_the_year(step, day):
                cells[step["uai"], level_on(person, step["uai"], day), f"{day:%Y-%m}", step["statut"]] += 1
    return cells


def residents(persons: Sequence[Person], days: Sequence[date]) -> Cells:
    cells: Cells = Counter()
    for person in persons:
        for day in days:
            step = standing(person, day)
            if step and person["mission_locale"] and is_followed(person, day):
                cells[person["mission_locale"], f"{day:%Y-%m}", step["statut"]] += 1
    return cells


SECTIONS = {
    "A": (1, 3), "B": (5, 9), "C": (10, 33), "D": (35, 35), "E": (36, 39), "F": (41, 43), "G": (45, 47),
    "H": (49, 53), "I": (55, 56), "J": (58, 63), "K": (64, 66), "L": (68, 68), "M": (69, 75), "N": (77, 82),
    "O": (84, 84), "P": (85, 85), "Q": (86, 88), "R": (90, 93), "S": (94, 96), "T": (97, 98), "U": (99, 99),
}  # fmt: skip
SILENT_ON_NAF = {"gestibase"}  # what it exports has no code of activity


def level(told: dict[str, Any]) -> str:
    """Of a contract or a session."""
    return str(told["niveau"] or "INCONNU")


def sector(contrat: dict[str, Any]) -> str:
    """The section of the employer's activity, where one of those that tell the contract tells it (Insee, NAF rév. 2)."""
    if not contrat["naf"] or {*contrat["dit_par"]} <= SILENT_ON_NAF:
        return "INCONNU"
    division = int(contrat["naf"][:2])
    return next(letter for letter, (first, last) in SECTIONS.items() if first <= division <= last)


def age_group(person: Person, day: date) -> str:
    born = date.fromisoformat(person["date_naissance"])
    age = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    return "MOINS_DE_18" if age < 18 else "DE_18_A_20" if age < 21 else "DE_21_A_25" if age < 26 else "DE_26_ET_PLUS"


def issue(contrat: dict[str, Any], debut: date, broken: dict[str, date], today: date) -> str:
    """How a contract begun on a day stands: broken within so many months, ended otherwise before nine, or neither."""
    day, fin = broken.get(contrat["numero"]), date.fromisoformat(contrat["date_fin"])
    if day:
        within = [months for months in (3, 6, 9) if day < months_later(debut, months)]
        return f"R{within[0]}" if within else "R+"
    return "T" if fin < today and fin < months_later(debut, 9) else "V"


def keyed_issues(
    persons: Sequence[Person], since: date, today: date, keys: Callable[[Person, dict[str, Any], date], str]
) -> Iterator[tuple[str, str, date, str]]:
    """Contracts begun since a day: the CFA, the keys of the grid, the first day, how they stand."""
    broken = {contrat["numero"]: day for _, contrat, day in told_ruptures(persons, today)}
    for person, contrat, debut in told_contrats(persons, today):
        if debut >= since:
            yield contrat["uai"], keys(person, contrat, debut), debut, issue(contrat, debut, broken, today)


def told_contrats(persons: Sequence[Person], today: date) -> Iterator[tuple[Person, dict[str, Any], date]]:
    """The contracts that somebody tells, begun by today, each with its first day."""
    for person in persons:
        for contrat in person["contrats"]:
            debut = date.fromisoformat(contrat["date_debut"])
            if contrat["dit_par"] and debut <= today:
                yield person, contrat, debut


def told_ruptures(persons: Sequence[Person], today: date) -> Iterator[tuple[Person, dict[str, Any], date]]:
    """The contracts broken by today, as somebody tells, each with the day of the rupture."""
    for person in persons:
        for contrat in person["contrats"]:
            day = day_of(contrat["rupture"]["date"]) if contrat["rupture"] and contrat["signalements"] else None
            if contrat["dit_par"] and day and day <= today:
                yield person, contrat, day


def issues(persons: Sequence[Person], since: date, today: date) -> Cells:
    """Contracts begun in a quarter, by CFA, and how they stand."""
    broken = {contrat["numero"]: day for _, contrat, day in told_ruptures(persons, today)}
    cells: Cells = Counter()
    for _, contrat, debut in told_contrats(persons, today):
        if debut >= since:
            cells[contrat["uai"], quarter(debut), issue(contrat, debut, broken, today)] += 1
    return cells


def ruptures(persons: Sequence[Person], since: date, today: date) -> Cells:
    cells: Cells = Counter()
    for _, contrat, day in told_ruptures(persons, today):
        if day >= since:
            cells[contrat["uai"], quarter(day), "RUPTURE"] += 1
    return cells


def after_ruptures(persons: Sequence[Person], since: date, today: date) -> Cells:
    """Ruptures of a quarter, by CFA, and when a new contract came."""
    cells: Cells = Counter()
    for person, contrat, day in told_ruptures(persons, today):
        if day < since:
            continue
        starts = [date.fromisoformat(c["date_debut"]) for c in person["contrats"] if c["dit_par"] and c is not contrat]
        starts += [date.fromisoformat(s["depuis"]) for s in person["parcours_dit"] if s["statut"] == "APPRENTI"]
        after = [start for start in starts if day <= start <= today]
        within = [months for months in (1, 3, 6) if after and min(after) < months_later(day, months)]
        late = "N+" if months_later(day, 6) <= today else "ATTENTE"
        cells[contrat["uai"], quarter(day), f"N{within[0]}" if within else late] += 1
    return cells


def reports(persons: Sequence[Person], since: date, today: date) -> Cells:
    """Ruptures of a quarter, by CFA: who told first, and how long after."""
    cells: Cells = Counter()
    for _, contrat, day in told_ruptures(persons, today):
        if day < since:
            continue
        told = {system: date.fromisoformat(text) for system, text in contrat["signalements"].items()}
        registry = told.pop("registre", None)
        erp = min(told.values(), default=None)
        delay = (min(first for first in (registry, erp) if first) - day).days
        if erp and (registry is None or erp < registry):
            classe = "E7" if delay <= 7 else "E30" if delay <= 30 else "E+"
        else:
            classe = "D30" if delay <= 30 else "D60" if delay <= 60 else "D120" if delay <= 120 else "D+"
        cells[contrat["uai"], quarter(day), classe] += 1
    return cells


def treatments(persons: Sequence[Person], since: date, today: date) -> Cells:
    """Ruptures of a month, by Mission locale of the home, and how they are handled."""
    cells: Cells = Counter()
    for person, _, day in _of_homes(persons, since, today):
        suivi = person["suivi"]
        noted = day_of(suivi["note_le"]) if suivi else None
        etat = suivi["etat"] if suivi and not (noted and noted < day) else "A_TRAITER"
        cells[person["mission_locale"], f"{day:%Y-%m}", etat] += 1
    return cells


def first_steps(persons: Sequence[Person], since: date, today: date) -> Cells:
    """Ruptures of a quarter, by Mission locale of the home, and how long before the first step of the follow-up."""
    cells: Cells = Counter()
    for person, _, day in _of_homes(persons, since, today):
        suivi = person["suivi"] or {"etapes": [], "note_le": None}
        noted = [*suivi["etapes"], *([suivi["note_le"]] if suivi["note_le"] else [])]
        waits = [(date.fromisoformat(text) - day).days for text in noted if date.fromisoformat(text) >= day]
        within = [days for days in (7, 15, 30, 60, 90) if waits and min(waits) <= days]
        late = "P+" if waits else "AUCUNE"
        cells[person["mission_locale"], quarter(day), f"P{within[0]}" if within else late] += 1
    return cells


def _of_homes(persons: Sequence[Person], since: date, today: date) -> Iterator[tuple[Person, dict[str, Any], date]]:
    for person, contrat, day in told_ruptures(persons, today):
        if day >= since and person["mission_locale"] and is_followed(person, today):
            yield person, contrat, day
