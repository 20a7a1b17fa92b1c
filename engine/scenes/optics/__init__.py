"""The optical picture: colours, textures, details, shadows, weather and the camera."""
