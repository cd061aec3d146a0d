"""The tables that docs/emetteurs/ tells an operator to write, as they are but for the address: a page that is wrong fails."""

import re
from pathlib import Path

PAGES = Path(__file__).parents[2] / "docs" / "emetteurs"
BLOCK = re.compile(r"```toml\n(\[\[emetteurs\]\].*?)```", re.DOTALL)


def documented(page: str, emetteur: str, audience: str | None = None) -> str:
    """The `[[emetteurs]]` of a page, of another issuer and, if told, for another audience."""
    (text,) = BLOCK.findall((PAGES / f"{page}.md").read_text(encoding="utf-8"))
    told = {"emetteur": emetteur, **({"audience": audience} if audience else {})}
    for key, value in told.items():
        text, changed = re.subn(rf'^{key} = "[^"]*"', f'{key} = "{value}"', text, flags=re.MULTILINE)
        assert changed == 1, (page, key)
    return str(text)
