"""Expressions with the pixels that they name, and which of them a training step gets."""
