"""The table of docs/CLIENTS.md says exactly what the tests prove."""
import re

from conftest import ROOT


def test_the_table_says_what_the_tests_prove():
    proved = set()
    for path in (ROOT / "tests/wire").glob("test_client_*.py"):
        for client, operations in re.findall(r'^@proves\("([^"]+)"((?:, "[^"]+")+)\)$', path.read_text(), re.M):
            proved |= {(client, o) for o in re.findall(r'"([^"]+)"', operations)}
    lines = (ROOT / "docs/CLIENTS.md").read_text().splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("| Client | create"))
    cells = [[c.strip() for c in line.strip("|").split("|")] for line in lines[head:] if line.startswith("|")]
    rows = cells[2:lines[head:].index("")]
    said = {(row[0], operation) for row in rows for operation, cell in zip(cells[0], row) if cell == "yes"}
    assert len(rows) == 5 and all(cell in ("yes", "-") for row in rows for cell in row[1:])
    assert said == proved


def test_the_versions_are_those_that_run():
    page = (ROOT / "docs/CLIENTS.md").read_text()
    for file, pattern, name in [("tests/requirements.txt", r"dashscope==(.*)", "`dashscope` "),
                                ("tests/wire/java/pom.xml", r"-sdk-java</artifactId>\s*<version>(.*)<",
                                 "`dashscope-sdk-java` "),
                                ("tests/wire/npm/package.json", r'tts-client": "(.*)"', "`@amaster.ai/tts-client` ")]:
        assert name + re.search(pattern, (ROOT / file).read_text())[1] in page, file
