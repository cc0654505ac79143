"""`make up`: the programs of the Procfile, in the foreground, from the checks to the address on the terminal."""
