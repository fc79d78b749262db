"""Every vendor's bench, by name. A connector joins the suite with its import and its line here."""

from tests.contract.bench import Maker
from tests.contract.benches.control_center import CONTROL_CENTER
from tests.contract.benches.emnify import EMNIFY
from tests.contract.benches.file import FILE
from tests.contract.benches.hologram import HOLOGRAM
from tests.contract.benches.monogoto import MONOGOTO
from tests.contract.benches.onence import ONENCE, ONENCE_V2
from tests.contract.benches.onomondo import ONOMONDO
from tests.contract.benches.programmable_wireless import PROGRAMMABLE_WIRELESS, PROGRAMMABLE_WIRELESS_AT_TWILIO
from tests.contract.benches.soracom import SORACOM
from tests.contract.benches.supersim import SUPERSIM, SUPERSIM_AT_TWILIO
from tests.contract.benches.telnyx import TELNYX
from tests.contract.benches.thingspace import THINGSPACE

BENCHES: dict[str, Maker] = {
    "control_center": CONTROL_CENTER,
    "emnify": EMNIFY,
    "file": FILE,
    "hologram": HOLOGRAM,
    "monogoto": MONOGOTO,
    "onence": ONENCE,
    "onence-v2": ONENCE_V2,
    "onomondo": ONOMONDO,
    "programmable_wireless": PROGRAMMABLE_WIRELESS,
    "programmable_wireless-twilio": PROGRAMMABLE_WIRELESS_AT_TWILIO,
    "soracom": SORACOM,
    "supersim": SUPERSIM,
    "supersim-twilio": SUPERSIM_AT_TWILIO,
    "telnyx": TELNYX,
    "thingspace": THINGSPACE,
}
