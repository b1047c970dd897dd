"""Structured logs: events with fields, of all processes of a session, bounded in volume."""
