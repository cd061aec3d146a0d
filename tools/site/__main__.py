"""The site of documentation, built: `make docs`.

python -m tools.site               gathers, renders (a warning is an error), makes ready to be served
python -m tools.site --sources     gathers only, in var/site/source
"""

import shutil
import subprocess
import sys

from tools.site.assemble import assemble
from tools.site.finish import finish
from tools.source import ROOT

WORK = ROOT / "var" / "site"
SETTINGS = ROOT / "docs" / "site"
BUILT = ROOT / "gateway" / "web" / "documentation"  # shipped in the wheel, absent from the repository


def main() -> int:
    source, rendered = WORK / "source", WORK / "html"
    assemble(source)
    if "--sources" in sys.argv[1:]:
        return 0
    shutil.rmtree(rendered, ignore_errors=True)
    places = ["--conf-dir", str(SETTINGS), "--doctree-dir", str(WORK / "doctrees"), str(source), str(rendered)]
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going", "--nitpicky", *places]
    code = subprocess.run(command, check=False).returncode
    if code == 0:
        finish(rendered, BUILT)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
