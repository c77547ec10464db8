"""study.yaml, contract.yaml and experiment.yaml that no step takes: no YAML, no such key, values out of range, names that are nowhere."""

from __future__ import annotations

from typing import Any

import polars as pl
from bad_case import PEOPLE, Bad, N, Room, added, altered, replaced

from conftest import houses


def split(room: Room, study: Any) -> object:
    return room.command("split", study)


def prepare(room: Room, study: Any) -> object:
    return room.command("prepare", study)


def said(change: Any, table: pl.DataFrame = PEOPLE) -> Any:
    """Return the maker of a study whose study.yaml is changed."""
    return lambda room: room.study(change, table)


def whole(text: str) -> Any:
    return said(lambda _: text)


def problem(line: str) -> Any:
    return said(replaced("  task:", f"  {line}\n  task:"))


def data(line: str, table: pl.DataFrame = PEOPLE) -> Any:
    return said(replaced("data:\n", f"data:\n  {line}\n"), table)


def of_price(line: str) -> Any:
    """Return the maker of a study of a number that is negative in places."""
    change = replaced("target: bought\n  task: binary", f"target: price\n  {line}\n  task: regression")
    return said(
        lambda text: replaced("  positive: 'yes'", "")(change(text)), houses(N).with_columns(pl.col("price") - 300)
    )


STUDIES = [
    Bad("study.yaml of 0 bytes", whole(""), r"study\.yaml is empty.*Do: write it by `fieldguide init`"),
    Bad("comments only", whole("# nothing\n"), r"study\.yaml is empty"),
    Bad("a list", whole("- a\n- b\n"), r"study\.yaml has no keys at the top.*Found: a list on line 1"),
    Bad("a text", whole("hello there\n"), r"no keys at the top.*Found: the text 'hello there'"),
    Bad("a tab", said(lambda text: "problem:\n\tgoal: x\n" + text), r"is not valid YAML.*Found: line 2, column 1: a tab"),
    Bad("a bracket that is never closed", said(added("slices: [city\n")), r"is not valid YAML.*Found: line \d+"),
    Bad("two documents", said(added("---\nseed: 3\n")), r"is not valid YAML.*leave out the second '---'"),
    Bad("a NUL character", said(added("# \0\n")), r"is not valid YAML.*the character '\\x00' is not allowed.*Do: remove"),
    Bad("another encoding", said(added("# K\udcf6ln\n")), r"is not UTF-8 text.*is 0xf6.*Do: save it as UTF-8"),
    Bad("an alias that holds itself", said(added("slices: &a [*a]\n")), r"an alias \(\*\) is not allowed"),
    Bad("aliases that grow without bound", said(added("slices: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n")), r"an alias \(\*\) is not allowed"),
    Bad("a tag that would make an object", said(added("slices: !!python/object/apply:os.system [ls]\n")), r"a tag is not allowed; found .*os\.system"),
    Bad("lists in lists in lists", said(added(f"slices: {'[' * 200}{']' * 200}\n")), r"is nested too deeply.*Rule: at most 50 levels"),
    Bad("100,000 brackets", said(added(f"slices: {'[' * 100_000}\n")), r"is nested too deeply"),
    Bad("2 MB of text", said(added(f"# {'x' * 2_000_000}\n")), r"is too large.*Rule: at most 1,000,000 bytes"),
    Bad("a key that stands twice", said(added("seed: 8\n")), r"seed: the key stands twice, on lines \d+ and \d+"),
    Bad("a key that there is not", problem("gaol: x"), r"problem\.gaol: unknown key \(did you mean 'goal'\?\)"),
    Bad("a key in another section", said(added("minutes: 3\n")), r"minutes: unknown key here; it belongs under budget"),
    Bad("a number that is a text", problem("success: lots"), r"problem\.success: must be a number; found 'lots'"),
    Bad("a seed below 0", said(replaced("seed: 7", "seed: -1")), r"seed: must be at least 0; found '-1'"),
    Bad("a seed of 400 digits", said(replaced("seed: 7", f"seed: {'9' * 400}")), r"seed: "),
    Bad("infinite minutes", said(replaced("minutes: 10", "minutes: .inf")), r"budget\.minutes: must be a number"),
    Bad("a share above 1", said(added("split: {test: 1.5}\n")), r"split\.test: must be a share of the rows between 0 and 1"),
    Bad("three mistakes at once", said(lambda text: text.replace("  task:", "  tsak: binary\n  success: lots\n  task:", 1).replace("seed: 7", "seed: -1")), r"study\.yaml has 3 mistakes.*problem\.tsak.*problem\.success.*seed"),
    Bad("a table that is not there", said(replaced("t.csv", "u.csv")), r"there is no file .*u\.csv"),
    Bad("a table that is a folder of texts", lambda room: (room.write("notes/a.txt", "x"), room.write("notes/b.md", "y"), room.study(replaced("../t.csv", "../notes")))[2], r"notes.*"),
    Bad("a target that is no column", said(replaced("target: bought", "target: bougth")), r"there is no column 'bougth' \(did you mean 'bought'\?\)"),
    Bad("a positive label that no row has", said(replaced("positive: 'yes'", "positive: maybe")), r"no label 'maybe'"),
    Bad("a task that there is not", said(replaced("task: binary", "task: binry")), r"there is no task 'binry' \(did you mean 'binary'\?\)"),
    Bad("a task that the target cannot have", said(replaced("target: bought\n  task: binary", "target: city\n  task: regression")), r"no row of .*t\.csv has a target.*Found: 80 rows without city"),
    Bad("a metric that there is not", said(replaced("  # metric:", "  metric: roc_uac  #")), r"problem\.metric: there is no metric 'roc_uac' \(did you mean 'roc_auc'\?\)"),
    Bad("a metric of another task", said(replaced("  # metric:", "  metric: rmse  #")), r"metric 'rmse' cannot judge 'bought'.*Found: the task is binary.*Do: use one of accuracy, "),
    Bad("a learner that there is not", said(added("learners: {use: [boostin]}\n")), r"there is no learner 'boostin' \(did you mean 'boosting'\?\)"),
    Bad("a setting that a learner has not", said(added("learners: {settings: {boosting: {depht: 3}}}\n")), r"Boosting has no setting 'depht'.*Found: depht = 3", lambda room, study: room.command("baseline", study)),
    Bad("a loss that there is not", problem("loss: focl"), r"loss.*focl"),
    Bad("costs of nothing", problem("costs: {false_positive: 0, false_negative: 0}"), r"problem\.costs: an error must cost something"),
    Bad("costs below 0", problem("costs: {false_positive: -1, false_negative: 1}"), r"problem\.costs\.false_positive: must be at least 0"),
    Bad("costs on several classes", said(lambda text: replaced("  positive: 'yes'", "")(replaced("target: bought\n  task: binary", "target: city\n  costs: {false_positive: 1, false_negative: 5}\n  task: multiclass")(text))), r"problem\.costs says .* the task of 'city' is multiclass.*Do: remove problem\.costs", prepare),
    Bad("a logarithm of negative targets", of_price("transform: log1p"), r"problem\.transform is log1p and 'price' has negative values.*Found: the smallest is -2"),
    Bad("a kind that there is not", data("columns: {age: nmber}"), r"data\.columns\.age: must be one of .*did you mean 'number'"),
    Bad("a column that there is not", data("columns: {agee: ignore}"), r"there is no column 'agee' \(did you mean 'age'\?\)"),
    Bad("a derived column that cannot be read", data("derive: {z: age +}"), r"data\.derive\.z: the expression cannot be read at character 6"),
    Bad("a derived column of nothing known", data("derive: {z: agee * 2}"), r"data\.derive\.z: there is no column 'agee'"),
    Bad("a derived column of itself", data("derive: {z: z * 2}"), r"data\.derive\.z"),
    Bad("a derived column of the target", data("derive: {z: bought = 'yes'}"), r"data\.derive\.z: uses the target"),
    Bad("a derived column that runs code", data("derive: {z: \"__import__('os').system('ls')\"}"), r"data\.derive\.z: "),
    Bad("a slice of no column", said(added("slices: [cty]\n")), r"slices\[0\]: there is no column 'cty' \(did you mean 'city'\?\)"),
    Bad("a population that is no condition", said(added("population: {evaluate: age + 1}\n")), r"does not give true or false"),
    Bad("a number as time", data("time: spend"), r"data\.time names 'spend', which is a number.*Rule: the time column holds dates"),
    Bad("a time with gaps", said(replaced("  # time:", "  time:"), altered(5, "joined", None)), r"'joined' has no time in 1 rows.*Do: fill or drop these rows"),
    Bad("a group that is every row", data("group: clinic", PEOPLE.with_columns(clinic=pl.lit("A7"))), r"no test set can be sealed.*Found: .*80 to learn from and 0 to seal"),
    Bad("a group that is nearly every row", data("group: clinic", PEOPLE.with_columns(clinic=pl.when(pl.int_range(N) < 79).then(pl.lit("A7")).otherwise(pl.lit("B1")))), r"no test set can be sealed"),
    Bad("3 rows", said(str, PEOPLE.head(3)), r"3 rows are too few to seal a test set.*Rule: a study has at least 20 rows with a target"),
    Bad("19 rows", said(str, PEOPLE.head(19)), r"19 rows are too few"),
    Bad("a split that nobody marks", said(added("split: {column: city, test: Paris}\n")), r"split\.column 'city' marks 0 of 80 rows as 'Paris'"),
    Bad("one class left to learn from", said(added("split: {column: part, test: held}\n"), PEOPLE.with_columns(part=pl.col("bought").replace({"yes": "held", "no": "used"}))), r"the rows left to learn from hold one class only", prepare),
    Bad("a table of the target alone", said(str, PEOPLE.select("bought")), r"no column is left to predict from.*Found: the target is the only column", prepare),
    Bad("features that never change", said(str, PEOPLE.select("bought", a=pl.lit(1), b=pl.lit("x"))), r"no column is left to predict from.*'a' \(every cell is '1'\), 'b'", prepare),
    Bad("rules of no output", said(added("rules: {default: no, order: [{name: a, when: agee > 3, decide: yes}]}\n")), r"agee"),
    Bad("a folder that is no study", lambda room: room.write("empty/readme.txt", "x").parent, r"is not a study folder.*Rule: a study folder holds study\.yaml.*Do: make one"),
    Bad("contract.yaml that is no YAML", lambda room: (room.study(added("# changed\n")), room.write("study/contract.yaml", "features: [\n"))[0], r"contract\.yaml is not valid YAML"),
    Bad("contract.yaml with mistakes", lambda room: (room.study(added("# changed\n")), room.write("study/contract.yaml", "features:\n  age: {kind: numbr, versin: 2}\n"))[0], r"contract\.yaml has 2 mistakes.*features\.age\.kind.*features\.age\.versin"),
    Bad("contract.yaml that is not where it is said to be", data("contract: agreed.yaml"), r"agreed\.yaml cannot be read.*Do: check data\.contract"),
    Bad("a journal that was altered", lambda room: (room.study(added("# changed\n")), room.write("study/journal.jsonl", '{"event": "look", "data": {}, "before": "", "hash": "0"}\n'))[0], r"journal\.jsonl was altered.*Found: line 1 does not match its hash"),
    Bad("a journal of zeros", lambda room: (room.study(added("# changed\n")), room.write("study/journal.jsonl", bytes(500) + b"\n"))[0], r"journal\.jsonl was altered"),
]  # fmt: skip
"""Study folders a step refuses; what was in them stays."""

PLAN = """name: bigger
log: sqlite:///log.db
arms:
  control: {share: 0.9}
  candidate: {share: 0.1, changes: [model]}
measures:
  clicks: {role: primary, per: request, effect: 0.01}
window: 7d
"""


def start(room: Room, folder: Any) -> object:
    return room.command("experiment", "start", folder)


def planned(old: str, new: str) -> Any:
    return lambda room: room.write("trial/experiment.yaml", replaced(old, new)(PLAN)).parent


PLANS = [
    Bad("no experiment.yaml", lambda room: room.write("trial/readme.md", "x").parent, r"experiment\.yaml cannot be read.*Do: .*experiment plan FOLDER --log LOG"),
    Bad("one arm", planned("  candidate: {share: 0.1, changes: [model]}\n", ""), r"an experiment has two arms.*found 1"),
    Bad("shares above 1", planned("share: 0.1", "share: 0.2"), r"the shares sum to more than 1; found 1\.1"),
    Bad("no primary measure", planned("role: primary, ", ""), r"exactly one measure is primary"),
    Bad("a change of nothing known", planned("[model]", "[modle]"), r"did you mean 'model'\?"),
    Bad("an arm that is two systems", planned("changes: [model]", "url: http://x, python: a.b:c"), r"an arm is one system"),
    Bad("a window of months", planned("7d", "3m"), r"m could be either"),
    Bad("a log of no store", planned("sqlite:///log.db", "mysql://me:secret@host/log"), r"no store opens mysql://me:\*\*\*@host/log", lambda room, folder: room.command("experiment", "plan", folder)),
]  # fmt: skip
"""Experiments that cannot be started."""
