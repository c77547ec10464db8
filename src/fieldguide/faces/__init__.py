"""Who looks: the command line, the terminal, the report. Formats for eyes and wires; decides nothing."""
