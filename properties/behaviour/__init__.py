"""What the libraries do, written down scene by scene, so that two releases can be compared.

A law says what must hold; a scene only says what is. The same scenes are played in both
environments of an upgrade, and the verdict compares what was seen, whether a law names it or not.
"""
