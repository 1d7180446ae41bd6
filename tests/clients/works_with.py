"""The README's table "works with", made from the outcomes of the clients' last runs.

python -m tests.clients.works_with      write it between the README's markers
"""

from pathlib import Path

from .outcomes import RESULTS, read

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- works-with -->", "<!-- /works-with -->"
HEADER = "| client | version | what was exercised | local | dstack |\n|---|---|---|---|---|"
WORDS = {"pass": "passes", "fail": "**fails**"}


def table(results: dict) -> str:
    """The table in Markdown."""
    rows = (row(name, results[name]) for name in sorted(results))
    return "\n".join((HEADER, *rows))


def row(name: str, result: dict) -> str:
    """One client's line."""
    cells = (name, result["version"], result["exercises"], *(verdict(result, on) for on in ("local", "dstack")))
    return f"| {' | '.join(cells)} |"


def verdict(result: dict, cluster: str) -> str:
    """How the client did there: one word, or one for each kind of user where they differ."""
    users = result["runs"].get(cluster, {})
    if not users:
        return "not tried"
    if len(set(users.values())) == 1:
        who = " and ".join("root" if user == "root" else "an ordinary user" for user in sorted(users))
        return f"{WORDS[next(iter(users.values()))]} as {who}"
    return ", ".join(f"{WORDS[outcome]} as {user}" for user, outcome in sorted(users.items()))


def replaced(text: str, results: dict) -> str:
    """The text with the table between its markers. Raises ValueError where they are missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n{table(results)}\n{END}{after}"


if __name__ == "__main__":
    README.write_text(replaced(README.read_text(), read(RESULTS)))
