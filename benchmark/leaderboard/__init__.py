"""One page of every system under every protocol, from score files alone."""
