"""Where an error was met, for the operator: never its text, which may be a person's value."""

import sysconfig
import traceback


def place_of(error: BaseException) -> str:
    """The kind of an error, and the file and line of the code that met it: a connector's rather than a library's. Its text is
    left out: it may be a person's value."""
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    own = [place for place in frames if not place[0].startswith(_LIBRARIES) and "site-packages" not in place[0]]
    file, line = (own or frames or [("?", 0)])[-1]
    return f"{type(error).__name__} ({file}:{line})"


_LIBRARIES = (sysconfig.get_paths()["stdlib"], "<")
