"""The SAR picture: backscatter, what stands up in it, speckle, deliveries; and the facts as a radar shows them."""
