"""Where land, water and roads lie, and the lines of towers across them."""
