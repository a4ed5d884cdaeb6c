"""WORLD IN: where lots of canonical tables come from."""
