import json
import re
from pathlib import Path

import pandas
import pytest

from fairrec.catalogs import Catalog
from fairrec.errors import BadData, WrongUse
from fairrec.recordings import RecordedRecommender, read_recording, write_recording
from fairrec.recordings.line import RecordedLine
from fairrec.types import Arm, Outcome, Request, content_hash

FEMALE, MALE = {"gender": "female"}, {"gender": "male"}


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def answers(user="u1", own=FEMALE, **more):
    line = {"user": user, "user_profile": own, "k": 3, **more}
    return [
        {**line, "titles": ["Alien", "Jaws", "Big"]},
        {**line, "titles": ["Jaws", "Alien"], "replicate": 1},
        {**line, "titles": ["Alien", "Big"], "profile": FEMALE},
        {**line, "titles": ["Rocky", "Big"], "profile": MALE},
    ]


def test_the_arms_are_read_off_what_was_stated(tmp_path):
    recording = read_recording(write(tmp_path / "a.jsonl", answers()))
    assert [p.arm for p in recording.probes] == [
        Arm.NEUTRAL,
        Arm.REPEAT,
        Arm.SENSITIVE,
        Arm.COUNTERFACTUAL,
    ]
    assert [(p.attribute, p.value) for p in recording.probes][2:] == [
        ("gender", "female"),
        ("gender", "male"),
    ]
    assert recording.users[0].profile == FEMALE
    assert recording.k == 3
    assert recording.missing == ()


def test_without_a_catalogue_two_spellings_are_one_item(tmp_path):
    rows = [
        {"topic": "x", "titles": ["The Matrix (1999)", "Jaws"]},
        {"topic": "y", "titles": ["matrix", "Big"]},
    ]
    recording = read_recording(write(tmp_path / "a.jsonl", rows))
    first, second = (answer.ranking.items for answer in recording.answers)
    assert first[0] == second[0]
    assert recording.titles[first[0]] == "The Matrix (1999)"
    assert not recording.of_users


def test_with_a_catalogue_titles_become_its_items(tmp_path):
    catalog = Catalog(("7", "8"), ("The Matrix", "Jaws"))
    rows = [{"topic": "x", "titles": ["matrix", "Nowhere"]}]
    recording = read_recording(write(tmp_path / "a.jsonl", rows), catalog)
    assert recording.answers[0].ranking.items == ("7", "?nowhere")


def test_relevant_titles_are_the_same_items(tmp_path):
    rows = [{"user": "u", "titles": ["The Matrix"], "relevant": ["matrix", "Jaws"]}]
    recording = read_recording(write(tmp_path / "a.jsonl", rows))
    assert recording.answers[0].ranking.items[0] in recording.users[0].held_out


def test_raw_text_is_read_as_an_answer(tmp_path):
    rows = [
        {"topic": "x", "text": "1. Alien\n2. Jaws"},
        {"topic": "y", "text": "I'm sorry, I can't recommend films."},
    ]
    recording = read_recording(write(tmp_path / "a.jsonl", rows))
    assert recording.answers[0].ranking.items == ("alien", "jaws")
    assert recording.answers[1].ranking.outcome is Outcome.REFUSED


def test_every_broken_row_is_named(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"user": "u", "titles": ["A"]}\n'
        "{\n"
        '{"user": "u", "topic": "t", "titles": ["A"]}\n'
        '{"user": "v", "titels": ["A"]}\n'
        '{"user": "w", "titles": ["A"], "scores": [NaN]}\n'
        '{"user": "x", "titles": ["A"], "scores": [1, 2]}\n'
        '{"user": "y", "titles": [" "]}\n'
    )
    with pytest.raises(BadData) as error:
        read_recording(path)
    message = str(error.value)
    assert "has 6 problem(s)" in message
    assert "row 2: no JSON" in message
    assert "row 3: a line names either a user or a topic" in message
    assert "row 4: titels: Extra inputs are not permitted" in message
    assert "row 5: scores.0: Input should be a finite number" in message
    assert "row 6: 2 scores for 1 items" in message
    assert "row 7: a title or item is blank" in message


def test_contradicting_duplicates_are_refused_and_equal_ones_counted(tmp_path):
    rows = answers() + answers()[:1]
    recording = read_recording(write(tmp_path / "a.jsonl", rows))
    assert len(recording.probes) == 4
    assert recording.warnings == ("1 row(s) say the same as an earlier one and count once.",)
    rows[-1] = {**rows[-1], "titles": ["Other"]}
    with pytest.raises(BadData, match="row 5: answers what row 1 answers, and otherwise"):
        read_recording(write(tmp_path / "b.jsonl", rows))


def test_facts_of_a_user_must_agree(tmp_path):
    rows = answers()[:1] + answers(own=MALE)[3:]
    with pytest.raises(BadData, match="row 2: user_profile of 'u1' is another one in row 1"):
        read_recording(write(tmp_path / "a.jsonl", rows))


def test_missing_conditions_are_listed(tmp_path):
    rows = answers("u1") + answers("u2", MALE)[1:3]
    recording = read_recording(write(tmp_path / "a.jsonl", rows))
    assert recording.missing == ("'u2' without neutral", "'u2' without the user's own gender")
    assert "lacks 2 condition(s)" in recording.warnings[0]


def test_not_every_other_value_need_be_asked_of_everybody(tmp_path):
    def line(user, own, said=None):
        stated = {} if said is None else {"profile": {"age": said}}
        return {"user": user, "user_profile": {"age": own}, "titles": ["A"], **stated}

    ages = {"u1": ("young", "old"), "u2": ("old", "middle"), "u3": ("middle", "young")}
    rows = [
        line(user, own, said) for user, (own, other) in ages.items() for said in (None, own, other)
    ]
    assert read_recording(write(tmp_path / "a.jsonl", rows)).missing == ()
    rows.append({"user": "u4", "user_profile": {"gender": "female"}, "titles": ["A"]})
    assert read_recording(write(tmp_path / "b.jsonl", rows)).missing == (
        "'u4' without another age",
    )


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("a.txt", "", WrongUse, "ends in '.txt'"),
        ("a.jsonl", "", BadData, "holds no row"),
        ("a.csv", "", BadData, "cannot be read"),
    ],
)
def test_files_that_are_none(tmp_path, name, content, error, words):
    (tmp_path / name).write_text(content)
    with pytest.raises(error, match=words):
        read_recording(tmp_path / name)
    with pytest.raises(WrongUse):
        read_recording(tmp_path / "nowhere.jsonl")


def test_mixed_users_and_topics_are_refused(tmp_path):
    rows = [{"user": "u", "titles": ["A"]}, {"topic": "t", "titles": ["A"]}]
    with pytest.raises(BadData, match="some rows name a user and some a topic"):
        read_recording(write(tmp_path / "a.jsonl", rows))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_tables_say_the_same_as_json_lines(tmp_path, ending):
    rows = [
        {
            **row,
            "titles": "\n".join(row["titles"]),
            "profile.gender": row.get("profile", {}).get("gender"),
        }
        for row in answers()
    ]
    table = pandas.DataFrame(rows).drop(columns="profile")
    table["user_profile"] = table["user_profile"].map(json.dumps)
    path = tmp_path / f"a.{ending}"
    table.to_csv(path, index=False) if ending == "csv" else table.to_parquet(path)
    read = read_recording(path)
    expected = read_recording(write(tmp_path / "a.jsonl", answers()))
    assert read.probes == expected.probes
    assert [a.ranking for a in read.answers] == [a.ranking for a in expected.answers]


def test_a_title_in_square_brackets_is_no_json(tmp_path):
    (tmp_path / "a.csv").write_text("topic,titles\nx,[REC]\n")
    assert read_recording(tmp_path / "a.csv").answers[0].ranking.items == ("rec",)


@pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
def test_what_is_written_is_read_back(tmp_path, ending):
    rows = answers() + answers("u2", MALE, relevant=["Big"], template="b")
    rows[0]["scores"] = [3, 2, 1.5]
    rows[1]["embedding"] = [0.25, -1]
    first = read_recording(write(tmp_path / "a.jsonl", rows))
    path = tmp_path / f"b.{ending}"
    write_recording(path, first.probes, first.answers, first.users)
    again = read_recording(path)
    assert content_hash([p.id for p in again.probes]) == content_hash([p.id for p in first.probes])
    assert [a.ranking for a in again.answers] == [a.ranking for a in first.answers]
    assert again.users == first.users


def test_the_recorded_recommender_answers_by_what_was_stated(tmp_path):
    recommender = RecordedRecommender(read_recording(write(tmp_path / "a.jsonl", answers())))
    known, unknown = recommender.recommend(
        [
            Request(3, "other words", profile=MALE, slots={"user": "u1"}),
            Request(3, "other words", profile=MALE, slots={"user": "u9"}),
        ]
    )
    assert known.items == ("rocky", "big")
    assert unknown.outcome is Outcome.ERROR
    assert "no answer to {'user': 'u9'}" in unknown.detail


def test_a_byte_order_mark_is_no_part_of_the_first_row(tmp_path):
    rows = "\n".join(json.dumps(row) for row in answers())
    (tmp_path / "a.jsonl").write_text(rows, "utf-8-sig")
    assert len(read_recording(tmp_path / "a.jsonl").probes) == 4
    (tmp_path / "a.csv").write_text("topic,titles\nx,Alien\n", "utf-8-sig")
    assert len(read_recording(tmp_path / "a.csv").probes) == 1


def test_the_page_about_recordings_shows_one(tmp_path):
    page = (Path(__file__).parents[2] / "docs/recorded-answers.md").read_text("utf-8")
    (tmp_path / "a.jsonl").write_text(re.search(r"```json\n(.*?)```", page, re.S)[1], "utf-8")
    recording = read_recording(tmp_path / "a.jsonl")
    assert [p.arm for p in recording.probes] == [
        Arm.NEUTRAL,
        Arm.REPEAT,
        Arm.SENSITIVE,
        Arm.COUNTERFACTUAL,
    ]
    fields = set(re.findall(r"`(\w+)`", page.split("## Fields")[1].split("What is said")[0]))
    assert set(RecordedLine.model_fields) <= fields
