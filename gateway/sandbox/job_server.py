"""A platform that prepares a day's file by a job: 3211 begins it, 3212 tells its state, 9102 gives it as Base64."""

from __future__ import annotations

from base64 import encodebytes
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from typing import Final

from gateway.sandbox.day_book import DayBook
from gateway.sandbox.national import Row
from gateway.sandbox.national_server import Gate, NationalApp, Output, PlatformError, day_of
from gateway.sandbox.people import words

COLUMNS: Final = words(
    "setl_id mdtrt_id psn_no psn_name psn_cert_type certno gend brdy insutype psn_type emp_name insuplc_admdvs "
    "mdtrtarea_admvs pay_loc fixmedins_code fixmedins_name hosp_lv begndate enddate ipt_days setl_time med_type "
    "setl_type refd_setl_flag dise_codg medfee_sumamt fulamt_ownpay_amt overlmt_selfpay preselfpay_amt "
    "inscp_scp_amt act_pay_dedc hifp_pay cvlserv_pay hifes_pay hifmi_pay hifob_pay maf_pay oth_pay "
    "fund_pay_sumamt psn_pay acct_pay cash_payamt hosp_part_amt"
)
"""The columns of a day's file."""


def file_of(rows: Iterable[Row], *, header: bool = True) -> bytes:
    """Rows as lines of cells with a TAB between them, in GB18030; what is nothing is `null`."""
    lines = ["\t".join(COLUMNS)] if header else []
    lines += ["\t".join("null" if row.get(name) is None else str(row[name]) for name in COLUMNS) for row in rows]
    return "".join(f"{line}\r\n" for line in lines).encode("gb18030")


class JobApp(NationalApp):
    """`failing`, `endless`: days whose first job fails, or never ends. A job is looked at twice before it is done."""

    def __init__(
        self,
        book: DayBook,
        gate: Gate,
        *,
        clock: Callable[[], float],
        failing: Iterable[date] = (),
        endless: Iterable[date] = (),
    ) -> None:
        super().__init__(gate, {"3211": self.begin, "3212": self.state, "9102": self.file}, clock=clock)
        self.book = book
        self._failing, self._endless = frozenset(failing), frozenset(endless)
        self._begun: Counter[date] = Counter()
        self._looked: Counter[str] = Counter()

    def begin(self, asked: Output) -> Output:
        """3211: a job for one day."""
        text = str(asked.get("clr_begin_ymd"))
        day = day_of(f"{text[:4]}-{text[4:6]}-{text[6:]}")
        self._begun[day] += 1
        return {"task_key": f"{day:%Y%m%d}-{self._begun[day]}"}

    def state(self, asked: Output) -> Output:
        """3212: how a job stands."""
        task = str(asked.get("task_key"))
        day, number = date.fromisoformat(task[:8]), task[9:]
        self._looked[task] += 1
        if number == "1" and day in self._failing:
            return {"check_state": "0", "task_status": "3"}
        if self._looked[task] < 2 or (number == "1" and day in self._endless):
            return {"check_state": "0", "task_status": 1}
        return {"check_state": "1", "task_status": "2", "file_qury_no1": f"fsi/day/{task[:8]}", "file_qury_no2": None}

    def file(self, asked: Output) -> Output:
        """9102: a file in Base64 with line breaks, under a Chinese name."""
        digits = str(asked.get("file_qury_no")).rpartition("/")[2]
        if not digits.isdigit():
            raise PlatformError("文件不存在")
        content = file_of(self.book.look(date.fromisoformat(digits)))
        return {"filename": f"医保每日对账{digits}.txt", "in": encodebytes(content).decode("ascii")}
