"""What a producer does at the command line: begin, check, register, and try a gateway from outside."""
