"""Tags from a catalogue's own fields."""

from huaxiang.text.tags import item_tags
from huaxiang.types import Item


def test_a_teapot_has_its_brand_each_level_of_its_category_and_its_attributes() -> None:
    pot = Item(
        "pot", "Teapot", "Acme", ("Home", "Tea", "Pots"), attributes={"Colour": ("red", "white"), "材质": ("陶瓷",)}
    )
    assert item_tags(pot) == [
        ("brand", "Acme"),
        ("category", "Home"),
        ("category", "Home > Tea"),
        ("category", "Home > Tea > Pots"),
        ("attribute:colour", "red"),
        ("attribute:colour", "white"),
        ("attribute:材质", "陶瓷"),
    ]


def test_values_that_say_nothing_are_no_tags() -> None:
    item = Item("x", "X", " N/A ", ("Home", "Unknown"), attributes={"size": ("", "无", "none"), " ": ("red",)})
    assert item_tags(item) == [("category", "Home")]


def test_one_value_in_two_spellings_is_one_tag_in_the_first_spelling() -> None:
    item = Item("x", "X", "  ACME   Tools ", attributes={"colour": ("Red", "red ", "RED"), "Colour": ("rEd",)})
    assert item_tags(item) == [("brand", "ACME Tools"), ("attribute:colour", "Red")]


def test_an_item_of_an_id_alone_has_no_tags() -> None:
    assert item_tags(Item("x")) == []
