"""The figures of a run, printed once at its end by the process that was started, whoever measured them."""

FIGURES: list[str] = []


def note(line: str) -> None:
    """Keep a figure for the end of the run."""
    FIGURES.append(line)
