"""What stands beneath a tensor: arrays, their kinds, promotion and allocation."""
