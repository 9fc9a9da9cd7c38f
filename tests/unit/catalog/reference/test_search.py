"""Does a search find what was meant, and is it first?"""

from headgate.catalog.reference.search import RESULTS_MAX, Searched, SearchIndex, fold

INDEX = SearchIndex(
    [
        Searched("list", "List pets", ("listPets", "GET", "/pets"), ("pets",), "All of them."),
        Searched("add", "Add a pet", ("addPet", "POST", "/pets"), ("pets",), "Makes one."),
        Searched("order", "Order food", ("orderFood", "POST", "/orders"), ("shop",), "For pets."),
        Searched("café", "Cafés nearby", ("cafes", "GET", "/cafes"), (), ""),
    ]
)


def test_what_a_title_says_comes_before_what_a_text_says() -> None:
    assert INDEX.find("pets")[0] == "list"
    assert INDEX.find("pets")[-1] == "order"


def test_every_word_has_to_be_found() -> None:
    assert INDEX.find("add pet") == ("add",)
    assert INDEX.find("add unicorn") == ()


def test_names_of_operations_paths_methods_and_tags_are_found() -> None:
    assert INDEX.find("listPets") == ("list",)
    assert INDEX.find("/orders") == ("order",)
    assert INDEX.find("post pets") == ("add", "order")
    assert INDEX.find("shop") == ("order",)


def test_case_accents_and_ends_of_words_do_not_matter() -> None:
    assert INDEX.find("CAFES") == ("café",)
    assert INDEX.find("caf") == ("café",)
    assert fold("getUserByID") == "get user by id"


def test_no_words_find_nothing() -> None:
    assert INDEX.find("") == ()
    assert INDEX.find("  / ") == ()


def test_an_index_of_ten_thousand_operations_is_searched_and_bounded() -> None:
    many = SearchIndex(
        Searched(f"k{n}", f"Get thing {n}", (f"getThing{n}", "GET", f"/things/{n}"), ("things",))
        for n in range(10_000)
    )
    assert many.find("thing 9999") == ("k9999",)
    assert len(many.find("get", 10_000)) == RESULTS_MAX


def test_equal_ones_keep_their_order() -> None:
    same = SearchIndex(Searched(f"k{n}", "Same") for n in range(10))
    assert same.find("same") == tuple(f"k{n}" for n in range(10))
