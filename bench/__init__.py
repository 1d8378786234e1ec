"""Speed, measured beside the bare library or a peer in the same run. ``make bench`` runs all of it."""
