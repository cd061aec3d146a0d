"""Files that were built before the gateway started, compressed since then for who takes them so. Knows no page."""

import os
from collections.abc import Mapping
from os import PathLike
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope


class BuiltFiles(StaticFiles):
    """The files of a folder, with their headers; one that was not built is absent, and no fault."""

    def headers_of(self, file: Path) -> Mapping[str, str]:
        """The headers of a file, beside those that say what it is."""
        raise NotImplementedError

    async def check_config(self) -> None:
        """A folder that was not built is empty."""

    def file_response(
        self, full_path: PathLike[str] | str, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """A file, compressed since its build for who takes it so."""
        packed = Path(f"{os.fspath(full_path)}.gz")
        if "gzip" not in Headers(scope=scope).get("accept-encoding", "") or not packed.is_file():
            response = super().file_response(full_path, stat_result, scope, status_code)
        else:
            response = super().file_response(packed, packed.stat(), scope, status_code)
            response.headers["content-encoding"] = "gzip"
        response.headers.update(self.headers_of(Path(full_path)))
        return response
