"""``python -m photobus_filemover``: run the service."""

from photobus_common.service import run_service
from photobus_filemover.app import NAME, main

if __name__ == "__main__":
    run_service(NAME, main)
