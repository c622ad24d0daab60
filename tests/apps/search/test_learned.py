"""What a shop's names and queries teach its search, and when it is read anew."""

from pathlib import Path

from huaxiang.apps.search.learned import Learned
from huaxiang.collect.catalogue import Catalogue
from huaxiang.retrieval.keyword_index import KeywordIndex
from huaxiang.store import Store, open_store
from huaxiang.types import Event
from tests.apps.search.visits import at, event, people, visit


def named(hour: float, item_id: str, name: str) -> Event:
    return Event(event="set_item", timestamp=at(hour), item_id=item_id, properties={"name": name})


def asked(store: Store, query: str) -> None:
    """Six people ask for it, and take what is shown first."""
    for number, user in enumerate(people(6)):
        store.append(visit(number, user, query=query, clicked=["sencha"]))


def test_queries_teach_spelling_beside_the_names_which_are_read_once(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/shop.db")
    store.append([named(0, "sencha", "Green tea sencha"), named(0, "boot", "Hiking boot")])
    catalogue = Catalogue(store)
    index, learned = KeywordIndex(catalogue), Learned(store, catalogue)
    learned.refresh(index)
    first = learned.understander
    assert first.read("hikng boot").corrected == "hiking boot"
    assert first.read("zarafa lapm").corrected is None

    asked(store, "zarafa lamp")
    learned._next_queries = learned._next_reading = 0.0  # time has passed
    learned.refresh(index)
    second = learned.understander
    assert second is not first
    assert second._speller is first._speller
    assert second.read("zarafa lapm").corrected == "zarafa lamp"

    store.append([named(20, "urn", "Copper samovar")])
    catalogue.refresh()
    index.refresh()
    learned._next_queries = learned._next_reading = 0.0
    learned.refresh(index)
    third = learned.understander
    assert third._speller is not first._speller
    assert third.read("coper samovar").corrected == "copper samovar"
    assert third.read("zarafa lapm").corrected == "zarafa lamp"
    store.close()


def taught(tmp_path: Path) -> tuple[Store, KeywordIndex, Learned]:
    """A shop whose spelling knows a query."""
    store = open_store(f"sqlite:///{tmp_path}/shop.db")
    store.append([named(0, "sencha", "Green tea sencha")])
    asked(store, "zarafa lamp")
    catalogue = Catalogue(store)
    index, learned = KeywordIndex(catalogue), Learned(store, catalogue)
    learned.refresh(index)
    assert learned.understander.read("zarafa lapm").corrected == "zarafa lamp"
    return store, index, learned


def test_a_query_of_which_too_few_allow_it_teaches_no_longer(tmp_path: Path) -> None:
    store, index, learned = taught(tmp_path)
    denied = {"scope": "training", "status": "denied"}
    store.append([event("consent", 20, user, properties=denied) for user in people(6)[:3]])
    learned._next_queries = learned._next_reading = 0.0  # time has passed
    learned.refresh(index)
    assert learned.understander.read("zarafa lapm").corrected is None
    store.close()


def test_an_erased_query_teaches_no_longer(tmp_path: Path) -> None:
    store, index, learned = taught(tmp_path)
    for user in people(6)[:3]:
        store.erase(user)
    learned.forget()
    learned.refresh(index)
    assert learned.understander.read("zarafa lapm").corrected is None
    store.close()
