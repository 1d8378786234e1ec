"""Files on their way in: received, checked, placed under the project's lock, and gathered into tasks."""
