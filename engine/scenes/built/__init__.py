"""What people build, and the things that are counted: each where the land allows it, in metres, and apart."""
