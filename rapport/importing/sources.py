"""Which kind of file it is, by its name."""

from pathlib import Path

from rapport.importing.csv_file import CsvFile
from rapport.importing.json_file import JsonDocument, JsonLines
from rapport.importing.parquet_file import ParquetFile
from rapport.importing.rows import Rows
from rapport.trouble import TroubleError
from shared.mapping.form import CsvForm

FORMATS = ("csv", "jsonl", "json", "parquet")
_BY_SUFFIX = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip


def format_of(path: Path, said: str | None = None) -> str:
    """The format, as it is ``said`` or by the name. Raises ``TroubleError``."""
    name = path.name.lower().removesuffix(".gz")
    found = said or _BY_SUFFIX.get(Path(name).suffix)
    if found not in FORMATS:
        raise TroubleError(f"What is in {path.name}? Say it by --format: {', '.join(FORMATS)}.")
    return found


def open_rows(path: Path, format: str, csv: CsvForm) -> Rows:
    """The file, open. Raises ``TroubleError``."""
    try:
        match format:
            case "csv":
                return CsvFile(path, csv)
            case "jsonl":
                return JsonLines(path)
            case "json":
                return JsonDocument(path)
            case _:
                return ParquetFile(path)
    except OSError as error:
        raise TroubleError(f"{path} cannot be read: {error.strerror or error}.") from None
