"""What is a run, which files say so, and are they valid?  The facts, and every way they are written.

model.py        the facts, as frozen dataclasses
code.py         … of them the code, which a run needs before its command starts
values.py       the kinds of values that the facts have
plain.py        facts ↔ plain data (dict, list, scalars)
yaml_text.py    plain data ↔ YAML text; PyYAML's door
quick_yaml.py   … and text of the form that we write, read without it
text_shapes.py  … and text that differs in numbers alone from one read before
validation.py   plain data against schemas/*.schema.json; jsonschema's door
quick_check.py  … and what is plainly valid, found so without it
file_names.py   which file holds a metric's history, a folder's manifest, an artifact
histories.py    points ↔ metrics/<name>.tsv
upgrades.py     a record of an older format → one of today's
readme.py       the page for people on a forge
files.py        a run ↔ the files of its record: the way in and out
summary.py      the few facts that a table of runs shows
operations.py   what is said of a run later, in git notes: verdicts
"""
