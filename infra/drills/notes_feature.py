"""A feature in four versions, for the drill that deploys one after the other."""

from typing import NamedTuple

MODELS = '''\
"""Notes."""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class Note(SQLModel, table=True):
    __table_args__ = {{"info": {{"leaving": {leaving}}}}}
    id: int | None = Field(default=None, primary_key=True)
{columns}
'''

ROUTER = '''\
"""Notes are written, changed and read, each way to the data once."""

from fastapi import APIRouter
from fastcrud import FastCRUD
from sqlalchemy import bindparam, update
from sqlmodel import select

from features.notes.models import Note
from kernel.db import CompiledQuery
from kernel.web import Access, SessionDep, access

router = APIRouter(tags=["notes"])
crud_notes = FastCRUD(Note)
calmed = CompiledQuery(
    update(Note)
    .where(Note.id == bindparam("note_id"))
    .values(mood="calm")
    .returning(*Note.__table__.columns),
    writes=True,
)


@router.post("/notes", status_code=201)
@access(Access.PUBLIC)
async def write_note(body: dict[str, str], db: SessionDep) -> int | None:
    text = body["text"]
    note = Note({written})
    db.add(note)
    await db.flush()
    return note.id


@router.get("/notes")
@access(Access.PUBLIC)
async def read_notes(db: SessionDep) -> list[str]:
    found = await db.scalars(select(Note).order_by(Note.id.desc()).limit(5))
    return [{read} for note in found]


@router.post("/notes/{{id}}/calm")
@access(Access.PUBLIC)
async def calm_note(id: int, db: SessionDep) -> str:
    await crud_notes.get(db, id=id)
    note = await calmed.one(db, note_id=id)
    return note["mood"]


@router.patch("/notes/{{id}}")
@access(Access.PUBLIC)
async def patch_note(id: int, db: SessionDep) -> None:
    statement = update(Note).where(Note.id == id).values(mood="calm").returning(Note)
    note = (await db.execute(statement)).scalars().one()
    await crud_notes.update(db, {{"mood": note.mood}}, id=id)
'''


class Version(NamedTuple):
    """What the table has, how a note is written and read, and what its revision says more."""

    columns: str
    written: str
    read: str
    leaving: str = "[]"
    by_hand: str = ""
    accepted: str = "{}"

    @property
    def models(self) -> str:
        return MODELS.format(columns=self.columns, leaving=self.leaving)

    @property
    def router(self) -> str:
        return ROUTER.format(written=self.written, read=self.read)


HEADING = '    heading: str = Field(default="", index=True)\n'
MAYBE, MOOD = '    mood: str | None = "calm"\n', '    mood: str = "calm"\n'
VERSIONS = [
    Version("    title: str\n    mood: str | None = None\n", "title=text", "note.title"),
    # Adds columns and an index, leaves no mood empty, begins to rename title.
    Version(
        f"    title: str\n{HEADING}{MAYBE}    stars: int = 0\n",
        "title=text, heading=text",
        "note.heading or note.title",
    ),
    # Doesn't know title any more; requires a mood.
    Version(
        f"{HEADING}{MOOD}    stars: int = 0\n",
        "heading=text",
        "note.heading",
        leaving='["title"]',
        accepted='{"ban-drop-not-null": "heading is read", "becomes-required": "all write it"}',
        by_hand="    op.execute(\"UPDATE note SET heading = title WHERE heading = ''\")\n",
    ),
    # Drops title, and changes a type.
    Version(
        f"{HEADING}{MOOD}    stars: int = Field(default=0, sa_type=BigInteger)\n",
        "heading=text",
        "note.heading",
        accepted='{"ban-drop-column": "nothing reads it", "changing-column-type": "few rows"}',
    ),
]
