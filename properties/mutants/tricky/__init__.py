"""Changes that are correct although they look wrong: every law must hold."""
