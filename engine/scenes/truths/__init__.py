"""What is true of a scene: measured on its map, described for questions, and named by expressions."""
