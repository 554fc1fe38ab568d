"""The audit report: a second page of a run, for those who distrust every number of the first.

table         a table of finished strings, as the templates draw it
standing      how far people can be relied on for a code, by Krippendorff's limits
trust_view    which codes to trust: people and model beside each other, in words
people_view   all coders at once: every coefficient, on segments, on sets of codes, on spans
model_view    the model beside the coders: differences, verdicts, blind and seen
slices_view   over time, by attribute, by transcript, by coder; how much more to code
doctor_view   findings on the codebook, and what a merge would do
heat_view     which codes stand for which
settle_view   where coders differ, what settling it changes most first
methods       the paragraph for the paper
how_audit     how each number was computed
page          views -> HTML
"""
