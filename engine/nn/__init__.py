"""What the networks share: Transformer blocks, the small image encoder, the frozen text encoder, weights on disk."""
