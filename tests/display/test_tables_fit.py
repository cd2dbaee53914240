"""Tables: aligned whatever is in them, and as wide as they may be."""

from __future__ import annotations

from twice.display.characters import display_width
from twice.display.colour import Style
from twice.display.tables import Column, draw_table


def test_cells_are_aligned_by_the_cells_they_take_on_the_terminal() -> None:
    columns = [
        Column("name", ["数据", "e\u0301t\u00e9", Style(True).strong("x")]),
        Column("n", ["1", "22", "2.50.0"], align="right"),
        Column("last", [None, "", "end"]),
    ]
    assert draw_table(columns).text.split("\n") == [
        "name       n  last",
        "数据       1  -",
        "e\u0301t\u00e9       22",
        "\x1b[1mx\x1b[0m     2.50.0  end",
    ]


def test_constant_columns_go_first_then_params_and_metrics_never() -> None:
    columns = [
        Column("id", ["aaaa", "bbbb"], "fixed"),
        Column("same", ["x" * 8, "x" * 8]),
        Column("note", ["y" * 8, "z" * 8]),
        Column("lr", ["0.1", "0.2"], "param"),
        Column("wd", ["0.1", "0.2"], "param"),
        Column("loss", ["0.5", "0.5"], "metric"),
    ]

    def shown(width: int) -> str:
        return draw_table(columns, width=width).text.split("\n")[0]

    full = "id    same      note      lr   wd   loss"
    assert shown(len(full)) == full
    assert shown(len(full) - 1) == "id    note      lr   wd   loss"
    assert shown(29) == "id    note      lr   loss"
    assert shown(24) == "id    note      loss"
    assert shown(15) == shown(1) == "id    loss"
    assert draw_table(columns, width=29).hidden == ("same", "wd")
    assert draw_table(columns, width=None).hidden == ()


def test_text_that_looks_like_a_number_or_like_layout_is_left_alone() -> None:
    columns = [Column("v", ["2.50.0", "1e5", "0010", "\\x01", " - "]), Column("a\nb|c", ["|", "+", "---", "...", "*"])]
    text = draw_table(columns).text
    assert text.split("\n")[0] == "v       a\\nb|c"
    assert [line.split() for line in text.split("\n")[1:]] == [
        ["2.50.0", "|"],
        ["1e5", "+"],
        ["0010", "---"],
        ["\\x01", "..."],
        ["-", "*"],
    ]


def test_a_table_in_an_encoding_that_lacks_its_characters_is_still_aligned() -> None:
    columns = [Column("a", ["→", "xx"]), Column("b", ["1", "2"])]
    assert draw_table(columns, encoding="ascii").text == "a   b\n->  1\nxx  2"


def test_five_hundred_columns_and_none() -> None:
    columns = [Column(f"p{index}", [str(index), "0"], "param") for index in range(500)]
    table = draw_table([Column("id", ["a", "b"], "fixed"), *columns], width=80)
    assert max(map(display_width, table.text.split("\n"))) <= 80
    assert len(table.hidden) == 500 - (len(table.text.split("\n")[0].split()) - 1)
    assert draw_table([]).text == ""
    assert draw_table([Column("a", [])]).text == "a"


def test_metrics_that_do_not_fit_stand_below_with_the_first_column_again() -> None:
    columns = [
        Column("id", ["aaaa", "bbbb"], "fixed"),
        Column("lr", ["0.1", "0.2"], "param"),
        *(Column(f"metric{index}", ["0.25", "1"], "metric", "right") for index in range(3)),
        Column("数" * 30, ["1", "2"], "metric", "right"),
    ]
    table = draw_table(columns, width=22)
    assert table.hidden == ("lr",)
    assert table.text.split("\n") == [
        "id    metric0  metric1",
        "aaaa     0.25     0.25",
        "bbbb        1        1",
        "",
        "id    metric2",
        "aaaa     0.25",
        "bbbb        1",
        "",
        "id    数数数数…数数数",
        "aaaa                1",
        "bbbb                2",
    ]
    many = [columns[0], *(Column(f"m{index}", ["0.5", "1"], "metric") for index in range(500))]
    for width in (40, 80, 200):
        text = draw_table(many, width=width).text
        assert max(map(display_width, text.split("\n"))) <= width
        assert {f"m{index}" for index in range(500)} <= set(text.split())
