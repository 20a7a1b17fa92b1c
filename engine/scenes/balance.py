"""How often each group of questions has which outcome in this world, counted by a command."""

from engine.text import Balance

BALANCE: Balance | None = None
