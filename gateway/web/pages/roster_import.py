"""名册导入: a file is brought, what it would change is shown, and only then is it taken in or dropped.

The same previews as over the interface (`flow/roster/arriving.py`): sealed until they are decided, good for a day, with
the holds of an import on the command line.
"""

from __future__ import annotations

from concurrent.futures import TimeoutError as NotYet
from contextlib import suppress
from typing import Annotated, Final

from fastapi import APIRouter, File, Form, Path, Query, Response, UploadFile

from gateway.core.accounts.rights import Right
from gateway.core.roster.columns import NAMES, shown
from gateway.errors import BadInput, Conflict
from gateway.flow.accounts.trail import AuditNote, note_alone
from gateway.flow.roster.arriving import Arrival, confirm, discard, show
from gateway.web.pages.showing import ErrorPageRoute, Sitting, needs

router = APIRouter(prefix="/members/import", route_class=ErrorPageRoute, include_in_schema=False)

_PIECE: Final = 1 << 20
_WAITED_SECONDS: Final = 2.0
"""So long an answer waits for the comparison, which of a small office's roster takes less."""

PreviewId = Annotated[str, Path(pattern=r"^[0-9A-Za-z_-]{1,64}$")]
AssociationField = Annotated[str, Form(max_length=40)]


@router.get("")
def bring(
    at: Annotated[Sitting, needs(Right.ROSTER_IMPORT)],
    association: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """The form that takes a file."""
    return at.page("roster_import.html", association=at.one_association(association), problem="")


@router.post("")
def compare(
    at: Annotated[Sitting, needs(Right.ROSTER_IMPORT)],
    file: Annotated[UploadFile, File()],
    association: AssociationField = "",
) -> Response:
    """A file came: it is sealed and compared, and nothing is changed. The same file again is the same preview."""
    name = at.one_association(association)
    # Who brought it stands in the audit log.
    arrival = Arrival(at.office, name, "file", upload_id=at.desk.doors.new_lease(), caller="page")
    try:
        while data := file.file.read(_PIECE):
            arrival.take(data)
        preview = arrival.finish("")
    except BaseException as error:
        # Whatever went wrong: nothing of half a roster stays.
        arrival.give_up()
        if not isinstance(error, BadInput):
            raise
        return at.page("roster_import.html", status=422, association=name, problem=error.message)
    note_alone(at.office, AuditNote(account=at.viewer.account, act="roster_brought", subject=f"{name} {preview}"))
    return _worked(at, name, preview)


@router.get("/{preview}")
def preview(
    at: Annotated[Sitting, needs(Right.ROSTER_IMPORT)],
    preview: PreviewId,
    association: Annotated[str | None, Query(max_length=40)] = None,
) -> Response:
    """What the file would change; once it is confirmed, what it changed. One that is gone leads back to the form."""
    name = at.one_association(association)
    upload = show(at.office, name, preview)
    if upload is None:
        return at.back(f"/members/import?association={name}")
    if upload.state in ("comparing", "confirmed"):
        # What a restart broke off goes on when somebody looks.
        at.desk.rosters.work(name, preview)
    return at.page(
        "roster_preview.html", association=name, upload=upload, difference=upload.difference, column_words=_columns
    )


@router.post("/{preview}/confirm")
def take_in(
    at: Annotated[Sitting, needs(Right.ROSTER_IMPORT)], preview: PreviewId, association: AssociationField = ""
) -> Response:
    """It is meant: it is compared anew with the roster as it is then, and taken in."""
    name = at.one_association(association)
    # One that is still being compared is shown so, and can be confirmed once it is.
    with suppress(Conflict):
        confirm(at.office, name, preview, by=at.viewer.account)
    return _worked(at, name, preview)


@router.post("/{preview}/discard")
def drop(
    at: Annotated[Sitting, needs(Right.ROSTER_IMPORT)], preview: PreviewId, association: AssociationField = ""
) -> Response:
    """It is not meant: its rows go."""
    name = at.one_association(association)
    discard(at.office, name, preview)
    return at.back(f"/members/import?association={name}&done=discarded")


def _columns(names: str) -> str:
    """The columns a finding is about, as a clerk knows them."""
    return "、".join(shown(name) if name in NAMES else name for name in names.split(","))


def _worked(at: Sitting, association: str, preview: str) -> Response:
    """On to the preview, once it is worked or a moment has passed."""
    upload = show(at.office, association, preview)
    if upload is not None and upload.state in ("comparing", "confirmed"):
        with suppress(NotYet):
            at.desk.rosters.work(association, preview).result(timeout=_WAITED_SECONDS)
    return at.back(f"/members/import/{preview}?association={association}")
