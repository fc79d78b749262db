"""Every vendor's bench, by name. A connector joins the suite with its import and its line here."""

from tests.contract.bench import Maker
from tests.contract.benches.control_center import CONTROL_CENTER
from tests.contract.benches.soracom import SORACOM
from tests.contract.benches.thingspace import THINGSPACE

BENCHES: dict[str, Maker] = {
    "control_center": CONTROL_CENTER,
    "soracom": SORACOM,
    "thingspace": THINGSPACE,
}
