"""``python -m photobus_maintenance``: run the service."""

from photobus_common.service import run_service
from photobus_maintenance.app import NAME, main

if __name__ == "__main__":
    run_service(NAME, main)
