"""How to consume an artifact, ready to copy: built from its links and its contract's servers.

All names and addresses are foreign and end up in somebody's shell, interpreter or database. Each is quoted by the rules
of its language; what cannot be quoted safely (control characters, marks that turn the direction of text) gives no
snippet at all, and the page says so.
"""

import shlex
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from marketplace.catalogue.text import web_address
from marketplace.live import view

MOST = 12  # snippets of one artifact
LONGEST = 2_000  # characters of one value
COLUMNS = 12  # named in a query; with more, all are asked for

_GRANT = "GRANT"


@dataclass(frozen=True)
class Snippet:
    """Code to copy. `group` is where it leads to: the same data in several languages."""

    label: str
    code: str
    group: str
    note: str = ""


@dataclass(frozen=True)
class HowTo:
    """All ways to consume an artifact. `grant`: how to get the token that they need, where they need one.

    `unsafe` counts the ways left out because a value of theirs cannot be quoted safely.
    """

    snippets: Sequence[Snippet]
    grant: str = ""
    unsafe: int = 0


class UnsafeError(ValueError):
    """A value that must not stand in code to copy."""


def how_to(
    artifact: view.ArtifactView, schemas: Sequence[view.SchemaView], servers: Sequence[view.Server], grant_url: str
) -> HowTo:
    """Snippets for the shell (curl and the clients of databases and object stores), Python and SQL.

    `grant_url`: where the marketplace gives a grant for this product; named where the artifact is not open.
    """
    needs_grant = (artifact.access or "").strip().lower() not in ("", "open", "public")
    found: list[Snippet] = []
    unsafe = 0
    for make in _ways(artifact, schemas, servers, needs_grant):
        try:
            found += make()
        except UnsafeError:
            unsafe += 1
    grant = _grant(grant_url) if needs_grant and any(_GRANT in snippet.code for snippet in found) else ""
    return HowTo(found[:MOST], grant, unsafe)


_Way = Callable[[], list[Snippet]]


def _ways(
    artifact: view.ArtifactView, schemas: Sequence[view.SchemaView], servers: Sequence[view.Server], grant: bool
) -> Iterator[_Way]:
    url = web_address(artifact.links.get("consume")) or web_address(artifact.links.get("download"))
    # A discovery index names where rows are read; a query stands beside it, by the gateway protocol.
    if url and url.startswith("http"):
        yield lambda: _download(artifact, url, grant)
    query = web_address(artifact.links.get("query"))
    if query.startswith("http"):
        yield lambda: _query(query, grant)
    service = web_address(artifact.links.get("service"))
    if service.startswith("http") and not url:
        yield lambda: [Snippet("Shell", f"curl --fail --location {shell(service)}", "Its service")]
    for server in servers:
        if made := _of_server(server, schemas):
            yield made


def _grant(grant_url: str) -> str:
    body = '{"scope": "consume"}'
    return (
        f"GRANT=$(curl --fail --silent --request POST {shell(grant_url)} \\\n"
        f'  --header "Authorization: Token $MARKETPLACE_TOKEN" --json {shell(body)} \\\n'
        "  | python3 -c 'import json, sys; print(json.load(sys.stdin)[\"token\"])')\n"
        "export GRANT"
    )


# Languages


def text(kind: str, value: str) -> str:
    """The value, fit to stand in code. Raises UnsafeError."""
    if len(value) > LONGEST:
        raise UnsafeError(f"{kind} too long")
    if any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn") for char in value):
        raise UnsafeError(f"{kind} holds characters that are not seen")
    return value


def shell(value: str) -> str:
    """A word of a POSIX shell. Raises UnsafeError."""
    return shlex.quote(text("word", value))


def python(value: str) -> str:
    """A literal of Python. Raises UnsafeError."""
    written = text("text", value)
    return f'"{written}"' if not set(written) & set('"\\') else repr(written)


def sql_name(value: str, quote: str = '"') -> str:
    """A quoted name of SQL, as the standard has it or with another quote. Raises UnsafeError."""
    return quote + text("name", value).replace(quote, quote * 2) + quote


# Ways


def _download(artifact: view.ArtifactView, url: str, grant: bool) -> list[Snippet]:
    name = _file_name(artifact, url)
    group = "Download"
    header = ' \\\n  --header "Authorization: Bearer $GRANT"' if grant else ""
    return [
        Snippet("Shell", f"curl --fail --location --output {shell(name)} {shell(url)}{header}", group),
        Snippet("Python", _python_download(artifact, url, grant, name), group),
    ]


def _python_download(artifact: view.ArtifactView, url: str, grant: bool, name: str) -> str:
    reader = _READERS.get(_format(artifact, url))
    if reader:
        options = ""
        if grant:
            options = ',\n    storage_options={"Authorization": f"Bearer {os.environ[\'GRANT\']}"},\n'
        head = "import os\n\nimport pandas as pd\n\n" if grant else "import pandas as pd\n\n"
        call = f"pd.{reader}(\n    {python(url)}{options})" if grant else f"pd.{reader}({python(url)})"
        return f"{head}rows = {call}\nprint(rows.head())"
    if grant:
        return (
            "import os\nimport shutil\nfrom urllib.request import Request, urlopen\n\n"
            f"request = Request(\n    {python(url)},\n"
            '    headers={"Authorization": f"Bearer {os.environ[\'GRANT\']}"},\n)\n'
            f'with urlopen(request) as answer, open({python(name)}, "wb") as file:\n'
            "    shutil.copyfileobj(answer, file)"
        )
    return (
        "import shutil\nfrom urllib.request import urlopen\n\n"
        f'with urlopen({python(url)}) as answer, open({python(name)}, "wb") as file:\n'
        "    shutil.copyfileobj(answer, file)"
    )


_READERS = {"csv": "read_csv", "parquet": "read_parquet", "json": "read_json", "tsv": "read_table"}
_KINDS = ("csv", "tsv", "parquet", "geojson", "jsonl", "ndjson", "json", "ipynb", "pdf", "zip", "xlsx", "nc", "tif")


def _format(artifact: view.ArtifactView, url: str) -> str:
    said = (artifact.format or "").lower()
    path = urlsplit(url).path.lower()
    return next((kind for kind in _KINDS if kind in said or path.endswith(f".{kind}")), "")


def _file_name(artifact: view.ArtifactView, url: str) -> str:
    """A plain name for the file: letters of the artifact's own, and never a path."""
    kind = _format(artifact, url)
    stem = "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "-" for char in artifact.name)
    stem = stem.strip("-")[:60] or "artifact"
    return f"{stem}.{kind}" if kind else stem


def _query(url: str, grant: bool) -> list[Snippet]:
    header = ' \\\n  --header "Authorization: Bearer $GRANT"' if grant else ""
    auth = (
        'headers={"Authorization": f"Bearer {os.environ[\'GRANT\']}", "Content-Type": "application/json"}'
        if grant
        else 'headers={"Content-Type": "application/json"}'
    )
    body = '{"sql": "SELECT * FROM data LIMIT 10"}'
    code = (
        f"import json\n{'import os' + chr(10) if grant else ''}"
        "from urllib.request import Request, urlopen\n\n"
        f"request = Request(\n    {python(url)},\n"
        f"    {body!r}.encode(),\n"
        f"    {auth},\n)\n"
        "with urlopen(request) as answer:\n    print(json.load(answer))"
    )
    return [
        Snippet("SQL", "SELECT *\nFROM data\nLIMIT 10", "Query", "The artifact is the table data."),
        Snippet("Shell", f"curl --fail {shell(url)}{header} \\\n  --json {shell(body)}", "Query"),
        Snippet("Python", code, "Query"),
    ]


def _of_server(server: view.Server, schemas: Sequence[view.SchemaView]) -> _Way | None:
    kind = (server.type or "").strip().lower()
    said = {setting.name: setting.value for setting in server.settings}
    group = server.name or kind
    if kind in _DATABASES:
        return lambda: _database(kind, said, schemas, group)
    location = said.get("location") or ""
    if kind in ("s3", "gcs", "azure") and location:
        return lambda: _object_store(kind, location, said, group)
    if kind in ("kafka", "confluent") and said.get("host"):
        return lambda: _kafka(said, schemas, group)
    if kind in ("api", "http", "https") and (location := web_address(location or said.get("url"))).startswith("http"):
        return lambda: [Snippet("Shell", f"curl --fail --location {shell(location)}", group)]
    return None


# The client of the shell, SQLAlchemy's dialect, and how names are quoted.
_DATABASES = {
    "postgres": ("psql", "postgresql+psycopg", '"'),
    "postgresql": ("psql", "postgresql+psycopg", '"'),
    "redshift": ("psql", "redshift+psycopg2", '"'),
    "mysql": ("mysql", "mysql+pymysql", "`"),
    "clickhouse": ("clickhouse-client", "clickhouse+native", '"'),
    "trino": ("trino", "trino", '"'),
    "snowflake": ("", "snowflake", '"'),
    "databricks": ("", "databricks", "`"),
    "bigquery": ("bq", "bigquery", "`"),
    "sqlserver": ("sqlcmd", "mssql+pyodbc", '"'),
    "oracle": ("", "oracle+oracledb", '"'),
    "duckdb": ("duckdb", "duckdb", '"'),
}


def _database(kind: str, said: dict[str, str], schemas: Sequence[view.SchemaView], group: str) -> list[Snippet]:
    client, dialect, quote = _DATABASES[kind]
    statement = _select(kind, said, schemas, quote)
    found = [Snippet("SQL", statement, group)]
    host, port = said.get("host") or said.get("server") or "", said.get("port") or ""
    database = said.get("database") or said.get("project") or said.get("catalog") or ""
    command = _command(client, host, port, database, statement)
    if command:
        found.append(Snippet("Shell", command, group, "Asks for your own user and password."))
    if host or database:
        arguments = [f"    {python(dialect)},"]
        arguments.append('    username=os.environ["DATABASE_USER"],\n    password=os.environ["DATABASE_PASSWORD"],')
        if host:
            arguments.append(f"    host={python(host)},")
        if port.isascii() and port.isdigit() and len(port) < 6:
            arguments.append(f"    port={int(port)},")
        if database:
            arguments.append(f"    database={python(database)},")
        code = (
            "import os\n\nimport pandas as pd\nfrom sqlalchemy import URL, create_engine, text\n\n"
            "engine = create_engine(URL.create(\n" + "\n".join(arguments) + "\n))\n"
            "with engine.connect() as connection:\n"
            f"    rows = pd.read_sql(text({_python_sql(statement)}), connection)\n"
            "print(rows.head())"
        )
        found.append(Snippet("Python", code, group))
    return found


def _python_sql(statement: str) -> str:
    """The statement for SQLAlchemy's text(), where a colon before a word would mean a parameter."""
    return repr(statement.replace("\n", " ").replace("\\", "\\\\").replace(":", "\\:"))


def _command(client: str, host: str, port: str, database: str, statement: str) -> str:
    port = port if port.isascii() and port.isdigit() else ""
    flat = shell(statement.replace("\n", " "))
    words: list[str] = [client]
    match client:
        case "psql":
            words += [f"--host={shell(host)}"] if host else []
            words += [f"--port={port}"] if port else []
            words += [f"--dbname={shell(database)}"] if database else []
            return " ".join([*words, f"\\\n  --command={flat}"])
        case "mysql":
            words += [f"--host={shell(host)}"] if host else []
            words += [f"--port={port}"] if port else []
            words += [f"--database={shell(database)}"] if database else []
            return " ".join([*words, "--password", f"\\\n  --execute={flat}"])
        case "clickhouse-client":
            words += [f"--host={shell(host)}"] if host else []
            words += [f"--port={port}"] if port else []
            return " ".join([*words, "--ask-password", f"\\\n  --query={flat}"])
        case "trino":
            words += [f"--server={shell(f'{host}:{port}' if port else host)}"] if host else []
            return " ".join([*words, f"\\\n  --execute={flat}"])
        case "bq":
            return f"bq query --use_legacy_sql=false {flat}"
    return ""


def _select(kind: str, said: dict[str, str], schemas: Sequence[view.SchemaView], quote: str) -> str:
    schema = schemas[0] if schemas else None
    table = (schema.physical_name or schema.name) if schema else ""
    if not table:
        raise UnsafeError("no table is named")
    spaces = [said.get(name) for name in _SPACES.get(kind, ("schema",))]
    whole = ".".join(sql_name(part, quote) for part in (*spaces, table) if part)
    columns = [c.physical_name or c.name for c in schema.columns if c.depth == 0] if schema else []
    listed = ", ".join(sql_name(name, quote) for name in columns) if 0 < len(columns) <= COLUMNS else "*"
    if kind in ("sqlserver", "oracle"):
        if kind == "sqlserver":
            return f"SELECT TOP 10 {listed}\nFROM {whole}"
        return f"SELECT {listed}\nFROM {whole}\nFETCH FIRST 10 ROWS ONLY"
    return f"SELECT {listed}\nFROM {whole}\nLIMIT 10"


_SPACES = {
    "mysql": ("database",),
    "bigquery": ("project", "dataset"),
    "snowflake": ("database", "schema"),
    "databricks": ("catalog", "schema"),
    "trino": ("catalog", "schema"),
    "clickhouse": ("database",),
}


def _object_store(kind: str, location: str, said: dict[str, str], group: str) -> list[Snippet]:
    scheme = {"s3": "s3://", "gcs": "gs://", "azure": ""}[kind]
    if scheme and not location.startswith(scheme):
        raise UnsafeError("the address is of another kind")
    if kind == "s3":
        endpoint = web_address(said.get("endpointUrl"))
        extra = f" --endpoint-url {shell(endpoint)}" if endpoint else ""
        command = f"aws s3 cp --recursive {shell(_folder(location))} .{extra}"
    elif kind == "gcs":
        command = f"gcloud storage cp --recursive {shell(_folder(location))} ."
    else:
        if not location.startswith(("https://", "abfss://", "az://")):
            raise UnsafeError("the address is of another kind")
        command = f"azcopy copy {shell(location)} . --recursive"
    found = [Snippet("Shell", command, group)]
    kinds = (said.get("format") or "", location.lower())
    reader = next((name for ending, name in _READERS.items() if any(ending in text for text in kinds)), "")
    if reader:
        found.append(Snippet("Python", f"import pandas as pd\n\nrows = pd.{reader}({python(location)})", group))
    return found


def _folder(location: str) -> str:
    """The part of an address before the first wildcard."""
    for mark in "*?[{":
        location = location.split(mark)[0]
    return location


def _kafka(said: dict[str, str], schemas: Sequence[view.SchemaView], group: str) -> list[Snippet]:
    topic = said.get("topic") or ((schemas[0].physical_name or schemas[0].name) if schemas else "")
    host = said["host"]
    if not topic or topic.startswith("-") or host.startswith("-"):
        raise UnsafeError("no topic is named")
    command = (
        f"kafka-console-consumer.sh --bootstrap-server {shell(host)} \\\n"
        f"  --topic {shell(topic)} --from-beginning --max-messages 10"
    )
    code = (
        "from confluent_kafka import Consumer\n\n"
        f'consumer = Consumer({{"bootstrap.servers": {python(host)}, "group.id": "trial", '
        '"auto.offset.reset": "earliest"})\n'
        f"consumer.subscribe([{python(topic)}])\n"
        "print(consumer.poll(10.0).value())"
    )
    return [Snippet("Shell", command, group), Snippet("Python", code, group)]
