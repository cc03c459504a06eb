"""`python -m cli` is `hangtag`, for where the project is not installed."""

from cli.main import app

if __name__ == "__main__":
    app(prog_name="hangtag")
