"""Forms: fields, models, files one and many, their limits."""

from typing import Annotated, Any

from fastapi import APIRouter, File, Form, UploadFile
from pydantic import BaseModel, ConfigDict

from tests.conformance.comparison import Trace, post, shape


@shape(
    post("/f", data={"name": "a", "size": "3", "tags": ["x", "y"]}),
    post("/f", data={"size": "z"}),
    post("/f", data={"name": "", "size": ""}),
    post("/f", json={"name": "a"}),
    post("/f"),
    post("/m", data={"name": "a", "tags": ["x", "y"]}),
    post("/m", data={"name": "a", "more": "1"}),
    post("/m", files={"name": (None, "a")}),
    post("/f", content=b"--x\r\n", headers={"Content-Type": "multipart/form-data; boundary=y"}),
    post("/f", content=b"x", headers={"Content-Type": "multipart/form-data"}),
)
def forms(router: APIRouter, _: Trace) -> None:
    class Model(BaseModel):
        model_config = ConfigDict(extra="forbid")
        name: str
        tags: list[str] = []

    @router.post("/f")
    def write(
        name: Annotated[str, Form()],
        size: Annotated[int, Form()] = 1,
        tags: Annotated[list[str] | None, Form()] = None,
    ) -> list[Any]:
        return [name, size, tags]

    @router.post("/m")
    def write_model(model: Annotated[Model, Form()]) -> Model:
        return model


@shape(
    post("/f", files={"file": ("a.txt", b"abc", "text/plain")}, data={"note": "n"}),
    post("/f", files={"file": ("a.txt", b"", "text/plain")}),
    post("/f", data={"note": "n"}),
    post("/b", files={"content": ("a", b"abcd")}),
    post("/many", files=[("files", ("a", b"1")), ("files", ("b", b"22"))]),
    post("/many"),
    post("/f", data={"file": "text"}),
    post("/o", files={"file": ("a", b"1")}),
    post("/o"),
)
def files(router: APIRouter, _: Trace) -> None:
    @router.post("/f")
    async def write(file: UploadFile, note: Annotated[str, Form()] = "") -> list[Any]:
        return [file.filename, file.content_type, file.size, (await file.read()).decode(), note]

    @router.post("/b")
    def write_bytes(content: Annotated[bytes, File()]) -> int:
        return len(content)

    @router.post("/many")
    async def write_many(files: list[UploadFile]) -> list[Any]:
        return [[file.filename, file.size] for file in files]

    @router.post("/o")
    def write_optional(file: UploadFile | None = None) -> str | None:
        return file.filename if file else None


@shape(
    post("/f", data={"a": "1", "b": "2"}),
    post("/g", data={"a": "1", "b": "2", "c": "3"}),
    post("/f", files={"a": (None, "1"), "b": (None, "2"), "c": (None, "3")}),
    post("/g", files={"a": (None, "1"), "b": (None, "2"), "c": (None, "3")}),
)
def form_limits(router: APIRouter, _: Trace) -> None:
    inner = APIRouter(form_limits={"max_fields": 2})

    @inner.post("/f")
    def write(a: Annotated[str, Form()], b: Annotated[str, Form()]) -> str:
        return a + b

    router.include_router(inner)

    @router.post("/g", form_limits={"max_fields": 1})
    def write_other(a: Annotated[str, Form()]) -> str:
        return a
