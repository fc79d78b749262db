"""Writes api/openapi.json from the application: `python tools/openapi.py`."""

import json
from pathlib import Path

from fairlead.edge.api.app import create_app
from fairlead.edge.api.door import Services
from fairlead.engine.timekeeper import Timekeeper

TARGET = Path(__file__).parents[1] / "api" / "openapi.json"


def document() -> str:
    """The document as it is committed."""
    return json.dumps(create_app(Services(Timekeeper())).openapi(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    TARGET.write_text(document(), encoding="utf-8")
    print(f"wrote {TARGET.relative_to(Path.cwd()) if TARGET.is_relative_to(Path.cwd()) else TARGET}")
