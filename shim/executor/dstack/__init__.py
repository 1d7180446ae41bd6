"""Jobs as runs of a dstack server. Nothing here is imported unless a partition says ``executor = "dstack"``."""
