"""Reliability's ramps, fitted to damage done on purpose to real recordings."""
