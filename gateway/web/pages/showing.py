"""What every page stands on: who looks and may, the template, the headers, and an error that is a page too."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2_fragments import render_block

from gateway.core.accounts.rights import Right, may
from gateway.errors import BadInput, Conflict, HubaoError, Unavailable, WrongUse
from gateway.flow.office import Office
from gateway.model.account import Viewer
from gateway.web import session
from gateway.web.api.desk import Desk, desk_of
from gateway.web.pages.assets import address_of
from gateway.web.pages.fields import one_of
from gateway.web.pages.filters import FILTERS, FUNCTIONS
from gateway.web.problems import KINDS, Problem
from gateway.web.session import Allowed, PageRoute, csrf
from gateway.words.pages import NAVIGATION

HEADERS: Final = {
    **session.HEADERS,
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
"""On every page, beside those of `gateway.web.session`. No script or style stands inside a page, and nothing comes from
elsewhere; the small pictures of selects stand in the style itself."""


@cache
def templates() -> Environment:
    """The templates of the package, with the ways values are written."""
    folder = Path(__file__).parents[1] / "templates"
    made = Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)
    made.trim_blocks = made.lstrip_blocks = True
    made.filters.update(FILTERS)
    made.globals.update(FUNCTIONS, asset=address_of, Right=Right, zip=zip)
    return made


@dataclass(frozen=True)
class Sitting:
    """One request of somebody who is logged in and has the right to it."""

    request: Request
    viewer: Viewer
    desk: Desk

    @property
    def office(self) -> Office:
        """The site."""
        return self.desk.office

    @property
    def associations(self) -> list[str]:
        """The associations whose data are the viewer's to see."""
        return [name for name in sorted(self.office.associations) if self.viewer.scope.covers_association(name)]

    @property
    def has_desk(self) -> bool:
        """Whether clerks of some association of the viewer's decide in the gateway."""
        return bool(self.with_desk)

    @property
    def with_desk(self) -> list[str]:
        """The associations of the viewer's whose clerks decide in the gateway."""
        return [name for name in self.associations if self.office.associations[name].desk is not None]

    def one_with_desk(self, name: str | None) -> str:
        """The one of them that is asked about, or the first. Raises BadInput, WrongUse where there is none."""
        association = one_of(name, self.with_desk) or next(iter(self.with_desk), None)
        if association is None:
            raise WrongUse("没有在网关内核定的协会 (no association of yours decides here)")
        return association

    @property
    def feeds(self) -> dict[str, str]:
        """The feeds that serve an association of the viewer's, with their names."""
        served = set(self.associations)
        return {name: spec.name for name, spec in sorted(self.office.feeds.items()) if served & set(spec.associations)}

    def scheme(self, code: str) -> str:
        """What a scheme is called; its code where its file is gone."""
        family = self.office.schemes.get(code)
        return code if family is None else family.name

    def may(self, right: Right) -> bool:
        """Whether the viewer has this right too."""
        return may(self.viewer, right)

    def require(self, right: Right) -> None:
        """Raises Problem where the viewer has not."""
        if not self.may(right):
            raise Problem("forbidden")

    def one_association(self, name: str | None) -> str:
        """The association that is asked about: the one named, or the first that is the viewer's. Raises Problem."""
        if name in (None, "") and self.associations:
            return self.associations[0]
        if name not in self.associations:
            raise Problem("forbidden")
        return str(name)

    def in_scope(self, association: str) -> None:
        """Raises Problem where an association's data are not the viewer's to see."""
        if not self.viewer.scope.covers_association(association):
            raise Problem("forbidden")

    def page(self, template: str, *, block: str = "list", status: int = 200, **context: Any) -> Response:
        """A template as a page; where the script asks for a part of the page, that block of it alone."""
        context = {**context, **self._around()}
        if self.request.headers.get("hx-request") == "true" and status == 200:
            text = render_block(templates(), template, block, **context)
        else:
            text = templates().get_template(template).render(**context)
        return HTMLResponse(text, status_code=status, headers={**HEADERS, "vary": "hx-request"})

    def _around(self) -> dict[str, Any]:
        path = self.request.url.path
        hidden = set() if self.has_desk else {"/desk", "/payments"}
        shown = [entry for entry in NAVIGATION if self.may(Right(entry.right)) and entry.address not in hidden]
        return {
            "at": self,
            "site": self.office.gateway.name,
            "navigation": shown,
            "here": next((entry.address for entry in shown if path.startswith(entry.address)), ""),
            "now": self.office.now(),
            "csrf": csrf(self.request),
            "notice": NOTICES.get(self.request.query_params.get("done", "")),
        }

    def back(self, address: str) -> Response:
        """After something was done: go there."""
        return RedirectResponse(address, status_code=303, headers=HEADERS)


NOTICES: Final = {
    "decided": "已记下。",
    "undone": "已撤回。",
    "closed": "已关闭。",
    "reopened": "已重新打开。",
    "retried": "已重读。",
    "acknowledged": "已记下，到期再提醒。",
    "accepted": "已接受并写入。",
    "proposed": "已提出，须由另一人确认。",
    "changed": "与上次显示的差异不同，没有写入：请再看一遍。",
    "refused": "已拒绝，原样保留。",
    "redriven": "已重新排队。",
    "confirmed": "已确认。",
    "enabled": "已恢复送达。",
    "approved": "已核定。",
    "papers": "已请会员补材料。",
    "papers_in": "已登记材料补齐。",
    "undo": "已撤销。",
    "account": "已登记收款账户。",
    "discarded": "已放弃，没有改动名册。",
    "started": "已开始，稍后刷新查看结果。",
}
"""What is said on the page one comes to after something was done, by the word in its address."""


class Needs:
    """The dependency of a page or action: a viewer who has the right. A refusal is written down.

    `narrow`: the page itself shows only what is of the viewer's leagues, industries and units; any other page is
    refused to a viewer who may not see all of an association.
    """

    def __init__(self, right: Right, *, narrow: bool = False) -> None:
        self.right, self.narrow = right, narrow

    def __call__(self, request: Request) -> Sitting:
        viewer = Allowed(self.right)(request)
        scope = viewer.scope
        if not self.narrow and (scope.leagues or scope.industries or scope.units):
            raise Problem("forbidden")
        return Sitting(request=request, viewer=viewer, desk=desk_of(request))


def needs(right: Right, *, narrow: bool = False) -> Any:
    """For the signature of a page: `at: Annotated[Sitting, needs(Right.REVIEWS)]`."""
    return Depends(Needs(right, narrow=narrow))


class ErrorPageRoute(PageRoute):
    """A route of pages whose errors are pages too, and tell no value that was sent."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with errors answered."""
        answer = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await answer(request)
            except RequestValidationError:
                return _error_page(request, 422, "网址或表单里有不合要求的内容。")
            except HubaoError as error:
                return _error_page(request, *_status_and_words(error))

        return guarded


def _status_and_words(error: HubaoError) -> tuple[int, str]:
    if isinstance(error, Problem):
        status, title = KINDS[error.code]
        return status, error.detail or title
    if isinstance(error, BadInput):
        return KINDS.get(error.code, KINDS["not_valid"])[0], error.message
    if isinstance(error, Conflict):
        return 409, str(error)
    if isinstance(error, WrongUse):
        return 422, str(error)
    return (503, "暂时不可用，请稍后重试。") if isinstance(error, Unavailable) else (500, "内部错误，已记入日志。")


def _error_page(request: Request, status: int, words: str) -> Response:
    text = templates().get_template("error.html").render(status=status, words=words, path=request.url.path)
    return HTMLResponse(text, status_code=status, headers=HEADERS)
