"""The versions of the log of events."""
