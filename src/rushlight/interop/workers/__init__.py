"""A folder for `sys.path`: worker processes that multiprocessing spawns inherit the path, not the torch alias."""
