"""Speed, measured beside the bare library or a peer in the same run. ``make bench`` runs all of it."""

import sys
from pathlib import Path

# The starter of a stack and the makers of images are those of the tests.
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
