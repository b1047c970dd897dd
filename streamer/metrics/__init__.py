"""Prometheus metrics: of a feed, of a session's actors, and the port they are scraped at."""
