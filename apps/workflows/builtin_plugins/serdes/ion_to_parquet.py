"""IonToParquet: turns a file of Ion rows into a Parquet file."""

from __future__ import annotations

from enum import StrEnum
from itertools import islice
from typing import Annotated, Any, BinaryIO, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from apps.workflows.builtin_plugins.ion_reader import read_rows
from apps.workflows.builtin_plugins.serdes.avro_values import AvroProperties, Shape
from apps.workflows.builtin_plugins.serdes.conversion import Conversion
from apps.workflows.plugin_api.documented import Example
from apps.workflows.plugin_api.errors import TaskFailed
from apps.workflows.plugin_api.run_context import RunContext

BATCH = 10_000
"""Rows that are in memory at once."""


class Codec(StrEnum):
    """How pages are packed."""

    UNCOMPRESSED = "UNCOMPRESSED"
    SNAPPY = "SNAPPY"
    GZIP = "GZIP"
    ZSTD = "ZSTD"


class Version(StrEnum):
    """The format of pages."""

    V1 = "V1"
    V2 = "V2"


class IonToParquet(AvroProperties, Conversion):
    """Turn a file of Ion rows into a Parquet file.

    The columns are those of an Avro schema. Texts become the numbers, dates and truth values that it wants.
    """

    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Write orders as Parquet.",
            """
id: write_parquet
namespace: company.team
inputs:
  - id: rows
    type: FILE
tasks:
  - id: parquet
    type: io.kestra.plugin.serdes.parquet.IonToParquet
    from: "{{ inputs.rows }}"
    schema: |
      {"type": "record", "name": "order", "fields": [
        {"name": "id", "type": "long"},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "total", "type": ["null", "double"]}]}
""",
        ),
    )

    compression_codec: Codec = Field(default=Codec.GZIP, title="How pages are packed.")
    version: Version = Field(default=Version.V2, title="The format of pages.")
    row_group_size: Annotated[int, Field(gt=0, title="The size of a group of rows, in bytes, about.")] = 134217728
    page_size: Annotated[int, Field(gt=0, title="The size of a page, in bytes.")] = 1048576
    dictionary_page_size: Annotated[int, Field(gt=0, title="The size of a dictionary's page, in bytes.")] = 1048576

    def extension(self) -> str:
        return ".parquet"

    def convert(self, context: RunContext, source: BinaryIO, target: BinaryIO) -> int:
        shape = self.shape(context)
        columns = pa.schema([_column(field, shape) for field in shape.schema["fields"]])
        rows = (shape.row(row, number) for number, row in enumerate(read_rows(context, source), start=1))
        count = 0
        try:
            with pq.ParquetWriter(
                target,
                columns,
                compression="NONE" if self.compression_codec is Codec.UNCOMPRESSED else self.compression_codec.value,
                data_page_version="1.0" if self.version is Version.V1 else "2.0",
                data_page_size=self.page_size,
                dictionary_pagesize_limit=self.dictionary_page_size,
            ) as written:
                while batch := list(islice(rows, BATCH)):
                    written.write_table(pa.Table.from_pylist(batch, schema=columns))
                    count += len(batch)
        except (pa.ArrowException, OverflowError) as error:
            raise TaskFailed(f"The rows from {count + 1} on do not fit the schema: {error}") from error
        return count


def _column(field: dict[str, Any], shape: Shape) -> pa.Field:
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    left = [kind for kind in kinds if kind != "null"]
    if len(left) != 1:
        raise TaskFailed(f"The field `{field['name']}` has several types, which a column of Parquet cannot have")
    return pa.field(field["name"], _type(left[0], shape), nullable="null" in kinds)


_PLAIN = {
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
    "enum": pa.string(),
    "bytes": pa.binary(),
    "null": pa.null(),
}
_LOGICAL = {
    "date": pa.date32(),
    "time-millis": pa.time32("ms"),
    "time-micros": pa.time64("us"),
    "timestamp-millis": pa.timestamp("ms", tz="UTC"),
    "timestamp-micros": pa.timestamp("us", tz="UTC"),
    "local-timestamp-millis": pa.timestamp("ms"),
    "local-timestamp-micros": pa.timestamp("us"),
    "uuid": pa.string(),
}


def _type(schema: Any, shape: Shape) -> pa.DataType:
    if isinstance(schema, str):
        return _type(shape.named[schema], shape) if schema in shape.named else _PLAIN[schema]
    kind, logical = schema["type"], schema.get("logicalType")
    if isinstance(kind, dict):
        return _type(kind, shape)
    if logical == "decimal":
        return pa.decimal128(schema["precision"], schema.get("scale", 0))
    if logical in _LOGICAL:
        return _LOGICAL[logical]
    match kind:
        case "array":
            return pa.list_(_column({"name": "element", "type": schema["items"]}, shape))
        case "map":
            return pa.map_(pa.string(), _column({"name": "value", "type": schema["values"]}, shape))
        case "record":
            return pa.struct([_column(field, shape) for field in schema["fields"]])
        case "fixed":
            return pa.binary(schema["size"])
    return _PLAIN[kind]
