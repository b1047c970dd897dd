"""The feed in a browser: a gateway from ZeroMQ to WebSockets, and the dashboard it serves."""
