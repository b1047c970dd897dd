"""The commands, by what they are about. Heavy libraries are imported where one needs them."""
