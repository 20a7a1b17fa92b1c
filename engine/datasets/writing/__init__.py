"""The layouts that this program writes, images and all, each folder whole or not there."""
