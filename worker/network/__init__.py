"""Xception: where its ImageNet weights come from and how the frozen backbone is built."""
