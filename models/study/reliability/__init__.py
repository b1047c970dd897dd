"""The study of reliability: damage on purpose, and what is published through it."""
