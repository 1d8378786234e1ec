"""A campaign that tries to break photobus: load, faults, and a judge who trusts nobody."""
