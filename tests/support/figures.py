"""The figures of a run, printed at its end."""

FIGURES: list[str] = []


def note(line: str) -> None:
    """Keep a figure for the end of the run."""
    FIGURES.append(line)
