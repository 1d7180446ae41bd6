"""What many published clients ask of the commands, tried with the parsers they use on the answers."""
