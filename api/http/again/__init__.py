"""What is asked again: an answer that is there already, a request that was done already."""
