"""How the pages of this folder become a site: `nox -s docs`."""

project = "fsmcore"
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "fsmcore"
html_copy_source = False
nitpicky = True
