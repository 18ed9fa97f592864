"""From the first byte of a request to its route, and back: the layers around the features."""
