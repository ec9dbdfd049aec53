"""A trial (试取): what a page would be read as, with everything personal masked. Nothing is stored."""

from gateway.core.studies.trial.masking import PERSONAL, masked, shape_of
from gateway.core.studies.trial.pages import TriedField, TriedPage, TriedRow, try_page

__all__ = ["PERSONAL", "TriedField", "TriedPage", "TriedRow", "masked", "shape_of", "try_page"]
