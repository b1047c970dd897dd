"""The spectrum study: does quality-aware routing work, and when.."""
