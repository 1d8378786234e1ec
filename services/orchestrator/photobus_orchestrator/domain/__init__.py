"""What the orchestrator knows and decides, pure: no clock, no random numbers, no input or output."""
