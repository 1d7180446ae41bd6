"""How the commands write values: times, sizes, trackable resources, nodes. One way for each, for all commands."""
