"""The picture of a run at its end: ``course`` collects it, ``picture`` draws it."""
