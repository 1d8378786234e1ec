"""Bugs that a test plants in photobus, to see that the campaign finds them. photobus knows nothing of it."""
