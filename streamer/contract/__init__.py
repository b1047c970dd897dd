"""What feed and control promise, in forms that other programs read: made from their types."""
