"""The six rivals of Table III, one readable module each, on TGFNet's encoder, text features and training loop."""
