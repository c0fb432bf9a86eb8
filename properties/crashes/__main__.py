"""``nox -s crashes``: the session. All that it does stands in ``session``.

Workers that are spawned import this module again, so it imports nothing before it is asked to.
"""

if __name__ == "__main__":
    from properties.crashes.session import main
    from properties.session import run

    run("crashes", main)
