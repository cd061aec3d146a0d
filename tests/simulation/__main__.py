"""Play one seed again: `python -m tests.simulation 42` prints what happened, then the promise that was broken, if any."""

import sys

from tests.simulation.scenario import Scenario

if __name__ == "__main__":
    scenario = Scenario(int(sys.argv[1]))
    try:
        scenario.play()
    finally:
        sys.stdout.write("\n".join(scenario.trace) + "\n")
