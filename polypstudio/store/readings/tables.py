"""The tables of readings. Rows of ``readings`` are only ever added: an answer taken back is a further, withdrawn row."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from polypstudio.reading.questions import QUESTIONS

metadata = MetaData()

designs = Table(
    "designs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("study", Text, nullable=False, index=True),
    Column("series", String(32), comment="id of the first version of this reading"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("body", Text, nullable=False, comment="the ReadingDesign as JSON"),
    Column("image_size", Integer, nullable=False, comment="side in pixels at which every image is shown"),
    Column("practice", Boolean, nullable=False),
    Column("created", String(32), nullable=False),
    Column("closed", String(32), comment="since when a later version takes its place: its links are refused"),
)
items = Table(
    "items",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("design", ForeignKey("designs.id"), nullable=False, index=True),
    Column("image_set", String(64), nullable=False),
    Column("label", String(16), nullable=False),
    Column("index", Integer, nullable=False),
    Column("partner_set", String(64), comment="of a pair: the real image of the same class"),
    Column("partner_index", Integer),
    Column("training", Boolean, nullable=False, server_default=false()),
)
readers = Table(
    "readers",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("design", ForeignKey("designs.id"), nullable=False, index=True),
    Column("code", String(64), nullable=False, comment="all that is known of the clinician"),
    Column("token_hash", String(64), nullable=False, unique=True, comment="sha256 of the personal link's token"),
    Column("created", String(32), nullable=False),
    Column("expires", String(32), comment="the link is refused from then on"),
    Column("revoked", String(32), comment="the link is refused since then"),
    UniqueConstraint("design", "code"),
)
presentations = Table(
    "presentations",
    metadata,
    Column("id", String(32), primary_key=True, comment="random: what the browser calls a showing"),
    Column("reader", ForeignKey("readers.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("item", ForeignKey("items.id"), nullable=False),
    Column("repeat", Boolean, nullable=False),
    Column("swapped", Boolean, nullable=False, server_default=false(), comment="of a pair: the real one is left"),
    UniqueConstraint("reader", "position"),
)
addresses = Table(
    "addresses",
    metadata,
    Column("token_hash", String(64), primary_key=True, comment="sha256 of an image address that works once"),
    Column("presentation", ForeignKey("presentations.id"), nullable=False, index=True),
    Column("side", Integer, nullable=False, server_default=text("0"), comment="of a pair: 0 left, 1 right"),
    Column("issued", String(32), nullable=False),
    Column("used", String(32)),
)
readings = Table(
    "readings",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("presentation", ForeignKey("presentations.id"), nullable=False, index=True),
    Column("submit", String(64), nullable=False, unique=True, comment="the client's id: a retry is the same row"),
    Column("withdrawn", Boolean, nullable=False),
    Column("source", Integer, comment="1 surely synthetic … 6 surely real, 0 cannot judge"),
    Column("pathology", Integer, comment="1 surely Non-AD … 6 surely AD, 0 cannot judge"),
    Column("quality", Integer, comment="1 very poor … 6 excellent, 0 cannot judge"),
    Column("plausibility", Integer, comment="1 implausible … 6 entirely plausible, 0 cannot judge"),
    Column("preference", Integer, comment="of a pair, the real one is: 1 left, 2 right"),
    Column("reason", Integer, comment="number of the option, 0 cannot say"),
    Column("comment", Text),
    Column("seconds", Float, nullable=False),
    Column("zoom", Float, comment="largest magnification used"),
    Column("brightness", Float, comment="of the picture when it was answered, 1 as it is"),
    Column("created", String(32), nullable=False),
)
ANSWERS = tuple(readings.c[name] for name in QUESTIONS)
