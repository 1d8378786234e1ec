"""``python -m photobus_gateway.description``: print the OpenAPI document as it is served, to make types of it."""

import sys

from photobus_gateway.app import ROUTES
from photobus_gateway.routes.docs import described

if __name__ == "__main__":
    sys.stdout.buffer.write(described(ROUTES)[0])
