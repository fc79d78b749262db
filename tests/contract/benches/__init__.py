"""Every vendor's bench, by name. A connector joins the suite with its import and its line here."""

from tests.contract.bench import Maker
from tests.contract.benches.file import FILE
from tests.contract.benches.soracom import SORACOM

BENCHES: dict[str, Maker] = {
    "file": FILE,
    "soracom": SORACOM,
}
