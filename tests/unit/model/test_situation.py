"""Recipes are kept as JSON beside their situation, and read back for as long as the Change lives."""

import json

from hypothesis import given
from hypothesis import strategies as st

from fairlead.model.facet import Facet
from fairlead.model.situation import Recipe, Step, read_recipe, show_recipe

words = st.text(min_size=1, max_size=12)
steps = st.builds(
    Step,
    driver=st.sampled_from(["carrier", "shadow"]),
    verb=words,
    on=st.sampled_from(["target", "current", "device"]),
    facets=st.lists(st.sampled_from(Facet), min_size=1, max_size=4, unique=True).map(tuple),
    proof=st.sampled_from(["read-back", "session-and-reported", "reported", "none"]),
    deadline_s=st.integers(1, 10**6),
    undo=st.sampled_from(["exact", "forward-only", "none"]),
    undo_verb=st.none() | words,
)
recipes = st.builds(
    Recipe,
    steps=st.lists(steps, max_size=4).map(tuple),
    blocked=st.none() | words,
    block_code=st.none() | words,
    notes=st.lists(words, max_size=3).map(tuple),
)


@given(recipes)
def test_a_recipe_survives_the_database(recipe: Recipe) -> None:
    assert read_recipe(json.loads(json.dumps(show_recipe(recipe)))) == recipe
