"""Every vendor's bench, by name. A connector joins the suite with its import and its line here."""

from tests.contract.bench import Maker
from tests.contract.benches.emnify import EMNIFY
from tests.contract.benches.hologram import HOLOGRAM
from tests.contract.benches.soracom import SORACOM

BENCHES: dict[str, Maker] = {
    "emnify": EMNIFY,
    "hologram": HOLOGRAM,
    "soracom": SORACOM,
}
