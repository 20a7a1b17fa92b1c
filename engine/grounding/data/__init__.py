"""What OptiSAR-Net++ is trained and judged on: pictures of one sensor with expressions and the boxes they name."""
