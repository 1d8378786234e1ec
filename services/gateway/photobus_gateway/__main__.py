"""``python -m photobus_gateway``: run the gateway."""

from photobus_common.service import run_service
from photobus_gateway.app import main

if __name__ == "__main__":
    run_service("gateway", main)
