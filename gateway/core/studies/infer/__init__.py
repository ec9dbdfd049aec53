"""Infer (推断): a sample of a league's bytes → a whole mapping as a proposal, each line with its confidence and why."""

from gateway.core.studies.infer.choosing import Guess, Proposal, propose
from gateway.core.studies.infer.samples import Sample, SampleColumn
from gateway.core.studies.infer.sniffing import READERS, read_sample
from gateway.core.studies.infer.writing import mapping_text

__all__ = ["READERS", "Guess", "Proposal", "Sample", "SampleColumn", "mapping_text", "propose", "read_sample"]
