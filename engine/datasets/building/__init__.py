"""Data sets made of what the user has, by each paper's own recipe: OSVQA, OptSAR-RSVG, RefSegRS; and clean copies."""
