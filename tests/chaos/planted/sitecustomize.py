"""Run by Python itself at the start of every process that has this folder on its PYTHONPATH.

A process that is to have a bug and cannot have it must not run as if it had: the campaign would then show nothing.
"""

import os
import sys
import traceback
from pathlib import Path

_NO_USE_TO_START_AGAIN = 78

if _bug := os.environ.get("PHOTOBUS_PLANTED"):
    sys.path.append(str(Path(__file__).parents[2]))  # last, so that nothing of photobus's is hidden by it
    try:
        from chaos.planted.planting import plant

        plant([_bug])
    except Exception:  # noqa: BLE001 - whatever it is: Python would print a line and go on
        traceback.print_exc()
        os._exit(_NO_USE_TO_START_AGAIN)
