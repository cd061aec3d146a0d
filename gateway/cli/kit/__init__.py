"""The kit of whoever connects a partner: cases as files, a check that reads them as the gateway would, a scaffold. Serves
nobody."""

import argparse
from collections.abc import Callable

Run = Callable[[argparse.Namespace], int | None]
Add = Callable[[str, Run, str], argparse.ArgumentParser]
