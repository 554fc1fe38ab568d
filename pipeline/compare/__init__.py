"""compare: people beside each other, and the model beside people; what an evaluator needs to trust or distrust.

columns         Panel, Column: what each coder, a consensus, a machine and the model said of every segment
pairs           each two of them, per code and pooled: ``comparisons`` and ``macro`` of agreement.json
overall         all human coders at once, on segments and on the spans that they marked: ``overall``
spans           what people marked, character by character, for unitizing alpha
beside          the model beside people on the same units, with the difference: ``beside``, ``verdicts``
basis           coded blind, or with a suggestion in view: ``basis``
slices          agreement over time, by attribute, by transcript, by coder: ``slices``
sample_size     how many more interviews an interval of a stated width takes: ``sample_size``
confusions      which codes stand for which: ``confusions``
disagreements   every cell in which coders differ: disagreements.csv
cells_table     who said what of every segment and code: cells.csv
doctor          what is wrong with the codebook, and what a merge would do: doctor.json
stage           the stage itself: from keys to these files
"""
