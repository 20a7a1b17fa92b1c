"""The command line ``rsqa``: one file per command, no logic of its own."""
