"""What stands beside OptiSAR-Net++ in Tables I to IV: Grounding DINO's architecture, the one rival that we run."""
